/** Publishing in the release repository: its beginning, releases, new keys, and renewal. @module */
import * as tuf from "@tufjs/models";
import type { Signer } from "../crypto/signer.ts";
import { TagsealError } from "../errors.ts";
import type { KeyStore, NewKey } from "../keystore/keystore.ts";
import {
  lifeLeft,
  metaOf,
  nextRoot,
  nextSnapshot,
  nextTargets,
  nextTimestamp,
  RENEW_WITHIN_MS,
  type RoleKeys,
  WARN_WITHIN_MS,
} from "./documents.ts";
import { openSigners, RELEASE_ROLES, type ReleaseDocument, type ReleaseRole, signDocument } from "./keys.ts";
import type { Published, ReleaseFolder } from "./repository.ts";
import type { Metadata, Root, TargetFile } from "./models.ts";

/** What publishing works with. */
export interface Publisher {
  /** The repository. */
  readonly folder: ReleaseFolder;
  /** Where its keys are. */
  readonly keys: KeyStore;
  /** The time. */
  readonly now: Date;
}

/** How many keys a role has, and how many of them must sign. */
export interface Threshold {
  /** How many there are. */
  readonly keys: number;
  /** How many must sign. */
  readonly threshold: number;
}

/** A file of a release, as its metadata names it. */
export interface ReleasedFile {
  /** Its path without hash: `1.0.0/tagseal`. */
  readonly path: string;
  /** Its length in bytes. */
  readonly length: number;
  /** Its SHA-256 in hex. */
  readonly sha256: string;
  /** What is said of it. */
  readonly custom: Readonly<Record<string, string>>;
}

/** Where a file of a release lies, below `targets/`. */
export function targetPath({ path, sha256 }: Pick<ReleasedFile, "path" | "sha256">): string {
  return path.replace(/[^/]*$/, (name) => `${sha256}.${name}`);
}

/** Makes all keys and the first root. @throws {TagsealError} what the key stores throw; then nothing is left of it */
export async function beginReleases(
  { folder, keys, now }: Publisher,
  thresholds: Readonly<Partial<Record<ReleaseRole, Threshold>>> = {},
): Promise<Metadata<Root>> {
  const root = await withNewKeys(async (made) => {
    const roles: Partial<Record<ReleaseRole, RoleKeys>> = {};
    const signers: Partial<Record<ReleaseRole, readonly Signer[]>> = {};
    for (const role of RELEASE_ROLES) {
      const amount = thresholds[role] ?? { keys: 1, threshold: 1 };
      const own = signers[role] = await makeKeys(keys, role, amount, made);
      roles[role] = { keys: own.map(({ publicKey }) => publicKey), threshold: amount.threshold };
    }
    const root = nextRoot(undefined, roles, now);
    await signDocument(root, signers.root!);
    return root;
  });
  await folder.write([root]);
  return root;
}

/** Keys that were made for what fails before it is written are removed again. */
async function withNewKeys<T>(use: (made: NewKey[]) => Promise<T>): Promise<T> {
  const made: NewKey[] = [];
  try {
    return await use(made);
  } catch (error) {
    for (const key of made) await key.discard();
    throw error;
  }
}

async function makeKeys(
  keys: KeyStore,
  role: ReleaseRole,
  { keys: count, threshold }: Threshold,
  made: NewKey[],
): Promise<Signer[]> {
  if (!(threshold >= 1 && threshold <= count && count <= 20)) {
    throw new TagsealError("usage", `The ${role} role cannot want ${threshold} of ${count} keys`, {
      remedy: "Give at most 20 keys, and at most as many signatures as keys",
    });
  }
  const own: NewKey[] = [];
  for (let n = 0; n < count; n++) {
    const key = await keys.create({ role });
    own.push(key);
    made.push(key);
  }
  return own.map(({ signer }) => signer);
}

/** Opens what signs a release, before any other work is done in vain. */
export async function openReleaseSigners(keys: KeyStore, root: Metadata<Root>): Promise<ReleaseSigners> {
  return {
    targets: await openSigners(keys, root, "targets"),
    snapshot: await openSigners(keys, root, "snapshot"),
    timestamp: await openSigners(keys, root, "timestamp"),
  };
}

/** Who signs for the roles below root. */
export type ReleaseSigners = Readonly<Record<Exclude<ReleaseRole, "root">, readonly Signer[]>>;

/**
 * Publishes a release. What has been published under a name stays what it is.
 *
 * @returns whether anything was new
 * @throws {TagsealError} `exists`
 */
export async function publishRelease(
  { folder, now }: Omit<Publisher, "keys">,
  published: Published,
  files: readonly ReleasedFile[],
  signers: ReleaseSigners,
): Promise<boolean> {
  const known = published.targets?.signed.targets ?? {};
  for (const { path, sha256 } of files) {
    const before = known[path]?.hashes["sha256"];
    if (before === undefined || before === sha256) continue;
    throw new TagsealError("exists", `"${path}" has been released already, with another content`, {
      remedy:
        "Raise the version in deno.json. To have built the same, check out the commit of that release, with the " +
        "same Deno",
      details: { path, released: before, built: sha256 },
    });
  }
  if (files.every(({ path }) => known[path] !== undefined)) return false;
  const targets = nextTargets(published.targets?.signed, files.map(targetOf), now);
  await signDocument(targets, signers.targets);
  const snapshot = nextSnapshot(published.snapshot?.signed, metaOf(targets), now);
  await signDocument(snapshot, signers.snapshot);
  const timestamp = nextTimestamp(published.timestamp?.signed, metaOf(snapshot), now);
  await signDocument(timestamp, signers.timestamp);
  await folder.write([targets, snapshot, timestamp]);
  return true;
}

function targetOf({ path, length, sha256, custom }: ReleasedFile): TargetFile {
  return new tuf.TargetFile({ path, length, hashes: { sha256 }, unrecognizedFields: { custom } });
}

/** What became of a renewal. */
export interface Renewal {
  /** The roles that were signed anew. */
  readonly renewed: readonly ReleaseRole[];
  /** Those that people must sign anew soon, with when they end. */
  readonly due: readonly { readonly role: ReleaseRole; readonly expires: string }[];
}

/**
 * Signs the timestamp anew, and the snapshot where it ends soon: what a machine does each day. People have root and
 * targets signed as well, once a year.
 *
 * @param also what is signed anew beside that
 */
export async function renewReleases(
  publisher: Publisher,
  published: Published,
  also: readonly ReleaseRole[] = [],
): Promise<Renewal> {
  const { folder, keys, now } = publisher;
  const root = also.includes("root") ? nextRoot(published.root.signed, {}, now) : published.root;
  if (root !== published.root) await signDocument(root, await openSigners(keys, root, "root"));
  const signersOf = (role: ReleaseRole) => openSigners(keys, root, role);
  const below = await signedBelow(published, also, signersOf, now);
  const written = [...below.slice(0, -1), ...root === published.root ? [] : [root], ...below.slice(-1)];
  await folder.write(written);
  return {
    renewed: RELEASE_ROLES.filter((role) => written.some(({ signed }) => signed.type === role)),
    due: (["root", "targets"] as const).flatMap((role) => {
      const metadata = written.find(({ signed }) => signed.type === role) ?? published[role];
      const isDue = metadata !== undefined && lifeLeft(metadata, now) < WARN_WITHIN_MS;
      return isDue ? { role, expires: metadata.signed.expires } : [];
    }),
  };
}

/** Gives a role new keys, by a root that the keys of the root before it sign as well. @returns the new root */
export async function rotateReleaseKey(
  { folder, keys, now }: Publisher,
  published: Published,
  role: ReleaseRole,
  amount?: Threshold,
): Promise<Metadata<Root>> {
  const before = published.root.signed;
  const { keyIDs, threshold } = before.roles[role]!;
  const wanted = amount ?? { keys: keyIDs.length, threshold };
  const documents = await withNewKeys(async (made) => {
    const rootSigners = await openSigners(keys, published.root, "root");
    const fresh = await makeKeys(keys, role, wanted, made);
    const named = { keys: fresh.map(({ publicKey }) => publicKey), threshold: wanted.threshold };
    const root = nextRoot(before, { [role]: named }, now);
    await signDocument(root, [...rootSigners, ...role === "root" ? fresh : []]);
    const signersOf = async (of: ReleaseRole) => of === role ? fresh : await openSigners(keys, root, of);
    // What the old keys have signed counts no more, and is signed anew with the same content.
    const below = await signedBelow(published, [role], signersOf, now);
    return { root, written: [...below.slice(0, -1), root, ...below.slice(-1)] };
  });
  await folder.write(documents.written);
  return documents.root;
}

/** What is signed anew below root, in the order in which it is written; nothing where nothing has been released. */
async function signedBelow(
  { targets, snapshot, timestamp }: Published,
  roles: readonly ReleaseRole[],
  signersOf: (role: ReleaseRole) => Promise<readonly Signer[]>,
  now: Date,
): Promise<Metadata<ReleaseDocument>[]> {
  if (!targets || !snapshot || !timestamp) return [];
  const documents: Metadata<ReleaseDocument>[] = [];
  const add = async <T extends ReleaseDocument>(role: ReleaseRole, metadata: Metadata<T>) => {
    await signDocument(metadata, await signersOf(role));
    documents.push(metadata);
    return metaOf(metadata);
  };
  let list = snapshot.signed.meta["targets.json"]!;
  if (roles.includes("targets")) list = await add("targets", nextTargets(targets.signed, [], now));
  const isNewSnapshot = documents.length > 0 || roles.includes("snapshot") || lifeLeft(snapshot, now) < RENEW_WITHIN_MS;
  const meta = isNewSnapshot
    ? await add("snapshot", nextSnapshot(snapshot.signed, list, now))
    : timestamp.signed.snapshotMeta;
  await add("timestamp", nextTimestamp(timestamp.signed, meta, now));
  return documents;
}
