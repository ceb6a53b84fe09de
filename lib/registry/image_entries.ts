/**
 * An image with all that it consists of: a multi-platform image is an index, and each of its entries is pulled, and
 * checked, by a digest of its own.
 *
 * @module
 */
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../bytes/json.ts";
import { TagsealError } from "../errors.ts";
import { type Descriptor, readDescriptor } from "./descriptor.ts";
import { findManifest, type StoredManifest } from "./manifest.ts";
import { isIndex } from "./manifest_type.ts";
import type { RegistryRepository } from "./repository.ts";

/** An entry of an index. */
export interface ImageEntry extends Descriptor {
  /** What it runs on, as `linux/arm64/v8`; attestations of buildx have `unknown/unknown`, others may have none. */
  readonly platform?: string;
}

/** An image, and the entries of its index where it is one. */
export interface ImageWithEntries {
  /** What the tag or digest stands for. */
  readonly image: Descriptor;
  /** All entries, also those of indexes within the index, each digest once, in their order; none of a plain image. */
  readonly entries: readonly ImageEntry[];
}

const MAX_DEPTH = 4;
const MAX_ENTRIES = 1000;

/**
 * Reads what a tag or digest stands for, with its entries; `undefined` where there is no such tag or digest.
 *
 * @throws {TagsealError} `bad-input` where an entry cannot be signed or there are too many, `not-found` where an index
 *   within the index is missing, and what `findManifest` throws
 */
export async function findImage(
  repository: RegistryRepository,
  reference: string,
): Promise<ImageWithEntries | undefined> {
  const found = await findManifest(repository, reference);
  if (found === undefined) return undefined;
  const entries = new Map<string, ImageEntry>();
  await addEntries(repository, found, entries, 1);
  const { mediaType, digest, bytes } = found;
  return { image: { mediaType, digest, size: bytes.length }, entries: [...entries.values()] };
}

async function addEntries(
  repository: RegistryRepository,
  { mediaType, digest, bytes }: StoredManifest,
  entries: Map<string, ImageEntry>,
  depth: number,
): Promise<void> {
  if (!isIndex(mediaType)) return;
  const failed = (code: "bad-input" | "not-found", why: string): TagsealError =>
    new TagsealError(code, `The index "${digest}" of the repository "${repository.path}" ${why}`, {
      remedy: "Build and push the image again",
      details: { repository: repository.path, digest },
    });
  if (depth > MAX_DEPTH) throw failed("bad-input", `stands in more than ${MAX_DEPTH - 1} indexes`);
  const { manifests } = parseJson(bytes, "any") as JsonObject;
  for (const value of Array.isArray(manifests) ? manifests : [manifests ?? null]) {
    const entry = readEntry(value);
    if (entry === undefined) throw failed("bad-input", "holds an entry without media type, size and SHA-256 digest");
    if (entries.has(entry.digest)) continue;
    if (entries.size === MAX_ENTRIES) throw failed("bad-input", `takes the image above ${MAX_ENTRIES} entries`);
    entries.set(entry.digest, entry);
    if (!isIndex(entry.mediaType)) continue;
    const nested = await findManifest(repository, entry.digest);
    if (nested === undefined) throw failed("not-found", `names "${entry.digest}", which is not there`);
    await addEntries(repository, nested, entries, depth + 1);
  }
}

function readEntry(value: JsonValue): ImageEntry | undefined {
  const descriptor = readDescriptor(value);
  if (descriptor === undefined) return undefined;
  const { platform } = value as JsonObject;
  const { os, architecture, variant } = isJsonObject(platform) ? platform : {};
  if (typeof os !== "string" || typeof architecture !== "string") return descriptor;
  const parts = [os, architecture, ...(typeof variant === "string" && variant !== "" ? [variant] : [])];
  return { ...descriptor, platform: parts.join("/") };
}
