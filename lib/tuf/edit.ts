/**
 * Edits of trust data as pure functions: the `signed` object of now in, the one to sign next out. Unknown members and
 * everything that is not edited stay as they are.
 *
 * @module
 */
import { type Bytes, concat, equalBytes, utf8 } from "../bytes/bytes.ts";
import { canonicalJson, canonicalString } from "../bytes/canonical_json.ts";
import { TagsealError } from "../errors.ts";
import { isJsonObject, type JsonObject, jsonObject, type JsonValue } from "../bytes/json.ts";
import type { KeyId, PublicKey } from "../crypto/keys.ts";
import type { RawSignature } from "../crypto/signer.ts";
import { startOfTags } from "./fast_parse.ts";
import type { Envelope, Signature, TagsInPlace, Target } from "./models.ts";
import type { BaseRole, DelegationRole } from "./roles.ts";

const DAY_MS = 86_400_000;

/** How long what a role signs is good for, in days (the defaults of Notary). */
export const LIFETIME_DAYS = { root: 3650, targets: 1095 } as const;

/** An instant as trust data writes it: RFC 3339, UTC, whole seconds. */
export function trustTime(at: Date): string {
  return at.toISOString().replace(/\.\d+Z/, "Z");
}

/** When something signed at `at` expires. */
export function expiryAfter(at: Date, days: number): string {
  return trustTime(new Date(at.getTime() + days * DAY_MS));
}

/** The first version of a targets file or a delegation's, still empty. */
export function emptyTargets(at: Date): JsonObject {
  return jsonObject([
    ["_type", "Targets"],
    ["delegations", jsonObject([["keys", jsonObject()], ["roles", []]])],
    ["expires", expiryAfter(at, LIFETIME_DAYS.targets)],
    ["targets", jsonObject()],
    ["version", 1],
  ]);
}

/** What the SQL schema of notary-server holds. Others may have published more elsewhere, and it is read. */
const MAX_PUBLISHED_VERSION = 2 ** 31 - 1;

function publishable(version: number): void {
  if (version <= MAX_PUBLISHED_VERSION) return;
  throw new TagsealError(
    "bad-input",
    `A Notary server may not keep version ${version}: ${MAX_PUBLISHED_VERSION} is its last`,
    {
      remedy:
        "Nothing was published. The repository's administrator has to set it up anew, which begins with version 1",
      details: { version },
    },
  );
}

/**
 * The next version of a targets file or a delegation's, with a new expiry; nothing else changed.
 *
 * @throws {TagsealError} `bad-input` for a version that servers may not keep
 */
export function nextTargets(signed: JsonObject, version: number, at: Date): JsonObject {
  publishable(version);
  return merged(signed, [["expires", expiryAfter(at, LIFETIME_DAYS.targets)], ["version", version]]);
}

/**
 * The canonical form of a targets file's next version, as {@linkcode nextTargets} and the like make it, with `tags` set, or
 * taken away where they are `undefined`. In parts that follow one another: what stays is not copied.
 *
 * @throws {TagsealError} `bad-input` for a version that servers may not keep
 */
export function nextForm(
  { rest, changed }: TagsInPlace,
  tags: ReadonlyMap<string, Target | undefined>,
  version: number,
  expires: string,
): Bytes[] {
  publishable(version);
  const next = merged(rest, [["expires", expires], ["version", version]]);
  const [around, start] = [canonicalJson(next), startOfTags(next)];
  const entries = [...tags].map((
    [tag, target],
  ): [string, Bytes | undefined] => [tag, target && entryForm(tag, target)]);
  return [around.subarray(0, start), ...changed(new Map(entries)), around.subarray(start)];
}

/** The canonical form of a tag and {@linkcode entryOf}, written by hand: the general writer is slow for thousands of tags. */
function entryForm(tag: string, { length, sha256 }: Target): Bytes {
  const base64 = Uint8Array.fromHex(sha256).toBase64();
  return utf8(`${canonicalString(tag)}:{"hashes":{"sha256":"${base64}"},"length":${length}}`);
}

function entryOf({ length, sha256 }: Target): JsonObject {
  const hashes = jsonObject([["sha256", Uint8Array.fromHex(sha256).toBase64()]]);
  return jsonObject([["hashes", hashes], ["length", length]]);
}

/** Sets tags (and moves those that are there). */
export function withTargets(signed: JsonObject, tags: ReadonlyMap<string, Target>): JsonObject {
  const entries = [...tags].map(([tag, target]): [string, JsonValue] => [tag, entryOf(target)]);
  // In order, as canonical documents are: so they are printed fast.
  const all = new Map([...Object.entries(memberObject(signed, "targets")), ...entries]);
  const sorted = [...all.keys()].sort().map((tag) => [tag, all.get(tag)!] as const);
  return merged(signed, [["targets", jsonObject(sorted)]]);
}

/** Takes tags away; those that are not there are no matter. */
export function withoutTargets(signed: JsonObject, tags: readonly string[]): JsonObject {
  if (tags.length === 0) return signed;
  const gone = new Set(tags);
  const left = Object.entries(memberObject(signed, "targets")).filter(([tag]) => !gone.has(tag));
  return merged(signed, [["targets", jsonObject(left)]]);
}

/** Adds a key to a delegation, made if it is not there yet (threshold 1); its paths become `paths`. */
export function withDelegationKey(
  signed: JsonObject,
  role: DelegationRole,
  key: PublicKey,
  paths: readonly string[],
): JsonObject {
  const delegations = memberObject(signed, "delegations");
  const roles = Array.isArray(delegations["roles"]) ? (delegations["roles"] as JsonValue[]) : [];
  const current = roles.filter(isJsonObject).find((entry) => entry["name"] === role);
  const keyIds = Array.isArray(current?.["keyids"]) ? current["keyids"] as JsonValue[] : [];
  const entry = merged(current ?? jsonObject([["name", role], ["threshold", 1]]), [
    ["keyids", keyIds.includes(key.id) ? keyIds : [...keyIds, key.id]],
    ["paths", [...paths]],
  ]);
  const next = current ? roles.map((other) => other === current ? entry : other) : [...roles, entry];
  return merged(signed, [[
    "delegations",
    merged(delegations, [
      ["keys", merged(memberObject(delegations, "keys"), [[key.id, key.json]])],
      ["roles", next],
    ]),
  ]]);
}

/**
 * Leaves a delegation the keys of `keyIds` alone, or takes it away where there are none; keys that no delegation names
 * any more go too. Its threshold and paths stay.
 */
export function withDelegationKeys(signed: JsonObject, role: DelegationRole, keyIds: readonly KeyId[]): JsonObject {
  const delegations = memberObject(signed, "delegations");
  const roles = (Array.isArray(delegations["roles"]) ? delegations["roles"] as JsonValue[] : []).flatMap((entry) => {
    if (!isJsonObject(entry) || entry["name"] !== role) return [entry];
    return keyIds.length === 0 ? [] : [merged(entry, [["keyids", [...keyIds]]])];
  });
  const keys = onlyNamed(memberObject(delegations, "keys"), roles.filter(isJsonObject));
  return merged(signed, [["delegations", merged(delegations, [["keys", keys], ["roles", roles]])]]);
}

/** {@linkcode nextTargets} for a root. */
export function nextRoot(signed: JsonObject, version: number, at: Date): JsonObject {
  publishable(version);
  return merged(signed, [["expires", expiryAfter(at, LIFETIME_DAYS.root)], ["version", version]]);
}

/** Makes `key` the only key of a base role, threshold 1; keys that no role names any more go. */
export function withRootKey(signed: JsonObject, role: BaseRole, key: PublicKey): JsonObject {
  const roles = merged(memberObject(signed, "roles"), [[role, rootRole(key)]]);
  const keys = merged(memberObject(signed, "keys"), [[key.id, key.json]]);
  return merged(signed, [["keys", onlyNamed(keys, Object.values(roles).filter(isJsonObject))], ["roles", roles]]);
}

/** The first root of a repository: one key for each base role, threshold 1. */
export function firstRoot(keys: Readonly<Record<BaseRole, PublicKey>>, at: Date): JsonObject {
  const entries = Object.entries(keys);
  return jsonObject([
    ["_type", "Root"],
    ["consistent_snapshot", false],
    ["expires", expiryAfter(at, LIFETIME_DAYS.root)],
    ["keys", jsonObject(entries.map(([, key]) => [key.id, key.json]))],
    ["roles", jsonObject(entries.map(([name, key]) => [name, rootRole(key)]))],
    ["version", 1],
  ]);
}

/** A metadata file of exactly these signed bytes (their canonical form) and their signatures. */
export function assembleFile(payload: Bytes, signatures: readonly { keyId: KeyId; signature: RawSignature }[]): Bytes {
  return fileOf(payload, signatures.map(({ keyId, signature }) => ({ keyId, ...signature })));
}

/**
 * Whether a file stands in the one form that servers keep unharmed: Notary stores what is posted, and has its snapshot
 * name the hash of its own serialisation, so that any other form breaks the repository.
 */
export function isInServersForm({ bytes, payload, signatures }: Envelope): boolean {
  return equalBytes(bytes, fileOf(payload, signatures));
}

function fileOf(payload: Bytes, signatures: readonly Signature[]): Bytes {
  const list = signatures.map(({ keyId, method, bytes }) =>
    jsonObject([["keyid", keyId], ["method", method], ["sig", bytes.toBase64()]])
  );
  return concat(utf8('{"signed":'), payload, utf8(',"signatures":'), canonicalJson(list), utf8("}"));
}

function rootRole(key: PublicKey): JsonObject {
  return jsonObject([["keyids", [key.id]], ["threshold", 1]]);
}

/** Of `keys` those that one of `roles` names. */
function onlyNamed(keys: JsonObject, roles: readonly JsonObject[]): JsonObject {
  const named = new Set(roles.flatMap(({ keyids }) => keyids));
  return jsonObject(Object.entries(keys).filter(([id]) => named.has(id)));
}

function merged(object: JsonObject, entries: Iterable<readonly [string, JsonValue]>): JsonObject {
  return jsonObject([...Object.entries(object), ...entries]);
}

function memberObject(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  return isJsonObject(value) ? value : jsonObject();
}
