/**
 * Signed repositories made on the spot, with the edits of `lib/tuf` and keys in memory.
 *
 * @module
 */
import { generateKeyPairSync } from "node:crypto";
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { canonicalJson } from "../../lib/bytes/canonical_json.ts";
import type { JsonObject } from "../../lib/bytes/json.ts";
import { keyOfCertificate, type PublicKey } from "../../lib/crypto/keys.ts";
import { privateKeyOf } from "../../lib/crypto/key_object.ts";
import { localSigner, type Signer } from "../../lib/crypto/signer.ts";
import { readCertificate } from "../../lib/crypto/x509.ts";
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import { snapshotOf, timestampOf } from "../../lib/local/notary_signing.ts";
import { assembleFile, emptyTargets, firstRoot, withDelegationKey } from "../../lib/tuf/edit.ts";
import type { DelegationRole, RoleName } from "../../lib/tuf/roles.ts";

/** A key that signs for a role, in the form that metadata holds it in. */
export interface RoleKey {
  /** The key as metadata holds it: with its certificate for root and delegations. */
  readonly key: PublicKey;
  /** Signs with it. */
  readonly signer: Signer;
}

/** A repository that was just made. */
export interface BuiltRepository {
  /** The key of each role; none for roles that a server manages. */
  readonly signers: ReadonlyMap<RoleName, RoleKey>;
  /** Version 1 of root, targets and, unless a server manages them, snapshot and timestamp. */
  readonly files: ReadonlyMap<RoleName, Bytes>;
}

/** What a repository is made from. */
export interface RepositoryRequest {
  /** Its name. */
  readonly gun: string;
  /** When everything in it was signed. */
  readonly now: Date;
  /** Delegations right below targets, each with one key and all paths; listed, not yet published. */
  readonly delegations?: readonly DelegationRole[];
  /** Keys of a server that signs these roles itself. */
  readonly managed?: { readonly snapshot?: PublicKey; readonly timestamp?: PublicKey };
}

/** Makes a repository: fresh ECDSA keys, threshold 1, no tags. */
export async function buildRepository(request: RepositoryRequest): Promise<BuiltRepository> {
  const { gun, now, delegations = [], managed = {} } = request;
  const signers = new Map<RoleName, RoleKey>([["root", await certifiedKey(gun, now)], ["targets", plainKey()]]);
  if (!managed.snapshot) signers.set("snapshot", plainKey());
  if (!managed.timestamp) signers.set("timestamp", plainKey());
  for (const role of delegations) signers.set(role, await certifiedKey(role, now));
  const keyOf = (role: RoleName) => signers.get(role)!.key;
  const root = firstRoot({
    root: keyOf("root"),
    targets: keyOf("targets"),
    snapshot: managed.snapshot ?? keyOf("snapshot"),
    timestamp: managed.timestamp ?? keyOf("timestamp"),
  }, now);
  const targets = delegations.reduce(
    (file, role) => withDelegationKey(file, role, keyOf(role), [""]),
    emptyTargets(now),
  );
  const files = new Map<RoleName, Bytes>();
  const add = async (role: RoleName, signed: JsonObject) => {
    files.set(role, await signFile(signed, signers.get(role)!));
  };
  await add("root", root);
  await add("targets", targets);
  if (!managed.snapshot) await add("snapshot", snapshotOf(files, 1, now));
  if (!managed.timestamp && !managed.snapshot) await add("timestamp", timestampOf(files.get("snapshot")!, 1, now));
  return { signers, files };
}

/** A metadata file of `signed`, with one signature by each of `keys`. */
export async function signFile(signed: JsonObject, ...keys: RoleKey[]): Promise<Bytes> {
  const payload = canonicalJson(signed);
  const signatures = keys.map(async ({ key, signer }) => ({ keyId: key.id, signature: await signer.sign(payload) }));
  return assembleFile(payload, await Promise.all(signatures));
}

/** A plain ECDSA P-256 key. */
export function plainKey(): RoleKey {
  const signer = localSigner(privateKeyOf(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey));
  return { key: signer.publicKey, signer };
}

/** An ECDSA P-256 key with a self-signed certificate for ten years: what root needs, with the GUN as name. */
export async function certifiedKey(commonName: string, now: Date): Promise<RoleKey> {
  const made = await createSigningCertificate({ commonName, algorithm: "ecdsa-p256", now, days: 3650 });
  return {
    key: keyOfCertificate(readCertificate(made.certificatePem)),
    signer: localSigner(privateKeyOf(made.privateKey)),
  };
}
