/** What a tag must stand for. @module */
import { TagsealError } from "../errors.ts";
import type { TaggedManifest } from "./manifest.ts";

/**
 * Wraps the registry's look-up so that a tag counts only if it stands for the digest that was expected of it.
 *
 * @returns a look-up that throws {@linkcode TagsealError} `trust-invalid` where a tag stands for something else
 */
export function expecting(
  lookUp: (tag: string) => Promise<TaggedManifest>,
  expected: ReadonlyMap<string, string>,
): (tag: string) => Promise<TaggedManifest> {
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
