/**
 * Descriptors: content by its digest, as manifests and indexes name it.
 *
 * @see {@link https://github.com/opencontainers/image-spec/blob/v1.1.0/descriptor.md | OCI Content Descriptors}
 * @module
 */
import { isJsonObject, type JsonValue } from "../bytes/json.ts";
import { type Digest, isDigest } from "./image_ref.ts";

/** Content by its digest. */
export interface Descriptor {
  /** What it is. */
  readonly mediaType: string;
  /** SHA-256 of its bytes. */
  readonly digest: Digest;
  /** How many bytes it has. */
  readonly size: number;
}

/** Reads a descriptor; nothing where it is none, or one by another hash than SHA-256. */
export function readDescriptor(value: JsonValue | undefined): Descriptor | undefined {
  if (!isJsonObject(value)) return undefined;
  const { mediaType, digest, size } = value;
  if (typeof mediaType !== "string" || typeof digest !== "string" || !isDigest(digest)) return undefined;
  return Number.isSafeInteger(size) && (size as number) >= 0 ? { mediaType, digest, size: size as number } : undefined;
}

/** Those members of an object that are texts: annotations. */
export function readAnnotations(value: JsonValue | undefined): Readonly<Record<string, string>> {
  const texts = Object.entries(isJsonObject(value) ? value : {}).filter(([, text]) => typeof text === "string");
  return Object.fromEntries(texts) as Record<string, string>;
}
