/** A command as data. @module */
import type { globalFlags } from "./common_flags.ts";
import type { Flags, Typed, Values } from "./flags.ts";
import type { Host } from "./host.ts";
import type { Need } from "./needs.ts";
import type { Project } from "./project.ts";
import type { Report } from "./report.ts";

/** What a command's code gets. */
export type CommandValues<F extends Flags> = Values<F & typeof globalFlags> & {
  /** What was typed. */
  readonly typed: Typed;
  /** The second argument; `""` where it was left out, or the command has none. */
  readonly second: string;
  /** The project file, where there is one. */
  readonly project: Project | undefined;
  /** The same as a command line, with `more` in place of the flag `but`. */
  again(but: string, ...more: readonly string[]): string;
};

/** What stands on the command line without a flag: `<id>` must be given, `[id]` may. */
export interface Argument {
  /** Its name, in such brackets. */
  readonly name: string;
  /** One line for `--help`. */
  readonly help: string;
  /** All that there are, where they are a few words. */
  readonly choices?: readonly string[];
  /** The name of a command is one as well. */
  readonly orCommand?: true;
}

/** The arguments of a command, in their order. */
export function argumentsOf({ argument, second }: Pick<Command, "argument" | "second">): Argument[] {
  return [argument, second].filter((each) => each !== undefined);
}

/** One command. */
export interface Command<F extends Flags = Flags> {
  /** A paragraph for `--help`, after the summary. */
  readonly description: string;
  /** Its own flags. */
  readonly flags: F;
  /** Its argument. */
  readonly argument?: Argument;
  /** A further one behind it. */
  readonly second?: Argument;
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

/** What a command is for, and its second name. */
export function titleOf({ summary, alias }: Pick<CommandEntry, "summary" | "alias">): string {
  return alias === undefined ? summary : `${summary} (also: tagseal ${alias})`;
}

/** A command that is loaded when it is asked for. */
export interface CommandEntry {
  /** One line for the list of commands. */
  readonly summary: string;
  /** A second name, where people know the command by another tool's word. */
  readonly alias?: string;
  /** What it needs of the machine. */
  readonly needs: readonly Need[];
  /** Loads it. */
  load(): Promise<{ readonly command: Command }>;
}
