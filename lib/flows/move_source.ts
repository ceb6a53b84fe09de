/**
 * What is moved to another Notary server: a repository at its old place, judged before anything is posted. The old place
 * is only read.
 *
 * @module
 */
import { type Bytes, equalBytes } from "../bytes/bytes.ts";
import { canonicalJson } from "../bytes/canonical_json.ts";
import { type JsonObject, jsonObject } from "../bytes/json.ts";
import type { KeyId, PublicKey } from "../crypto/keys.ts";
import { isTagsealError, TagsealError } from "../errors.ts";
import { createMemoryMetadataStore } from "../notary/metadata_store.ts";
import { filesOf } from "../notary/update.ts";
import { isInServersForm, nextRoot, withRootKey } from "../tuf/edit.ts";
import type { Root, Targets } from "../tuf/models.ts";
import { parseListing, parseRoot } from "../tuf/parse.ts";
import { isDelegation, type RoleName } from "../tuf/roles.ts";
import type { TrustedRepository } from "../tuf/trusted.ts";
import { olderRoots } from "./export_repository.ts";
import { canonicalIds } from "./inspect_repository.ts";
import { openRepository, type Trust } from "../notary/repository.ts";

/** A repository that can be moved. */
export interface MoveSource {
  /** As it was read and verified. */
  readonly repository: TrustedRepository;
  /** What is posted as it is: targets and delegations. */
  readonly verbatim: ReadonlyMap<RoleName, Bytes>;
  /** The versions that clients may have seen, those of this machine's copy included. */
  readonly seen: Readonly<Record<"root" | "snapshot" | "timestamp", number>>;
}

/**
 * Reads and verifies what is to be moved, held to `known`, the copy that is trusted here. Where a move has been made from
 * here before, that copy is the one of the new place: its tags hold all the same.
 *
 * @throws {TagsealError} `trust-invalid` for what cannot be moved; what reading throws
 */
export async function readSource(
  from: Trust,
  gun: string,
  known: ReadonlyMap<RoleName, Bytes>,
  now: Date,
): Promise<MoveSource> {
  const repository = await openSource(from, gun, known);
  const verbatim = new Map([...filesOf(repository)].filter(([role]) => role === "targets" || isDelegation(role)));
  requireMovable(repository, now);
  const [root, snapshot, timestamp] = [known.get("root"), known.get("snapshot"), known.get("timestamp")];
  const later = (seen: number, kept: number | undefined) => Math.max(seen, kept ?? 0);
  return {
    repository,
    verbatim,
    seen: {
      root: later(repository.root.version, root && parseRoot(root).version),
      snapshot: later(repository.snapshot.version, snapshot && parseListing("snapshot", snapshot).version),
      timestamp: later(repository.timestamp.version, timestamp && parseListing("timestamp", timestamp).version),
    },
  };
}

async function openSource(from: Trust, gun: string, known: ReadonlyMap<RoleName, Bytes>): Promise<TrustedRepository> {
  const open = async (kept: ReadonlyMap<RoleName, Bytes>, pin = from.pin) => {
    const store = createMemoryMetadataStore();
    await store.write(gun, kept);
    return (await openRepository({ ...from, store, pin, offline: "refused" }, gun)).repository;
  };
  try {
    return await open(known);
  } catch (error) {
    const root = known.get("root");
    if (!isTagsealError(error, "trust-invalid") || !root) throw error;
    const kept = parseRoot(root);
    const pinned = from.pin !== undefined && from.pin !== "required";
    const pin = pinned ? from.pin : { anyOf: canonicalIds(kept.roles.root).map((keyId) => ({ keyId })) };
    const repository = await open(new Map(), pin).catch(() => {
      throw error;
    });
    if (kept.version <= repository.root.version || !isMovedRoot(repository.root, kept)) throw error;
    const tags = new Map([...known].filter(([role]) => role === "targets" || isDelegation(role)));
    return await open(tags, pin).catch((later: unknown) => {
      throw isTagsealError(later, "trust-invalid") ? goesOn(gun, later) : later;
    });
  }
}

function goesOn(gun: string, { message, details }: TagsealError): TagsealError {
  return new TagsealError("exists", `"${gun}" has been moved before, and has gone on since: ${message}`, {
    remedy: "Nothing was changed. Sign at the new place from now on",
    details: { ...details, repository: gun },
  });
}

/** What a server would refuse, or break, is refused before it is asked. */
function requireMovable({ gun, targets, delegations }: TrustedRepository, now: Date): void {
  const files: [RoleName, Targets][] = [["targets", targets]];
  for (const [role, state] of delegations) {
    if (state.kind === "trusted") files.push([role, state.file]);
    if (state.kind === "skipped") throw unmovable(gun, role, `it is not trusted: ${state.reason}`);
  }
  for (const [role, { envelope, expires, expiresText }] of files) {
    if (expires <= now) throw unmovable(gun, role, `it expired on ${expiresText}`);
    if (!isInServersForm(envelope)) throw unmovable(gun, role, "its file is not in the form that Notary servers write");
  }
}

function unmovable(gun: string, role: RoleName, why: string): TagsealError {
  return new TagsealError("trust-invalid", `"${role}" of "${gun}" cannot be moved as it is: ${why}`, {
    remedy: "Nothing was posted. Have it signed anew at the old place, or taken away there, then run this again",
    details: { repository: gun, role },
  });
}

/** Keys that a server holds for a repository. */
export interface ServerKeys {
  /** Of the snapshot role. */
  readonly snapshot: PublicKey;
  /** Of the timestamp role. */
  readonly timestamp: PublicKey;
}

/** The root of now, to be signed, with the keys of another server and, under another name, another certificate. */
export function movedRoot(
  { envelope: { signed } }: Root,
  { snapshot, timestamp }: ServerKeys,
  version: number,
  at: Date,
  rootKey?: PublicKey,
): JsonObject {
  const withServer = withRootKey(withRootKey(signed, "snapshot", snapshot), "timestamp", timestamp);
  return nextRoot(rootKey ? withRootKey(withServer, "root", rootKey) : withServer, version, at);
}

/** The keys that the server of a root signs with, where there is one for each of its roles. */
export function serverKeysOf({ roles }: Root): ServerKeys | undefined {
  const [snapshot, ...more] = roles.snapshot.keys.values();
  const [timestamp, ...others] = roles.timestamp.keys.values();
  return snapshot && timestamp && more.length + others.length === 0 ? { snapshot, timestamp } : undefined;
}

/** Whether `moved` is what {@linkcode movedRoot} makes of `root`; `renamed`: with another certificate of a key of it. */
export function isMovedRoot(root: Root, moved: Root, renamed = false): boolean {
  const keys = serverKeysOf(moved);
  const [rootKey, ...others] = moved.roles.root.keys.values();
  const isSameKey = rootKey && others.length === 0 && canonicalIds(root.roles.root).includes(rootKey.canonicalId);
  if (!keys || (renamed && !isSameKey)) return false;
  const made = movedRoot(root, keys, moved.version, new Date(0), renamed ? rootKey : undefined);
  const expires = moved.envelope.signed["expires"]!;
  const expected = jsonObject([...Object.entries(made), ["expires", expires]]);
  return equalBytes(canonicalJson(expected), moved.envelope.payload);
}

/**
 * The oldest root version from which clients follow to a root that the key `keyId` alone has signed; what is before it
 * was signed by other keys, or is not to be had any more.
 */
export async function followedFrom({ server }: Trust, { repository }: MoveSource, keyId: KeyId): Promise<number> {
  let from = repository.root.version;
  for (const bytes of (await olderRoots(server, repository)).reverse()) {
    const { version, roles: { root } } = parseRoot(bytes);
    if (version !== from - 1 || root.threshold > 1 || !root.keys.has(keyId)) break;
    from = version;
  }
  return from;
}
