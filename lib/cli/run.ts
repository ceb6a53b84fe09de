/** The one way commands are run: parse, run, print, exit code. @module */
import { TagsealError } from "../errors.ts";
import { readArguments } from "./arguments.ts";
import type { Command, CommandEntry, CommandValues } from "./command.ts";
import { commandLine } from "./command_line.ts";
import { globalFlags } from "./common_flags.ts";
import { ASK_KNOWN } from "./completion/ask_known.ts";
import { type Flags, retyped } from "./flags.ts";
import type { Host, HostFlags } from "./host.ts";
import { exitCodeOf } from "./exit_codes.ts";
import { openProject } from "./open_project.ts";
import { readFlag } from "./project.ts";
import { errorJson, errorLines, toldOf } from "./report.ts";

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
    host.failed(toldOf(error));
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
    (await import("./help.ts")).overview(commands, host.columns()).forEach(host.say);
    return 2;
  }
  if (name === "--version" || name === "-V") {
    host.out(version);
    return 0;
  }
  if (["--help", "-h"].includes(name)) {
    const [command] = rest;
    if (command !== undefined && !command.startsWith("-")) {
      return await runNamed([command, "--help"], commands, version, host);
    }
    host.lines((await import("./help.ts")).overview(commands, host.columns()));
    return 0;
  }
  if (name === ASK_KNOWN) {
    host.lines(await (await import("./known.ts")).knownNames(rest, host));
    return 0;
  }
  const found = Object.entries(commands).find(([own, { alias }]) => name === own || name === alias);
  if (!found) {
    throw (await import("./mistakes.ts")).unknownCommand(name, commands);
  }
  const [ownName, entry] = found;
  const { command } = await entry.load();
  return await runCommand(ownName, entry, commands, command, rest, host);
}

async function runCommand(
  name: string,
  { needs }: CommandEntry,
  commands: Readonly<Record<string, CommandEntry>>,
  command: Command,
  args: readonly string[],
  host: Host,
): Promise<number> {
  const flags: Flags = { ...command.flags, ...globalFlags };
  const parsed = await readArguments(name, command, flags, args);
  if (!parsed) {
    const { helpOf } = await import("./help.ts");
    host.lines(helpOf(name, commands, command, flags, host.columns()));
    return 0;
  }
  const { given, argument, second } = parsed;
  const again = (but: string, ...more: readonly string[]) =>
    commandLine(
      name,
      ...[argument, second].filter(Boolean),
      ...retyped({ ...command.flags, config: globalFlags.config }, { ...given, [but]: undefined }),
      ...more,
    );
  using ends = host;
  const project = await openProject({ command: name, needs, flags: command.flags, typed: given }, ends);
  const values: Record<string, unknown> = { typed: given, again, second, project };
  for (const [key, flag] of Object.entries(flags)) values[key] = await readFlag(flag, given, project, ends);
  host.begin(`tagseal ${name}`);
  const { json, lines, exitCode = 0, tags = [] } = await command.run(
    values as CommandValues<Flags>,
    ends,
    argument,
    commands,
  );
  if (values["json"] !== true) host.lines(lines);
  else if (json !== undefined) host.json(json);
  await host.summary(`tagseal ${name}`, tags);
  return exitCode;
}
