/**
 * Texts from outside, made harmless: to terminals, and to the programs that read the logs of CI jobs, which take some
 * lines for commands (GitHub: `##[…]` anywhere, `::…::` at the start; Azure: `##vso[…]` and `##[…]`; TeamCity:
 * `##teamcity[…]`; GitLab: section marks between control characters). What cannot be seen is shown as JSON writes it
 * (`\u200b`), so that different texts never look alike, and JSON keeps its meaning.
 *
 * @see {@link https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs | GitHub's runner}
 * @see {@link https://github.com/microsoft/azure-pipelines-agent/blob/master/src/Microsoft.VisualStudio.Services.Agent/Command.cs | Azure's agent}
 * @see {@link https://www.jetbrains.com/help/teamcity/service-messages.html | TeamCity's service messages}
 * @module
 */

/**
 * Controls, direction marks, fillers, all blanks but the space, what no font shows yet; the first of two `#`, whatever
 * stands between them that a reader may skip; the colon that begins a command of GitHub's.
 */
const RISKY = /[\p{C}\p{Default_Ignorable_Code_Point}\u2800\u{1d159}]|[^\S ]|#(?=[^ -~]*#)|:(?=:)(?<=^ *:)/gu;

/** The same in JSON, of which nothing but ASCII is left, so that no console's code page can change it. */
const RISKY_IN_JSON = /[^ -~]|#(?=#)/g;

const PLAIN_WORD = /^[A-Za-z0-9_][A-Za-z0-9_./:@+-]*$/;

/** A line on its way out; only a command may put together more than one. */
export function printable(line: string): string {
  return line.replaceAll(RISKY, escaped);
}

/** One JSON document on one line; parsed, it is the value that it was. */
export function jsonLine(json: string): string {
  return json.replaceAll(RISKY_IN_JSON, escaped);
}

/**
 * A foreign name as it may stand in double quotes: no more than `maxLength` characters of it, all of them visible ASCII,
 * since others could show the name as another one.
 */
export function shown(name: string, maxLength = 100): string {
  const safe = name.slice(0, maxLength).replaceAll(/[^ -~]|["\\]/g, escapedInQuotes);
  return name.length > maxLength ? `${safe}…` : safe;
}

/** A foreign name as a word of a line, also its first: in quotes unless it is one word that nothing can be read into. */
export function word(name: string): string {
  return PLAIN_WORD.test(name) ? name : `"${shown(name, Infinity)}"`;
}

/** What stands in a stranger's document where a text is expected; "" where it is a list or an object. */
export function plain(value: unknown): string {
  return ["string", "number", "boolean"].includes(typeof value) ? String(value) : "";
}

/**
 * What a stranger says, on one line of at most `maxLength` characters without a final period. A word that would be cut
 * is left out: it could be half of a secret, which nobody would know any more.
 */
export function sentence(words: unknown, maxLength = 300): string {
  const said = plain(words);
  const line = said.slice(0, 16 * maxLength).replaceAll(/[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\s]+/gu, " ")
    .trim();
  if (line.length <= maxLength && said.length <= 16 * maxLength) return line.replace(/\.+$/, "");
  return `${line.slice(0, maxLength - 1).replace(/[!-~]+$/, "").trimEnd()}…`;
}

function escapedInQuotes(found: string): string {
  return found === '"' || found === "\\" ? `\\${found}` : escaped(found);
}

function escaped(found: string): string {
  let units = "";
  for (let i = 0; i < found.length; i++) units += `\\u${found.charCodeAt(i).toString(16).padStart(4, "0")}`;
  return units;
}
