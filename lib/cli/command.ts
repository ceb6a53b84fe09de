/** A command as data, and the one way commands are run: parse, run, print, exit code. @module */
import { parseArgs } from "node:util";
import type { Command as Parser, CommanderError } from "commander";
import { messageOf, TagsealError } from "../errors.ts";
import { commandLine } from "./command_line.ts";
import { globalFlags } from "./common_flags.ts";
import { attributeOf, camelCase, type Flags, retyped, type Typed, type Values } from "./flags.ts";
import type { Host, HostFlags } from "./host.ts";
import type { Need } from "./needs.ts";
import { exitCodeOf } from "./exit_codes.ts";
import { documentOf, errorJson, errorLines, jsonLine, printable, type Report } from "./report.ts";

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

/** Where output goes, and what else the outside gives. */
export interface Outside {
  /** Writes to stdout. */
  out(text: string): void;
  /** Writes to stderr. */
  err(text: string): void;
  /** Makes the host once the global flags are known. */
  host(flags: HostFlags): Host;
}

/** Runs `tagseal <args>` and returns the exit code. Never throws. */
export async function runTagseal(
  args: readonly string[],
  commands: Readonly<Record<string, CommandEntry>>,
  version: string,
  outside: Outside,
): Promise<number> {
  const [name = "--help", ...rest] = args;
  const json = args.includes("--json");
  try {
    if (name === "--version" || name === "-V") {
      outside.out(`${version}\n`);
      return 0;
    }
    if (args.length === 0) {
      outside.err(overview(commands));
      return 2;
    }
    if (["--help", "-h", "help"].includes(name)) {
      outside.out(overview(commands));
      return 0;
    }
    const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (!entry) {
      throw new TagsealError("usage", `There is no command "${name.slice(0, 60)}"`, {
        remedy: "tagseal --help lists the commands",
      });
    }
    const { command } = await entry.load();
    return await runCommand(name, commands, command, rest, outside);
  } catch (error) {
    const verbose = args.includes("--verbose");
    // Where neither stream takes anything, the exit code still tells.
    attempt(() => outside.err(errorLines(error, verbose).map((line) => `${line}\n`).join("")));
    if (json) attempt(() => outside.out(`${jsonLine(documentOf(errorJson(error)))}\n`));
    return exitCodeOf(error);
  }
}

async function runCommand(
  name: string,
  commands: Readonly<Record<string, CommandEntry>>,
  command: Command,
  args: readonly string[],
  outside: Outside,
): Promise<number> {
  const entry = commands[name]!;
  const flags: Flags = { ...command.flags, ...globalFlags };
  const parsed = parsePlain(command, flags, args) ?? await parseByLibrary(name, entry, command, flags, args, outside);
  if (!parsed) return 0; // --help
  const { given, argument } = parsed;
  using host = outside.host({ quiet: given["quiet"] === true, noInput: given["noInput"] === true });
  const again = (but: string, ...more: readonly string[]) =>
    commandLine(
      name,
      ...argument ? [argument] : [],
      ...retyped(command.flags, { ...given, [but]: undefined }),
      ...more,
    );
  const values: Record<string, unknown> = { typed: given, again };
  for (const [key, flag] of Object.entries(flags)) values[key] = await flag.read(given[attributeOf(flag)], host);
  const report = await command.run(values as CommandValues<Flags>, host, argument, commands);
  const text = textOf(report, values["json"] === true);
  if (text === undefined) return report.exitCode ?? 0;
  try {
    host.out(text);
  } catch (error) {
    attempt(() => outside.err(`${text}\n`));
    throw new TagsealError("unexpected", `The work is done, but its report cannot be written: ${messageOf(error)}`, {
      remedy: "Do not take it for undone: the report stands on standard error. Make room where standard output goes to",
      cause: error,
    });
  }
  return report.exitCode ?? 0;
}

/** What goes to stdout, without its last line break; nothing where there is nothing to say. */
function textOf({ json, lines }: Report, asJson: boolean): string | undefined {
  if (asJson) return json === undefined ? undefined : jsonLine(documentOf(json));
  return lines.length > 0 ? lines.map((line) => printable(line)).join("\n") : undefined;
}

function attempt(write: () => void): void {
  try {
    write();
  } catch {
    // There is nobody left to tell.
  }
}

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
  outside: Outside,
): Promise<Parsed | undefined> {
  const [library, { variablesOf }] = await Promise.all([import("commander"), import("./needs.ts")]);
  const parser = buildParser(library, name, entry.summary, command, flags, variablesOf(entry.needs));
  try {
    parser.configureOutput({ writeOut: outside.out, writeErr: () => {} }).parse(args as string[], { from: "user" });
  } catch (error) {
    if (!(error instanceof library.CommanderError)) throw error;
    if (error.exitCode === 0) return undefined;
    throw usageError(name, error);
  }
  return { given: parser.opts(), argument: parser.args[0] ?? "" };
}

/** What the parser found, without the values it would repeat: a secret behind a mistyped flag is still a secret. */
function usageError(name: string, { code, message }: CommanderError): TagsealError {
  const [what = "", suggestion] = message.replace(/^error: /, "").split("\n");
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
  const variables = others.length ? `\n${wrapped("Environment:", others)}\n` : "";
  return parser.addHelpText("after", `${variables}\nExample:\n  ${command.example}`);
}

/** A list that no terminal breaks within a name. */
function wrapped(head: string, names: readonly string[]): string {
  const lines = [head];
  for (const [i, name] of names.entries()) {
    const word = i < names.length - 1 ? `${name},` : name;
    if (`${lines.at(-1)} ${word}`.length > 78) lines.push(" ");
    lines.push(`${lines.pop()} ${word}`);
  }
  return lines.join("\n");
}

function overview(commands: Readonly<Record<string, CommandEntry>>): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`);
  return [
    "tagseal signs Docker tags with Docker Content Trust while the signing key stays at SignPath.",
    "",
    "Usage: tagseal <command> [flags]        tagseal <command> --help",
    "",
    ...lines,
    "",
  ].join("\n");
}
