/** Signed tags as `list` and `verify` report them. @module */
import { describeTags, type TagFacts, type TagList } from "../schemes/notary_v1/verify_tags.ts";
import type { Report } from "./report.ts";

/** That no server was asked: what was read instead, and which time it was judged at (RFC 3339). */
export type Offline =
  /** A file of `export`, as the user named it. */
  | { readonly file: string; readonly judgedAt: string }
  /** The local copy, and why the server could not be asked. */
  | { readonly why: string; readonly judgedAt: string };

/** What stood in for the server, if anything did: a file, or the local copy, because of `why`. */
export function standIn(file: Offline | undefined, why: string | undefined, at: Date): Offline | undefined {
  return file ?? (why === undefined ? undefined : { why, judgedAt: at.toISOString() });
}

/** The report of a list of tags; `line` prints one. Exit code 3 where there is none, and roles were left out. */
export function tagListReport(
  list: TagList,
  line: (row: TagFacts) => string,
  offline: Offline | undefined,
): Report & { readonly json: Record<string, unknown>; readonly exitCode: number } {
  const facts = describeTags(list);
  const { tags, skipped } = facts;
  const json = { ...facts, ...(offline ? { offline } : {}) };
  // A script that finds no tag must be able to tell "none is signed" from "what signs them is not trusted".
  return { json, lines: tags.map(line), exitCode: tags.length === 0 && skipped ? 3 : 0 };
}
