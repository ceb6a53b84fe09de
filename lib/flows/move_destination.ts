/**
 * The new place of a repository that is moved: what stands there, and each post, checked by reading back.
 *
 * @module
 */
import { type Bytes, equalBytes, sameBytes } from "../bytes/bytes.ts";
import type { KeyId } from "../crypto/keys.ts";
import { isTagsealError, messageOf, nextStepOf, reworded, TagsealError } from "../errors.ts";
import { mayHaveLanded } from "../notary/doubt.ts";
import { createMemoryMetadataStore } from "../notary/metadata_store.ts";
import { notShown } from "../notary/publish.ts";
import { noNotary } from "../notary/trust_server.ts";
import { filesOf } from "../notary/update.ts";
import { isDelegation, type RoleName } from "../tuf/roles.ts";
import type { TrustedRepository } from "../tuf/trusted.ts";
import { isMovedRoot, type MoveSource } from "./move_source.ts";
import { openRepository, type Trust } from "../notary/repository.ts";

/** Where a repository is moved to. */
export interface Destination {
  /** The new place. */
  readonly to: Trust;
  /** The GUN there. */
  readonly gun: string;
  /** Whether that is another one than before. */
  readonly renamed: boolean;
}

/** The least versions that clients of the old place take from the new one. */
export type Goal = Readonly<Record<"root" | "snapshot" | "timestamp", number>>;

/** What stands at the new place: nothing, or what a move has left there, and what it shall come to. */
export interface Found {
  /** What a move has left there. */
  readonly repository: TrustedRepository | undefined;
  /** The versions to be reached. */
  readonly goal: Goal;
}

/** How often the old server may still renew its timestamp, every two weeks, while clients read from both. */
const TIMESTAMP_MARGIN = 12;
/** How often a taken post is looked for while the server seems to show what was there before. */
const REREADS = 4;

/**
 * What stands at the new place.
 *
 * @throws {TagsealError} `exists` where it is anything but what a move of `source` has left there; `bad-input` where
 *   there is no Notary server; what reading throws
 */
export async function lookAtDestination(
  destination: Destination,
  source: MoveSource,
  known: ReadonlyMap<RoleName, Bytes>,
): Promise<Found> {
  const { to: { server, store }, gun, renamed } = destination;
  const { root, snapshot, timestamp } = source.repository;
  const present = await server.read(gun, "root");
  if (!present) {
    if (await server.isNotary?.(gun) === false) throw noNotary(server.url, gun);
    if (renamed && (await store.read(gun)).has("root")) {
      throw taken(destination, "this machine knows another root of it");
    }
    return { repository: undefined, goal: renamed ? { root: 1, snapshot: 1, timestamp: 1 } : above(source.seen) };
  }
  const rootKeyIds = [...root.roles.root.keys.values()].map(({ canonicalId }) => canonicalId);
  const repository = await openThere(destination, rootKeyIds).catch((error: unknown) => {
    throw isTagsealError(error, "trust-invalid") ? taken(destination, messageOf(error)) : error;
  });
  if (!isMovedRoot(root, repository.root, renamed)) throw taken(destination, "its root is another one");
  const different = differences(repository, source);
  if (different.length > 0) throw taken(destination, `it differs in ${different.join(", ")}`);
  if (renamed) return { repository, goal: { root: 1, snapshot: 1, timestamp: 1 } };
  // What this machine has seen of the new place itself need not be risen above.
  const isSeen = sameBytes(known.get("root"), repository.root.envelope.bytes);
  const old = { root: root.version, snapshot: snapshot.version, timestamp: timestamp.version };
  return { repository, goal: above(isSeen ? old : source.seen) };
}

function above({ root, snapshot, timestamp }: Goal): Goal {
  return { root: root + 1, snapshot: snapshot + 1, timestamp: timestamp + TIMESTAMP_MARGIN };
}

function taken({ to: { server }, gun }: Destination, why: string): TagsealError {
  return new TagsealError(
    "exists",
    `"${server.url.origin}" has trust data for "${gun}" that is not what a move of it has left: ${why}`,
    {
      remedy:
        "Nothing was changed. Whoever signs there already goes on there; if it is of no use to anybody, have it " +
        "deleted there, and run this again",
      details: { repository: gun, url: server.url.origin },
    },
  );
}

/** Reads and verifies what stands at the new place; of `atHand` only what its snapshot does not name is asked for. */
function openThere(
  { to, gun }: Destination,
  rootKeyIds: readonly KeyId[],
  atHand?: ReadonlyMap<RoleName, Bytes>,
): Promise<TrustedRepository> {
  const pin = { anyOf: rootKeyIds.map((keyId) => ({ keyId })) };
  const trust = { ...to, pin, store: createMemoryMetadataStore(), offline: "refused" } as const;
  return openRepository(trust, gun, atHand ? [...atHand.keys()] : [], atHand).then(({ repository }) => repository);
}

/** Which of the files that are moved verbatim are others at the new place, or not there, or there alone. */
function differences(there: TrustedRepository, { verbatim }: MoveSource): RoleName[] {
  const files = new Map([...filesOf(there)].filter(([role]) => role === "targets" || isDelegation(role)));
  return [...new Set([...verbatim.keys(), ...files.keys()])].filter((role) =>
    !sameBytes(verbatim.get(role), files.get(role))
  );
}

/**
 * Posts `files`, or nothing, which raises the versions of snapshot and timestamp alone, and reads back what the server
 * makes of them. `undefined` where the server does not take, or pass over, a post without files.
 *
 * @throws {TagsealError} what posting and reading throw; `trust-invalid` where the server shows other bytes, `unavailable`
 *   where it shows nothing of what it has taken
 */
export async function postThere(
  destination: Destination,
  files: ReadonlyMap<RoleName, Bytes>,
  source: MoveSource,
  before: TrustedRepository | undefined,
): Promise<TrustedRepository | undefined> {
  const { to: { server }, gun } = destination;
  const failure = await server.publish(gun, files).then(() => undefined, (error: unknown) => error);
  if (failure !== undefined && files.size === 0 && isRefusal(failure)) return undefined;
  // The runtime sends a request again by itself where a kept connection ends without an answer: then it comes after itself.
  const isPerhapsOurs = mayHaveLanded(failure) || isTagsealError(failure, "stale");
  if (failure !== undefined && !isPerhapsOurs) throw failure;
  try {
    return await readPosted(destination, files, source, before, failure);
  } catch (error) {
    throw error === failure && isTagsealError(error, "stale") ? error : begun(error, destination);
  }
}

async function readPosted(
  destination: Destination,
  files: ReadonlyMap<RoleName, Bytes>,
  source: MoveSource,
  before: TrustedRepository | undefined,
  failure: unknown,
): Promise<TrustedRepository | undefined> {
  const { sleep } = destination.to;
  const rootKeyIds = [...source.repository.root.roles.root.keys.values()].map(({ canonicalId }) => canonicalId);
  // What was posted is asked for; what was there before is named by the snapshot, and its hash is held against it.
  const atHand = files.has("targets") ? undefined : source.verbatim;
  for (let again = 0;; again++) {
    const there = await openThere(destination, rootKeyIds, atHand).catch((error: unknown) => {
      if (failure === undefined && isTagsealError(error, "not-found")) return undefined;
      throw failure ?? error;
    });
    const isRaised = there && (!before ||
      (there.snapshot.version > before.snapshot.version && there.timestamp.version > before.timestamp.version));
    const root = files.get("root");
    if (isRaised && (!root || equalBytes(root, there.root.envelope.bytes))) {
      const different = differences(there, source);
      if (different.length > 0) throw changed(destination, different);
      return there;
    }
    if (failure !== undefined) throw failure;
    if (again === REREADS) {
      if (files.size === 0) return undefined;
      throw there ? changed(destination, ["root"]) : notShown(destination.gun, destination.to.server.url);
    }
    await sleep(250 * 2 ** again);
  }
}

/** Whether a server says no, rather than that it is out of order, or that somebody may not. */
function isRefusal(failure: unknown): boolean {
  const status = isTagsealError(failure) ? failure.call?.status : undefined;
  return status !== undefined && [400, 404, 405, 411, 415, 422, 501].includes(status);
}

function changed({ to: { server }, gun }: Destination, roles: readonly RoleName[]): TagsealError {
  return new TagsealError(
    "trust-invalid",
    `"${server.url.origin}" took the files of "${gun}", and does not show them as they were posted: ${
      roles.join(", ")
    }`,
    {
      remedy: "Let nobody read from there",
      details: { repository: gun, url: server.url.origin, roles },
    },
  );
}

const GO_ON = "The old place is as it was. Run the command again to go on, or have that part deleted";

/** A failure after which a part of the move may stand at the new place. */
export function begun(error: unknown, { to: { server }, gun }: Destination): unknown {
  if (!isTagsealError(error) || error.published !== undefined) return error;
  // What has to be put right before it can go on.
  const first = isTagsealError(error, "unauthenticated", "forbidden", "trust-invalid") ? [error] : [];
  const steps = [...first, { remedy: GO_ON }];
  return reworded(error, `${error.message}. "${gun}" may be at "${server.url.origin}" in part`, {
    remedy: steps.map(({ remedy }) => remedy).join(". "),
    next: { do: "in-turn", steps: steps.map(nextStepOf) },
    details: { repository: gun, url: server.url.origin },
    published: "maybe",
  });
}
