/** What a registry serves under tags that are signed, now. @module */
import { isTagsealError, TagsealError } from "../errors.ts";
import type { Digest } from "../registry/image_ref.ts";
import { isTag } from "../registry/image_ref.ts";
import type { ImageStore } from "../registry/image_store.ts";
import type { StoredManifest } from "../registry/manifest.ts";
import { MANIFESTS_AT_ONCE } from "../schemes/images.ts";
import { mapAtOnce } from "../signing/at_once.ts";

/**
 * What is served under a tag; `undefined` where there is no such tag, and words where what is there cannot be verified.
 * Throws what the registry's failures are.
 */
export async function servedUnder(store: ImageStore, tag: string): Promise<StoredManifest | undefined | string> {
  try {
    return await store.manifest(tag);
  } catch (error) {
    if (!isTagsealError(error)) throw error;
    // One tag's fault is no fault of the registry's.
    const isOfTag = ["trust-invalid", "bad-input"].includes(error.code) ||
      (isTagsealError(error, "unavailable") && error.reason === "no-image") ||
      (error.code === "forbidden" && error.call?.status === 412);
    if (!isOfTag) throw error;
    return error.message;
  }
}

/** A signed tag, and what the registry serves: `null` where it has no such tag. */
export interface ServedTag {
  /** The tag. */
  readonly tag: string;
  /** What it is signed as. */
  readonly digest: Digest;
  /** What is served. */
  readonly served: Digest | null;
}

/**
 * Compares signed tags with what the registry serves. That it has one no longer is an answer.
 *
 * @throws {TagsealError} `trust-invalid` naming every tag under which something else is served; what the registry throws
 */
export async function compareServed(
  gun: string,
  signed: readonly Pick<ServedTag, "tag" | "digest">[],
  store: ImageStore,
): Promise<ServedTag[]> {
  const all = await mapAtOnce(signed, MANIFESTS_AT_ONCE, async ({ tag, digest }) => {
    // Notary signs names of any kind.
    const found = isTag(tag) ? await servedUnder(store, tag) : undefined;
    if (typeof found === "string") return { tag, digest, served: null, unreadable: found };
    return { tag, digest, served: found?.digest ?? null };
  });
  const wrong = all.filter(({ digest, served, ...one }) =>
    "unreadable" in one || (served !== null && served !== digest)
  );
  if (wrong.length === 0) return all;
  const said = wrong.slice(0, MAX_SAID).map(({ tag, digest, served, ...one }) =>
    "unreadable" in one ? `"${tag}": ${one.unreadable}` : `"${tag}" is signed as ${digest}, and ${served} is served`
  );
  const more = wrong.length - MAX_SAID;
  throw new TagsealError(
    "trust-invalid",
    `The registry does not serve what is signed in "${gun}": ${said.join("; ")}${more > 0 ? `; and ${more} more` : ""}`,
    {
      remedy:
        "Pull by the signed digests alone. Find out who moved the tags, and sign them again only if that was meant",
      details: {
        repository: gun,
        tags: wrong.map(({ tag }) => tag),
        digests: wrong.map(({ digest }) => digest),
        served: wrong.map(({ served }) => served ?? ""),
      },
    },
  );
}

const MAX_SAID = 20;
