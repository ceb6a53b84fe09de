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
  /** With `--all`: whether another role holds another digest under this tag. */
  readonly differs?: boolean;
}

/** That the data came from a file, and which time it was judged at. */
export interface Offline {
  /** The file as the user named it. */
  readonly file: string;
  /** RFC 3339. */
  readonly judgedAt: string;
}

/** The report of a list of tags; `line` prints one. */
export function tagListReport(
  list: TagList,
  line: (row: TagRow) => string,
  offline?: Offline,
): Report & { readonly json: Record<string, unknown> } {
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
  return { json, lines: tags.map(line) };
}
