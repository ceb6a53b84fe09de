/** From results and errors to what is printed. @module */
import { isTagsealError, messageOf, stackOf, TagsealError } from "../errors.ts";

/** What a command has to say: one JSON document, and the same as lines for people and shell scripts. */
export interface Report {
  /** For `--json`; `undefined` where the command has printed its document already. */
  readonly json: unknown;
  /** Without `--json`. */
  readonly lines: readonly string[];
  /** 0 unless a part of the work failed. */
  readonly exitCode?: number;
}

/** A chain of causes may be a ring. */
const MAX_CAUSES = 20;

/** A failure as `--json` shows it. */
export function errorJson(error: unknown): { error: Record<string, unknown> } {
  const { code, message, remedy, details, published } = asTagsealError(error);
  return { error: { code, message, remedy, details, ...(published === undefined ? {} : { published }) } };
}

/** A failure for people, as lines to be said; with the chain of causes and stacks where `verbose`. */
export function errorLines(error: unknown, verbose: boolean): string[] {
  const { message, remedy } = asTagsealError(error);
  const lines = [`tagseal: error: ${message}`, `tagseal: next: ${remedy}`];
  let cause = verbose ? error : undefined;
  for (let depth = 0; cause !== undefined && depth < MAX_CAUSES; depth++) {
    // No line begins with what a server says.
    lines.push(...stackOf(cause).split("\n").map((line) => `  | ${line}`));
    cause = cause instanceof Error ? cause.cause : undefined;
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

/** The vocabulary of the documents that `--json` prints; members may be added to it, and none changes its meaning. */
export const SCHEMA_VERSION = 1;

/** A document of `--json` with the version of its vocabulary; lists are documents of other programs (docker's). */
export function documentOf(json: unknown): unknown {
  return Array.isArray(json) ? json : { schemaVersion: SCHEMA_VERSION, ...json as object };
}
