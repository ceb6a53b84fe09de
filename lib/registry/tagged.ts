/**
 * Adding to what a tag stands for, where others add as well: `sha256-<hex>.sig`, where the signatures of cosign are, and
 * `sha256-<hex>`, the index of referrers of registries that keep none themselves.
 *
 * Registries know no condition on a write (docker's ignores `If-Match`), so that of two who read, add and write, the
 * second one erases what the first one added. Whoever has written therefore waits for a random time, long enough that
 * everybody who had read before has written by then, and reads again: what is missing is added to what is there now.
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { isTagsealError, reworded, TagsealError } from "../errors.ts";
import { randomPartOf } from "../http/jitter.ts";
import type { Pushed } from "./blob.ts";
import { findManifest, MAX_MANIFEST_BYTES, tagManifest } from "./manifest.ts";
import type { RegistryRepository } from "./repository.ts";

/** What is to be added to what a tag stands for. */
export interface Addition {
  /** The tag. */
  readonly tag: string;
  /** The media type of what it stands for; something of another type there is somebody else's, and left alone. */
  readonly mediaType: string;
  /**
   * Whether the tag stood for something when it was read before. A registry that shows nothing then, or once it was written,
   * is behind or hides it: what is written in its place would take away what is there.
   */
  readonly wasThere?: boolean;
  /**
   * Makes the next manifest of what the tag stands for now (`undefined`: nothing yet), with all that is in it; or says
   * `undefined` where nothing is missing. Blobs that it names must be there when it is given back. Called once a round.
   */
  add(current: Bytes | undefined): Bytes | undefined | Promise<Bytes | undefined>;
}

const MAX_ROUNDS = 8;
/** No write begins later than this after the first reading: a registry that hangs is not waited for round by round. */
const MAX_MS = 30_000;
const SHORTEST_PAUSE_MS = 250;
const MORE_PAUSE_MS = 500;
/** Longest time by which the slowness of a registry prolongs the pause. */
const MAX_SLOWNESS_MS = 3000;

/**
 * Adds to what a tag stands for, and does not say so before it was read again. Where the tag cannot be read for any other
 * reason than that there is none (404), nothing is written.
 *
 * @throws {TagsealError} `stale` where others erase it each time, `unavailable` where the registry cannot be read or
 *   written, or does not show what was there, `exists` where the tag stands for something of another kind, `bad-input`
 *   where it would grow too large, and what `findManifest` throws
 */
export async function addToTagged(repository: RegistryRepository, addition: Addition): Promise<Pushed> {
  const { tag, mediaType } = addition;
  let lost: TagsealError | undefined; // what became of a write whose outcome nobody knows
  let pushed: Pushed = "there";
  let { wasThere = false } = addition;
  const started = performance.now();
  for (let round = 0;; round++) {
    const begun = performance.now();
    const current = await findManifest(repository, tag);
    if (current !== undefined && current.mediaType !== mediaType) {
      throw failure(repository, addition, "exists", `stands for "${current.mediaType}", not "${mediaType}"`, {
        remedy: "Find out who uses that tag; nothing was changed",
      });
    }
    const isOver = round === MAX_ROUNDS || begun - started > MAX_MS;
    if (current === undefined && wasThere) {
      if (isOver) throw hidden(repository, addition, pushed);
      await repository.pause(SHORTEST_PAUSE_MS + randomPartOf(MORE_PAUSE_MS));
      continue;
    }
    wasThere ||= current !== undefined;
    const bytes = await addition.add(current?.bytes);
    if (bytes === undefined) return pushed;
    if (isOver) throw lost ?? erased(repository, addition, round);
    if (bytes.length > MAX_MANIFEST_BYTES) {
      const why = `would stand for a manifest of ${bytes.length} bytes; registries take ${MAX_MANIFEST_BYTES} at most`;
      throw failure(repository, addition, "bad-input", why, { remedy: "Remove what is not needed there any more" });
    }
    lost = await write(repository, { mediaType, bytes }, tag);
    pushed = "added";
    wasThere ||= lost === undefined;
    // Others who had read before are as slow as we were.
    const took = Math.min(performance.now() - begun, MAX_SLOWNESS_MS);
    await repository.pause(SHORTEST_PAUSE_MS + took + randomPartOf(MORE_PAUSE_MS));
  }
}

/** Writes; the error where nobody knows whether it was written, as the next reading will tell. */
async function write(
  repository: RegistryRepository,
  manifest: { readonly mediaType: string; readonly bytes: Bytes },
  tag: string,
): Promise<TagsealError | undefined> {
  try {
    await tagManifest(repository, manifest, tag);
    return undefined;
  } catch (error) {
    if (!isTagsealError(error, "unavailable")) throw error;
    const { status = 500, sent } = error.call ?? {};
    if (status < 500 && status !== 429) throw error;
    return reworded(error, error.message, { published: sent === false ? "no" : "maybe" });
  }
}

function erased(repository: RegistryRepository, addition: Addition, rounds: number): TagsealError {
  const why = `was rewritten by others each of ${rounds} times after it was added to`;
  const remedy = "Wait until the others are done, then run the command again; nothing of theirs was taken away";
  return failure(repository, addition, "stale", why, { remedy });
}

function hidden(repository: RegistryRepository, addition: Addition, pushed: Pushed): TagsealError {
  const why = "stood for something, and the registry shows nothing there now";
  const remedy = "Look whether somebody has deleted it, then run the command again; nothing was written in its place";
  return failure(repository, addition, "unavailable", why, { remedy, published: pushed === "added" ? "maybe" : "no" });
}

function failure(
  { path }: RegistryRepository,
  { tag }: Addition,
  code: "stale" | "exists" | "bad-input" | "unavailable",
  why: string,
  { remedy, published = "no" }: { readonly remedy: string; readonly published?: "no" | "maybe" },
): TagsealError {
  return new TagsealError(code, `The tag "${tag}" of the repository "${path}" ${why}`, {
    remedy,
    published,
    details: { repository: path, tag },
  });
}
