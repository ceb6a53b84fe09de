/** Runs one command: reads its flags, lets it work, prints its report. @module */
import { readArguments } from "./arguments.ts";
import type { Command, CommandEntry, CommandValues } from "./command.ts";
import { commandLine } from "./command_line.ts";
import { globalFlags } from "./common_flags.ts";
import { type Flags, retyped } from "./flags.ts";
import type { Host } from "./host.ts";
import { openProject } from "./open_project.ts";
import { readFlag } from "./project.ts";

/** Runs a command of the table with what follows its name; its exit code. @throws {TagsealError} */
export async function runCommand(
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
      ...retyped(command.flags, { ...given, [but]: undefined }),
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
