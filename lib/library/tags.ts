/** Tags as a script names them. @module */
import { TagsealError } from "../errors.ts";
import { parseDigest, validTag } from "../registry/image_ref.ts";

/** Tags alone, or each with the manifest digest (`sha256:<hex>`) that it must stand for. */
export type TagSelection = readonly string[] | Readonly<Record<string, string>>;

/** Tags, each once, and the digests that are expected of some. */
export interface SelectedTags {
  /** The tags. */
  readonly tags: readonly string[];
  /** Digests by tag. */
  readonly digests: ReadonlyMap<string, string>;
}

/**
 * Reads a selection.
 *
 * @throws {TagsealError} `usage` where it is empty, or something in it is no tag or no digest
 */
export function selectTags(selection: TagSelection): SelectedTags {
  const digests = isList(selection)
    ? new Map<string, string>()
    : new Map(Object.entries(selection).map(([tag, digest]) => [validTag(tag), parseDigest(digest)]));
  const tags = isList(selection) ? [...new Set(selection.map(validTag))] : [...digests.keys()];
  if (tags.length === 0) throw new TagsealError("usage", "No tag is named", { remedy: "Name one tag at least" });
  return { tags, digests };
}

function isList(selection: TagSelection): selection is readonly string[] {
  return Array.isArray(selection);
}
