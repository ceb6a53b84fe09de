/**
 * REFERENCE.md, from the commands themselves: flags, variables, exit codes, what `--json` prints. `deno task sync` writes
 * it, and a test fails where something else stands there.
 *
 * @module
 */
import { globalFlags } from "../lib/cli/common_flags.ts";
import { argumentsOf, type Command, type CommandEntry, titleOf } from "../lib/cli/command.ts";
import { type Flag, partsOf } from "../lib/cli/flags.ts";
import { wrapped } from "../lib/cli/help.ts";
import { OWN_WORDS, type Rule, ruleOf } from "../lib/cli/project_rules.ts";
import { variablesOf } from "../lib/cli/needs.ts";
import { COMMANDS } from "./commands.ts";
import { FAILURE } from "./documents.ts";
import { documentsOf, EXIT_CODES_PROSE, exitCodeRows, JSON_PROSE, LISTS_PROSE, rendered } from "./topics.ts";
import { VARIABLES } from "./variables.ts";

const HEAD = `# Reference

Written by \`deno task sync\` from the commands themselves; every \`deno task <command>\` is also \`tagseal <command>\` of the
single file. \`--help\` says the same.
`;

const PROSE_COLUMNS = 120;
const SHAPE_COLUMNS = 100;

/** The whole page. */
export async function reference(): Promise<string> {
  const commands = await Promise.all(
    Object.entries(COMMANDS).map(async ([name, entry]) => commandSection(name, entry, (await entry.load()).command)),
  );
  return [
    HEAD,
    contents(),
    ...commands,
    flagsSection(),
    variablesSection(),
    await projectSection(),
    exitCodesSection(),
    jsonSection(),
  ].join(
    "\n",
  );
}

function contents(): string {
  const rows = Object.entries(COMMANDS).map(([name, entry]) => [`[\`${name}\`](#${name})`, titleOf(entry)]);
  return `${table(["command", "what it does"], rows)}
Every command also takes [these flags](#flags-of-every-command). Further: [variables](#variables), [project file](#project-file),
[exit codes](#exit-codes), [JSON](#json).
`;
}

function commandSection(name: string, entry: CommandEntry, command: Command): string {
  const { flags, description, example } = command;
  const usage = ["tagseal", name, ...argumentsOf(command).map(({ name }) => name), "[flags]"].join(" ");
  const variables = variablesOf(entry.needs);
  const shapes = documentsOf(name).map(({ when, shape }) =>
    `With \`${["--json", when].filter(Boolean).join(" ")}\`:\n\n${code(rendered(shape, SHAPE_COLUMNS), "text")}`
  );
  return [
    `## ${name}\n`,
    `${titleOf(entry)}. ${description.replace(/\n\n/g, "\n\n")}\n`,
    code(`${usage}\n${example}`, "sh"),
    ...argumentsOf(command).map(({ name, help }) => `\`${name}\`: ${help}\n`),
    ...(Object.keys(flags).length > 0 ? [flagTable(Object.values(flags))] : []),
    ...(variables.length > 0 ? [`Reads ${variables.map((variable) => `\`${variable}\``).join(", ")}.\n`] : []),
    ...shapes,
  ].join("\n");
}

function flagsSection(): string {
  return `## Flags of every command\n\n${flagTable(Object.values(globalFlags))}`;
}

function flagTable(flags: readonly Flag<unknown>[]): string {
  return table(
    ["flag", "meaning", "variable"],
    flags.map(({ spec, help, variable }) => [`\`${spec}\``, help, variable ? `\`${variable}\`` : ""]),
  );
}

function variablesSection(): string {
  const rows = Object.entries(VARIABLES).map(([name, meaning]) => [`\`${name}\``, meaning]);
  return `## Variables\n\n${table(["variable", "for"], rows)}`;
}

async function projectSection(): Promise<string> {
  const flags = await Promise.all(
    Object.entries(COMMANDS).map(async ([name, { load }]) =>
      Object.values((await load()).command.flags).map((flag) => ({
        long: partsOf(flag.spec).long,
        rule: ruleOf(name, flag),
      }))
    ),
  );
  const under = (rule: Rule) =>
    [...new Set(flags.flat().filter((one) => one.rule === rule).map(({ long }) => long))].sort();
  const found = under("found").filter((long) => !OWN_WORDS.has(long));
  const named = under("named").filter((long) => !OWN_WORDS.has(long));
  const words = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(", ");
  return `## Project file

\`tagseal.json\`, held to [tagseal.schema.json](tagseal.schema.json):

${
    table(["member", "meaning"], [
      ["`repositories`", "full names without tag, for commands that are given none"],
      ["`pins`", "by name, by how names begin, or by `*`: a key id or a certificate file, or a list of them"],
      ["`schemes`", "kinds of signatures: `dct`, `cosign`, `notation`"],
      ["`defaults`", "flags by their long names, without dashes, for all commands that have them"],
      ["`commands`", "the same for one command, by its name; goes before `defaults`"],
    ])
  }
A file that was only found may set, beside these: ${
    words(found)
  } (not where they would decide whom to trust). Only a file
that is named may set: ${words(named)}, \`schemes\` for \`verify\`, and
\`repositories\` to whose hosts \`NOTARY_AUTH\` or \`REGISTRY_AUTH\` would be sent. All other flags belong to a single call.
`;
}

function exitCodesSection(): string {
  const rows = exitCodeRows().map(({ exitCode, code, meaning }) => [exitCode, `\`${code}\``, meaning]);
  return `## Exit codes\n\n${prose(EXIT_CODES_PROSE)}\n${table(["exit code", "error code", "meaning"], rows)}`;
}

function jsonSection(): string {
  const failure = code(rendered(FAILURE, SHAPE_COLUMNS), "text");
  return `## JSON\n\n${prose(JSON_PROSE)}\n${failure}\n${prose(LISTS_PROSE)}`;
}

/** A paragraph. */
function prose(text: string): string {
  return `${wrapped(text, PROSE_COLUMNS).join("\n")}\n`;
}

function code(content: string, language: string): string {
  return `\`\`\`${language}\n${content}\n\`\`\`\n`;
}

/** A cell: pipes end it, and what looks like an element would not be shown. */
function escaped(cell: string): string {
  return cell.replaceAll("|", "\\|").split("`").map((part, i) => i % 2 === 0 ? part.replaceAll("<", "\\<") : part)
    .join("`");
}

/** A table as \`deno fmt\` leaves it: columns as wide as their widest cell. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows].map((row) => row.map(escaped));
  const widths = head.map((_, i) => Math.max(3, ...all.map((row) => [...row[i]!].length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => cell + " ".repeat(widths[i]! - [...cell].length)).join(" | ")} |`;
  const [first, ...others] = all;
  return `${[line(first!), line(widths.map((width) => "-".repeat(width))), ...others.map(line)].join("\n")}\n`;
}
