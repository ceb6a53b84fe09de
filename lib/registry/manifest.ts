/**
 * Manifests of a repository, by tag or digest; what they are is computed from their bytes.
 *
 * @see {@link https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pulling-manifests | OCI Distribution}
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import type { Reason, TagsealErrorCode } from "../errors.ts";
import { digestOf } from "./blob.ts";
import { type Digest, isDigest, validTag } from "./image_ref.ts";
import { MEDIA_TYPES, readManifest } from "./manifest_type.ts";
import { type RegistryRepository, type RepositoryAnswer, repositoryError } from "./repository.ts";

/** A tag and the manifest (or multi-platform index) that it stands for: what a Notary target is made of. */
export interface TaggedManifest {
  /** The tag. */
  readonly tag: string;
  /** SHA-256 of the manifest's bytes. */
  readonly digest: Digest;
  /** Size of the manifest in bytes. */
  readonly length: number;
  /** Media type of the manifest. */
  readonly mediaType: string;
}

/** Size of the largest manifest that is taken, in bytes: what registries take at most. */
export const MAX_MANIFEST_BYTES: number = 4 * 2 ** 20;

/** A manifest or index, as the registry has it. */
export interface StoredManifest {
  /** SHA-256 of its bytes. */
  readonly digest: Digest;
  /** One of the four media types of images and indexes. */
  readonly mediaType: string;
  /** Its bytes. */
  readonly bytes: Bytes;
}

/** What the registry took. */
export interface PushedManifest {
  /** SHA-256 of its bytes. */
  readonly digest: Digest;
  /** The digest under which the registry itself lists it as a referrer: that of the subject it names; or it does not. */
  readonly listedUnder?: string;
}

/**
 * A registry that is not told of a type may say that there is nothing, where there is something of that type; whoever
 * writes then would erase it.
 */
const ACCEPT = [...MEDIA_TYPES, "application/vnd.oci.artifact.manifest.v1+json", "*/*;q=0.1"].join(", ");
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Reads the manifest of `tag` and computes its digest.
 *
 * @throws {TagsealError} `usage` (no tag), `not-found`, and what {@linkcode findManifest} throws
 */
export async function fetchManifest(repository: RegistryRepository, tag: string): Promise<TaggedManifest> {
  const found = await lookUp(repository, validTag(tag));
  if ("digest" in found) return { tag, digest: found.digest, length: found.bytes.length, mediaType: found.mediaType };
  throw repositoryError("not-found", repository, found.missing, {
    what: `The tag "${tag}"`,
    why: "does not exist",
    remedy: "Push the image first, or check the names of repository and tag",
    details: { tag },
  });
}

/**
 * Reads the manifest that a tag or digest stands for; `undefined` where the registry says that there is none (404), and
 * only there: any other answer is an error.
 *
 * @throws {TagsealError} `trust-invalid` (the bytes have another digest than the one asked for or the one the registry
 *   claims, or two clients may read two things in them), `bad-input` (schema 1 image), `forbidden` (a policy),
 *   `unavailable`, and what the service throws
 */
export async function findManifest(
  repository: RegistryRepository,
  reference: string,
): Promise<StoredManifest | undefined> {
  const found = await lookUp(repository, reference);
  return "digest" in found ? found : undefined;
}

async function lookUp(
  repository: RegistryRepository,
  reference: string,
): Promise<StoredManifest | { readonly missing: RepositoryAnswer }> {
  const headers = { accept: ACCEPT };
  const call = { to: `manifests/${reference}`, headers, maxBytes: MAX_MANIFEST_BYTES, redirects: 3 };
  const answer = await repository.request(call);
  const problem = (code: TagsealErrorCode, why: string, remedy: string, reason?: Reason) =>
    repositoryError(code, repository, answer, {
      what: `The ${isDigest(reference) ? "manifest" : "tag"} "${reference}"`,
      why,
      remedy,
      details: { [isDigest(reference) ? "digest" : "tag"]: reference },
      reason,
    });
  if (answer.status === 404) return { missing: answer };
  if (answer.status === 412) { // Harbor's, for images that are not scanned, not signed, or found to be vulnerable
    const remedy = "Do what the policy asks for, or have the registry's administrator except the one who signs from it";
    throw problem("forbidden", "is kept back by a policy of the registry", remedy);
  }
  if (answer.status !== 200) {
    const why = `cannot be read: the registry gave status ${answer.status}`;
    throw problem("unavailable", why, "Check the registry's address, or try again later");
  }
  const read = readManifest(answer.headers.get("content-type") ?? "", answer.bytes);
  if ("unusable" in read) {
    throw problem("unavailable", read.unusable, "Check that the repository holds container images", "no-image");
  }
  if ("schema1" in read) {
    const remedy = "Build and push it again with a current Docker version";
    throw problem("bad-input", "is a schema 1 image, a format without a stable digest", remedy);
  }
  if ("ambiguous" in read) {
    throw problem("trust-invalid", `is ambiguous: ${read.ambiguous}`, "Do not sign it; build and push it again");
  }
  const digest = digestOf(answer.bytes);
  const claimed = isDigest(reference) ? reference : answer.headers.get("docker-content-digest");
  if (claimed !== null && isDigest(claimed) && claimed !== digest) {
    const why = isDigest(reference)
      ? `was answered with bytes that have the digest "${digest}"`
      : `has digest "${digest}", but the registry claims "${claimed}"`;
    const remedy = "Do not sign it; find out who changes the registry's answers on the way";
    throw problem("trust-invalid", why, remedy);
  }
  return { digest, mediaType: read.mediaType, bytes: answer.bytes };
}

/**
 * Has the repository hold a manifest under its digest. Blobs that it names must be there already.
 *
 * @throws {TagsealError} `unavailable`, `not-found` (no such repository), `bad-input` (longer than registries take)
 */
export function pushManifest(
  repository: RegistryRepository,
  manifest: Omit<StoredManifest, "digest">,
): Promise<PushedManifest> {
  return put(repository, manifest, digestOf(manifest.bytes));
}

/**
 * Points a tag at a manifest, whatever it stood for before; for adding to that there is `addToTagged`. Never repeated by
 * itself: what others have added meanwhile would be gone.
 *
 * @throws {TagsealError} what {@linkcode pushManifest} throws
 */
export async function tagManifest(
  repository: RegistryRepository,
  manifest: Omit<StoredManifest, "digest">,
  tag: string,
): Promise<void> {
  await put(repository, manifest, validTag(tag));
}

async function put(
  repository: RegistryRepository,
  { mediaType, bytes }: Omit<StoredManifest, "digest">,
  reference: string,
): Promise<PushedManifest> {
  const digest = digestOf(bytes);
  const answer = await repository.request({
    method: "PUT",
    to: `manifests/${reference}`,
    headers: { "content-type": mediaType },
    body: bytes,
    maxBytes: MAX_ANSWER_BYTES,
    idempotent: isDigest(reference),
  });
  const refused = (why: string) =>
    repositoryError(answer.status === 404 ? "not-found" : "unavailable", repository, answer, {
      what: `The manifest "${reference}"`,
      why: `was not taken: ${why}`,
      remedy: "Check that the repository exists and that its rules allow this manifest, or try again later",
    });
  if (answer.status !== 201) throw refused(`the registry gave status ${answer.status}`);
  const kept = answer.headers.get("docker-content-digest");
  if (kept !== null && isDigest(kept) && kept !== digest) throw refused(`the registry says its digest is "${kept}"`);
  const listedUnder = answer.headers.get("oci-subject");
  return listedUnder === null ? { digest } : { digest, listedUnder };
}
