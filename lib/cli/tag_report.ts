/** Signed tags as `list` and `verify` report them. @module */
import type { TagList } from "../schemes/notary_v1/verify_tags.ts";
import type { Report } from "./report.ts";

/** One tag as `--json` shows it. */
export interface TagRow {
  /** The tag. */
  readonly tag: string;
  /** `sha256:<hex>`. */
  readonly digest: string;
  /** The manifest's size in bytes. */
  readonly length: number;
  /** The role the entry was taken from. */
  readonly role: string;
  /** Who signed it. */
  readonly signers: readonly string[];
  /** With `--all`: whether another role holds another digest under this tag. */
  readonly differs?: boolean;
}

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
  line: (row: TagRow) => string,
  offline: Offline | undefined,
): Report & { readonly json: Record<string, unknown>; readonly exitCode: number } {
  const tags = list.tags.map(({ tag, sha256, length, role, signers, differs }): TagRow => ({
    tag,
    digest: `sha256:${sha256}`,
    length,
    role,
    signers,
    ...(differs === undefined ? {} : { differs }),
  }));
  const { repository, expires, skipped } = list;
  const json = {
    repository,
    tags,
    expires: Object.fromEntries(expires),
    ...(skipped.length > 0 ? { skipped } : {}),
    ...(offline ? { offline } : {}),
  };
  // A script that finds no tag must be able to tell "none is signed" from "what signs them is not trusted".
  return { json, lines: tags.map(line), exitCode: tags.length === 0 && skipped.length > 0 ? 3 : 0 };
}
