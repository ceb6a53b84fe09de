/**
 * CI systems that run the templates of `ci/` on this machine, each by the rules of its own: what a job finds of earlier
 * ones, how steps are started, where secrets come from. A job always runs in a folder where nothing was before.
 *
 * @module
 */
import type { Need } from "../peer_case.ts";

/** The project's folder. */
export const PROJECT = new URL("../../../", import.meta.url).pathname;

/** What a pipeline has signed. */
export interface JobOptions {
  /** All of it, the signing request alone, or in a later job what is left. */
  readonly mode: "sign" | "submit" | "later";
  /** The GUN. */
  readonly repository: string;
  /** Tags, separated by commas. */
  readonly tags: string;
  /** More words, one on a line. */
  readonly arguments?: string;
  /** Seconds to wait. */
  readonly timeout: number;
  /** The root certificate, which lies in the folder of the job as `root.pem`. */
  readonly rootPin: string;
  /** SignPath. */
  readonly organizationId: string;
  /** SignPath. */
  readonly projectSlug: string;
  /** SignPath. */
  readonly signingPolicySlug: string;
  /** Where tagseal is fetched from. */
  readonly tagsealUrl: string;
  /** What it must be. */
  readonly tagsealSha256: string;
}

/** What a job runs with. */
export interface Machine {
  /** Variables of the machine. */
  readonly env: Readonly<Record<string, string>>;
  /** Secrets as the system keeps them, by the variable that they are for. */
  readonly secrets: Readonly<Record<string, string>>;
  /** It is lost, with all that runs there, once this stands in the log; plain shell only. */
  readonly killedAfter?: RegExp;
}

/** What a job left behind. */
export interface JobEnd {
  /** Whether the system takes it for done. */
  readonly succeeded: boolean;
  /** Its log. */
  readonly log: string;
  /** The summary that the system shows of it, where it has such a thing. */
  readonly summary?: string;
}

/** One run of a pipeline, with all attempts of its jobs. */
export type Pipeline = (options: JobOptions, machine: Machine) => Promise<JobEnd>;

/** What pipelines run on. */
export interface Runner {
  /** Begins a pipeline; all of it lies in `folder`. */
  begin(folder: string, rootPem: string): Promise<Pipeline>;
}

/** A system that has a program of its own. */
export interface Running extends Runner, AsyncDisposable {}

/** A system. */
export type CiSystem = (Runner | { start(): Running }) & {
  /** Its name. */
  readonly name: string;
  /** The programs that it takes here. */
  readonly needs: readonly Need[];
};

/** An empty folder of a job, with the root certificate in it, and a home beside it. */
export async function newMachine(folder: string, rootPem: string): Promise<{ work: string; home: string }> {
  const machine = await Deno.makeTempDir({ dir: folder, prefix: "machine-" });
  const [work, home] = [`${machine}/work`, `${machine}/home`];
  await Deno.mkdir(work);
  await Deno.mkdir(home);
  await Deno.writeTextFile(`${work}/root.pem`, rootPem);
  return { work, home };
}

/** Runs a program to its end; its log is all that it prints, in the order in which it came. */
export async function logged(
  command: readonly [string, ...string[]],
  cwd: string,
  env: Readonly<Record<string, string>>,
  killedAfter?: RegExp,
): Promise<{ code: number; log: string }> {
  const child = new Deno.Command("setsid", {
    args: ["sh", "-c", 'exec "$@" 2>&1', "sh", ...command],
    cwd,
    env: { ...env },
    clearEnv: true,
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let log = "";
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    log += part;
    if (!killedAfter?.test(log)) continue;
    await new Deno.Command("kill", { args: ["-KILL", "--", `-${child.pid}`] }).output();
    killedAfter = undefined;
  }
  return { code: (await child.status).code, log };
}

/** A shell as a system starts it on a script. */
export async function runScript(
  shell: readonly [string, ...string[]],
  script: string,
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<{ code: number; log: string }> {
  const file = await Deno.makeTempFile({ dir: `${cwd}/..`, suffix: ".sh" });
  await Deno.writeTextFile(file, script);
  return await logged([...shell, file], cwd, env);
}

/** Text of a file; "" where there is none. */
export async function textOf(path: string): Promise<string> {
  return await Deno.readTextFile(path).catch(() => "");
}

/** Texts of files, by name. */
export type Files = ReadonlyMap<string, string>;

/** The files of a folder; none where there is no such folder. */
export function filesIn(folder: string): Files {
  try {
    return new Map([...Deno.readDirSync(folder)].map(({ name }) => [name, Deno.readTextFileSync(`${folder}/${name}`)]));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return new Map();
    throw error;
  }
}

/** Writes files into a folder. */
export function writeFiles(folder: string, files: Files): void {
  Deno.mkdirSync(folder, { recursive: true });
  for (const [name, text] of files) Deno.writeTextFileSync(`${folder}/${name}`, text);
}
