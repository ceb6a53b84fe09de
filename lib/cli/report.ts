/** From results and errors to what is printed. @module */
import { word } from "../bytes/printable.ts";
import { isTagsealError, messageOf, stackOf, TagsealError } from "../errors.ts";
import { remedyOf } from "./hints.ts";
import type { Level, TagRow } from "./job_log.ts";

/** What a command has to say: one JSON document, and the same as lines for people and shell scripts. */
export interface Report {
  /** For `--json`; `undefined` where the command has printed its document already. */
  readonly json: unknown;
  /** Without `--json`. */
  readonly lines: readonly string[];
  /** 0 unless a part of the work failed. */
  readonly exitCode?: number;
  /** What became of each tag, for the summary of a CI job; left out where it is no news. */
  readonly tags?: readonly TagRow[];
}

/** A row for people, and for scripts that take lines. */
export function tagLine({ repository, tag, digest, outcome }: TagRow): string {
  const name = tag === undefined ? repository : `${repository}:${word(tag)}`;
  return [name, ...digest === undefined ? [] : [digest], outcome].join(" ");
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
  const { message, next } = toldOf(error);
  const lines = [`tagseal: error: ${message}`, `tagseal: next: ${next}`];
  let cause = verbose ? error : undefined;
  for (let depth = 0; cause !== undefined && depth < MAX_CAUSES; depth++) {
    // No line begins with what a server says.
    lines.push(...stackOf(cause).split("\n").map((line) => `  | ${line}`));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return lines;
}

/** What of a failure is for everybody: what happened, and the next safe move. What goes on all the same is a warning. */
export function toldOf(error: unknown): { readonly message: string; readonly next: string; readonly level: Level } {
  const known = asTagsealError(error);
  return { message: known.message, next: remedyOf(known), level: known.code === "timed-out" ? "warning" : "error" };
}

function asTagsealError(error: unknown): TagsealError {
  if (isTagsealError(error)) return error;
  return new TagsealError("unexpected", `Something unexpected happened: ${messageOf(error)}`, {
    remedy: "Run it again with --verbose, and report this with what it prints",
    cause: error,
  });
}
