/**
 * What a tag stands for at the registry: the manifest's digest and length, computed from its bytes.
 *
 * @see {@link https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pulling-manifests | OCI Distribution}
 * @module
 */
import { createHash } from "node:crypto";
import { TagsealError, type TagsealErrorCode } from "../errors.ts";
import type { AuthorizedService } from "../http/auth.ts";
import { inItsWords } from "../http/server_words.ts";
import { type Digest, isDigest, validTag } from "./image_ref.ts";
import { MEDIA_TYPES, readManifest } from "./manifest_type.ts";

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

const TIMEOUT_MS = 30_000;

/**
 * Reads the manifest of `tag` in the repository `path` (its name without host) and computes its digest.
 *
 * @throws {TagsealError} `usage` (no tag), `not-found`, `trust-invalid` (the registry's own digest contradicts the bytes, or
 *   two clients may read two things in them), `bad-input` (schema 1 image), `forbidden` (a policy), `unavailable`, and what
 *   {@linkcode AuthorizedService} throws
 */
export async function fetchManifest(
  service: AuthorizedService,
  registryUrl: URL,
  path: string,
  tag: string,
  signal?: AbortSignal,
): Promise<TaggedManifest> {
  const answer = await service.request({
    service: "Registry",
    url: new URL(`/v2/${path}/manifests/${validTag(tag)}`, registryUrl),
    headers: { accept: MEDIA_TYPES.join(", ") },
    maxBytes: MAX_MANIFEST_BYTES,
    timeoutMs: TIMEOUT_MS,
    redirects: 3,
    signal,
  }, { repository: path, actions: "pull" });

  const image = `The tag "${tag}" of the repository "${path}" at the registry "${registryUrl.origin}"`;
  const problem = (code: TagsealErrorCode, what: string, remedy: string) =>
    new TagsealError(code, `${image} ${what}`, {
      remedy,
      details: { registry: registryUrl.origin, repository: path, tag, status: answer.status },
    });

  if (answer.status === 404) {
    throw problem("not-found", "does not exist", "Push the image first, or check the names of repository and tag");
  }
  if (answer.status === 412) { // Harbor's, for images that are not scanned, not signed, or found to be vulnerable
    throw problem(
      "forbidden",
      `is kept back by a policy of the registry${inItsWords(answer.bytes)}`,
      "Do what the policy asks for, or have the registry's administrator except the one who signs from it",
    );
  }
  if (answer.status !== 200) {
    throw problem(
      "unavailable",
      `cannot be read: the registry gave status ${answer.status}${inItsWords(answer.bytes)}`,
      "Check the registry's address, or try again later",
    );
  }

  const read = readManifest(answer.headers.get("content-type") ?? "", answer.bytes);
  if ("unusable" in read) {
    throw problem("unavailable", read.unusable, "Check that the repository holds container images");
  }
  if ("schema1" in read) {
    throw problem(
      "bad-input",
      "is a schema 1 image, a format without a stable digest",
      "Build and push it again with a current Docker version",
    );
  }
  if ("ambiguous" in read) {
    throw problem("trust-invalid", `is ambiguous: ${read.ambiguous}`, "Do not sign it; build and push it again");
  }

  const digest: Digest = `sha256:${createHash("sha256").update(answer.bytes).digest("hex")}`;
  const claimed = answer.headers.get("docker-content-digest");
  if (claimed !== null && isDigest(claimed) && claimed !== digest) {
    throw problem(
      "trust-invalid",
      `has digest "${digest}", but the registry claims "${claimed}"`,
      "Do not sign it; find out who changes the registry's answers on the way",
    );
  }
  return { tag, digest, length: answer.bytes.length, mediaType: read.mediaType };
}
