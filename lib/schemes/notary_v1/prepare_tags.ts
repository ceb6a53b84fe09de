/**
 * What has to be signed in one repository: its trust data is read and verified, the tags' manifests are looked up, and
 * for `targets/releases` and `targets/<signer>` the next version is made. Nothing is published here.
 *
 * @module
 */
import { type Bytes, joined } from "../../bytes/bytes.ts";
import { sha256Hex } from "../../crypto/hash.ts";
import type { KeyId } from "../../crypto/keys.ts";
import { TagsealError } from "../../errors.ts";
import { connecting } from "../../notary/first_round.ts";
import { filesOf } from "../../notary/update.ts";
import { mayHold } from "../../tuf/resolve.ts";
import { type DelegationRole, RELEASES, type RoleName, signerRole } from "../../tuf/roles.ts";
import type { TrustedRepository } from "../../tuf/trusted.ts";
import { mapAtOnce } from "../../signing/at_once.ts";
import type { SigningKeys } from "../../signing/payload.ts";
import type { KeyHolder } from "../../signing/payload_signer.ts";
import { openRecent, type Trust } from "../../notary/repository.ts";
import type { RepositoryChange } from "./changes.ts";
import { isToRenew, type RenewalConsent, requireRenewalConsent } from "./renewal_consent.ts";
import { baseOf } from "./role_base.ts";
import { keysOfPolicy, signingKeys } from "./signing_keys.ts";
import { publishersSnapshotKey, requireServerSnapshot, serverSnapshotKey } from "../../notary/snapshot_key.ts";
import { digestIn, editedForm, isEdited, type ManifestOfTag, type TagEdit } from "./tag_change.ts";

/** Tags of one repository that are to be signed, or withdrawn. */
export interface TagsToSign extends RenewalConsent {
  /** The Notary server and what is trusted so far. */
  readonly trust: Trust;
  /** The repository. */
  readonly gun: string;
  /** The name of the signer's delegation: `signpath` for `targets/signpath`. */
  readonly signer: string;
  /** The canonical id of the key that signs, or how it begins, where it matters which of several does. */
  readonly keyId?: string | undefined;
  /** Who signs, where that is known: of a service, all that can be known is found out before it is asked for anything. */
  readonly holder?: KeyHolder | undefined;
  /** Whether the same user publishes what is signed: then the right to do so is asked for before anything is signed. */
  readonly publishes?: boolean | undefined;
  /** The tags to sign. */
  readonly sign?: TagsToLookUp;
  /** The tags to withdraw. */
  readonly remove?: readonly string[];
  /**
   * Whether all of it was there a moment ago and it is begun anew: what is gone by now was withdrawn by others, or by a post of
   * our own whose answer was lost and which the runtime has sent again.
   */
  readonly mayBeGone?: boolean | undefined;
  /** Told of a tag that the repository's `targets` still vouches for once it is withdrawn. */
  readonly onStillSigned?: (tag: string) => void;
  /** Told that a role which is not trusted is signed anew, why, and whether its content is kept or starts anew. */
  readonly onRenewed?: (role: string, reason: string, kept: boolean) => void;
}

/** Tags, and where it is asked what they stand for. */
export interface TagsToLookUp {
  /** The tags. */
  readonly tags: readonly string[];
  /** Asks the registry what a tag stands for. */
  readonly lookUp: (tag: string) => Promise<ManifestOfTag>;
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
  /** The keys that may sign: that of `facts` first, then the alternatives. */
  readonly keys: SigningKeys;
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
  const { holder, sign } = task;
  const lookUps = sign ? mapAtOnce(sign.tags, LOOK_UPS_AT_ONCE, sign.lookUp) : [];
  // Opening keys keeps the processor busy.
  const keys = holder?.kind === "keys" ? connecting(opening).then(() => holder.atHand()) : undefined;
  const service = holder?.kind === "service" ? holder : undefined;
  const snapshotKey = service &&
    (task.publishes ? publishersSnapshotKey : serverSnapshotKey)(task.trust.server, task.gun);
  // Waited for where there is something to sign, and nothing depends on how it ends elsewhere.
  const policy = service?.policyKey?.();
  policy?.catch(() => {});
  // Where one fails the others are waited for: the process may end then, and must not end amid a write.
  await Promise.allSettled([opening, lookUps, keys, snapshotKey]);
  const repository = await opening;
  const planned = plan(repository, task, await lookUps, await keys, at);
  if (!planned.change) return planned;
  requireServerSnapshot(task.gun, repository.root, await snapshotKey);
  const signing = keysOfPolicy(repository, planned.change.keys, await policy);
  return { ...planned, change: withKeys(planned.change, signing) };
}

function withKeys(change: PreparedChange, keys: SigningKeys): PreparedChange {
  const [key, ...others] = keys;
  const alternativeKeyIds = others.map(({ canonicalId }) => canonicalId);
  const facts = { ...change.facts, delegationKeyId: key.canonicalId };
  return { ...change, keys, facts: others.length > 0 ? { ...facts, alternativeKeyIds } : facts };
}

function plan(
  repository: TrustedRepository,
  task: TagsToSign,
  tags: readonly ManifestOfTag[],
  keysAtHand: ReadonlySet<KeyId> | undefined,
  at: Date,
): PreparedRepository {
  const { gun } = task;
  const keys = signingKeys(repository, task, keysAtHand);
  const releases = baseOf(repository, RELEASES).file;
  requireRemovable(repository, task);
  const removedTags = (task.remove ?? []).map((tag) => ({ tag, previousDigest: digestIn(releases, tag) }));
  const roles = [RELEASES, signerRole(task.signer)];
  requireRenewalConsent(repository, roles, task);
  const payloads = roles.flatMap((role) => nextVersion(repository, role, task, { tags, removedTags }, at) ?? []);
  if (payloads.length === 0) return { repository: gun, tags };
  const { envelope, version } = repository.root;
  const facts = {
    repository: gun,
    notaryUrl: task.trust.server.url.origin,
    root: { version, sha256: sha256Hex(envelope.bytes) },
    delegationKeyId: keys[0].canonicalId,
    tags: tags.map((tag) => ({ ...tag, previousDigest: digestIn(releases, tag.tag) })),
    removedTags,
  };
  return { repository: gun, tags, change: { facts, keys, payloads, trust: filesOf(repository) } };
}

/** A mistyped tag that is "withdrawn" would go on being trusted: so all must be there. */
function requireRemovable(
  repository: TrustedRepository,
  { gun, signer, remove = [], mayBeGone, onStillSigned }: TagsToSign,
): void {
  const roles = [RELEASES, signerRole(signer)];
  const isSigned = (tag: string) => roles.some((role) => baseOf(repository, role).file?.targets.has(tag));
  const absent = remove.filter((tag) => !isSigned(tag));
  for (const tag of remove) if (repository.targets.targets.has(tag)) onStillSigned?.(tag);
  if (absent.length === 0 || mayBeGone) return;
  throw new TagsealError("not-found", `"${roles.join('" and "')}" of "${gun}" do not hold "${absent.join('", "')}"`, {
    remedy: "Nothing was changed. Look at which tags are signed, and in which role",
    next: { do: "list-tags" },
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
  else if (isEdited(base.file, edit) && !isToRenew(role, base, task, at)) return undefined;
  const bytes = joined(editedForm(base, edit, at));
  return { role, baseVersion: base.version, version: base.version + 1, bytes };
}
