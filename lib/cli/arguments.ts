/**
 * A command's arguments, read: which flags there are comes from the command's table.
 *
 * @module
 */
import { parameterIn } from "./cmdlets.ts";
import { argumentsOf, type Command } from "./command.ts";
import type { Mistake } from "./mistakes.ts";
import { camelCase, type Flags, partsOf, type Typed } from "./flags.ts";
import { tokensOf } from "./words.ts";

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

/**
 * Reads what follows the name of a command; `undefined` where help is asked for.
 *
 * @throws {TagsealError} `usage`, which repeats no value: a secret behind a mistyped flag is still a secret
 */
export async function readArguments(
  name: string,
  command: Pick<Command, "argument" | "second">,
  flags: Flags,
  args: readonly string[],
): Promise<Arguments | undefined> {
  const known = new Map([...Object.values(flags), HELP].map(({ spec }) => [partsOf(spec).long, partsOf(spec)]));
  const { options: typed, values } = tokensOf(args, [...known.values()]);
  // Not within a word: "-InputArtifactPath" has an "h" as well.
  if (typed.some(({ index }) => ["-h", "--help"].includes(args[index]!))) return undefined;
  const refuse = async (mistake: Mistake) => {
    throw (await import("./mistakes.ts")).mistakeIn({ name, flags, longs, args }, mistake);
  };
  const longs = [...known.keys()];
  const given = new Map<string, string[] | true>();
  for (const { name: long, rawName, value, inlineValue, index } of typed) {
    const flag = known.get(long);
    // One dash begins short flags: "-repository" would be "-r" with the value "epository".
    const parameter = parameterIn(args[index]!, longs);
    if (!flag || parameter !== undefined) {
      await refuse({ of: "unknown", rawName, word: args[index]!, isAlone: !inlineValue, parameter });
    } else if (flag.takesValue) {
      if (value === undefined) await refuse({ of: "no-value", spec: flag.spec });
      given.set(camelCase(long), [...[given.get(camelCase(long)) ?? []].flat() as string[], value!]);
    } else {
      if (value !== undefined) await refuse({ of: "vain-value", long });
      given.set(camelCase(long), true);
    }
  }
  const wanted = argumentsOf(command);
  const stray = values[wanted.length];
  if (stray) {
    await refuse({
      of: "stray",
      index: stray.index,
      before: typed.findLast(({ index }) => index < stray.index),
    });
  }
  const missing = wanted.slice(values.length).find((each) => each.name.startsWith("<"));
  if (missing) await refuse({ of: "no-argument", argument: missing.name.slice(1, -1) });
  const [argument = "", second = ""] = values.map(({ value }) => value);
  return { given: Object.fromEntries(given), argument, second };
}
