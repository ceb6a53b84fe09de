/**
 * What the embedded Notary server signs itself: timestamp always, snapshot where root names a key that it holds.
 *
 * @see Notary `server/timestamp/timestamp.go` and `server/snapshot/snapshot.go`
 * @module
 */
import { Buffer } from "node:buffer";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import type { Bytes } from "../bytes/bytes.ts";
import { canonicalJson } from "../bytes/canonical_json.ts";
import { type JsonObject, jsonObject } from "../bytes/json.ts";
import { hash, sha256Hex } from "../crypto/hash.ts";
import type { PublicKey } from "../crypto/keys.ts";
import { privateKeyOf, publicKeyOf } from "../crypto/key_object.ts";
import { localSigner, type Signer } from "../crypto/signer.ts";
import { assembleFile, expiryAfter } from "../tuf/edit.ts";
import type { RoleKeys, Root } from "../tuf/models.ts";
import { parseListing, parseRoot } from "../tuf/parse.ts";
import type { RoleName } from "../tuf/roles.ts";
import type { ManagedRole, NotaryStore, StoredFile } from "./notary_store.ts";

/** How long the server's own files are good for, in days (the defaults of Notary). */
const LIFETIME_DAYS = { snapshot: 1095, timestamp: 14 } as const;
/** Renewed this much earlier, so that no client gets a file that expires under its hands. */
const RENEW_BEFORE_MS = 3_600_000;

/** Makes one more key (ECDSA P-256) for a role; it counts once a root names it. */
export function createManagedKey(store: NotaryStore, gun: string, role: ManagedRole): PublicKey {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  store.addKey(gun, role, new Uint8Array(privateKey.export({ type: "pkcs8", format: "der" })));
  return publicKeyOf(privateKey);
}

/** The key of a role: the one that root names, else the last one made, else a new one. */
export function managedKey(store: NotaryStore, gun: string, role: ManagedRole): PublicKey {
  const held = managedSigners(store, gun, role).map(({ publicKey }) => publicKey);
  const root = store.find(gun, "root");
  const named = root && parseRoot(root.bytes).roles[role].keys;
  return held.find((key) => named?.has(key.id)) ?? held.at(-1) ?? createManagedKey(store, gun, role);
}

function managedSigners(store: NotaryStore, gun: string, role: ManagedRole): Signer[] {
  return store.keys(gun, role).map((pkcs8) =>
    localSigner(privateKeyOf(createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" })))
  );
}

/** A snapshot (to be signed) that names `files`, each by length, SHA-256 and SHA-512 of its bytes. */
export function snapshotOf(files: ReadonlyMap<RoleName, Bytes>, version: number, at: Date): JsonObject {
  return listing("Snapshot", files, version, expiryAfter(at, LIFETIME_DAYS.snapshot));
}

/** A timestamp (to be signed) that names a snapshot. */
export function timestampOf(snapshot: Bytes, version: number, at: Date): JsonObject {
  return listing("Timestamp", new Map([["snapshot", snapshot]]), version, expiryAfter(at, LIFETIME_DAYS.timestamp));
}

function listing(type: string, files: ReadonlyMap<RoleName, Bytes>, version: number, expires: string): JsonObject {
  const meta = [...files].map(([role, bytes]) => {
    const digests = (["sha256", "sha512"] as const).map((name) => [name, hash(name, bytes).toBase64()] as const);
    return [role, jsonObject([["hashes", jsonObject(digests)], ["length", bytes.length]])] as const;
  });
  return jsonObject([["_type", type], ["expires", expires], ["meta", jsonObject(meta)], ["version", version]]);
}

/** A file on its way into the store. */
export function storedFile(role: RoleName, version: number, bytes: Bytes, added: Date): StoredFile {
  return { role, version, bytes, sha256: sha256Hex(bytes), added };
}

/** The next snapshot, over `files`; nothing where the server does not hold enough keys that root names. */
export async function nextSnapshot(
  store: NotaryStore,
  gun: string,
  root: Root,
  files: ReadonlyMap<RoleName, Bytes>,
  at: Date,
): Promise<StoredFile | undefined> {
  const version = nextVersion(store, gun, "snapshot");
  const bytes = await sign(managedSigners(store, gun, "snapshot"), root.roles.snapshot, snapshotOf(files, version, at));
  return bytes && storedFile("snapshot", version, bytes, at);
}

/** The next timestamp, over `snapshot`; nothing where the server does not hold enough keys that root names. */
export async function nextTimestamp(
  store: NotaryStore,
  gun: string,
  root: Root,
  snapshot: Bytes,
  at: Date,
): Promise<StoredFile | undefined> {
  const version = nextVersion(store, gun, "timestamp");
  const bytes = await sign(
    managedSigners(store, gun, "timestamp"),
    root.roles.timestamp,
    timestampOf(snapshot, version, at),
  );
  return bytes && storedFile("timestamp", version, bytes, at);
}

function nextVersion(store: NotaryStore, gun: string, role: ManagedRole): number {
  return (store.find(gun, role)?.version ?? 0) + 1;
}

async function sign(held: readonly Signer[], role: RoleKeys, signed: JsonObject): Promise<Bytes | undefined> {
  const signers = held.filter(({ publicKey }) => role.keys.has(publicKey.id));
  if (signers.length < role.threshold) return undefined;
  const payload = canonicalJson(signed);
  const signatures = signers.map(async (signer) => ({
    keyId: signer.publicKey.id,
    signature: await signer.sign(payload),
  }));
  return assembleFile(payload, await Promise.all(signatures));
}

/**
 * Signs snapshot and timestamp anew where they are about to expire. A root cannot outdate them, as every update brings
 * new ones. What the server has no key for stays as it is.
 */
export async function renew(store: NotaryStore, gun: string, at: Date): Promise<void> {
  const root = store.find(gun, "root");
  const snapshot = store.find(gun, "snapshot");
  const timestamp = store.find(gun, "timestamp");
  if (!root || !snapshot || !timestamp) return;
  const due = ({ bytes }: StoredFile, role: ManagedRole) =>
    parseListing(role, bytes).expires.getTime() - RENEW_BEFORE_MS <= at.getTime();
  const snapshotDue = due(snapshot, "snapshot");
  if (!snapshotDue && !due(timestamp, "timestamp")) return;
  const trusted = parseRoot(root.bytes);
  const newer = snapshotDue ? await nextSnapshot(store, gun, trusted, newestFiles(store, gun), at) : undefined;
  const stamp = await nextTimestamp(store, gun, trusted, (newer ?? snapshot).bytes, at);
  // If the store refuses, somebody has published in between: then both are new anyway.
  if (stamp) store.add(gun, newer ? [newer, stamp] : [stamp]);
}

/** The newest files that a snapshot speaks of. */
export function newestFiles(store: NotaryStore, gun: string): Map<RoleName, Bytes> {
  const roles = store.roles(gun).filter((role) => role !== "snapshot" && role !== "timestamp");
  return new Map(roles.map((role) => [role, store.find(gun, role)!.bytes]));
}
