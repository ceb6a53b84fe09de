/** What is said of a command line that is wrong: which word, and what was probably meant. @module */
import { shown } from "../bytes/printable.ts";
import { TagsealError } from "../errors.ts";
import { CMDLETS } from "./cmdlets.ts";
import type { CommandEntry } from "./command.ts";
import { commandLine } from "./command_line.ts";
import { type Flags, partsOf } from "./flags.ts";
import { nearest } from "./nearest.ts";

/** What is wrong with a command line. */
export type Mistake =
  /** No flag, or one that is spelled as a cmdlet's `parameter`; `isAlone` where no value is glued to it. */
  | {
    readonly of: "unknown";
    readonly rawName: string;
    readonly word: string;
    readonly isAlone: boolean;
    readonly parameter: string | undefined;
  }
  | { readonly of: "no-value"; readonly spec: string }
  | { readonly of: "vain-value"; readonly long: string }
  | { readonly of: "no-argument"; readonly argument: string }
  /** A value that belongs to no flag, and the last flag before it. */
  | {
    readonly of: "stray";
    readonly index: number;
    readonly before: {
      readonly name: string;
      readonly index: number;
      readonly value: string | undefined;
      readonly inlineValue: boolean | undefined;
    } | undefined;
  };

/** A command line. */
export interface Line {
  /** The command. */
  readonly name: string;
  /** Its flags. */
  readonly flags: Flags;
  /** The names of all flags that it takes, without dashes. */
  readonly longs: readonly string[];
  /** What follows its name. */
  readonly args: readonly string[];
}

/** The error of a mistake. No value is repeated unless its form says that it is no secret. */
export function mistakeIn(line: Line, mistake: Mistake): TagsealError {
  switch (mistake.of) {
    case "unknown":
      return unknownOption(line, mistake);
    case "no-value":
      return usage(line, `Option "${mistake.spec}" argument missing`);
    case "vain-value":
      return usage(line, `--${mistake.long} takes no value`);
    case "no-argument":
      return usage(line, `Missing required argument "${mistake.argument}"`);
    case "stray":
      return strayValue(line, mistake);
  }
}

/** The error of a word that is no command, nor any of `topics`. */
export function unknownCommand(
  word: string,
  commands: Readonly<Record<string, CommandEntry>>,
  topics: readonly string[] = [],
): TagsealError {
  const names = Object.entries(commands).flatMap(([name, { alias }]) => [name, ...alias === undefined ? [] : [alias]]);
  const cmdlet = Object.keys(CMDLETS).find((name) => name.toLowerCase() === word.toLowerCase());
  const topic = nearest(word.toLowerCase(), topics);
  const meant = cmdlet === undefined ? nearest(word.toLowerCase(), names) : CMDLETS[cmdlet]!;
  const hint = word.startsWith("-")
    ? "The command comes first, its flags behind it. "
    : topic !== undefined
    ? `Did you mean ${commandLine("help", topic)}? `
    : meant === undefined
    ? ""
    : cmdlet === undefined
    ? `Did you mean ${commandLine(meant)}? `
    : `What the cmdlet does is ${commandLine(meant)}. `;
  return new TagsealError("usage", `There is no command "${shown(word, 60)}"`, {
    remedy: `${hint}${commandLine("--help")} lists the commands`,
  });
}

function usage({ name }: Line, what: string, hint = ""): TagsealError {
  return new TagsealError("usage", what, { remedy: `${hint}${commandLine(name, "--help")} shows how` });
}

function unknownOption(line: Line, { rawName, isAlone, parameter, word }: Mistake & { of: "unknown" }): TagsealError {
  const meant = parameter ?? (rawName.startsWith("--") && isAlone ? nearest(rawName.slice(2), line.longs) : undefined);
  const named = parameter === undefined ? rawName.split("=")[0]! : word.split(/[:=]/)[0]!;
  return usage(line, `Unknown option "${shown(named, 60)}"`, meant && `Did you mean --${meant}? `);
}

function strayValue(line: Line, { index, before }: Mistake & { of: "stray" }): TagsealError {
  const { name, flags, longs, args } = line;
  const word = args[index]!;
  const flag = Object.values(flags).find(({ spec }) => partsOf(spec).long === before?.name);
  const isBehind = before !== undefined &&
    index === before.index + (before.value === undefined || before.inlineValue ? 1 : 2);
  if (/^[\u2010-\u2015\u2212]/.test(word)) {
    return usage(line, `Word ${index + 1} behind "${name}" begins with a typographic dash`, "Type its dashes anew. ");
  }
  if (isBehind && flag && before.value === undefined) {
    return usage(line, `--${before.name} takes no value, and one stands behind it`);
  }
  if (isBehind && flag?.kind === "list") {
    return usage(
      line,
      `--${before.name} is followed by two values`,
      `Separate several by commas, without blanks: --${before.name} a,b. `,
    );
  }
  const meant = meantBy(word).filter(([long]) => longs.includes(long));
  if (meant.length > 0) {
    const words = meant.flatMap(([long, value]) => [`--${long}`, value]);
    return usage(line, `"${shown(word, 100)}" belongs to no flag`, `Did you mean ${commandLine(name, ...words)}? `);
  }
  return usage(line, `There is a value too many: it belongs to no flag (word ${index + 1} behind "${name}")`);
}

/** What a value probably is by its form, as flags; nothing of what could be a secret. */
function meantBy(word: string): [long: string, value: string][] {
  if (/^[\w./\\ -]+\.zip$/.test(word)) return [["input-artifact-path", word]];
  if (/^[\w./\\ -]+\.(?:cer|crt|pem|der)$/.test(word)) return [["delegation-certificate", word]];
  if (/^(?:v\d{1,4}|\d{1,3}(?=\.))(?:\.\d{1,4}){0,3}$|^latest$/.test(word)) return [["tags", word]];
  const [, repository = "", tag] =
    /^((?:[a-z0-9-]+\.[a-z0-9.-]+|localhost)(?::\d+)?\/[a-z0-9._/-]+)(?::([\w.-]+))?$/.exec(word) ?? [];
  return repository === ""
    ? []
    : [["repository", repository], ...tag === undefined ? [] : [["tags", tag] as [string, string]]];
}
