/** The machines of the demo: each runs the real commands with a home and variables of its own, and shows what they print. @module */
import type { CommandEntry } from "../lib/cli/command.ts";
import { commandLine } from "../lib/cli/command_line.ts";
import { runTagseal } from "../lib/cli/run.ts";
import { createHost, type Host } from "../lib/cli/host.ts";
import { TagsealError } from "../lib/errors.ts";

/** Where the demo takes place. */
export interface Stage {
  /** The machine it really runs on. */
  readonly host: Host;
  /** What can be run there. */
  readonly commands: Readonly<Record<string, CommandEntry>>;
  /** The folder that all of its machines are in. */
  readonly folder: string;
  /** Shows a line. */
  say(line: string): void;
}

/** Runs one command as a user would see it, insists on how it ends, and returns the last line of its result. */
export type Machine = (args: readonly string[], expected?: number) => Promise<string>;

/** The only command here that goes nowhere, and so takes no `--ca`. */
const OFFLINE = "keys";

/** A machine of its own: a home directory, variables, and the demo's folder as the current one. */
export function machine(
  { host, commands, folder, say }: Stage,
  name: string,
  variables: Readonly<Record<string, string>>,
): Machine {
  const env: Readonly<Record<string, string>> = { HOME: `${folder}/${name}`, TAGSEAL_CWD: folder, ...variables };
  const print = (text: string) => {
    for (const line of text.trimEnd().split("\n")) {
      for (const part of folded(shortened(line.replace(`${folder}/`, "")))) say(part && `  ${part}`);
    }
  };
  return async (args, expected = 0) => {
    print(`${name}$ ${commandLine()} ${args.join(" ")}`);
    let result = "";
    const out = (text: string) => {
      result = text.trimEnd().split("\n").at(-1)!;
      print(text);
    };
    const full = args[0] === OFFLINE ? args : [...args, "--ca", "ca.pem"];
    const code = await runTagseal(full, commands, "demo", (flags) =>
      createHost({ ...flags, noInput: true }, {
        out,
        err: print,
        env: (variable) => env[variable],
        signal: host.signal,
      }));
    if (code === 130) throw host.signal.reason;
    if (code !== expected) {
      throw new TagsealError("unexpected", `"tagseal ${args[0]}" ended with exit code ${code}, not ${expected}`, {
        remedy: "Report this with the whole output",
      });
    }
    if (code !== 0) print(`(exit code ${code}, as it must be)`);
    return result;
  };
}

const COLUMNS = 98;

/** A line too long for 100 columns, broken at a blank. */
function folded(line: string): string[] {
  const at = line.length > COLUMNS ? line.lastIndexOf(" ", COLUMNS) : -1;
  return at <= 0 ? [line] : [line.slice(0, at), ...folded(`    ${line.slice(at + 1)}`)];
}

/** Hashes, key ids and ids of requests by their beginnings: whole ones would break every other line. */
export function shortened(line: string): string {
  return line.replaceAll(/\b([0-9a-f]{12})[0-9a-f]{20,}\b/g, "$1…")
    .replaceAll(/\b([0-9a-f]{6})[0-9a-f]{2}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, "$1…");
}
