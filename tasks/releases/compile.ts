/** `deno task compile`: writes programs with Deno inside. @module */
import { type Command, defineCommand } from "../../lib/cli/command.ts";
import { type Flag, list } from "../../lib/cli/flags.ts";
import { TagsealError } from "../../lib/errors.ts";
import { fileNameOf } from "../../lib/updates/choose.ts";
import { PROJECT, withParts } from "../parts.ts";
import { compileProgram, type Target, TARGETS } from "./compiler.ts";

/** The systems to make programs for. */
export const targetFlag: Flag<string[]> = {
  ...list("--target <triple>", `the systems to make it for, or all (this one): ${TARGETS.join(", ")}`),
  choices: [...TARGETS, "all"],
};

/** The systems that are meant. @throws {TagsealError} `usage` */
export function targetsOf(given: readonly string[]): readonly Target[] {
  if (given.includes("all")) return TARGETS;
  const wanted = given.length > 0 ? given : [Deno.build.target];
  const unknown = wanted.find((name) => !TARGETS.includes(name as Target));
  if (unknown === undefined) return TARGETS.filter((target) => wanted.includes(target));
  throw new TagsealError("usage", `No program is made for "${unknown.slice(0, 60)}"`, {
    remedy: `Give --target all, or some of ${TARGETS.join(", ")}`,
  });
}

/** The command. */
export const command: Command = defineCommand({
  description:
    "Writes dist/tagseal-<triple>: a program that needs nothing on the machine that runs it. It may do what the single " +
    "file may, and loads native code, for keys on tokens, from one folder that only administrators write to. Deno " +
    "fetches its runtime for each system; where that is not to be had, DENORT_BIN names a file of it.",
  flags: { targets: targetFlag },
  example: "deno task compile --target all",
  async run({ targets }, host) {
    const wanted = targetsOf(targets);
    const files = await withParts(async (parts) => {
      const files: { target: Target; path: string }[] = [];
      for (const target of wanted) {
        const path = `${PROJECT}dist/${fileNameOf(target)}`;
        host.info(`Making the program for ${target}`);
        await compileProgram(parts, target, path);
        files.push({ target, path });
      }
      return files;
    });
    return { json: { files }, lines: files.map(({ path }) => path) };
  },
});
