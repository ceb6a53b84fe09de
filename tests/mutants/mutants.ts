/** The mutants of files, by number, and the copy of the project that holds them. @module */
import { dirname, join, relative } from "node:path";
import { type Change, changesOf } from "./operators.ts";
import { mutated } from "./schemata.ts";

/** One mutant. */
export interface Mutant {
  /** Its number, from 1. */
  readonly id: number;
  /** The file. */
  readonly file: string;
  /** Line number, from 1. */
  readonly at: number;
  /** The text of the line, without the space around it. */
  readonly line: string;
  /** What is changed to what. */
  readonly change: string;
  /** Runs once, as the file is loaded. */
  readonly atLoad: boolean;
}

const LONGEST = 100;

/** Writes the mutants of `files` into a copy of the project at `folder`. */
export async function writeMutants(root: string, folder: string, files: readonly string[]): Promise<Mutant[]> {
  await copyProject(root, folder);
  const all: Mutant[] = [];
  for (const file of files) {
    const source = await Deno.readTextFile(join(root, file));
    const changes = changesOf(file, source);
    const first = all.length + 1;
    all.push(...changes.map((change, index) => describe(file, source, change, first + index)));
    const active = relative(dirname(file), "tests/mutants/active.ts");
    await Deno.writeTextFile(join(folder, file), mutated(source, changes, first, active));
  }
  return all;
}

/** The mutant that a change of a file makes. */
export function describe(file: string, source: string, { start, end, text, atLoad }: Change, id: number): Mutant {
  const at = source.slice(0, start).split("\n").length;
  const line = source.split("\n")[at - 1]!.trim();
  const short = (code: string) => {
    const flat = code.replaceAll(/\s+/g, " ");
    return flat.length > LONGEST ? `${flat.slice(0, LONGEST)}…` : flat;
  };
  const change = `${short(source.slice(start, end))} => ${text === undefined ? "nothing" : short(text)}`;
  return { id, file, at, line, change, atLoad };
}

async function copyProject(root: string, folder: string): Promise<void> {
  const { stdout } = await new Deno.Command("git", {
    args: ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    cwd: root,
  }).output();
  const made = new Set<string>();
  for (const file of new TextDecoder().decode(stdout).split("\0").filter(Boolean)) {
    const parent = join(folder, dirname(file));
    if (!made.has(parent)) await Deno.mkdir(parent, { recursive: true });
    made.add(parent);
    await Deno.copyFile(join(root, file), join(folder, file)).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error; // removed, and not yet committed
    });
  }
}
