/** The texts of `--help`, from the table of commands. @module */
import { asCalled, commandLine } from "./command_line.ts";
import { HELP } from "./arguments.ts";
import { argumentsOf, type Command, type CommandEntry, titleOf } from "./command.ts";
import type { Flags } from "./flags.ts";
import { variablesOf } from "./needs.ts";

/** The width of help that is not for a terminal, and the widest that reads well, in characters. */
const HELP_COLUMNS = 80;
const MAX_HELP_COLUMNS = 100;
/** An explanation that would get fewer columns stands below its term, not beside it, where it were a column of words. */
const MIN_COLUMNS = 40;
const BELOW = "      ";

/** The width of help on a terminal of so many columns, and where there is none. */
export function helpWidth(columns: number | undefined): number {
  return Math.min(columns ?? HELP_COLUMNS, MAX_HELP_COLUMNS);
}

/** The list of commands, as lines. */
export function overview(commands: Readonly<Record<string, CommandEntry>>, columns?: number): string[] {
  const width = helpWidth(columns);
  return [
    ...wrapped("tagseal signs Docker tags with Docker Content Trust while the signing key stays at SignPath.", width),
    "",
    `Usage: ${commandLine()} <command> [flags]        ${commandLine()} <command> --help`,
    "",
    ...table(Object.entries(commands).map(([name, entry]) => [name, titleOf(entry)]), width),
  ];
}

/** What a command does and takes, as lines of at most `columns` characters. */
export function helpOf(
  name: string,
  commands: Readonly<Record<string, CommandEntry>>,
  command: Command,
  flags: Flags,
  columns?: number,
): string[] {
  const entry = commands[name]!;
  const told = (text: string) => asCalled(text, Object.keys(commands));
  const { description, example } = command;
  const width = helpWidth(columns);
  const rows = [...Object.values(flags), HELP].map((flag): Row => [
    flag.spec,
    told("variable" in flag && flag.variable ? `${flag.help} [${flag.variable}]` : flag.help),
  ]);
  const argumentRows = argumentsOf(command).map(({ name, help }): Row => [name.slice(1, -1), told(help)]);
  const terms = Math.max(...[...rows, ...argumentRows].map(([term]) => term.length));
  const ofFlags = new Set(Object.values(flags).map(({ variable }) => variable));
  const others = variablesOf(entry.needs).filter((variable) => !ofFlags.has(variable)); // each flag's help names its own
  return [
    [`Usage: ${commandLine(name)}`, "[options]", ...argumentsOf(command).map(({ name }) => name)].join(" "),
    "",
    ...wrapped(titleOf(entry), width),
    "",
    ...told(description).split("\n").flatMap((line) => wrapped(line, width)),
    "",
    ...argumentRows.length > 0 ? ["Arguments:", ...table(argumentRows, width, terms), ""] : [],
    "Options:",
    ...table(rows, width, terms),
    ...others.length > 0 ? ["", ...wrapped(`Environment: ${others.join(", ")}`, width - 2, "  ")] : [],
    "",
    "Example:",
    `  ${told(example)}`,
  ];
}

/** A term and what it is. */
export type Row = readonly [term: string, explanation: string];

/** Terms of up to `terms` characters, and beside them what they are; below them where there is little room. */
export function table(
  rows: readonly Row[],
  width: number,
  terms: number = Math.max(...rows.map(([term]) => term.length)),
): string[] {
  const left = width - terms - 4;
  if (left < MIN_COLUMNS) {
    return rows.flatMap(([term, explanation]) => [
      `  ${term}`,
      ...wrapped(explanation, width - BELOW.length).map((line) => `${BELOW}${line}`),
    ]);
  }
  return rows.flatMap(([term, explanation]) =>
    wrapped(explanation, left).map((line, i) => `  ${(i === 0 ? term : "").padEnd(terms)}  ${line}`)
  );
}

/** Lines that no terminal breaks within a word; `indent` begins all but the first. */
export function wrapped(text: string, width: number, indent = ""): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const line = lines.at(-1);
    if (line !== undefined && `${line} ${word}`.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(line === undefined ? word : `${indent}${word}`);
  }
  return lines;
}
