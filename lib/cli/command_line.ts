/** Command lines that can be pasted as they are printed. @module */
import { called } from "./form.ts";

/** `tagseal <words>`, with the program as this process was called, quoted for POSIX shells and PowerShell where that is needed. */
export function commandLine(...words: readonly string[]): string {
  return shellLine(...called(), ...words);
}

/** `text` with those of its command lines that begin with `tagseal` and one of `commands` as they are called here. */
export function asCalled(text: string, commands: readonly string[]): string {
  return text.replaceAll(new RegExp(`\\btagseal(?= (?:${commands.join("|")})\\b)`, "g"), () => commandLine());
}

/** A command line of any program, quoted in the same way. */
export function shellLine(...words: readonly string[]): string {
  return words.map(quoted).join(" ");
}

/** A word as shells take it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
