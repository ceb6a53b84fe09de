/** Plain text for terminals of 80 columns. @module */

const WIDTH = 80;

/** How a column is set. */
export interface Column {
  /** Its heading. */
  readonly title: string;
  /** Numbers stand at the right. */
  readonly right?: boolean;
}

/** Rows under headings, each column as wide as its widest cell. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], indent: string): string[] {
  const all = [columns.map(({ title }) => title), ...rows];
  const widths = columns.map((_, i) => Math.max(...all.map((row) => row[i]!.length)));
  return all.map((row) => {
    const cells = row.map((cell, i) => columns[i]!.right ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!));
    return `${indent}${cells.join("  ")}`.trimEnd();
  });
}

/** A paragraph, broken between words; `first` stands before it, and as much space before its other lines. */
export function paragraph(first: string, text: string): string[] {
  const space = " ".repeat(first.length);
  const lines = [first];
  let empty = true;
  for (const word of text.split(" ")) {
    const line = lines.at(-1)!;
    if (!empty && line.length + 1 + word.length > WIDTH) lines.push(`${space}${word}`);
    else lines[lines.length - 1] = empty ? `${line}${word}` : `${line} ${word}`;
    empty = false;
  }
  return lines;
}

/** A command to be pasted: one with a line break in it would be two. */
const COMMAND = /(?<=: |, then )(?:tagseal|deno task) .*?(?=[,.;] |$)/g;
const GLUE = "\u00a0";

/** A line for people, broken between words where it is longer than `width`. Lines that are set already stay as they are. */
export function fitted(line: string, width: number): string[] {
  if (line.length < width || line.startsWith(" ")) return [line];
  const glued = line.replaceAll(COMMAND, (command) => command.replaceAll(" ", GLUE));
  const lines: string[] = [];
  for (const word of glued.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length < width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(last === undefined ? word : `  ${word}`);
  }
  return lines.map((each) => each.replaceAll(GLUE, " "));
}

/** The same for a line that is indented: what goes on stands deeper, so that no text can look like a line of its own. */
export function hanging(line: string, width: number): string[] {
  const [, indent = "", rest = ""] = /^( *)(.*)$/s.exec(line)!;
  return fitted(rest, width - indent.length).map((each) => `${indent}${each}`);
}

/** The beginning of a key id, as people compare it; the whole is in `--json`. */
export function shortId(id: string): string {
  return id.slice(0, 7);
}

/** The day of an RFC 3339 time. */
export function day(time: string | null): string {
  return time?.slice(0, 10) ?? "-";
}
