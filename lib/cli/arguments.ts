/**
 * A command's arguments, read. The platform says what stands where; which flags there are, and what is said of mistakes,
 * comes from the command's table.
 *
 * @module
 */
import { commandLine } from "./command_line.ts";
import { parseArgs } from "node:util";
import { shown } from "../bytes/printable.ts";
import { TagsealError } from "../errors.ts";
import { argumentsOf, type Command } from "./command.ts";
import { camelCase, type Flags, partsOf, type Typed } from "./flags.ts";

/** What stands on a command line. */
export interface Arguments {
  /** Flags with their values, not looked at yet. */
  readonly given: Typed;
  /** The command's argument; `""` where it may be left out, and is. */
  readonly argument: string;
  /** The second one, likewise. */
  readonly second: string;
}

/** Every command has it, and it works beside any mistake. */
export const HELP = { spec: "-h, --help", help: "display help for command" };

/** An edit distance above which a flag is not what was meant, and the share of it that must be as it was typed. */
const MAX_EDITS = 3;
const MIN_ALIKE = 0.4;

/**
 * Reads what follows the name of a command; `undefined` where help is asked for.
 *
 * @throws {TagsealError} `usage`, which repeats no value: a secret behind a mistyped flag is still a secret
 */
export function readArguments(
  name: string,
  command: Pick<Command, "argument" | "second">,
  flags: Flags,
  args: readonly string[],
): Arguments | undefined {
  const known = new Map([...Object.values(flags), HELP].map(({ spec }) => [partsOf(spec).long, partsOf(spec)]));
  const options = Object.fromEntries(
    [...known.values()].map(({ long, short, takesValue }) => [
      long,
      { type: takesValue ? "string" as const : "boolean" as const, ...(short ? { short } : {}) },
    ]),
  );
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true });
  const typed = tokens.filter((token) => token.kind === "option");
  if (typed.some((token) => token.name === "help" && token.value === undefined)) return undefined;
  const given = new Map<string, string[] | true>();
  for (const { name: long, rawName, value, inlineValue } of typed) {
    const flag = known.get(long);
    if (!flag) {
      const meant = rawName.startsWith("--") && !inlineValue ? nearest(long, [...known.keys()]) : undefined;
      throw mistake(
        name,
        `Unknown option "${shown(rawName.split("=")[0]!, 60)}"`,
        meant && `Did you mean --${meant}? `,
      );
    }
    const attribute = camelCase(long);
    if (flag.takesValue) {
      if (value === undefined) throw mistake(name, `Option "${flag.spec}" argument missing`);
      const before = given.get(attribute);
      given.set(attribute, [...Array.isArray(before) ? before : [], value]);
    } else {
      if (value !== undefined) throw mistake(name, `--${long} takes no value`);
      given.set(attribute, true);
    }
  }
  const values = tokens.flatMap((token) => token.kind === "positional" ? token.value : []);
  const wanted = argumentsOf(command);
  if (values.length > wanted.length) throw mistake(name, "There is a value too many: it belongs to no flag");
  const missing = wanted.slice(values.length).find((each) => each.name.startsWith("<"));
  if (missing) throw mistake(name, `Missing required argument "${missing.name.slice(1, -1)}"`);
  const [argument = "", second = ""] = values;
  return { given: Object.fromEntries(given), argument, second };
}

function mistake(name: string, what: string, hint = ""): TagsealError {
  return new TagsealError("usage", what, { remedy: `${hint}${commandLine(name, "--help")} shows how` });
}

/** The word that is most like `typed`, if one is. */
function nearest(typed: string, words: readonly string[]): string | undefined {
  const near = words.map((word) => ({ word, edits: editsBetween(typed, word) })).filter(({ word, edits }) =>
    word.length > 1 && edits <= MAX_EDITS && 1 - edits / Math.max(typed.length, word.length) > MIN_ALIKE
  );
  return near.sort((a, b) => a.edits - b.edits || (a.word < b.word ? -1 : 1))[0]?.word;
}

/** How many letters must be put in, left out, replaced, or swapped with the next one. */
function editsBetween(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > MAX_EDITS) return Infinity;
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
        ? rows[i - 2]![j - 2]! + 1
        : Infinity;
      row.push(Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, replaced, swapped));
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
