/** Command lines that can be pasted as they are printed. @module */
import { called, SHELL, type Shell } from "./form.ts";

/** `tagseal <words>`, with the program as this process was called, quoted for the shell of this machine. */
export function commandLine(...words: readonly string[]): string {
  return shellLine(...called(), ...words);
}

/** `text` with those of its command lines that begin with `tagseal` and one of `commands` as they are called here. */
export function asCalled(text: string, commands: readonly string[]): string {
  return text.replaceAll(new RegExp(`\\btagseal(?= (?:${commands.join("|")})\\b)`, "g"), () => commandLine());
}

/** A command line of any program, quoted in the same way. */
export function shellLine(...words: readonly string[]): string {
  return words.map((word) => shellWord(word, SHELL)).join(" ");
}

const PLAIN: Readonly<Record<Shell, RegExp>> = { sh: /^[\w@%+=:,./-]+$/, powershell: /^[\w+=:./\\-]+$/ };

/** A word as a shell takes it, in quotes where it must be; PowerShell makes lists of commas. */
export function shellWord(word: string, shell: Shell): string {
  return PLAIN[shell].test(word) ? word : quotedWord(word, shell);
}

/** A word in single quotes, of which PowerShell has five. */
export function quotedWord(word: string, shell: Shell): string {
  const quoted = shell === "sh" ? word.replaceAll("'", `'\\''`) : word.replaceAll(/['\u2018-\u201b]/g, "$&$&");
  return `'${quoted}'`;
}
