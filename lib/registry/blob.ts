/**
 * Blobs of a repository, by their digest.
 *
 * @see {@link https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pushing-blobs | OCI Distribution}
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { sha256Hex } from "../crypto/hash.ts";
import { isTagsealError, type TagsealError } from "../errors.ts";
import { randomPartOf } from "../http/jitter.ts";
import { type Digest, isDigest } from "./image_ref.ts";
import { type RegistryRepository, type RepositoryAnswer, repositoryError, withinRegistry } from "./repository.ts";

/** What became of something that was to be at the registry. */
export type Pushed =
  /** It is there now. */
  | "added"
  /** It was there before. */
  | "there";

const MAX_ANSWER_BYTES = 64 * 1024;
const UPLOAD_TRIES = 3;
/** No upload begins later than this after the first: a registry that hangs is not waited for again and again. */
const MAX_MS = 20_000;
const SHORTEST_PAUSE_MS = 250;
const MORE_PAUSE_MS = 500;

/** The digest of `bytes`. */
export function digestOf(bytes: Uint8Array): Digest {
  return `sha256:${sha256Hex(bytes)}`;
}

/**
 * Reads a blob of at most `maxBytes` bytes; `undefined` where the repository has none with this digest.
 *
 * @throws {TagsealError} `trust-invalid` where the bytes do not have the digest, `unavailable` (also where it is longer)
 */
export async function readBlob(
  repository: RegistryRepository,
  digest: Digest,
  maxBytes: number,
): Promise<Bytes | undefined> {
  const answer = await repository.request({ to: `blobs/${digest}`, maxBytes, redirects: 3 });
  const what = `The blob "${digest}"`;
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) {
    throw repositoryError("unavailable", repository, answer, {
      what,
      why: `cannot be read: the registry gave status ${answer.status}`,
      remedy: "Check the registry's address, or try again later",
    });
  }
  const found = digestOf(answer.bytes);
  if (found === digest) return answer.bytes;
  throw repositoryError("trust-invalid", repository, answer, {
    what,
    why: `was answered with bytes that have the digest "${found}"`,
    remedy: "Find out who changes the registry's answers on the way",
  });
}

/**
 * Has the repository hold a blob. Whatever comes to grief is tried again from the start: a blob that is there already is
 * not sent.
 *
 * @throws {TagsealError} `unavailable`, `not-found` (no such repository)
 */
export async function pushBlob(repository: RegistryRepository, bytes: Bytes): Promise<Pushed> {
  const digest = digestOf(bytes);
  const started = performance.now();
  for (let attempt = 1;; attempt++) {
    const head = await repository.request({ method: "HEAD", to: `blobs/${digest}`, maxBytes: 0, idempotent: true });
    // A redirect says nothing: some registries send to a page for logging in whoever asks for what is not there.
    if (head.status === 200) return attempt === 1 ? "there" : "added";
    const failure = await upload(repository, digest, bytes);
    if (failure === undefined) return "added";
    const last = attempt === UPLOAD_TRIES || performance.now() - started > MAX_MS;
    if (last || !failure.passes) throw failure.error;
    await repository.pause(SHORTEST_PAUSE_MS + randomPartOf(MORE_PAUSE_MS));
  }
}

/**
 * Begins an upload and gives it up: whoever may not write is refused now, and not when there is something to lose.
 *
 * @throws {TagsealError} `unauthenticated`, `forbidden`; `unavailable`, `not-found` (no such repository)
 */
export async function requireWritable(repository: RegistryRepository): Promise<void> {
  const begun = await beginUpload(repository);
  if (begun.status !== 202) {
    throw repositoryError(begun.status === 404 ? "not-found" : "unavailable", repository, begun, {
      what: "Signatures",
      why: `would not be taken: the registry gave status ${begun.status}`,
      remedy: "Nothing was signed. Check that the repository exists and can be written to, or try again later",
    });
  }
  const to = withinRegistry(begun.headers.get("location"), begun.url);
  if (to === undefined) return;
  try {
    await repository.request({ method: "DELETE", to, maxBytes: MAX_ANSWER_BYTES });
  } catch (error) {
    // What is begun and not ended goes away by itself; not everybody who may write may delete.
    if (!isTagsealError(error) || error.code === "interrupted") throw error;
  }
}

function beginUpload(repository: RegistryRepository): Promise<RepositoryAnswer> {
  return repository.request({
    method: "POST",
    to: "blobs/uploads/",
    headers: { "content-length": "0" },
    maxBytes: MAX_ANSWER_BYTES,
    idempotent: true, // what is begun and not ended goes away
  });
}

/** One upload; what went wrong with it, and whether that may pass. */
async function upload(
  repository: RegistryRepository,
  digest: Digest,
  bytes: Bytes,
): Promise<undefined | { readonly error: TagsealError; readonly passes: boolean }> {
  const refused = (answer: RepositoryAnswer, why: string) =>
    repositoryError(answer.status === 404 ? "not-found" : "unavailable", repository, answer, {
      what: `The blob "${digest}"`,
      why: `was not taken: ${why}`,
      remedy: "Check that the repository exists and takes what is not an image, or try again later",
    });
  try {
    const begun = await beginUpload(repository);
    if (begun.status !== 202) {
      return { error: refused(begun, `the registry gave status ${begun.status}`), passes: begun.status >= 500 };
    }
    const to = withinRegistry(begun.headers.get("location"), begun.url);
    if (to === undefined) {
      const error = refused(begun, "the registry names no place of its own where the upload goes on");
      return { error, passes: false };
    }
    // What the registry keeps in the query stands there as it wrote it.
    to.search = `${to.search === "" ? "?" : `${to.search}&`}digest=${encodeURIComponent(digest)}`;
    const headers = { "content-type": "application/octet-stream" };
    const ended = await repository.request({ method: "PUT", to, headers, body: bytes, maxBytes: MAX_ANSWER_BYTES });
    const { status } = ended;
    if (status !== 201) {
      return { error: refused(ended, `the registry gave status ${status}`), passes: status >= 500 || status === 404 };
    }
    const kept = ended.headers.get("docker-content-digest");
    if (kept === null || !isDigest(kept) || kept === digest) return undefined;
    return { error: refused(ended, `the registry says that it has the digest "${kept}"`), passes: false };
  } catch (error) {
    if (!isTagsealError(error, "unavailable")) throw error;
    return { error, passes: true };
  }
}
