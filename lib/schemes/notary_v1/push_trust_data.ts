/**
 * The last gate before anything is published: checks signed signing data and posts it.
 *
 * For each repository: the trust data is read and verified anew; the delegation must still hold the key; each signature
 * must be good under it; and the payload must be exactly what is there now plus the manifest's tags. If others have
 * published meanwhile, nothing is posted. All roles of a repository go in one post, and the tags are read back.
 *
 * @module
 */
import { areJoined, type Bytes, equalBytes, text } from "../../bytes/bytes.ts";
import { canonicalJson, parseCanonical } from "../../bytes/canonical_json.ts";
import { parsePlainly } from "../../bytes/fast_canonical_json.ts";
import { isJsonObject, type JsonObject, jsonObject, type JsonValue } from "../../bytes/json.ts";
import { recognizeSignature } from "../../crypto/recognize.ts";
import { messageOf, type NextMove, TagsealError } from "../../errors.ts";
import { mapAtOnce } from "../../signing/at_once.ts";
import type { SchemeResult } from "../../signing/scheme.ts";
import type { SigningFile } from "../../signing/signing_data.ts";
import { assembleFile, LIFETIME_DAYS, trustTime } from "../../tuf/edit.ts";
import { cutTags } from "../../tuf/fast_parse.ts";
import type { Targets } from "../../tuf/models.ts";
import { fileOf, mayHold, resolveTag } from "../../tuf/resolve.ts";
import { type DelegationRole, isDelegation, RELEASES } from "../../tuf/roles.ts";
import type { TrustedRepository } from "../../tuf/trusted.ts";
import { type Change, overtaken, versionOf } from "../../notary/publish.ts";
import { openRecent, publish, type Trust } from "../../notary/repository.ts";
import type { RepositoryChange, RoleChange } from "./changes.ts";
import { baseOf, type RoleBase } from "./role_base.ts";
import { refusedData, wrongSignature } from "./refused_data.ts";
import { digestIn, editedForm, isEdited } from "./tag_change.ts";

/** What became of one repository. */
export interface PushResult extends SchemeResult {
  /** The tags, as read back. */
  readonly tags: readonly PushedTag[];
  /** The tags that were withdrawn; left out where there are none. */
  readonly removedTags?: readonly string[];
  /** The roles and their versions now. */
  readonly roles: readonly { readonly role: string; readonly version: number }[];
}

/** A tag that is signed. */
export interface PushedTag {
  /** The tag. */
  readonly tag: string;
  /** `sha256:<hex>` of what it stands for. */
  readonly digest: string;
  /** The same in `targets/releases` before: `null` where the tag is new, `digest` where it is not moved. */
  readonly previousDigest: string | null;
}

/** Payloads and their signatures, by entry name. */
export type SignedPayloads = Pick<SigningFile, "payloads" | "signatures">;

interface Part extends RoleChange {
  readonly role: DelegationRole;
  readonly bytes: Bytes;
  readonly signature: Bytes;
}

/**
 * Checks and publishes the part of `data` that concerns one repository. A second run after a success changes nothing.
 *
 * @param beginsAnew whether the change is made anew where others were faster: then it is not looked for what they did
 * @throws {TagsealError} `trust-invalid` (signature, payload or trust data), `stale`, `bad-input` (not signed yet)
 */
export async function pushTrustData(
  trust: Trust,
  data: SignedPayloads,
  change: RepositoryChange,
  beginsAnew = false,
): Promise<PushResult> {
  const { repository: gun, tags, removedTags } = change;
  const { parts, roles, edit } = signedEdit(trust, data, change);
  const result = await publish(trust, gun, roles, { attempts: 1, beginsAnew }, edit);
  const { repository } = result;
  if (result.outcome === "overtaken") {
    // Nobody says what has moved; what was read back does. Where one role shows the change, or a tag is not what it was,
    // it was published, and others have changed it since. Where all tags are as they were, nobody can know.
    const shown = shownIn(repository, parts);
    const isDoubtful = result.isDoubtful && !isNotTaken(shown, change);
    const tells = ({ file }: ShownRole) => isEdited(file, change) || isOtherThanBefore(repository, change);
    if (!isDoubtful) requireAsPlanned(repository, change, parts, trust.now());
    else if (shown.some((role) => role.ahead >= 0 && tells(role))) requireResolved(repository, change, parts);
    throw overtaken(gun, isDoubtful, result.attempts);
  }
  requireResolved(repository, change, parts);
  return {
    repository: gun,
    outcome: result.outcome,
    tags: tags.map(({ tag, digest, previousDigest }) => ({ tag, digest, previousDigest })),
    ...(removedTags.length > 0 ? { removedTags: removedTags.map(({ tag }) => tag) } : {}),
    roles: parts.map(({ role }) => ({ role, version: versionOf(repository, role) })),
  };
}

/**
 * Checks what {@linkcode pushTrustData} would publish, for who publishes something else before.
 *
 * @throws {TagsealError} as that does
 */
export async function checkTrustData(trust: Trust, data: SignedPayloads, change: RepositoryChange): Promise<void> {
  const { roles, edit } = signedEdit(trust, data, change);
  const now = await openRecent(trust, change.repository, roles);
  if (!edit.isThere(now)) await edit.make(now);
}

/** A signed change, as it is made on top of what is there, if it is what the manifest says. */
function signedEdit(trust: Trust, data: SignedPayloads, change: RepositoryChange) {
  const parts = change.roles.map((role) => readPart(data, change, role));
  const edit: Change = {
    isThere: (now) => parts.every((part) => isPublished(now, part, change)),
    async make(now) {
      requireAsPlanned(now, change, parts, trust.now());
      const signed = async (part: typeof parts[number]) => [part.role, await signedFile(now, change, part)] as const;
      return new Map(await mapAtOnce(parts, parts.length, signed));
    },
  };
  return { parts, roles: parts.map(({ role }) => role), edit };
}

function readPart(data: SignedPayloads, { repository }: RepositoryChange, role: RoleChange): Part {
  const bytes = data.payloads.get(role.payload)!; // readSigningData has checked that it is there
  const signature = data.signatures.get(role.payload);
  if (!isDelegation(role.role)) throw refusedData(repository, "it is not for a delegation", role.role);
  if (!signature) {
    throw new TagsealError("bad-input", `The file holds no signature for "${role.role}" of "${repository}"`, {
      remedy: "Have it signed, then publish the file that comes back",
      details: { repository, role: role.role },
    });
  }
  return { ...role, role: role.role, bytes, signature };
}

/** The change is there; and nobody has published something else about the same tags in the moment since. */
function requireResolved(
  now: TrustedRepository,
  { tags, removedTags }: RepositoryChange,
  parts: readonly Part[],
): void {
  const roles = new Set([RELEASES, ...parts.map(({ role }) => role)]);
  const isHeld = (tag: string) => [...roles].some((role) => fileOf(now, role)?.targets.has(tag));
  const other = tags.find(({ tag, digest }) => `sha256:${resolveTag(now, tag)?.sha256}` !== digest) ??
    removedTags.find(({ tag }) => isHeld(tag));
  if (!other) return;
  throw new TagsealError("stale", `Somebody else has published something else about "${other.tag}" of "${now.gun}"`, {
    remedy: "What was signed here was published, and then changed. Look at what is there now",
    next: { do: "look-at-later-tags" },
    details: { repository: now.gun, tag: other.tag },
    published: "yes",
  });
}

/** What the payload says, if it is canonical. */
function signedOf(gun: string, { role, bytes }: Part): JsonObject {
  try {
    const signed = parseCanonical(bytes);
    if (isJsonObject(signed)) return signed;
    throw new SyntaxError("it is no object");
  } catch (error) {
    throw refusedData(gun, `its payload is not canonical JSON: ${messageOf(error)}`, role);
  }
}

/** The payload's expiry, the only thing in it that cannot be foretold. */
function expiryOf(gun: string, part: Part): string {
  // However that is read: the whole payload is compared with what it must be, byte by byte.
  let signed: JsonValue | undefined;
  try {
    signed = parsePlainly(text(cutTags(part.bytes)?.left ?? part.bytes));
  } catch {
    // Not UTF-8: said by who reads it strictly.
  }
  signed ??= signedOf(gun, part);
  const expires = isJsonObject(signed) ? signed["expires"] : undefined;
  if (typeof expires === "string" && isTrustTime(expires)) return expires;
  signedOf(gun, part);
  throw unlasting(gun, part);
}

/** Whether it is written as {@linkcode trustTime} writes it: what JavaScript takes for a time others need not. */
function isTrustTime(text: string): boolean {
  const at = Date.parse(text);
  return !Number.isNaN(at) && trustTime(new Date(at)) === text;
}

function unlasting(gun: string, { role }: Part): TagsealError {
  return refusedData(gun, "its payload does not expire within three years from now", role);
}

/** Whether the role is at the payload's version with its change, or beyond it with the change still there. */
function isPublished(now: TrustedRepository, part: Part, change: RepositoryChange): boolean {
  const file = fileOf(now, part.role);
  return file !== undefined && file.version >= part.version && isEdited(file, change);
}

/** A role of a change, as it is now. */
interface ShownRole {
  /** Its file. */
  readonly file: Targets;
  /** By how many versions it is ahead of what the change makes of it; below 0 where it is not there yet. */
  readonly ahead: number;
}

/** Those roles of a change that are trusted: others show nothing of it. */
function shownIn(now: TrustedRepository, parts: readonly Part[]): ShownRole[] {
  return parts.flatMap(({ role, version }) => {
    const file = fileOf(now, role);
    return file ? [{ file, ahead: file.version - version }] : [];
  });
}

/**
 * Whether what was read back shows that the change was not taken: a role is at its version and is not what it would be,
 * or is below it while another one has moved on, as all land or none does. Where none has moved, an old copy may have
 * answered.
 */
function isNotTaken(shown: readonly ShownRole[], change: RepositoryChange): boolean {
  return shown.some(({ file, ahead }) => ahead === 0 && !isEdited(file, change)) ||
    (shown.some(({ ahead }) => ahead < 0) && shown.some(({ ahead }) => ahead >= 0));
}

function requireAsPlanned(now: TrustedRepository, change: RepositoryChange, parts: readonly Part[], at: Date): void {
  for (const part of parts) requireExactChange(now, change, part, at);
  requireUnmoved(now, change);
  // The payload of `targets/releases` may be missing only if that role already has the change.
  const isPart = parts.some(({ role }) => role === RELEASES);
  if (!isPart && !isEdited(baseOf(now, RELEASES).file, change)) {
    throw refusedData(now.gun, "it holds no payload for it, though it changes", RELEASES);
  }
  for (const { role } of parts) {
    const forbidden = change.tags.find(({ tag }) => !mayHold(now, role, tag));
    if (forbidden) throw refusedData(now.gun, `the role may not hold the tag "${forbidden.tag}" (any more)`, role);
  }
}

/** The payload must be the base plus the manifest's tags: nothing else, and nothing less. */
function requireExactChange(now: TrustedRepository, change: RepositoryChange, part: Part, at: Date): void {
  const { gun } = now;
  const base = baseOf(now, part.role);
  if (base.version !== part.baseVersion) throw stale(gun, part, base, change);
  if (part.version !== base.version + 1) {
    throw refusedData(gun, "its payload is not the version that the manifest names", part.role);
  }
  const expires = expiryOf(gun, part);
  if (!areJoined(part.bytes, editedForm(base, change, at, expires))) {
    signedOf(gun, part);
    throw refusedData(gun, "its payload changes something else than the tags that the manifest names", part.role);
  }
  const lasts = Date.parse(expires) - at.getTime();
  if (!(lasts > 0 && lasts <= (LIFETIME_DAYS.targets + 1) * 86_400_000)) throw unlasting(gun, part);
}

/** Whether a tag stands in `targets/releases` for something else than before the change: for what that made of it, or not. */
function isOtherThanBefore(now: TrustedRepository, { tags, removedTags }: RepositoryChange): boolean {
  const { file } = baseOf(now, RELEASES);
  return [...tags, ...removedTags].some(({ tag, previousDigest }) => digestIn(file, tag) !== previousDigest);
}

/** `targets/releases` may not be part of the change; what its tags stood for when that was made, they must stand for still. */
function requireUnmoved(now: TrustedRepository, change: RepositoryChange): void {
  const { file } = baseOf(now, RELEASES);
  const moved = [...change.tags, ...change.removedTags].find((tag) => {
    const there = digestIn(file, tag.tag);
    return there !== tag.previousDigest && there !== ("digest" in tag ? tag.digest : null);
  });
  if (!moved) return;
  throw new TagsealError(
    "stale",
    `Somebody else has published "${moved.tag}" of "${now.gun}" since this data was made`,
    {
      ...MAKE_ANEW,
      details: { repository: now.gun, tag: moved.tag },
    },
  );
}

async function signedFile(now: TrustedRepository, change: RepositoryChange, part: Part): Promise<Bytes> {
  const ids = [change.delegationKeyId, ...change.alternativeKeyIds ?? []];
  const delegation = now.delegations.get(part.role)?.delegation;
  const keys = [...delegation?.keys.values() ?? []].filter(({ canonicalId }) => ids.includes(canonicalId));
  if (keys.length === 0) {
    const names = ids.map((id) => `${id.slice(0, 7)}…`).join(", ");
    throw refusedData(now.gun, `the key ${names} may not sign for it (any more)`, part.role);
  }
  for (const key of keys) {
    const signature = await recognizeSignature(key, part.bytes, part.signature, now.seen);
    if (signature) return assembleFile(part.bytes, [{ keyId: key.id, signature }]);
  }
  throw wrongSignature(now.gun, part.role, ids);
}

const MAKE_ANEW: NextMove = {
  remedy: "Nothing was published. Make new signing data and have it signed",
  next: { do: "make-signing-data-anew" },
};

function stale(gun: string, part: Part, base: RoleBase, change: RepositoryChange): TagsealError {
  const moved = movedTags(part, base.file, change).slice(0, 10);
  const what = moved.length > 0 ? ` (tags: ${moved.join(", ")})` : "";
  return new TagsealError(
    "stale",
    `Somebody else has published to "${part.role}" of "${gun}" since this data was made: it is at version ` +
      `${base.version}, the data was made from ${part.baseVersion}${what}`,
    {
      ...MAKE_ANEW,
      details: { repository: gun, role: part.role, version: base.version, baseVersion: part.baseVersion },
    },
  );
}

/** Tags that are not what the payload was made from: the manifest's by their previous digest, others as they stand there. */
function movedTags(part: Part, base: Targets | undefined, change: RepositoryChange): string[] {
  const planned = entriesOf(signedOf(change.repository, part));
  const present = base ? entriesOf(base.envelope.signed) : jsonObject();
  const previous = new Map(
    [...change.tags, ...change.removedTags].map(({ tag, previousDigest }) => [tag, previousDigest]),
  );
  return [...new Set([...Object.keys(present), ...Object.keys(planned)])].filter((tag) =>
    previous.has(tag)
      ? digestIn(base, tag) !== previous.get(tag)
      : !equalBytes(canonicalJson(memberOf(present, tag)), canonicalJson(memberOf(planned, tag)))
  );
}

function entriesOf(signed: JsonObject): JsonObject {
  return isJsonObject(signed["targets"]) ? signed["targets"] : jsonObject();
}

function memberOf(entries: JsonObject, tag: string): JsonValue {
  return Object.hasOwn(entries, tag) ? entries[tag]! : null;
}
