/** Clones of this project, for tools that work on the project that they lie in. @module */
import assert from "node:assert/strict";

/** The project. */
export const PROJECT: string = new URL("../../", import.meta.url).pathname;
/** Of the keys of releases. */
export const PASSPHRASES: Record<string, string> = Object.fromEntries(
  ["ROOT", "TARGETS", "SNAPSHOT", "TIMESTAMP"].map((role) => [`TAGSEAL_RELEASE_${role}_PASSPHRASE`, `a good ${role}`]),
);
/** How a program ended. */
export interface End {
  /** Its exit code. */
  readonly code: number;
  /** What it printed. */
  readonly out: string;
  /** What it said. */
  readonly err: string;
}

/** Runs a program with these variables beside those of the tests. */
export async function run(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<End> {
  const options = { args: [...args], cwd, env: { NO_COLOR: "1", ...env }, stdin: "null" as const };
  const { code, stdout, stderr } = await new Deno.Command(program, options).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)) as [string, string];
  return { code, out, err };
}

/** What git prints, in a folder; commits are of one day. */
export async function git(folder: string, ...args: string[]): Promise<string> {
  const day = "2026-11-28T12:00:00Z";
  const env = {
    GIT_AUTHOR_DATE: day,
    GIT_COMMITTER_DATE: day,
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
  };
  const who = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"];
  const { code, out, err } = await run("git", [...who, ...args], folder, env);
  assert.equal(code, 0, err);
  return out;
}

/** The project as it lies here, committed, without its tests. */
export async function committed(folder: string): Promise<void> {
  await Deno.mkdir(folder);
  const files = (await git(PROJECT, "ls-files", "-co", "--exclude-standard", "-z")).split("\0").filter(Boolean);
  for (const name of files.filter((name) => !/^(?:fixtures|tests)\//.test(name))) {
    await Deno.mkdir(`${folder}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.copyFile(`${PROJECT}${name}`, `${folder}/${name}`).catch(() => {}); // deleted, and not yet committed so
  }
  await git(folder, "init", "-q");
  await git(folder, "add", "-A");
  await git(folder, "commit", "-qm", "as it lies here");
}
