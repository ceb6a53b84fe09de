/**
 * Moves a repository to another Notary server so that whoever has a copy of the old place goes on untouched.
 *
 * Targets and delegations go verbatim: they name no server. Root names the new server's snapshot and timestamp keys and is
 * signed anew with the root key; a server takes version 2 first, and then one after the other, until it is above the old
 * one's. Each post raises the versions of snapshot and timestamp by one, an empty one too, and so they are raised above
 * those that clients have seen. Under another name there is nobody to go on: root begins with version 1, with a new
 * certificate for the same key.
 *
 * A server stores the bytes that are posted and has its snapshot name the hash of its own serialisation: after each post
 * the repository is read back and verified.
 *
 * @module
 */
import { type Bytes, sameBytes } from "../bytes/bytes.ts";
import { canonicalJson } from "../bytes/canonical_json.ts";
import { type KeyId, keyOfCertificate, type PublicKey } from "../crypto/keys.ts";
import { createRootCertificate } from "../crypto/root_certificate.ts";
import { TagsealError } from "../errors.ts";
import type { KeyStore } from "../keystore/keystore.ts";
import { assembleFile } from "../tuf/edit.ts";
import type { SignedTag } from "../tuf/resolve.ts";
import type { RoleName } from "../tuf/roles.ts";
import { openRoot, type TrustedRepository } from "../tuf/trusted.ts";
import { begun, type Destination, type Found, lookAtDestination, postThere } from "./move_destination.ts";
import { followedFrom, movedRoot, type MoveSource, readSource, serverKeysOf } from "./move_source.ts";
import { openRepository, type Trust } from "../notary/repository.ts";
import { entriesBelow } from "../schemes/notary_v1/role_entries.ts";
import { findRoleKey } from "./role_signer.ts";

/** Clients follow this many versions of root, and no server is asked to take more. */
const MAX_ROOTS = 256;
/** A server is asked for this many empty posts; above that clients have to forget what they have seen. */
const MAX_RAISES = 10_000;

/** What is moved, and where to. */
export interface MoveOptions {
  /** The old place: a server, or an export of it. It is only read. */
  readonly from: Trust;
  /** Its GUN. */
  readonly gun: string;
  /** The new place; its store holds what this machine trusts of both. */
  readonly to: Trust;
  /** The GUN there. */
  readonly toGun: string;
  /** Holds the root key. */
  readonly keys: KeyStore;
  /** Called after each post: how many were made, of how many. */
  readonly onPost?: ((posted: number, of: number) => void) | undefined;
}

/** What a move will do, known without posting anything. */
export interface MovePlan {
  /** What is moved. */
  readonly source: MoveSource;
  /** What stands at the new place. */
  readonly found: Found;
  /** The root key that signs. */
  readonly rootKey: PublicKey;
  /** The root versions to be signed and posted, in order. */
  readonly rootVersions: readonly number[];
  /** How many posts there will be: those of the roots, and the empty ones. */
  readonly posts: number;
}

/** What becomes of clients that know the old place. */
export type Clients =
  /** They go on untouched, if the root they know has at least this version. */
  | { readonly kind: "go-on"; readonly fromRoot: number }
  /** The same once their copies of timestamp and snapshot are gone: the server was not brought above the old versions. */
  | { readonly kind: "delete-copies"; readonly fromRoot: number }
  /** The name is another one: they meet it for the first time. */
  | { readonly kind: "new-name" };

/** A repository that was moved, proved by reading it back. */
export interface MoveResult {
  /** `unchanged` where all had been done before. */
  readonly outcome: "moved" | "unchanged";
  /** The repository at its old place. */
  readonly before: TrustedRepository;
  /** The repository at its new place. */
  readonly after: TrustedRepository;
  /** Canonical id of the root key. */
  readonly rootKeyId: KeyId;
  /** Every role's entry of every tag, the same at both places. */
  readonly tags: readonly SignedTag[];
  /** Who goes on. */
  readonly clients: Clients;
}

/**
 * What {@linkcode moveRepository} will do: everything that can be known without posting and without opening the root key.
 *
 * @throws {TagsealError} `exists` where the new place has the name already; `not-found` where the root key is not here;
 *   `trust-invalid`, `bad-input` for what cannot be moved; what reading throws
 */
export async function planMove(options: MoveOptions): Promise<MovePlan> {
  const { from, gun, to, toGun, keys } = options;
  const known = await to.store.read(gun);
  const source = await readSource(from, gun, known, to.now());
  const rootKey = await findRoleKey(source.repository, "root", keys);
  const found = await lookAtDestination(destinationOf(options), source, known);
  const { goal, repository } = found;
  const first = repository ? repository.root.version + 1 : gun === toGun ? 2 : 1;
  const count = Math.max(0, goal.root - first + 1);
  if (count > MAX_ROOTS) throw tooManyRoots(gun, count);
  const rootVersions = Array.from({ length: count }, (_, i) => first + i);
  const raises = Math.max(
    goal.snapshot - (repository?.snapshot.version ?? 0),
    goal.timestamp - (repository?.timestamp.version ?? 0),
  );
  return { source, found, rootKey, rootVersions, posts: Math.max(count, raises > MAX_RAISES ? 0 : raises) };
}

/**
 * Moves a repository. What was begun and broken off is gone on with; nothing is ever written to the old place.
 *
 * @throws {TagsealError} what {@linkcode planMove} throws; with `published` where posts were made already; `stale` where
 *   somebody has published at the old place meanwhile
 */
export async function moveRepository(options: MoveOptions): Promise<MoveResult> {
  const { from, gun, to, toGun, onPost } = options;
  const plan = await planMove(options);
  const { source, found: { goal, repository: found }, rootKey, posts } = plan;
  const destination = destinationOf(options);
  const roots = await signRoots(options, plan);
  let after = found;
  let posted = 0;
  const post = async (files: ReadonlyMap<RoleName, Bytes>) => {
    const there = await postThere(destination, files, source, after);
    if (!there) return false;
    after = there;
    posted++;
    onPost?.(posted, posts);
    return true;
  };
  const isLow = () => after!.snapshot.version < goal.snapshot || after!.timestamp.version < goal.timestamp;
  try {
    for (const root of roots) {
      const files = new Map<RoleName, Bytes>([["root", root]]);
      await post(after ? files : new Map([...files, ...source.verbatim]));
    }
    while (isLow() && posted < posts && await post(new Map()));
    const tags = provedTags(source.repository, after!);
    await requireStill(from, gun, source);
    const isRaised = !isLow();
    const fromRoot = gun === toGun ? await followedFrom(from, source, rootKey.id) : 0;
    await keepCopy(to, toGun, rootKey, isRaised);
    return {
      outcome: posted > 0 ? "moved" : "unchanged",
      before: source.repository,
      after: after!,
      rootKeyId: rootKey.canonicalId,
      tags,
      clients: gun !== toGun ? { kind: "new-name" } : { kind: isRaised ? "go-on" : "delete-copies", fromRoot },
    };
  } catch (error) {
    throw after ? begun(error, destination) : error;
  }
}

function destinationOf({ to, gun, toGun }: MoveOptions): Destination {
  return { to, gun: toGun, renamed: gun !== toGun };
}

/** All roots that are to be posted, signed and judged as clients will judge them: nothing is posted before. */
async function signRoots(
  { to, gun, toGun, keys }: MoveOptions,
  { source: { repository: { root } }, found, rootKey, rootVersions }: MovePlan,
): Promise<Bytes[]> {
  if (rootVersions.length === 0) return [];
  const { server } = to;
  const at = to.now();
  // Each once: a server that keeps its keys in memory makes another one each time it is asked.
  const serverKeys = found.repository ? serverKeysOf(found.repository.root)! : {
    timestamp: await server.managedKey(toGun, "timestamp"),
    snapshot: await server.managedKey(toGun, "snapshot"),
  };
  const signer = await keys.open(rootKey.canonicalId);
  const renewed = gun === toGun ? undefined : keyOfCertificate(await createRootCertificate(signer, toGun, at));
  const files: Bytes[] = [];
  // One after the other: a token has one session, and a person one finger.
  for (const version of rootVersions) {
    const payload = canonicalJson(movedRoot(root, serverKeys, version, at, renewed));
    const signature = await signer.sign(payload);
    const file = assembleFile(payload, [{ keyId: (renewed ?? rootKey).id, signature }]);
    await openRoot(toGun, file, { kind: "first-use" }, new Map(), at);
    files.push(file);
  }
  return files;
}

/** Every entry of every role, where all of them are the same at both places, in all that they say. */
function provedTags(before: TrustedRepository, after: TrustedRepository): SignedTag[] {
  const [old, moved] = [before, after].map((repository) => entriesBelow(repository, "targets")) as [
    SignedTag[],
    SignedTag[],
  ];
  const key = (tag: SignedTag) => JSON.stringify([tag.role, tag.tag, tag.length, tag.sha256, tag.signers]);
  const there = new Set(moved.map(key));
  const missing = old.filter((tag) => !there.has(key(tag)));
  if (missing.length === 0 && moved.length === old.length) return moved;
  const names = missing.slice(0, 10).map(({ tag, role }) => `"${tag}" of "${role}"`).join(", ");
  throw new TagsealError("trust-invalid", `Tags of "${after.gun}" are not the same at both places: ${names}`, {
    remedy: "Let nobody read from the new place",
    details: { repository: after.gun },
  });
}

/** What is published at the old place while it is moved would be lost to whoever goes on at the new one. */
async function requireStill(from: Trust, gun: string, { repository, verbatim }: MoveSource): Promise<void> {
  const known = new Map<RoleName, Bytes>([...verbatim, ["root", repository.root.envelope.bytes]]);
  const now = await readSource(from, gun, known, repository.at);
  if (now.repository.root.version === repository.root.version && sameFiles(now.verbatim, verbatim)) return;
  throw new TagsealError("stale", `Somebody has published to "${gun}" at its old place while it was moved`, {
    remedy: "Have what was moved deleted at the new place, before anybody reads from there, and move it anew",
    details: { repository: gun },
    published: "yes",
  });
}

function sameFiles(a: ReadonlyMap<RoleName, Bytes>, b: ReadonlyMap<RoleName, Bytes>): boolean {
  return a.size === b.size && [...a].every(([role, bytes]) => sameBytes(bytes, b.get(role)));
}

/** This machine goes on as every client does: its copy becomes that of the new place. */
async function keepCopy(to: Trust, gun: string, { canonicalId }: PublicKey, isRaised: boolean): Promise<void> {
  if (!isRaised) await to.store.write(gun, new Map([["timestamp", undefined], ["snapshot", undefined]]));
  await openRepository({ ...to, pin: { keyId: canonicalId }, offline: "refused" }, gun);
}

function tooManyRoots(gun: string, count: number): TagsealError {
  return new TagsealError("bad-input", `The root of "${gun}" would have to be signed ${count} times to be moved`, {
    remedy: `At most ${MAX_ROOTS} versions are followed by clients: set it up anew at the new place`,
    details: { repository: gun, versions: count },
  });
}
