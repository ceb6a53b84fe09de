/**
 * The manual page, from the table of commands. It has no date: what is made from the same source is the same page.
 *
 * @see {@link https://man.openbsd.org/man.7 | man(7), the macros}
 * @module
 */
import { globalFlags } from "../lib/cli/common_flags.ts";
import { argumentsOf, type CommandEntry, titleOf } from "../lib/cli/command.ts";
import type { Flag } from "../lib/cli/flags.ts";
import { variablesOf } from "../lib/cli/needs.ts";
import { VERSION } from "../lib/version.ts";
import { EXIT_CODES_PROSE, exitCodeRows, JSON_PROSE, LISTS_PROSE, rendered } from "./topics.ts";
import { FAILURE } from "./documents.ts";
import { VARIABLES } from "./variables.ts";

/** Its lines. */
export async function manualPage(commands: Readonly<Record<string, CommandEntry>>): Promise<string[]> {
  const sections = await Promise.all(Object.entries(commands).map(([name, entry]) => section(name, entry)));
  return [
    `.TH TAGSEAL 1 "" "tagseal ${VERSION}" "User Commands"`,
    ".SH NAME",
    "tagseal \\- sign Docker tags while the signing key stays at SignPath",
    ".SH SYNOPSIS",
    ".B tagseal",
    "\\fIcommand\\fR [\\fIflags\\fR]",
    ".SH DESCRIPTION",
    "tagseal signs tags of Docker images with Docker Content Trust (Notary v1), and the same digests for cosign and Notation.",
    ".PP",
    "A flag that names a secret takes \\fBenv:\\fINAME\\fR, \\fBfile:\\fIPATH\\fR or \\fB\\-\\fR (standard input).",
    ".SH COMMANDS",
    ...sections.flat(),
    ".SH FLAGS OF EVERY COMMAND",
    ...flagLines(Object.values(globalFlags)),
    ".SH ENVIRONMENT",
    ...Object.entries(VARIABLES).flatMap(([name, what]) => term(`\\fB${roff(name)}\\fR`, marked(what))),
    ".SH FILES",
    ...term("\\fI~/.docker/trust\\fR", "keys and trusted data"),
    ...term("\\fI~/.docker/config.json\\fR", "logins, as Docker keeps them"),
    ".SH EXIT STATUS",
    ...marked(EXIT_CODES_PROSE),
    ...exitCodeRows().flatMap(({ exitCode, code, meaning }) =>
      term(`\\fB${exitCode}\\fR (${roff(code)})`, marked(meaning))
    ),
    ".SH JSON",
    ...marked(JSON_PROSE),
    ".PP",
    ".nf",
    ...rendered(FAILURE, 72).split("\n").map(roff),
    ".fi",
    ".PP",
    ...marked(LISTS_PROSE),
    ".SH SEE ALSO",
    ".BR docker (1),",
    ".BR skopeo (1)",
  ];
}

async function section(name: string, entry: CommandEntry): Promise<string[]> {
  const { command } = await entry.load();
  const args = argumentsOf(command);
  const variables = variablesOf(entry.needs);
  return [
    `.SS "tagseal ${[name, ...args.map((each) => each.name), "[flags]"].map(roff).join(" ")}"`,
    ...marked(`${titleOf(entry)}.`),
    ".PP",
    ...marked(command.description),
    ...args.flatMap((each) => term(`\\fI${roff(each.name)}\\fR`, marked(each.help))),
    ...flagLines(Object.values(command.flags)),
    ...variables.length > 0 ? [".PP", ...marked(`Reads ${variables.join(", ")}.`)] : [],
    ".PP",
    "Example:",
    ".PP",
    ".nf",
    roff(`    ${command.example}`),
    ".fi",
  ];
}

function flagLines(flags: readonly Flag<unknown>[]): string[] {
  return flags.flatMap(({ spec, help, variable }) => {
    const names = roff(spec).replaceAll(/\\-[\w\\-]+/g, "\\fB$&\\fR").replace(/<.*>/, "\\fI$&\\fR");
    return term(names, marked(variable === undefined ? help : `${help} [\`${variable}\`]`));
  });
}

function term(words: string, lines: string | readonly string[]): string[] {
  return [".TP", words, ...[lines].flat()];
}

/** Prose as paragraphs; what stands between backticks is bold. */
function marked(prose: string): string[] {
  return prose.split(/\n+/).flatMap((paragraph, i) => [
    ...i === 0 ? [] : [".PP"],
    roff(paragraph).replaceAll(/`([^`]*)`/g, "\\fB$1\\fR"),
  ]);
}

/** Text that no formatter takes for its own: no escape, no request at the start of a line, no dash that is a hyphen. */
function roff(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replace(/^(?=[.'])/, "\\&")
    .replaceAll(
      /[^ -~]/gu,
      (character) => `\\[u${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}]`,
    );
}
