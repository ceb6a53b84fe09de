/** Signed tags as `list` and `verify` report them. @module */
import type { TagList } from "../flows/verify_tags.ts";
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
}

/** The report of a list of tags; `line` prints one. */
export function tagListReport(list: TagList, line: (row: TagRow) => string): Report {
  const tags = list.tags.map(({ tag, sha256, length, role, signers }): TagRow => ({
    tag,
    digest: `sha256:${sha256}`,
    length,
    role,
    signers,
  }));
  const { repository, expires, skipped } = list;
  const json = { repository, tags, expires: Object.fromEntries(expires), ...(skipped.length > 0 ? { skipped } : {}) };
  return { json, lines: tags.map(line) };
}
