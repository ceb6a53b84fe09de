/** Tags and digests as typed on the command line. @module */
import { TagsealError } from "../errors.ts";
import { isDigest, isTag, parseDigest, validTag } from "../registry/image_ref.ts";
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
 * Wraps the registry's look-up so that a tag counts only if it stands for the digest that was expected.
 *
 * @throws {TagsealError} `usage` where a digest is expected of a tag that is not among `tags`
 */
export function expecting(
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
  return async (tag) => {
    const manifest = await lookUp(tag);
    const wanted = expected.get(tag);
    if (wanted === undefined || wanted === manifest.digest) return manifest;
    throw new TagsealError("trust-invalid", `The tag "${tag}" stands for "${manifest.digest}", not "${wanted}"`, {
      remedy: "Nothing was signed. Somebody has moved the tag since it was built: push and sign your own image again",
      details: { tag, digest: manifest.digest, expected: wanted },
    });
  };
}
