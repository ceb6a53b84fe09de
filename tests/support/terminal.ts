/** Programs that believe to stand on a terminal; needs `script`. @module */

/** Starts a command line on a terminal of its own, with these variables and no other ones. */
export function startOnTerminal(
  command: string,
  cwd: string,
  env: Readonly<Record<string, string>>,
): Deno.ChildProcess {
  return new Deno.Command("script", {
    args: ["-qec", command, "/dev/null"],
    cwd,
    clearEnv: true,
    env,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
}
