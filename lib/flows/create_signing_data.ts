/**
 * From tags to the bytes that have to be signed.
 *
 * For each repository: its trust data is read and verified, the tags' manifests are looked up, and for `targets/releases`
 * and `targets/<signer>` the next version is made. Nothing is published here.
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { canonicalJson } from "../bytes/canonical_json.ts";
import type { JsonObject } from "../bytes/json.ts";
import { sha256Hex } from "../crypto/hash.ts";
import { TagsealError } from "../errors.ts";
import { USER_AGENT } from "../http/send.ts";
import { filesOf } from "../notary/update.ts";
import {
  payloadName,
  type RepositoryChange,
  type RoleChange,
  type SigningData,
  type TagChange,
  trustName,
} from "../signpath/signing_data.ts";
import { emptyTargets, nextTargets, trustTime, withTargets } from "../tuf/edit.ts";
import type { Delegation, Targets } from "../tuf/models.ts";
import { mayHold } from "../tuf/resolve.ts";
import { type DelegationRole, RELEASES } from "../tuf/roles.ts";
import type { TrustedRepository } from "../tuf/trusted.ts";
import { signerRole } from "./add_delegation.ts";
import { openRepository, type Trust } from "./repository.ts";
import { baseOf, type RoleBase } from "./role_base.ts";

/** What a tag stands for in the registry. */
export interface ManifestOfTag {
  /** The tag. */
  readonly tag: string;
  /** `sha256:<hex>` of the manifest (of the index for multi-platform images). */
  readonly digest: string;
  /** The manifest's size in bytes. */
  readonly length: number;
  /** The manifest's media type. */
  readonly mediaType: string;
}

/** Tags of one repository that are to be signed. */
export interface TagsToSign {
  /** The Notary server and what is trusted so far. */
  readonly trust: Trust;
  /** The repository. */
  readonly gun: string;
  /** The name of the signer's delegation: `signpath` for `targets/signpath`. */
  readonly signer: string;
  /** The canonical id of the key that signs, where the delegation has several. */
  readonly keyId?: string | undefined;
  /** The tags. */
  readonly tags: readonly string[];
  /** Asks the registry what a tag stands for. */
  readonly lookUp: (tag: string) => Promise<ManifestOfTag>;
  /** Roles that may be signed anew although they are not trusted as they are: they expired, or their key was replaced. */
  readonly renew?: readonly string[];
  /** Told that such a role is signed anew, why, and whether its content is kept (it only expired) or starts anew. */
  readonly onRenewed?: (role: string, reason: string, kept: boolean) => void;
}

/** What is to be signed, and what is signed already. */
export interface Prepared {
  /** The file to send; without payloads where there is nothing to sign. */
  readonly data: Omit<SigningData, "signatures">;
  /** Repositories whose tags are all signed as they are. */
  readonly unchanged: readonly { readonly repository: string; readonly tags: readonly ManifestOfTag[] }[];
}

/**
 * Makes signing data. All of `work` goes into one file: one signing request, one approval.
 *
 * @throws {TagsealError} `not-found` (tag, repository, delegation), `trust-invalid`, and what the servers throw
 */
export async function createSigningData(work: readonly TagsToSign[], at: Date): Promise<Prepared> {
  const repositories: RepositoryChange[] = [];
  const payloads = new Map<string, Bytes>();
  const trust = new Map<string, Bytes>();
  const unchanged: { repository: string; tags: ManifestOfTag[] }[] = [];
  for (const task of work) {
    const opening = openRepository(task.trust, task.gun, [signerRole(task.signer)]);
    const lookUps = task.tags.map(task.lookUp);
    // Where one fails the others are waited for: the process may end then, and must not end amid a write.
    await Promise.allSettled([opening, ...lookUps]);
    const { repository } = await opening;
    const tags = await Promise.all(lookUps);
    const key = signingKey(repository, task);
    const roles: RoleChange[] = [];
    for (const role of [RELEASES, signerRole(task.signer)]) {
      const change = roleChange(repository, role, task, tags, at);
      if (!change) continue;
      const name = payloadName(payloads.size + 1);
      payloads.set(name, change.payload);
      const { baseVersion, version, payload } = change;
      roles.push({ role, baseVersion, version, payload: name, sha256: sha256Hex(payload) });
    }
    if (roles.length === 0) {
      unchanged.push({ repository: task.gun, tags });
      continue;
    }
    const { envelope, version } = repository.root;
    const releases = baseOf(repository, RELEASES).file;
    repositories.push({
      repository: task.gun,
      notaryUrl: task.trust.server.url.origin,
      root: { version, sha256: sha256Hex(envelope.bytes) },
      delegationKeyId: key,
      tags: tags.map((tag): TagChange => ({ ...tag, previousDigest: digestIn(releases, tag.tag) })),
      roles,
    });
    for (const [role, bytes] of filesOf(repository)) trust.set(trustName(repositories.length, role), bytes);
  }
  return { data: { created: trustTime(at), tool: USER_AGENT, repositories, payloads, trust }, unchanged };
}

/** `sha256:<hex>` that a file holds for a tag, or `null`. */
export function digestIn(file: Targets | undefined, tag: string): string | null {
  const target = file?.targets.get(tag);
  return target ? `sha256:${target.sha256}` : null;
}

/** Whether a file holds all `tags` as they are. */
export function holdsTags(file: Targets | undefined, tags: readonly TagEntry[]): boolean {
  return tags.every((tag) => holdsTag(file, tag));
}

/** A tag and the manifest it is to stand for. */
export type TagEntry = Pick<ManifestOfTag, "tag" | "digest" | "length">;

/** The next version of a role's `signed`: what is there now (nothing, where the role is new) with `tags` set. */
export function withTags({ version, file }: RoleBase, tags: readonly TagEntry[], at: Date): JsonObject {
  // Entries that are right already are left as they are: they may hold more than digest and length.
  const changed = tags.filter((tag) => !holdsTag(file, tag));
  const targets = changed.map(({ tag, digest, length }) => [tag, { length, sha256: digest.slice(7) }] as const);
  return nextTargets(withTargets(file?.envelope.signed ?? emptyTargets(at), new Map(targets)), version + 1, at);
}

function holdsTag(file: Targets | undefined, { tag, digest, length }: TagEntry): boolean {
  return digestIn(file, tag) === digest && file?.targets.get(tag)?.length === length;
}

function roleChange(
  repository: TrustedRepository,
  role: DelegationRole,
  task: TagsToSign,
  tags: ManifestOfTag[],
  at: Date,
) {
  const forbidden = tags.find(({ tag }) => !mayHold(repository, role, tag));
  if (forbidden) {
    throw new TagsealError("bad-input", `The role "${role}" may not sign the tag "${forbidden.tag}"`, {
      remedy: "Ask the repository's administrator to widen the delegation's paths",
      details: { repository: repository.gun, role, tag: forbidden.tag },
    });
  }
  const base = baseOf(repository, role);
  if (base.untrusted === undefined) {
    if (holdsTags(base.file, tags)) return undefined;
  } else {
    requireConsent(task, role, base);
    task.onRenewed?.(role, base.untrusted, base.file !== undefined);
  }
  const payload = canonicalJson(withTags(base, tags, at));
  return { baseVersion: base.version, version: base.version + 1, payload };
}

/**
 * Whoever can sign snapshot and timestamp can make a role look as if its key had been replaced, or show an old one that
 * has expired. Signing on top of that would drop tags, or bring withdrawn ones back: so a person has to say it.
 */
function requireConsent({ gun, renew }: TagsToSign, role: DelegationRole, { untrusted, file }: RoleBase): void {
  if (renew?.includes(role)) return;
  const then = file ? "the tags it holds are signed anew" : "it starts anew, without the tags it holds";
  throw new TagsealError("trust-invalid", `The role "${role}" of "${gun}" is not trusted as it is: ${untrusted}`, {
    remedy: `Find out why. If that is as it should be (the key was replaced, or nobody signed for years), sign with ` +
      `--renew-role ${role}: ${then}`,
    details: { repository: gun, role },
  });
}

function signingKey(repository: TrustedRepository, task: TagsToSign): string {
  const { gun } = repository;
  const role = signerRole(task.signer);
  const delegations = [RELEASES, role].map((name) => repository.targets.delegations.find((each) => each.name === name));
  const absent = [RELEASES, role].filter((_, i) => !delegations[i]);
  if (absent.length > 0) {
    throw new TagsealError("not-found", `The repository "${gun}" has no delegation "${absent.join('", "')}"`, {
      remedy: `Add it with tagseal add-delegation, or name another one with --delegation`,
      details: { repository: gun, roles: absent },
    });
  }
  const [releases, named] = delegations as [Delegation, Delegation];
  const several = [releases, named].find(({ threshold }) => threshold > 1);
  if (several) {
    throw new TagsealError("bad-input", `The role "${several.name}" needs ${several.threshold} signatures`, {
      remedy: "Tagseal signs with one key; ask the repository's administrator to set the threshold to 1",
      details: { repository: gun, role: several.name },
    });
  }
  const inReleases = new Set([...releases.keys.values()].map(({ canonicalId }) => canonicalId));
  // A renewed certificate files one key a second time.
  const keys = [...new Set([...named.keys.values()].map(({ canonicalId }) => canonicalId))]
    .filter((id) => inReleases.has(id));
  const fit = task.keyId === undefined ? keys : keys.filter((id) => id === task.keyId);
  if (fit.length === 1) return fit[0]!;
  const why = fit.length > 1
    ? `"${role}" has several keys, and it is not clear which one signs`
    : `the key is not in both "${RELEASES}" and "${role}"`;
  throw new TagsealError("bad-input", `Cannot tell which key signs for "${gun}": ${why}`, {
    remedy: fit.length > 1
      ? "Name the key's certificate with --delegation-certificate"
      : "Add the certificate with tagseal add-delegation",
    details: { repository: gun, keyIds: keys },
  });
}
