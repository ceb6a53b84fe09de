/**
 * What has to be signed in one repository: its trust data is read and verified, the tags' manifests are looked up, and
 * for `targets/releases` and `targets/<signer>` the next version is made. Nothing is published here.
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { canonicalJson } from "../bytes/canonical_json.ts";
import { sha256Hex } from "../crypto/hash.ts";
import type { KeyId, PublicKey } from "../crypto/keys.ts";
import { TagsealError } from "../errors.ts";
import { filesOf } from "../notary/update.ts";
import type { RepositoryChange } from "../signpath/signing_data.ts";
import type { Delegation } from "../tuf/models.ts";
import { mayHold } from "../tuf/resolve.ts";
import { type DelegationRole, RELEASES, type RoleName } from "../tuf/roles.ts";
import type { TrustedRepository } from "../tuf/trusted.ts";
import { signerRole } from "./add_delegation.ts";
import { mapAtOnce } from "./at_once.ts";
import { openRecent, type Trust } from "./repository.ts";
import { type RenewalConsent, requireConsent } from "./renewal_consent.ts";
import { baseOf } from "./role_base.ts";
import { digestIn, editedRole, isEdited, type ManifestOfTag, type TagEdit } from "./tag_change.ts";

/** Tags of one repository that are to be signed, or withdrawn. */
export interface TagsToSign extends RenewalConsent {
  /** The Notary server and what is trusted so far. */
  readonly trust: Trust;
  /** The repository. */
  readonly gun: string;
  /** The name of the signer's delegation: `signpath` for `targets/signpath`. */
  readonly signer: string;
  /** The canonical id of the key that signs, where the delegation has several. */
  readonly keyId?: KeyId | undefined;
  /** The canonical ids of the keys at hand, where it is not a service that signs. */
  readonly keysAtHand?: () => Promise<ReadonlySet<KeyId>>;
  /** The tags to sign. */
  readonly tags: readonly string[];
  /** Asks the registry what a tag stands for. */
  readonly lookUp: (tag: string) => Promise<ManifestOfTag>;
  /** The tags to withdraw. */
  readonly remove?: readonly string[];
  /** Told of a tag that the repository's `targets` still vouches for once it is withdrawn. */
  readonly onStillSigned?: (tag: string) => void;
  /** Told that a role which is not trusted is signed anew, why, and whether its content is kept or starts anew. */
  readonly onRenewed?: (role: string, reason: string, kept: boolean) => void;
}

/** A repository whose tags were looked up. */
export interface PreparedRepository {
  /** The GUN. */
  readonly repository: string;
  /** The tags to sign. */
  readonly tags: readonly ManifestOfTag[];
  /** What is to be signed; nothing where everything is as it shall be. */
  readonly change?: PreparedChange;
}

/** What is to be signed in one repository. */
export interface PreparedChange {
  /** The manifest's words on it, without the roles. */
  readonly facts: Omit<RepositoryChange, "roles">;
  /** The key that has to sign. */
  readonly key: PublicKey;
  /** The roles and the bytes to sign. */
  readonly payloads: readonly RolePayload[];
  /** The verified files that they were derived from. */
  readonly trust: ReadonlyMap<RoleName, Bytes>;
}

/** The next version of a role. */
export interface RolePayload {
  /** The delegation. */
  readonly role: DelegationRole;
  /** The version that it is derived from; 0 where there is none. */
  readonly baseVersion: number;
  /** Its version. */
  readonly version: number;
  /** Canonical JSON of its `signed`: the bytes to sign. */
  readonly bytes: Bytes;
}

/** How many tags the registry is asked for at a time. */
const LOOK_UPS_AT_ONCE = 16;

/**
 * Prepares one repository.
 *
 * @throws {TagsealError} `not-found` (tag, repository, delegation, key), `trust-invalid`, and what the servers throw
 */
export async function prepareTags(task: TagsToSign, at: Date): Promise<PreparedRepository> {
  const opening = openRecent(task.trust, task.gun, [signerRole(task.signer)]);
  const lookUps = mapAtOnce(task.tags, LOOK_UPS_AT_ONCE, task.lookUp);
  // Opening keys keeps the processor busy; by the next turn the requests are on their way.
  const keys = new Promise<void>((resolve) => setTimeout(resolve, 0)).then(task.keysAtHand);
  // Where one fails the others are waited for: the process may end then, and must not end amid a write.
  await Promise.allSettled([opening, lookUps, keys]);
  return plan(await opening, task, await lookUps, await keys, at);
}

function plan(
  repository: TrustedRepository,
  task: TagsToSign,
  tags: readonly ManifestOfTag[],
  keysAtHand: ReadonlySet<KeyId> | undefined,
  at: Date,
): PreparedRepository {
  const { gun } = task;
  const key = signingKey(repository, task, keysAtHand);
  const releases = baseOf(repository, RELEASES).file;
  requireSigned(repository, task);
  const removedTags = (task.remove ?? []).map((tag) => ({ tag, previousDigest: digestIn(releases, tag) }));
  const roles = [RELEASES, signerRole(task.signer)];
  requireConsent(repository, roles, task);
  const payloads = roles.flatMap((role) => nextVersion(repository, role, task, { tags, removedTags }, at) ?? []);
  if (payloads.length === 0) return { repository: gun, tags };
  const { envelope, version } = repository.root;
  const facts = {
    repository: gun,
    notaryUrl: task.trust.server.url.origin,
    root: { version, sha256: sha256Hex(envelope.bytes) },
    delegationKeyId: key.canonicalId,
    tags: tags.map((tag) => ({ ...tag, previousDigest: digestIn(releases, tag.tag) })),
    removedTags,
  };
  return { repository: gun, tags, change: { facts, key, payloads, trust: filesOf(repository) } };
}

/** A mistyped tag that is "withdrawn" would go on being trusted: so all must be there. */
function requireSigned(repository: TrustedRepository, { gun, signer, remove = [], onStillSigned }: TagsToSign): void {
  const roles = [RELEASES, signerRole(signer)];
  const isSigned = (tag: string) => roles.some((role) => baseOf(repository, role).file?.targets.has(tag));
  const absent = remove.filter((tag) => !isSigned(tag));
  for (const tag of remove) if (repository.targets.targets.has(tag)) onStillSigned?.(tag);
  if (absent.length === 0) return;
  throw new TagsealError("not-found", `"${roles.join('" and "')}" of "${gun}" do not hold "${absent.join('", "')}"`, {
    remedy: "Nothing was changed. tagseal list shows the signed tags, with --all in every role",
    details: { repository: gun, tags: absent },
  });
}

function nextVersion(
  repository: TrustedRepository,
  role: DelegationRole,
  task: TagsToSign,
  edit: TagEdit,
  at: Date,
): RolePayload | undefined {
  const forbidden = edit.tags.find(({ tag }) => !mayHold(repository, role, tag));
  if (forbidden) {
    throw new TagsealError("bad-input", `The role "${role}" may not sign the tag "${forbidden.tag}"`, {
      remedy: "Ask the repository's administrator to widen the delegation's paths",
      details: { repository: repository.gun, role, tag: forbidden.tag },
    });
  }
  const base = baseOf(repository, role);
  if (base.untrusted !== undefined) task.onRenewed?.(role, base.untrusted, base.file !== undefined);
  else if (isEdited(base.file, edit) && !task.renew?.includes(role)) return undefined;
  const bytes = canonicalJson(editedRole(base, edit, at));
  return { role, baseVersion: base.version, version: base.version + 1, bytes };
}

function signingKey(
  repository: TrustedRepository,
  task: TagsToSign,
  atHand: ReadonlySet<KeyId> | undefined,
): PublicKey {
  const { gun } = repository;
  const role = signerRole(task.signer);
  const delegations = [RELEASES, role].map((name) => repository.targets.delegations.find((each) => each.name === name));
  const absent = [RELEASES, role].filter((_, i) => !delegations[i]);
  if (absent.length > 0) throw noDelegation(repository, absent);
  const [releases, named] = delegations as [Delegation, Delegation];
  const several = [releases, named].find(({ threshold }) => threshold > 1);
  if (several) {
    throw new TagsealError("bad-input", `The role "${several.name}" needs ${several.threshold} signatures`, {
      remedy: "Tagseal signs with one key; ask the repository's administrator to set the threshold to 1",
      details: { repository: gun, role: several.name },
    });
  }
  requireUnbarred(gun, [releases, named]);
  const inReleases = new Set([...releases.keys.values()].map(({ canonicalId }) => canonicalId));
  // A renewed certificate files one key a second time.
  const keys = new Map([...named.keys.values()].map((key) => [key.canonicalId, key]));
  const both = [...keys.keys()].filter((id) => inReleases.has(id));
  const wanted = both.filter((id) => task.keyId === undefined || id === task.keyId);
  const fit = wanted.filter((id) => atHand?.has(id) ?? true);
  if (fit.length === 1) return keys.get(fit[0]!)!;
  const details = { repository: gun, keyIds: [...keys.keys()] };
  if (wanted.length > 0 && fit.length === 0) {
    throw new TagsealError("not-found", `No key that may sign as "${role}" for "${gun}" is here`, {
      remedy:
        `Bring its private key (${
          shortIds(wanted)
        }) to the trust directory (--trust-dir) with docker trust key load, or ` +
        "to a token for --signing-method pkcs11, or let SignPath sign with --signing-method zip",
      details,
    });
  }
  const why = fit.length > 1
    ? `"${role}" has several keys, and it is not clear which one signs`
    : `the key is not in both "${RELEASES}" and "${role}"`;
  throw new TagsealError("bad-input", `Cannot tell which key signs for "${gun}": ${why}`, {
    remedy: fit.length > 1
      ? `Name the certificate of one of them with --delegation-certificate: ${shortIds(fit)}`
      : "Add the certificate with tagseal add-delegation",
    details,
  });
}

function noDelegation({ gun, targets }: TrustedRepository, absent: readonly DelegationRole[]): TagsealError {
  const signers = targets.delegations.map(({ name }) => name).filter((name) => name !== RELEASES);
  // What is in "targets/releases" alone Docker shows as signed by "Repo Admin", whoever's key it is.
  const alone = !absent.includes(RELEASES) && signers.length === 0
    ? `: "${RELEASES}" is its only one, and tags that nobody else holds have no signer's name`
    : "";
  const others = signers.length > 0
    ? `; or sign as another one (--delegation): ${signers.map((name) => name.slice(8)).slice(0, 10).join(", ")}`
    : "";
  return new TagsealError("not-found", `The repository "${gun}" has no delegation "${absent.join('", "')}"${alone}`, {
    remedy: `Have whoever holds the targets key add it: tagseal add-delegation, with the signing key's certificate` +
      others,
    details: { repository: gun, roles: absent, delegations: targets.delegations.map(({ name }) => name) },
  });
}

/** Whoever signs such a role signs in vain: neither Notary nor anybody here trusts it. */
function requireUnbarred(gun: string, delegations: readonly Delegation[]): void {
  for (const { name, unusable = [] } of delegations) {
    const [keyId, { reason }] = [...unusable].find(([, { bars }]) => bars) ?? [undefined, { reason: "" }];
    if (keyId === undefined) continue;
    throw new TagsealError("bad-input", `"${name}" of "${gun}" names a key that Notary refuses: ${reason}`, {
      remedy: `Have the repository's administrator take the key away: tagseal remove-delegation --key ${keyId}`,
      details: { repository: gun, role: name, keyId },
    });
  }
}

function shortIds(ids: readonly KeyId[]): string {
  return ids.map((id) => id.slice(0, 12)).join(", ");
}
