/** What of repositories ends when, as a calendar (RFC 5545). @module */
import { type Bytes, text, utf8 } from "../bytes/bytes.ts";
import { printable } from "../bytes/printable.ts";
import { sha256Hex } from "../crypto/hash.ts";
import { TagsealError } from "../errors.ts";
import { type End, endWords } from "../flows/status_ends.ts";
import { commandLine } from "./command_line.ts";
import type { Host } from "./host.ts";
import { isTaken, writeArtifact } from "./signing.ts";

/** The dates of one repository. */
export interface Dates {
  /** The GUN. */
  readonly repository: string;
  /** What ends. */
  readonly ends: readonly End[];
}

/** By which a calendar is known as one of these. */
const PRODUCT = "PRODID:-//tagseal//trust data//EN";
const MAX_BYTES = 2 ** 24;
const MAX_LINE_BYTES = 75;
/** How many days before the day people are told. */
const ALARMS = [30, 7];

/** A calendar with an event for each end; another one of the same takes the events' places. */
export function calendarOf(all: readonly Dates[], at: Date): Bytes {
  const events = all.flatMap(({ repository, ends }) => ends.flatMap((end) => eventOf(repository, end, at)));
  const lines = ["BEGIN:VCALENDAR", "VERSION:2.0", PRODUCT, "METHOD:PUBLISH", ...events, "END:VCALENDAR"];
  return utf8(lines.flatMap(folded).map((line) => `${line}\r\n`).join(""));
}

function eventOf(repository: string, end: End, at: Date): string[] {
  const day = new Date(end.expires);
  const next = new Date(day.getTime() + 86_400_000);
  const summary = `${repository}: ${endWords(end)} ends`;
  return [
    "BEGIN:VEVENT",
    // The same for what is renewed: its event moves.
    `UID:${sha256Hex(utf8(JSON.stringify([repository, end.kind, end.keyId ?? end.roles]))).slice(0, 32)}@tagseal`,
    `DTSTAMP:${at.toISOString().replaceAll(/[-:]|\.\d+/g, "")}`,
    `DTSTART;VALUE=DATE:${dateOf(day)}`,
    `DTEND;VALUE=DATE:${dateOf(next)}`,
    `SUMMARY:${escaped(summary)}`,
    `DESCRIPTION:${escaped(`What to do is said by: ${commandLine("status", "-r", repository)}`)}`,
    "TRANSP:TRANSPARENT",
    ...ALARMS.flatMap((days) => [
      "BEGIN:VALARM",
      "ACTION:DISPLAY",
      `DESCRIPTION:${escaped(summary)}`,
      `TRIGGER:-P${days}D`,
      "END:VALARM",
    ]),
    "END:VEVENT",
  ];
}

function dateOf(time: Date): string {
  return time.toISOString().slice(0, 10).replaceAll("-", "");
}

function escaped(words: string): string {
  return printable(words).replaceAll(/[\\;,]/g, "\\$&");
}

/** Lines are broken at 75 bytes, never within a character. */
function folded(line: string): string[] {
  const lines: string[] = [""];
  let length = 0;
  for (const character of line) {
    const bytes = utf8(character).length;
    if (length + bytes > MAX_LINE_BYTES) {
      lines.push(" ");
      length = 1;
    }
    lines[lines.length - 1] += character;
    length += bytes;
  }
  return lines;
}

/** Fails early where the file is there and no calendar of this program. @throws {TagsealError} `exists`, `bad-input` */
export async function requireOwnCalendar(host: Host, path: string): Promise<void> {
  if (!await isTaken(host, path)) return;
  if (text(await host.readFile(path, MAX_BYTES)).includes(PRODUCT)) return;
  throw new TagsealError("exists", `"${path}" exists already, and is no calendar that was written here`, {
    remedy: "Choose another path with --calendar",
    details: { path },
  });
}

/** Writes it, in place of an older one. */
export async function writeCalendar(host: Host, path: string, all: readonly Dates[]): Promise<void> {
  await writeArtifact(host, path, calendarOf(all, host.now()), true);
  const count = all.reduce((sum, { ends }) => sum + ends.length, 0);
  host.info(`"${path}" holds ${count} date${count === 1 ? "" : "s"}.`);
}
