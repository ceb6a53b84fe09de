/**
 * Replaces the key of a role. Root names all keys, so that its key is always needed.
 *
 * - targets: a new key here; root and targets are signed anew in one post, delegations and tags stay.
 * - snapshot, timestamp: the server makes a new key, root names it, the server signs with it from then on.
 * - root: a new key here and its certificate; the new root is signed by the old key and the new one, so that whoever
 *   trusts the old root follows.
 *
 * @see Notary `docs/advanced_usage.md`, "Rotate keys"; TUF 6.1
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { canonicalJson } from "../bytes/canonical_json.ts";
import { type KeyId, keyOfCertificate, type PublicKey } from "../crypto/keys.ts";
import { createRootCertificate } from "../crypto/root_certificate.ts";
import type { Certificate } from "../crypto/x509.ts";
import { TagsealError } from "../errors.ts";
import type { KeyStore, NewKey } from "../keystore/keystore.ts";
import { publishChange, requirePublished } from "../notary/publish.ts";
import { assembleFile, nextRoot, nextTargets, withRootKey } from "../tuf/edit.ts";
import type { BaseRole, RoleName } from "../tuf/roles.ts";
import type { RepositoryView } from "../tuf/view.ts";
import { lookAtRepository } from "./look_at_expired.ts";
import { keepOrDiscard } from "./new_keys.ts";
import { openRepository, REBASE_ATTEMPTS, type Trust } from "../notary/repository.ts";
import { openRoleSigner, type RoleSigner } from "./role_signer.ts";

/** A key that was replaced, proved by reading it back. */
export interface RotateResult {
  /** The role. */
  readonly role: BaseRole;
  /** Canonical ids of the keys that the role had; the repository does not trust them any more. */
  readonly oldKeyIds: readonly KeyId[];
  /** Canonical id of the key that the role has now. */
  readonly newKeyId: KeyId;
  /** Canonical id of the targets key now (the first, where there are several). */
  readonly targetsKeyId: KeyId;
  /** The version of root now. */
  readonly rootVersion: number;
  /** The version of targets now. */
  readonly targetsVersion: number;
  /** The certificate of a new root key. */
  readonly rootCertificate: Certificate | undefined;
  /** Whether the repository is trusted now; it is not where something else of it has expired. */
  readonly trusted: boolean;
}

/** The new key of a role, and its signer where it is kept here. */
interface Replacement {
  readonly key: PublicKey;
  readonly signer?: RoleSigner;
  readonly certificate?: Certificate;
  readonly oldKeyIds: readonly KeyId[];
}

/**
 * Replaces the key of `role`, also where the repository has expired. New keys are kept before they are published; they
 * are removed again where it is certain that the server has not taken them. Old keys are left where they are.
 *
 * @throws {TagsealError} `not-found` where the root key is not here; what publishing throws
 */
export async function rotateKey(
  trust: Trust,
  keys: KeyStore,
  { gun, role }: { readonly gun: string; readonly role: BaseRole },
): Promise<RotateResult> {
  const made: NewKey[] = [];
  let root: RoleSigner | undefined;
  let next: Replacement | undefined;
  try {
    const result = await publishChange<RepositoryView>({
      server: trust.server,
      gun,
      // Of what was read before, root and perhaps targets are others now: all is asked for.
      read: async (posted) => (await lookAtRepository(trust, gun, posted && new Map())).seen,
      attempts: REBASE_ATTEMPTS,
      now: trust.now,
      sleep: trust.sleep,
    }, {
      isThere: ({ root }) => next !== undefined && hasOnly(root.roles[role].keys, next.key),
      async make(repository) {
        // The root key comes first: without it or its passphrase nothing is made, here or at the server.
        if (!root || !repository.root.roles.root.keys.has(root.keyId)) {
          root = await openRoleSigner(repository, "root", keys);
        }
        next ??= await replacement(trust, keys, made, repository, role);
        return await rotatedFiles(repository, role, root, next, trust.now());
      },
    });
    const { repository } = requirePublished(result);
    const { key, certificate, oldKeyIds } = next!;
    const trusted = await openRepository(trust, gun).then(() => true, () => false);
    return {
      role,
      oldKeyIds,
      newKeyId: key.canonicalId,
      targetsKeyId: [...repository.root.roles.targets.keys.values()][0]!.canonicalId,
      rootVersion: repository.root.version,
      targetsVersion: repository.targets.version,
      rootCertificate: certificate,
      trusted,
    };
  } catch (error) {
    throw await keepOrDiscard(error, made);
  }
}

function hasOnly(keys: ReadonlyMap<KeyId, PublicKey>, key: PublicKey): boolean {
  return keys.size === 1 && keys.has(key.id);
}

async function replacement(
  trust: Trust,
  keys: KeyStore,
  made: NewKey[],
  { gun, root }: RepositoryView,
  role: BaseRole,
): Promise<Replacement> {
  const oldKeyIds = [...new Set([...root.roles[role].keys.values()].map(({ canonicalId }) => canonicalId))];
  if (role === "snapshot" || role === "timestamp") {
    const key = await trust.server.managedKey(gun, role, "new");
    if (!root.roles[role].keys.has(key.id)) return { key, oldKeyIds };
    throw new TagsealError("unavailable", `The Notary server did not make a new ${role} key for "${gun}"`, {
      remedy: "Nothing was changed. Ask the server's operator whether it may rotate keys",
      details: { repository: gun, role, keyId: key.canonicalId },
    });
  }
  const fresh = await keys.create(role === "root" ? { role } : { role, gun });
  made.push(fresh);
  const { signer } = fresh;
  if (role === "targets") return { key: signer.publicKey, signer: { keyId: signer.publicKey.id, signer }, oldKeyIds };
  const certificate = await createRootCertificate(signer, gun, trust.now());
  const key = keyOfCertificate(certificate);
  return { key, signer: { keyId: key.id, signer }, certificate, oldKeyIds };
}

async function rotatedFiles(
  { root, targets }: RepositoryView,
  role: BaseRole,
  rootSigner: RoleSigner,
  { key, signer }: Replacement,
  at: Date,
): Promise<Map<RoleName, Bytes>> {
  const nextSigned = nextRoot(withRootKey(root.envelope.signed, role, key), root.version + 1, at);
  const rootSigners = role === "root" ? [rootSigner, signer!] : [rootSigner];
  const files = new Map<RoleName, Bytes>([["root", await sign(canonicalJson(nextSigned), rootSigners)]]);
  if (role === "targets") {
    const payload = canonicalJson(nextTargets(targets.envelope.signed, targets.version + 1, at));
    files.set("targets", await sign(payload, [signer!]));
  }
  return files;
}

async function sign(payload: Bytes, signers: readonly RoleSigner[]): Promise<Bytes> {
  const signatures: Parameters<typeof assembleFile>[1][number][] = [];
  // One after the other: a token has one session, and a person one finger.
  for (const { keyId, signer } of signers) signatures.push({ keyId, signature: await signer.sign(payload) });
  return assembleFile(payload, signatures);
}
