/**
 * The one way commands are run: parse, run, print, exit code. Whoever asks for the version or a list of commands waits for
 * nothing that commands take: that is loaded with them.
 *
 * @module
 */
import { TagsealError } from "../errors.ts";
import type { CommandEntry } from "./command.ts";
import { ASK_KNOWN } from "./completion/ask_known.ts";
import type { Host, HostFlags } from "./host.ts";
import { exitCodeOf } from "./exit_codes.ts";

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
  } catch (thrown) {
    const { errorJson, errorLines, toldOf } = await import("./report.ts");
    const error = (await import("./clock_advice.ts")).withClock(thrown, host);
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
  const [{ command }, { runCommand }] = await Promise.all([entry.load(), import("./run_command.ts")]);
  return await runCommand(ownName, entry, commands, command, rest, host);
}
