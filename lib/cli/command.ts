/** A command as data, and the one way commands are run: parse, run, print, exit code. @module */
import { parseArgs } from "node:util";
import type { Command as Parser, CommanderError } from "commander";
import { shown } from "../bytes/printable.ts";
import { TagsealError } from "../errors.ts";
import { commandLine } from "./command_line.ts";
import { globalFlags } from "./common_flags.ts";
import { attributeOf, camelCase, type Flags, retyped, type Typed, type Values } from "./flags.ts";
import type { Host, HostFlags } from "./host.ts";
import type { Need } from "./needs.ts";
import { exitCodeOf } from "./exit_codes.ts";
import { errorJson, errorLines, type Report } from "./report.ts";

/** What a command's code gets. */
export type CommandValues<F extends Flags> = Values<F & typeof globalFlags> & {
  /** What was typed. */
  readonly typed: Typed;
  /** The same as a command line, with `more` in place of the flag `but`. */
  again(but: string, ...more: readonly string[]): string;
};

/** One command. */
export interface Command<F extends Flags = Flags> {
  /** A paragraph for `--help`, after the summary. */
  readonly description: string;
  /** Its own flags. */
  readonly flags: F;
  /** Its argument: `<id>` must be given. */
  readonly argument?: { readonly name: string; readonly help: string };
  /** A command line that works. */
  readonly example: string;
  /** Does the work; `commands` are all there are, for the one that shows others. */
  run(
    values: CommandValues<F>,
    host: Host,
    argument: string,
    commands: Readonly<Record<string, CommandEntry>>,
  ): Promise<Report>;
}

/** Keeps the types of a command's flags together. */
export function defineCommand<F extends Flags>(command: Command<F>): Command {
  return command as unknown as Command;
}

/** A command that is loaded when it is asked for. */
export interface CommandEntry {
  /** One line for the list of commands. */
  readonly summary: string;
  /** What it needs of the machine. */
  readonly needs: readonly Need[];
  /** Loads it. */
  load(): Promise<{ readonly command: Command }>;
}

/** Runs `tagseal <args>` and returns the exit code. Never throws. */
export async function runTagseal(
  args: readonly string[],
  commands: Readonly<Record<string, CommandEntry>>,
  version: string,
  makeHost: (flags: HostFlags) => Host,
): Promise<number> {
  const host = makeHost({ quiet: args.includes("--quiet"), noInput: args.includes("--no-input") });
  try {
    const exitCode = await runNamed(args, commands, version, host);
    const why = host.lost();
    if (why === undefined) return exitCode;
    throw new TagsealError("unexpected", `The work is done, but its report cannot be written: ${why}`, {
      remedy: "Do not take it for undone: the report stands on standard error. Make room where standard output goes to",
    });
  } catch (error) {
    errorLines(error, args.includes("--verbose")).forEach(host.say);
    if (args.includes("--json")) host.json(errorJson(error));
    return exitCodeOf(error);
  }
}

async function runNamed(
  [name, ...rest]: readonly string[],
  commands: Readonly<Record<string, CommandEntry>>,
  version: string,
  host: Host,
): Promise<number> {
  if (name === undefined) {
    overview(commands).forEach(host.say);
    return 2;
  }
  if (name === "--version" || name === "-V") {
    host.out(version);
    return 0;
  }
  if (["--help", "-h", "help"].includes(name)) {
    const [topic] = rest;
    if (topic !== undefined && !topic.startsWith("-")) {
      return await runNamed([topic, "--help"], commands, version, host);
    }
    host.lines(overview(commands));
    return 0;
  }
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!entry) {
    throw new TagsealError("usage", `There is no command "${shown(name, 60)}"`, {
      remedy: "tagseal --help lists the commands",
    });
  }
  const { command } = await entry.load();
  return await runCommand(name, commands, command, rest, host);
}

async function runCommand(
  name: string,
  commands: Readonly<Record<string, CommandEntry>>,
  command: Command,
  args: readonly string[],
  host: Host,
): Promise<number> {
  const entry = commands[name]!;
  const flags: Flags = { ...command.flags, ...globalFlags };
  const parsed = parsePlain(command, flags, args) ?? await parseByLibrary(name, entry, command, flags, args, host);
  if (!parsed) return 0; // --help
  const { given, argument } = parsed;
  const again = (but: string, ...more: readonly string[]) =>
    commandLine(
      name,
      ...argument ? [argument] : [],
      ...retyped(command.flags, { ...given, [but]: undefined }),
      ...more,
    );
  using ends = host;
  const values: Record<string, unknown> = { typed: given, again };
  for (const [key, flag] of Object.entries(flags)) values[key] = await flag.read(given[attributeOf(flag)], ends);
  const { json, lines, exitCode = 0 } = await command.run(values as CommandValues<Flags>, ends, argument, commands);
  if (values["json"] !== true) host.lines(lines);
  else if (json !== undefined) host.json(json);
  return exitCode;
}

/** The width of help that is not for a terminal, and the widest that reads well, in characters. */
const HELP_COLUMNS = 80;
const MAX_HELP_COLUMNS = 100;

/** What stands on a command line. */
interface Parsed {
  readonly given: Typed;
  readonly argument: string;
}

/**
 * A command line without any mistake, by the platform's parser: loading the library that writes help and explains
 * mistakes takes a quarter of the time of a whole command. `undefined` where that is needed.
 */
function parsePlain(command: Command, flags: Flags, args: readonly string[]): Parsed | undefined {
  const options = Object.fromEntries(
    Object.values(flags).map(({ spec }) => {
      const [, short, long] = /^(?:-(\w), )?--([a-z0-9-]+)/.exec(spec)!;
      const type = spec.includes("<") ? "string" as const : "boolean" as const;
      return [long!, { type, multiple: type === "string", ...(short ? { short } : {}) }];
    }),
  );
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    if (positionals.length !== (command.argument ? 1 : 0)) return undefined;
    const given = Object.entries(values).map(([long, value]) =>
      [camelCase(long), value as string[] | boolean] as const
    );
    return { given: Object.fromEntries(given), argument: positionals[0] ?? "" };
  } catch {
    return undefined;
  }
}

/** Any command line; nothing where help was asked for and printed. @throws {TagsealError} `usage` */
async function parseByLibrary(
  name: string,
  entry: CommandEntry,
  command: Command,
  flags: Flags,
  args: readonly string[],
  host: Host,
): Promise<Parsed | undefined> {
  const [library, { variablesOf }] = await Promise.all([import("commander"), import("./needs.ts")]);
  const width = Math.min(host.columns() ?? HELP_COLUMNS, MAX_HELP_COLUMNS);
  const parser = buildParser(library, name, entry.summary, command, flags, variablesOf(entry.needs), width);
  try {
    parser.configureOutput({
      writeOut: (help) => host.lines(help.trimEnd().split("\n")),
      writeErr: () => {},
      getOutHelpWidth: () => width,
      getOutHasColors: () => false,
    }).parse(args as string[], { from: "user" });
  } catch (error) {
    if (!(error instanceof library.CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    throw usageError(name, error, ["--help", ...parser.options.map(({ long }) => long)]);
  }
  return { given: parser.opts(), argument: parser.args[0] ?? "" };
}

/** What the parser found, without the values it would repeat: a secret behind a mistyped flag is still a secret. */
function usageError(
  name: string,
  { code, message }: CommanderError,
  known: readonly (string | null | undefined)[],
): TagsealError {
  const [what = "", suggestion] = message.replace(/^error: /, "").split("\n");
  const [, withValue] = /^unknown option '(--[a-z0-9-]+)=/.exec(what) ?? [];
  if (withValue !== undefined && known.includes(withValue)) {
    return new TagsealError("usage", `${withValue} takes no value`, { remedy: `tagseal ${name} --help shows how` });
  }
  const said = code === "commander.excessArguments"
    ? "There is a value too many: it belongs to no flag"
    : what.replace(/^./, (first) => first.toUpperCase()).replace(/=.*(?='$)/, "").replace(/'(-[^-\s])[^',\s]+'/, "'$1'")
      .replace(/'(.*)'/, '"$1"');
  const hint = suggestion ? `${suggestion.replace(/^\((.*)\)$/, "$1")} ` : "";
  return new TagsealError("usage", said, { remedy: `${hint}tagseal ${name} --help shows how` });
}

function buildParser(
  { Command: Parser, Option }: typeof import("commander"),
  name: string,
  summary: string,
  command: Command,
  flags: Flags,
  environment: readonly string[],
  width: number,
): Parser {
  const parser = new Parser(`tagseal ${name}`).exitOverride().allowExcessArguments(false).showSuggestionAfterError();
  parser.description(`${summary}\n\n${command.description}`);
  if (command.argument) parser.argument(command.argument.name, command.argument.help);
  for (const flag of Object.values(flags)) {
    const option = new Option(flag.spec, flag.variable ? `${flag.help} [${flag.variable}]` : flag.help);
    option.attributeName = () => attributeOf(flag);
    if (option.long?.startsWith("--no-")) option.negate = false; // a flag of its own, not the opposite of one
    // Later values are added, so that a flag sees all that was given.
    if (option.required) option.argParser((value: string, before: string[] | undefined) => [...before ?? [], value]);
    parser.addOption(option);
  }
  const ofFlags = new Set(Object.values(flags).map(({ variable }) => variable));
  const others = environment.filter((name) => !ofFlags.has(name)); // each flag's help names its own
  const variables = others.length ? `\n${wrapped("Environment:", others, width - 2)}\n` : "";
  return parser.addHelpText("after", `${variables}\nExample:\n  ${command.example}`);
}

/** A list that no terminal breaks within a name. */
function wrapped(head: string, names: readonly string[], width: number): string {
  const lines = [head];
  for (const [i, name] of names.entries()) {
    const word = i < names.length - 1 ? `${name},` : name;
    if (`${lines.at(-1)} ${word}`.length > width) lines.push(" ");
    lines.push(`${lines.pop()} ${word}`);
  }
  return lines.join("\n");
}

function overview(commands: Readonly<Record<string, CommandEntry>>): string[] {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return [
    "tagseal signs Docker tags with Docker Content Trust while the signing key stays at SignPath.",
    "",
    "Usage: tagseal <command> [flags]        tagseal <command> --help",
    "",
    ...lines,
  ];
}
