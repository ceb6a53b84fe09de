/**
 * The last gate before anything is published: checks signed signing data and posts it.
 *
 * For each repository: the trust data is read and verified anew; the delegation must still hold the key; each signature
 * must be good under it; and the payload must be exactly what is there now plus the manifest's tags. If others have
 * published meanwhile, nothing is posted. All roles of a repository go in one post, and the tags are read back.
 *
 * @module
 */
import { type Bytes, equalBytes } from "../bytes/bytes.ts";
import { canonicalJson } from "../bytes/canonical_json.ts";
import { isJsonObject, type JsonObject, jsonObject, parseJson } from "../bytes/json.ts";
import { recognizeSignature } from "../crypto/recognize.ts";
import { messageOf, TagsealError } from "../errors.ts";
import type { RepositoryChange, RoleChange, SigningData, TagChange } from "../signpath/signing_data.ts";
import { assembleFile, LIFETIME_DAYS } from "../tuf/edit.ts";
import type { Targets } from "../tuf/models.ts";
import { fileOf, resolveTag } from "../tuf/resolve.ts";
import { type DelegationRole, isDelegation, type RoleName } from "../tuf/roles.ts";
import type { TrustedRepository } from "../tuf/trusted.ts";
import { versionOf } from "../notary/publish.ts";
import { digestIn, holdsTags, withTags } from "./create_signing_data.ts";
import { publish, type Trust } from "./repository.ts";
import { baseOf, type RoleBase } from "./role_base.ts";

/** What became of one repository. */
export interface PushResult {
  /** The GUN. */
  readonly repository: string;
  /** `unchanged` where the payloads were there already. */
  readonly outcome: "published" | "unchanged";
  /** The tags, as read back. */
  readonly tags: readonly { readonly tag: string; readonly digest: string }[];
  /** The roles and their versions now. */
  readonly roles: readonly { readonly role: string; readonly version: number }[];
}

interface Part extends RoleChange {
  readonly role: DelegationRole;
  readonly bytes: Bytes;
  readonly signed: JsonObject;
  readonly signature: Bytes;
}

/**
 * Checks and publishes the part of `data` that concerns one repository. A second run after a success changes nothing.
 *
 * @throws {TagsealError} `trust-invalid` (signature, payload or trust data), `stale`, `bad-input` (not signed yet)
 */
export async function pushTrustData(trust: Trust, data: SigningData, change: RepositoryChange): Promise<PushResult> {
  const { repository: gun, tags } = change;
  const parts = change.roles.map((role) => readPart(data, change, role));
  const { outcome, repository } = await publish(trust, gun, parts.map(({ role }) => role), 1, {
    isThere: (now) => parts.every((part) => isPublished(now, part, tags)),
    async make(now) {
      for (const part of parts) requireExactChange(now, change, part, trust.now());
      const files = new Map<RoleName, Bytes>();
      for (const part of parts) files.set(part.role, await signedFile(now, change, part));
      return files;
    },
  });
  for (const { tag, digest } of tags) {
    const seen = resolveTag(repository, tag);
    if (seen && `sha256:${seen.sha256}` === digest) continue;
    throw invalid(gun, `the tag "${tag}" does not resolve to "${digest}" after publishing`, "tags");
  }
  return {
    repository: gun,
    outcome,
    tags: tags.map(({ tag, digest }) => ({ tag, digest })),
    roles: parts.map(({ role }) => ({ role, version: versionOf(repository, role) })),
  };
}

function readPart(data: SigningData, { repository }: RepositoryChange, role: RoleChange): Part {
  const bytes = data.payloads.get(role.payload)!; // readSigningData has checked that it is there
  const signature = data.signatures.get(role.payload);
  if (!isDelegation(role.role)) throw invalid(repository, "it is not for a delegation", role.role);
  if (!signature) {
    throw new TagsealError("bad-input", `The file holds no signature for "${role.role}" of "${repository}"`, {
      remedy: "Submit it with tagseal submit, then push what tagseal download gives",
      details: { repository, role: role.role },
    });
  }
  let signed;
  try {
    signed = parseJson(bytes);
    if (!isJsonObject(signed) || !equalBytes(canonicalJson(signed), bytes)) {
      throw new SyntaxError("it is not canonical");
    }
  } catch (error) {
    throw invalid(repository, `its payload is not canonical JSON: ${messageOf(error)}`, role.role);
  }
  return { ...role, role: role.role, bytes, signed, signature };
}

/** Whether the role is at the payload's version with its tags, or beyond it with the tags still there. */
function isPublished(now: TrustedRepository, part: Part, tags: readonly TagChange[]): boolean {
  const file = fileOf(now, part.role);
  return file !== undefined && file.version >= part.version && holdsTags(file, tags);
}

/** The payload must be the base plus the manifest's tags: nothing else, and nothing less. */
function requireExactChange(now: TrustedRepository, change: RepositoryChange, part: Part, at: Date): void {
  const { gun } = now;
  const base = baseOf(now, part.role);
  if (base.version !== part.baseVersion) throw stale(gun, part, base, change);
  const expires = part.signed["expires"];
  const lasts = typeof expires === "string" ? Date.parse(expires) - at.getTime() : NaN;
  if (!(lasts > 0 && lasts <= (LIFETIME_DAYS.targets + 1) * 86_400_000)) {
    throw invalid(gun, "its payload does not expire within three years from now", part.role);
  }
  const wanted = withTags(base, change.tags, at);
  if (!equalBytes(canonicalJson({ ...wanted, expires: expires! }), part.bytes)) {
    throw invalid(gun, "its payload changes something else than the tags that the manifest names", part.role);
  }
  const moved = change.tags.find(({ tag, digest, previousDigest }) => {
    const there = digestIn(base.file, tag);
    return part.role === "targets/releases" && there !== previousDigest && there !== digest;
  });
  if (moved) throw stale(gun, part, base, change);
}

async function signedFile(now: TrustedRepository, change: RepositoryChange, part: Part): Promise<Bytes> {
  const delegation = now.delegations.get(part.role)?.delegation;
  const key = [...delegation?.keys.values() ?? []].find(({ canonicalId }) => canonicalId === change.delegationKeyId);
  if (!key) {
    throw invalid(now.gun, `the key ${change.delegationKeyId.slice(0, 7)}… may not sign for it (any more)`, part.role);
  }
  const signature = await recognizeSignature(key, part.bytes, part.signature);
  if (!signature) throw invalid(now.gun, "its signature is not good under the delegation's key", part.role);
  return assembleFile(part.bytes, [{ keyId: key.id, signature }]);
}

function invalid(gun: string, why: string, role: string): TagsealError {
  return new TagsealError("trust-invalid", `The signing data for "${role}" of "${gun}" is refused: ${why}`, {
    remedy: "Nothing was published for this repository. Make new signing data; if this happens again, find out who " +
      "changes the file on its way to the signing service and back",
    details: { repository: gun, role },
  });
}

function stale(gun: string, part: Part, base: RoleBase, change: RepositoryChange): TagsealError {
  const moved = movedTags(part, base.file, change).slice(0, 10);
  const what = moved.length > 0 ? ` (tags: ${moved.join(", ")})` : "";
  return new TagsealError(
    "stale",
    `Somebody else has published to "${part.role}" of "${gun}" since this data was made: it is at version ` +
      `${base.version}, the data was made from ${part.baseVersion}${what}`,
    {
      remedy: "Nothing was published. Make new signing data and have it signed; tagseal sign does so by itself",
      details: { repository: gun, role: part.role, version: base.version, baseVersion: part.baseVersion },
    },
  );
}

/** Tags that are not what the payload was made from: the manifest's by their previous digest, others as they stand there. */
function movedTags(part: Part, base: Targets | undefined, change: RepositoryChange): string[] {
  const planned = entriesOf(part.signed);
  const present = base ? entriesOf(base.envelope.signed) : jsonObject();
  const previous = new Map(change.tags.map(({ tag, previousDigest }) => [tag, previousDigest]));
  return [...new Set([...Object.keys(present), ...Object.keys(planned)])].filter((tag) =>
    previous.has(tag)
      ? digestIn(base, tag) !== previous.get(tag)
      : !equalBytes(canonicalJson(present[tag] ?? null), canonicalJson(planned[tag] ?? null))
  );
}

function entriesOf(signed: JsonObject): JsonObject {
  return isJsonObject(signed["targets"]) ? signed["targets"] : jsonObject();
}
