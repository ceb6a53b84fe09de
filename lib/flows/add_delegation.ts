/** Gives a certificate the right to sign tags: `targets/releases` and `targets/<name>`. @module */
import { canonicalJson } from "../bytes/canonical_json.ts";
import type { JsonObject } from "../bytes/json.ts";
import type { PublicKey } from "../crypto/keys.ts";
import { TagsealError } from "../errors.ts";
import type { KeyInfo, KeyStore } from "../keystore/keystore.ts";
import { requirePublished } from "../notary/publish.ts";
import { assembleFile, nextTargets, withDelegationKey } from "../tuf/edit.ts";
import type { Root, Targets } from "../tuf/models.ts";
import { BASE_ROLES, type BaseRole, type DelegationRole, RELEASES, signerRole } from "../tuf/roles.ts";
import { publish, REBASE_ATTEMPTS, type Trust } from "../notary/repository.ts";
import { openRoleSigner, type RoleSigner } from "./role_signer.ts";
import { requireServerSnapshot, serverSnapshotKey } from "../notary/snapshot_key.ts";

/** Prefixes of the tags that a signer's delegation covers: all. */
const ALL_PATHS = [""];

const FROM_SIGNPATH = "The delegation certificate comes from SignPath: it is that of the signing policy's key";

/** The `signed` of targets with `key` in both delegations. */
export function delegating(signed: JsonObject, name: string, key: PublicKey): JsonObject {
  return [RELEASES, signerRole(name)].reduce((next, role) => withDelegationKey(next, role, key, ALL_PATHS), signed);
}

/**
 * Root certificates and delegation certificates look alike, and `init` leaves one beside the other: but whoever has the
 * keys that this repository itself hangs on shall not sign tags with them, least of all where SignPath is meant to.
 *
 * @throws {TagsealError} `bad-input` where `key` is a key of root, targets, snapshot or timestamp
 */
export function requireForeign(key: PublicKey, roles: Readonly<Partial<Record<BaseRole, Iterable<PublicKey>>>>): void {
  const own = BASE_ROLES.find((role) => [...roles[role] ?? []].some((each) => each.canonicalId === key.canonicalId));
  if (!own) return;
  const what = own === "root" ? "root certificate" : `${own} key`;
  throw new TagsealError("bad-input", `This is the repository's own ${what}, and no certificate for a delegation`, {
    remedy: FROM_SIGNPATH,
    details: { keyId: key.canonicalId, role: own },
  });
}

/**
 * {@linkcode requireForeign} for the root keys that are at hand: most likely this is the certificate of another repository's.
 *
 * @throws {TagsealError} `bad-input`
 */
export function requireNoRootKey(key: PublicKey, here: readonly KeyInfo[]): void {
  const found = here.find(({ id, role }) => role === "root" && id === key.canonicalId);
  if (!found) return;
  const where = found.location === undefined ? "" : ` ("${found.location}")`;
  throw new TagsealError(
    "bad-input",
    `This is the certificate of a root key that is here${where}`,
    {
      remedy: FROM_SIGNPATH,
      details: { keyId: found.id, role: "root" },
    },
  );
}

/** What {@linkcode addDelegation} did. */
export interface AddDelegationResult {
  /** `unchanged` where the key was there already. */
  readonly outcome: "published" | "unchanged";
  /** The version of targets now. */
  readonly targetsVersion: number;
  /** The delegations that hold the key. */
  readonly roles: readonly DelegationRole[];
}

/**
 * Adds `key` to `targets/releases` and `targets/<name>` and publishes. Doing it twice changes nothing; what others
 * publish meanwhile is kept.
 *
 * @throws {TagsealError} `not-found` where the store holds no targets key; `bad-input` for a key of the repository
 *   itself; what publishing throws
 */
export async function addDelegation(
  trust: Trust,
  keys: KeyStore,
  options: { readonly gun: string; readonly name: string; readonly key: PublicKey },
): Promise<AddDelegationResult> {
  const { gun, name, key } = options;
  const roles = [RELEASES, signerRole(name)];
  const snapshotKey = serverSnapshotKey(trust.server, gun);
  snapshotKey.catch(() => {}); // said where it is used
  let opened: RoleSigner | undefined; // the passphrase is asked for once, not for each rebase
  const { outcome, repository } = requirePublished(
    await publish(trust, gun, [...roles], { attempts: REBASE_ATTEMPTS }, {
      isThere: ({ root, targets }) => {
        requireForeign(key, keysOfRoles(root));
        return roles.every((role) => holds(targets, role, key));
      },
      async make(repository) {
        const { targets } = repository;
        requireServerSnapshot(gun, repository.root, await snapshotKey);
        if (!opened || !repository.root.roles.targets.keys.has(opened.keyId)) {
          requireNoRootKey(key, await keys.list());
          opened = await openRoleSigner(repository, "targets", keys);
        }
        const next = nextTargets(delegating(targets.envelope.signed, name, key), targets.version + 1, trust.now());
        const payload = canonicalJson(next);
        const signature = await opened.signer.sign(payload);
        return new Map([["targets" as const, assembleFile(payload, [{ keyId: opened.keyId, signature }])]]);
      },
    }),
  );
  return { outcome, targetsVersion: repository.targets.version, roles };
}

/** The keys of the base roles. */
export function keysOfRoles({ roles }: Root): Record<BaseRole, Iterable<PublicKey>> {
  const { root, targets, snapshot, timestamp } = roles;
  return {
    root: root.keys.values(),
    targets: targets.keys.values(),
    snapshot: snapshot.keys.values(),
    timestamp: timestamp.keys.values(),
  };
}

function holds(targets: Targets, role: DelegationRole, key: PublicKey): boolean {
  const delegation = targets.delegations.find((each) => each.name === role);
  return delegation?.keys.has(key.id) === true && ALL_PATHS.every((path) => delegation.paths.includes(path));
}
