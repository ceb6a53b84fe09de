/** Programs with Deno inside, made of the program's parts and Deno's runtime for a system. @module */
import { createHash } from "node:crypto";
import { installedAddonFolder } from "../../lib/cli/form.ts";
import { isTagsealError, reworded } from "../../lib/errors.ts";
import { requireFile } from "../../lib/files/files.ts";
import { deno } from "../bundler.ts";
import type { Parts } from "../parts.ts";
import { PROGRAM_FLAGS } from "../permissions.ts";

/** The systems that programs are made for, as Deno names them. */
export const TARGETS = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
] as const;
/** One of them. */
export type Target = typeof TARGETS[number];

/** Deno writes down when each part was changed: the same for all, as the same parts make the same program. */
const CHANGED = new Date("2020-01-01T00:00:00Z");
const MAX_RUNTIME_BYTES = 512 * 2 ** 20;

/** What a program may do, as flags: what the single file may, and native code from where only administrators write. */
export function programFlags(target: Target): readonly string[] {
  const addon = installedAddonFolder(target.includes("windows") ? "windows" : "linux");
  return [...PROGRAM_FLAGS, `--allow-ffi=${addon}`];
}

/**
 * Writes the program for `target` to `file`. Deno fetches its runtime, or takes the one that `DENORT_BIN` names.
 *
 * @throws {TagsealError} `unavailable`
 */
export async function compileProgram(parts: Parts, target: Target, file: string): Promise<void> {
  for (const name of parts.sources.keys()) Deno.utimeSync(`${parts.folder}/${name}`, CHANGED, CHANGED);
  const args = [
    ...["compile", "-q", "--no-config", "--no-lock", "--no-remote", "--no-npm", "--no-check", "--app-name=tagseal"],
    // It would be kept in the folder of temporary files, where others may have put one before.
    "--no-code-cache",
    ...[...programFlags(target), `--target=${target}`, `--output=${file}`, `${parts.folder}/main.js`],
  ];
  try {
    await deno(...args);
  } catch (error) {
    if (!isTagsealError(error, "unavailable")) throw error;
    throw reworded(error, `The program for ${target} was not made; Deno says why above`, {
      remedy:
        "Give this machine a way to dl.deno.land, from where Deno fetches its runtime, or name a file of it for " +
        "that system: DENORT_BIN=<file>",
    });
  }
}

/** The runtime that Deno has taken for `target`: its name and its SHA-256 in hex. */
export async function runtimeOf(target: Target): Promise<{ readonly name: string; readonly sha256: string }> {
  const named = Deno.env.get("DENORT_BIN");
  const { denoDir }: { denoDir: string } = JSON.parse(await deno("info", "--json"));
  const name = `denort-${target}.zip`;
  const path = named || `${denoDir}/dl/release/v${Deno.version.deno}/${name}`;
  const bytes = await requireFile(path, MAX_RUNTIME_BYTES);
  return { name: named ? "DENORT_BIN" : name, sha256: createHash("sha256").update(bytes).digest("hex") };
}
