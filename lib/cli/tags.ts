/** Tags and digests as typed on the command line. @module */
import { TagsealError } from "../errors.ts";
import { isDigest, isTag, parseDigest, validTag } from "../registry/image_ref.ts";
import { expecting } from "../registry/expected.ts";
import type { TaggedManifest } from "../registry/manifest.ts";

/** The tags to work on, each once. @throws {TagsealError} `usage` where there is none, or one cannot be a tag */
export function requireTags(tags: readonly string[]): string[] {
  if (tags.length > 0) return [...new Set(tags.map(tagAlone))];
  throw new TagsealError("usage", "--tags is missing", { remedy: "Name the tags, for example --tags v1,1.2.17" });
}

function tagAlone(text: string): string {
  const [tag = "", digest] = text.split("@");
  if (digest === undefined || !isTag(tag) || !isDigest(digest)) return validTag(text);
  throw new TagsealError("usage", `"${text}" is a tag and a digest`, {
    remedy: `Name the tag alone: --tags ${tag}; sign and verify hold it to the digest with --expect-digest ${tag}=` +
      `${digest}, and sign takes both from a file of --from`,
  });
}

/** `--expect-digest` values, checked. @throws {TagsealError} `usage` */
export function expectedDigests(pairs: ReadonlyMap<string, string>): Map<string, string> {
  return new Map([...pairs].map(([tag, digest]) => [validTag(tag), parseDigest(digest)]));
}

/**
 * Holds `tags` to the digests that flags expect of them.
 *
 * @throws {TagsealError} `usage` where a digest is expected of a tag that is not among `tags`
 */
export function holdingTo(
  lookUp: (tag: string) => Promise<TaggedManifest>,
  tags: readonly string[],
  expected: ReadonlyMap<string, string>,
): (tag: string) => Promise<TaggedManifest> {
  const foreign = [...expected.keys()].find((tag) => !tags.includes(tag));
  if (foreign !== undefined) {
    throw new TagsealError("usage", `--expect-digest names the tag "${foreign}", which is not in --tags`, {
      remedy: "Name it in --tags, or leave the digest out",
    });
  }
  return expecting(lookUp, expected);
}
