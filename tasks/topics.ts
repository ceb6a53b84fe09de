/** What help, the manual page and REFERENCE.md say alike of exit codes, variables and JSON. @module */
import { EXIT_CODES, UPDATE_AVAILABLE } from "../lib/cli/exit_codes.ts";
import { table, wrapped } from "../lib/cli/help.ts";
import { DOCUMENTS, FAILURE, type Shape } from "./documents.ts";
import { VARIABLES } from "./variables.ts";

/** Of exit codes, in front of the list of them; words of the command line stand between backticks, here and below. */
export const EXIT_CODES_PROSE: string =
  `0 is success, ${UPDATE_AVAILABLE} that \`self-update --check\` has found a newer release. A failure has the exit ` +
  "code of its error code, which `--json` names; where several repositories fail, the worst one counts.";

/** Of documents, in front of that of a failure. */
export const JSON_PROSE: string =
  'With `--json` stdout is exactly one document, also on failure. `"…"?` may be missing; `<name>` is any name; a digest ' +
  "is `sha256:<hex>`, a time is RFC 3339. A failure is";

/** The same, behind it. */
export const LISTS_PROSE: string =
  'Commands that take `--repositories-from` print `{"repositories": […]}` then, each as for one repository, or with ' +
  "`error` in place of the rest. Members may be added within one `schemaVersion`.";

/** Exit codes with the error codes that have them, and what these mean. */
export function exitCodeRows(): { exitCode: string; code: string; meaning: string }[] {
  return Object.entries(EXIT_CODES).map(([code, { exitCode, meaning }]) => ({
    exitCode: `${exitCode}`,
    code,
    meaning,
  }));
}

/** What a command prints with `--json`, and the flag with which it prints something else. */
export function documentsOf(command: string): { when: string; shape: Shape }[] {
  return Object.entries(DOCUMENTS[command] ?? {}).map(([when, shape]) => ({ when, shape }));
}

/** What is explained beside commands; `columns` is the width of a line. */
export const TOPICS: Readonly<Record<string, (columns: number) => string[]>> = {
  "exit-codes": (columns) => [
    ...wrapped(plain(EXIT_CODES_PROSE), columns),
    "",
    ...table(
      exitCodeRows().map(({ exitCode, code, meaning }) => [`${exitCode.padStart(3)}  ${code}`, meaning]),
      columns,
    ),
  ],
  "variables": (columns) => table(Object.entries(VARIABLES).map(([name, what]) => [name, plain(what)]), columns),
  "json": (columns) => [
    ...wrapped(plain(JSON_PROSE), columns),
    "",
    ...indented(FAILURE, columns),
    "",
    ...wrapped(plain(LISTS_PROSE), columns),
    ...Object.keys(DOCUMENTS).flatMap((command) =>
      documentsOf(command).flatMap(({ when, shape }) => [
        "",
        `tagseal ${[command, "--json", when].filter(Boolean).join(" ")}`,
        "",
        ...indented(shape, columns),
      ])
    ),
  ],
};

function indented(shape: Shape, columns: number): string[] {
  return rendered(shape, columns - 2).split("\n").map((line) => `  ${line}`);
}

function plain(text: string): string {
  return text.replaceAll("`", "");
}

/** A shape as a text of JSON's form; every document begins with the version of the vocabulary. */
export function rendered(shape: Shape, columns: number): string {
  return text({ schemaVersion: "1", ...shape as object }, "", columns);
}

/** `before` is how much of the first line is taken. */
function text(shape: Shape, indent: string, columns: number, before = 0): string {
  if (typeof shape === "string") return shape;
  const inner = `${indent}  `;
  if (Array.isArray(shape)) return `[${text(shape[0], indent, columns, before + 2)}]`;
  const members = Object.entries(shape).map(([name, value]) => {
    const key = name.endsWith("?") ? `"${name.slice(0, -1)}"?` : `"${name}"`;
    return `${key}: ${text(value, inner, columns, `${key}: ,`.length)}`;
  });
  const line = `{ ${members.join(", ")} }`;
  return before + line.length + indent.length < columns && !line.includes("\n")
    ? line
    : `{\n${members.map((member) => `${inner}${member}`).join(",\n")}\n${indent}}`;
}
