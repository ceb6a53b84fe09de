/** The program as a process of its own, under the permissions of a task of deno.json. @module */

/** What a process left behind. */
export interface ProcessEnd {
  /** Exit code. */
  readonly code: number;
  /** All of stdout. */
  readonly stdout: string;
  /** All of stderr. */
  readonly stderr: string;
}

const ROOT = new URL("../../", import.meta.url).pathname;

const { tasks }: { tasks: Record<string, { command: string }> } = JSON.parse(
  await Deno.readTextFile(`${ROOT}deno.json`),
);

/** Starts `tagseal <args>` as the task `task` may, in `folder`, which is its home as well. */
export function startProgram(
  task: string,
  args: readonly string[],
  folder: string,
  env: Readonly<Record<string, string>> = {},
): Deno.ChildProcess {
  const set = /(?<= -P=)\S+/.exec(tasks[task]!.command)![0];
  const cache = Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`;
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-q", "--no-prompt", `--config=${ROOT}deno.json`, `-P=${set}`, `${ROOT}tasks/main.ts`, ...args],
    cwd: folder,
    clearEnv: true,
    env: { PATH: "/usr/bin:/bin", HOME: folder, DENO_DIR: cache, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Runs it to its end. */
export async function runProgram(...start: Parameters<typeof startProgram>): Promise<ProcessEnd> {
  const { code, stdout, stderr } = await startProgram(...start).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}
