/** From results and errors to what is printed. @module */
import { isTagsealError, messageOf, stackOf, TagsealError } from "../errors.ts";
import { remedyOf } from "./hints.ts";

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
  const known = asTagsealError(error);
  const { code, message, details, published } = known;
  return {
    error: { code, message, remedy: remedyOf(known), details, ...(published === undefined ? {} : { published }) },
  };
}

/** A failure for people, as lines to be said; with the chain of causes and stacks where `verbose`. */
export function errorLines(error: unknown, verbose: boolean): string[] {
  const known = asTagsealError(error);
  const lines = [`tagseal: error: ${known.message}`, `tagseal: next: ${remedyOf(known)}`];
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
