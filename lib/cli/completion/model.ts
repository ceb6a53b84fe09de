/** What can be completed, from the table of commands: the same for all shells. @module */
import { argumentsOf, type CommandEntry } from "../command.ts";
import { type Flag, type Flags, partsOf } from "../flags.ts";

/** How a value is completed. */
export type Value =
  /** One of a few words. */
  | { readonly of: "words"; readonly words: readonly string[]; readonly several: boolean }
  /** A name that the trust directory knows: the program is asked for it. */
  | { readonly of: Known; readonly several: boolean }
  /** A path, which the shell knows best. */
  | { readonly of: "file" | "folder" }
  /** Nothing that anybody could know. */
  | { readonly of: "other" };

/** Names that the trust directory knows. */
export const KNOWN = ["repository", "tag"] as const;

/** One kind of them. */
export type Known = typeof KNOWN[number];

/** A flag as shells complete it. */
export interface CompletedFlag {
  /** As it is typed: `-r`, `--repository`. */
  readonly names: readonly string[];
  /** One line. */
  readonly help: string;
  /** What follows; nothing where it is on or off. */
  readonly value: Value | undefined;
}

/** A command as shells complete it. */
export interface CompletedCommand {
  /** Its names, the second one where it has one. */
  readonly names: readonly string[];
  /** One line. */
  readonly summary: string;
  /** Its arguments. */
  readonly args: readonly Value[];
  /** Its flags and those of every command. */
  readonly flags: readonly CompletedFlag[];
}

/** What specs say of values, by what stands between `<` and `>`. */
const KINDS: Readonly<Record<string, "file" | "folder" | Known>> = {
  "file": "file",
  "file|id": "file",
  "pem": "file",
  "pin": "file",
  "data.zip": "file",
  "export": "file",
  "dir": "folder",
  "fqn": "repository",
  "a,b": "tag",
};

/** All commands, loaded. */
export async function completed(
  commands: Readonly<Record<string, CommandEntry>>,
  common: Flags,
  help: Pick<Flag<unknown>, "spec" | "help">,
): Promise<CompletedCommand[]> {
  return await Promise.all(
    Object.entries(commands).map(async ([name, { summary, alias, load }]) => {
      const command = (await load()).command;
      return {
        names: [name, ...alias === undefined ? [] : [alias]],
        summary,
        args: argumentsOf(command).map(({ name, choices, orCommand }) =>
          valueOf(name.slice(1, -1), orCommand && choices ? [...choices, ...Object.keys(commands)] : choices, false)
        ),
        flags: [...Object.values({ ...command.flags, ...common }), help].map(completedFlag),
      };
    }),
  );
}

function completedFlag(
  flag: Pick<Flag<unknown>, "spec" | "help" | "choices"> & Partial<Pick<Flag<unknown>, "kind">>,
): CompletedFlag {
  const { long, short, takesValue, placeholder } = partsOf(flag.spec);
  return {
    names: [...short === undefined ? [] : [`-${short}`], `--${long}`],
    help: flag.help,
    value: takesValue ? valueOf(placeholder, flag.choices, flag.kind === "list") : undefined,
  };
}

function valueOf(placeholder: string, choices: readonly string[] | undefined, several: boolean): Value {
  if (choices) return { of: "words", words: choices, several };
  const of = Object.hasOwn(KINDS, placeholder) ? KINDS[placeholder]! : "other";
  return of === "repository" || of === "tag" ? { of, several } : { of };
}
