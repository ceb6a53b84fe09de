/** Command lines that can be pasted as they are printed. @module */

/** `tagseal <words>`, quoted for POSIX shells and PowerShell where that is needed. */
export function commandLine(...words: readonly string[]): string {
  return shellLine("tagseal", ...words);
}

/** A command line of any program, quoted in the same way. */
export function shellLine(...words: readonly string[]): string {
  return words.map(quoted).join(" ");
}

/** A word as shells take it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
