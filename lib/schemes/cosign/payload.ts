/**
 * What a classic cosign signature signs: "simple signing", a statement that a name and tag mean a manifest.
 *
 * Cosign itself looks at the digest alone; containers-image (podman, skopeo, CRI-O) also at the name and the tag, takes
 * no other members than these, and nothing twice. What is read here satisfies both.
 *
 * @see {@link https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md | cosign's signature specification}
 * @see {@link https://github.com/containers/image/blob/main/docs/containers-signature.5.md | containers-signature(5)}
 * @module
 */
import { type Bytes, utf8 } from "../../bytes/bytes.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../../bytes/json.ts";
import { isTagsealError } from "../../errors.ts";
import { type Digest, type ImageReference, isDigest, parseImageReference } from "../../registry/image_ref.ts";

/** An image by all that a signature may bind: repository, tag, and the manifest that the tag stands for. */
export interface SignedImage {
  /** The repository, as users know it: `docker.io/library/alpine`. */
  readonly gun: string;
  /** The tag. */
  readonly tag: string;
  /** The digest of its manifest or index, or of one of the manifests that the index names. */
  readonly digest: Digest;
}

/** What a payload says. */
export interface SimpleSigning {
  /** The repository, with or without a tag. */
  readonly reference: ImageReference;
  /** The manifest. */
  readonly digest: Digest;
}

const TYPE = "cosign container image signature";

/** The bytes to sign. No version of tagseal is in them: another one would have to sign everything again. */
export function simpleSigningPayload({ gun, tag, digest }: SignedImage): Bytes {
  return utf8(JSON.stringify({
    critical: {
      identity: { "docker-reference": `${gun}:${tag}` },
      image: { "docker-manifest-digest": digest },
      type: TYPE,
    },
    optional: { creator: "tagseal", tag },
  }));
}

/** Reads a payload; `undefined` where cosign or containers-image does not take it. */
export function readSimpleSigning(bytes: Bytes): SimpleSigning | undefined {
  const document = parseOrNothing(bytes);
  const [critical, optional] = exactly(document, "critical", "optional") ?? [];
  const [identity, image, type] = exactly(critical, "identity", "image", "type") ?? [];
  const [reference] = exactly(identity, "docker-reference") ?? [];
  const [digest] = exactly(image, "docker-manifest-digest") ?? [];
  if (type !== TYPE || typeof reference !== "string" || typeof digest !== "string") return undefined;
  const name = referenceOrNothing(reference);
  if (name === undefined || !isDigest(digest) || !isOptional(optional)) return undefined;
  return { reference: name, digest };
}

/** JSON with nothing in it that two readers may understand differently, or nothing. */
export function parseOrNothing(bytes: Bytes): JsonValue | undefined {
  try {
    return parseJson(bytes, "any");
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The values of an object that has exactly these members. */
export function exactly(value: JsonValue | undefined, ...names: readonly string[]): JsonValue[] | undefined {
  if (!isJsonObject(value) || Object.keys(value).length !== names.length) return undefined;
  const values = names.map((name) => value[name]);
  return values.every((member) => member !== undefined) ? values : undefined;
}

function isOptional(value: JsonValue | undefined): boolean {
  if (value === null) return true;
  if (!isJsonObject(value)) return false;
  const { creator = "", timestamp = 0 }: JsonObject = value;
  return typeof creator === "string" && Number.isSafeInteger(timestamp);
}

function referenceOrNothing(reference: string): ImageReference | undefined {
  try {
    return parseImageReference(reference);
  } catch (error) {
    if (isTagsealError(error)) return undefined;
    throw error;
  }
}
