/** Command lines that can be pasted as they are printed. @module */

/** `tagseal <words>`, quoted for POSIX shells and PowerShell where that is needed. */
export function commandLine(...words: readonly string[]): string {
  return ["tagseal", ...words].map(quoted).join(" ");
}

/** A word as shells take it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
