/**
 * REFERENCE.md, from the commands themselves: flags, variables, exit codes, what `--json` prints. `deno task sync` writes
 * it, and a test fails where something else stands there.
 *
 * @module
 */
import { globalFlags } from "../lib/cli/common_flags.ts";
import { argumentsOf, type Command, type CommandEntry, titleOf } from "../lib/cli/command.ts";
import { EXIT_CODES, UPDATE_AVAILABLE } from "../lib/cli/exit_codes.ts";
import type { Flag } from "../lib/cli/flags.ts";
import { variablesOf } from "../lib/cli/needs.ts";
import { COMMANDS } from "./commands.ts";
import { DOCUMENTS, FAILURE, type Shape } from "./documents.ts";
import { VARIABLES } from "./variables.ts";

const HEAD = `# Reference

Written by \`deno task sync\` from the commands themselves; every \`deno task <command>\` is also \`tagseal <command>\` of the
single file. \`--help\` says the same.
`;

/** The whole page. */
export async function reference(): Promise<string> {
  const commands = await Promise.all(
    Object.entries(COMMANDS).map(async ([name, entry]) => commandSection(name, entry, (await entry.load()).command)),
  );
  return [HEAD, contents(), ...commands, flagsSection(), variablesSection(), exitCodesSection(), jsonSection()].join(
    "\n",
  );
}

function contents(): string {
  const rows = Object.entries(COMMANDS).map(([name, entry]) => [`[\`${name}\`](#${name})`, titleOf(entry)]);
  return `${table(["command", "what it does"], rows)}
Every command also takes [these flags](#flags-of-every-command). Further: [variables](#variables),
[exit codes](#exit-codes), [JSON](#json).
`;
}

function commandSection(name: string, entry: CommandEntry, command: Command): string {
  const { flags, description, example } = command;
  const usage = ["tagseal", name, ...argumentsOf(command).map(({ name }) => name), "[flags]"].join(" ");
  const variables = variablesOf(entry.needs);
  const shapes = Object.entries(DOCUMENTS[name] ?? {}).map(([when, shape]) =>
    `With \`${["--json", when].filter(Boolean).join(" ")}\`:\n\n${code(rendered(shape), "text")}`
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

function exitCodesSection(): string {
  const rows = Object.entries(EXIT_CODES).map((
    [error, { exitCode, meaning }],
  ) => [`${exitCode}`, `\`${error}\``, meaning]);
  return `## Exit codes

0 is success, ${UPDATE_AVAILABLE} that \`self-update --check\` has found a newer release. A failure has the exit code of its error code,
which \`--json\` names; where several repositories fail, the worst one counts.

${table(["exit code", "error code", "meaning"], rows)}`;
}

function jsonSection(): string {
  return `## JSON

With \`--json\` stdout is exactly one document, also on failure. \`"…"?\` may be missing; \`<name>\` is any name; a digest
is \`sha256:<hex>\`, a time is RFC 3339. A failure is

${code(rendered(FAILURE), "text")}
Commands that take \`--repositories-from\` print \`{"repositories": […]}\` then, each as for one repository, or with
\`error\` in place of the rest. Members may be added within one \`schemaVersion\`.
`;
}

/** A shape as a text of JSON's form; every document begins with the version of the vocabulary. */
function rendered(shape: Shape): string {
  return text({ schemaVersion: "1", ...shape as object }, "");
}

const WIDTH = 100;

function text(shape: Shape, indent: string): string {
  if (typeof shape === "string") return shape;
  const inner = `${indent}  `;
  if (Array.isArray(shape)) return `[${text(shape[0], indent)}]`;
  const members = Object.entries(shape).map(([name, value]) => {
    const key = name.endsWith("?") ? `"${name.slice(0, -1)}"?` : `"${name}"`;
    return `${key}: ${text(value, inner)}`;
  });
  const line = `{ ${members.join(", ")} }`;
  return line.length + indent.length < WIDTH && !line.includes("\n")
    ? line
    : `{\n${members.map((member) => `${inner}${member}`).join(",\n")}\n${indent}}`;
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
