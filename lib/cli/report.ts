/** From results and errors to what is printed. @module */
import { isTagsealError, messageOf, TagsealError } from "../errors.ts";

/** What a command has to say: one JSON document, and the same as lines for people and shell scripts. */
export interface Report {
  /** For `--json`; `undefined` where the command has printed its document already. */
  readonly json: unknown;
  /** Without `--json`. */
  readonly lines: readonly string[];
  /** 0 unless a part of the work failed. */
  readonly exitCode?: number;
}

/** A failure as `--json` shows it. */
export function errorJson(error: unknown): { error: Record<string, unknown> } {
  const { code, message, remedy, details, published } = asTagsealError(error);
  const { sent: _sent, skippable: _skippable, ...shown } = details; // ours, nobody else's
  return { error: { code, message, remedy, details: shown, ...(published === undefined ? {} : { published }) } };
}

/** A failure for people; with the chain of causes and stacks where `verbose`. */
export function errorLines(error: unknown, verbose: boolean): string[] {
  const known = asTagsealError(error);
  const lines = [`tagseal: error: ${printable(known.message)}`, `tagseal: next: ${printable(known.remedy)}`];
  if (!verbose) return lines;
  for (let cause: unknown = error; cause !== undefined; cause = cause instanceof Error ? cause.cause : undefined) {
    lines.push(printable(cause instanceof Error ? cause.stack ?? cause.message : String(cause), true));
  }
  return lines;
}

function asTagsealError(error: unknown): TagsealError {
  if (isTagsealError(error)) return error;
  return new TagsealError("unexpected", `Something unexpected happened: ${messageOf(error)}`, {
    remedy: "Run it again with --verbose, and report this with what it prints",
    cause: error,
  });
}

/** What could steer a terminal, or show a text as another one: controls, line separators, direction marks. */
const STEERING = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** Servers and files may put anything into a name: nothing of it reaches the terminal as a control sequence. */
export function printable(line: string, lineBreaks = false): string {
  return line.replaceAll(STEERING, (found) => lineBreaks && found === "\n" ? found : "?");
}

/** The vocabulary of the documents that `--json` prints; members may be added to it, and none changes its meaning. */
export const SCHEMA_VERSION = 1;

/** A document of `--json` with the version of its vocabulary; lists are documents of other programs (docker's). */
export function documentOf(json: unknown): unknown {
  return Array.isArray(json) ? json : { schemaVersion: SCHEMA_VERSION, ...json as object };
}

/** One JSON document on one line; what JSON may leave as it is and a terminal would obey is escaped. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    STEERING,
    (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
