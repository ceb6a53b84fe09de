/** Programs that are ended as `kill -9` does, in the very moment of one of the calls that change files. @module */
const KILL_AT = new URL("kill_at.ts", import.meta.url).pathname;
const CONFIG = new URL("../../deno.json", import.meta.url).pathname;

/** What a program is, and how it is run. */
export interface Watched extends Pick<Deno.CommandOptions, "cwd" | "env"> {
  /** Its file and arguments, or its source. */
  readonly program: readonly string[] | string;
  /** At which call it is killed: the how manieth of all, from 0, or the first of that name; at none unless said. */
  readonly at?: number | string | undefined;
}

/** How it ended. */
export interface Ended {
  readonly code: number;
  readonly signal: Deno.Signal | null;
  readonly stderr: string;
  /** The names of the calls, the one at which it was killed being the last. */
  readonly calls: readonly string[];
}

/** Runs a program of this project until it ends, or is killed. */
export async function runWatched({ program, at, cwd, env }: Watched): Promise<Ended> {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-killed-" });
  try {
    const [log, source] = [`${folder}/log`, `${folder}/source.ts`];
    await Deno.writeTextFile(log, "");
    if (typeof program === "string") await Deno.writeTextFile(source, program);
    const line = typeof program === "string" ? [source] : program;
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "-q", "-A", "--no-check", "--config", CONFIG, "--preload", KILL_AT, ...line],
      ...(cwd === undefined ? {} : { cwd }),
      env: {
        ...env,
        NO_COLOR: "1",
        DENO_NO_UPDATE_CHECK: "1",
        DENO_DIR: Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`,
        KILL_LOG: log,
        KILL_AT: String(at ?? "never"),
      },
      stdin: "null",
    });
    const { code, signal, stderr } = await command.output();
    const calls = (await Deno.readTextFile(log)).split("\n").filter((line) => line !== "");
    return { code, signal, stderr: new TextDecoder().decode(stderr), calls };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
