/**
 * Metadata bytes to typed views. Structure only: nothing here is trusted yet.
 *
 * Errors name the place: `targets.json: signed.targets["v1"].length: an integer from 0 is needed`. Stricter than the
 * reference client, as it takes missing and `null` members for zero values: here every member that a rule looks at must
 * be there, with its exact name and type.
 *
 * @module
 */
import { type Bytes, text as decode, utf8 } from "../bytes/bytes.ts";
import { canonicalJson, canonicalText, parsePlainly } from "../bytes/canonical_json.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../bytes/json.ts";
import { type KeyId, type PublicKey, readPublicKey } from "../crypto/keys.ts";
import { isBrokenlySigned } from "../crypto/x509.ts";
import type { HashName } from "../crypto/hash.ts";
import { messageOf, TagsealError } from "../errors.ts";
import type { Delegation, Envelope, FileMeta, Listing, Metadata, RoleKeys, Root, Signature, Target } from "./models.ts";
import type { Targets } from "./models.ts";
import { BASE_ROLES, type BaseRole, isDelegation, parentOf, type RoleName } from "./roles.ts";

/** How many signatures, keys of a role and delegations one file may hold. */
const MAX_LIST = 1000;
const MAX_VERSION = 2 ** 31 - 1; // the SQL schema of notary-server holds no more

/** Reads the members of one file and says where it stands when something is wrong. */
class Place {
  constructor(readonly role: string, readonly path: string, readonly value: JsonValue | undefined) {}

  member(name: string): Place {
    const object = this.object();
    const plain = /^[A-Za-z_]+$/.test(name);
    const path = plain ? `${this.path}.${name}` : `${this.path}[${JSON.stringify(name.slice(0, 128))}]`;
    return new Place(this.role, path.replace(/^\./, ""), Object.hasOwn(object, name) ? object[name] : undefined);
  }

  fail(needed: string): TagsealError {
    return malformed(this.role, `${this.path ? `${this.path}: ` : ""}${needed}`);
  }

  object(): JsonObject {
    if (!isJsonObject(this.value)) throw this.fail("an object is needed");
    return this.value;
  }

  members(): [string, Place][] {
    return Object.keys(this.object()).map((name) => [name, this.member(name)]);
  }

  list(): Place[] {
    if (!Array.isArray(this.value)) throw this.fail("an array is needed");
    if (this.value.length > MAX_LIST) throw this.fail(`at most ${MAX_LIST} entries are read`);
    return this.value.map((value: JsonValue, i) => new Place(this.role, `${this.path}[${i}]`, value));
  }

  text(): string {
    if (typeof this.value !== "string") throw this.fail("a string is needed");
    return this.value;
  }

  integer(least: number, most = Number.MAX_SAFE_INTEGER): number {
    const value = this.value;
    if (typeof value !== "number" || value < least || value > most) {
      throw this.fail(`an integer from ${least} is needed`);
    }
    return value;
  }

  base64(length?: number): Bytes {
    let bytes: Bytes | undefined;
    try {
      bytes = Uint8Array.fromBase64(this.text(), { lastChunkHandling: "strict" });
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    if (!bytes || (length !== undefined && bytes.length !== length) || /\s/.test(this.text())) {
      throw this.fail(`base64${length === undefined ? "" : ` of ${length} bytes`} is needed`);
    }
    return bytes;
  }
}

function malformed(role: string, what: string, cause?: unknown): TagsealError {
  return new TagsealError("trust-invalid", `The trust data of "${role}" is malformed: ${what}`, {
    remedy: "Do not use this data. If the server is yours, find out what wrote it; else tell its operator",
    details: { role },
    cause,
  });
}

/**
 * The envelope of a metadata file.
 *
 * @throws {TagsealError} `trust-invalid`
 */
export function parseEnvelope(role: RoleName, bytes: Bytes): Envelope {
  const plain = readPlainEnvelope(bytes);
  let document: JsonValue;
  try {
    document = plain?.document ?? parseJson(bytes);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw malformed(role, `it is not strict JSON: ${messageOf(error)}`, error);
  }
  const top = new Place(role, "", document);
  const signed = top.member("signed").object();
  const signatures = top.member("signatures").list().map((place): Signature => ({
    keyId: place.member("keyid").text(),
    method: place.member("method").text(),
    bytes: place.member("sig").base64(),
  }));
  if (signatures.length === 0) throw malformed(role, "it has no signatures");
  return { bytes, payload: plain?.payload ?? canonicalJson(signed), signed, signatures };
}

const HEAD = '{"signed":';

/**
 * An envelope as Notary writes it, both halves canonical: read by the engine's own parser, which takes a quarter of the
 * time for large roles. What is not exactly that, down to the last byte, is left to the strict reader.
 */
function readPlainEnvelope(bytes: Bytes): { document: JsonObject; payload: Bytes } | undefined {
  let source: string;
  try {
    source = decode(bytes);
  } catch {
    return undefined;
  }
  const document = parsePlainly(source);
  if (!isJsonObject(document)) return undefined;
  const signed = canonicalText(document["signed"], 1);
  const signatures = canonicalText(document["signatures"], 1);
  if (signed === undefined || signatures === undefined) return undefined;
  const tail = `,"signatures":${signatures}}`;
  const same = source.length === HEAD.length + signed.length + tail.length && source.startsWith(HEAD) &&
    source.startsWith(signed, HEAD.length) && source.endsWith(tail);
  if (!same) return undefined;
  withoutPrototypes(document, 3);
  return { document, payload: bytes.subarray(HEAD.length, bytes.length - utf8(tail).length) };
}

/** Where names come from outside (tags, key ids, roles), none may be inherited: an object as the strict reader makes it. */
function withoutPrototypes(value: JsonValue | undefined, levels: number): void {
  if (!isJsonObject(value)) return;
  Object.setPrototypeOf(value, null);
  const members = Object.keys(value);
  // Entries of tags are many, and the names in them are not chosen by anybody.
  if (levels > 0 && members.length < MAX_LIST) {
    for (const name of members) {
      withoutPrototypes(value[name], levels - 1);
    }
  }
}

/** What a file that was trusted before says, as far as its successor is held to it. */
export interface Kept {
  /** Its version. */
  readonly version: number;
  /** What was signed. */
  readonly signed: JsonObject;
}

/**
 * Reads a file that was verified when it was kept; `undefined` where it was damaged since. Its size, expiry and content
 * play no part: whatever says a version sets a floor.
 */
export function parseKept(bytes: Bytes): Kept | undefined {
  try {
    const document = parsePlainly(decode(bytes)) ?? parseJson(bytes);
    const signed = isJsonObject(document) ? document["signed"] : undefined;
    const version = isJsonObject(signed) ? signed["version"] : undefined;
    if (!isJsonObject(signed) || typeof version !== "number" || version < 1 || version > MAX_VERSION) return undefined;
    return { version, signed };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}

const RFC3339 = /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/** The instant of an RFC 3339 time; `Date` alone would take 30 February for 2 March, and 24:00 for the next day. */
function readTime(text: string): Date | undefined {
  const day = RFC3339.exec(text)?.[1];
  const [at, midnight] = [new Date(text), new Date(`${day}T00:00:00Z`)];
  if (day === undefined || Number.isNaN(at.getTime()) || Number.isNaN(midnight.getTime())) return undefined;
  return midnight.toISOString().startsWith(day) ? at : undefined;
}

function metadata(role: RoleName, type: string, envelope: Envelope): Metadata & { at: Place } {
  const at = new Place(role, "signed", envelope.signed);
  if (at.member("_type").text() !== type) throw at.member("_type").fail(`"${type}" is needed`);
  const expiresText = at.member("expires").text();
  const expires = readTime(expiresText);
  if (!expires) throw at.member("expires").fail("an RFC 3339 time is needed");
  return { at, envelope, version: at.member("version").integer(1, MAX_VERSION), expires, expiresText };
}

/** A root file. @throws {TagsealError} `trust-invalid` */
export function parseRoot(bytes: Bytes): Root {
  const { at, ...rest } = metadata("root", "Root", parseEnvelope("root", bytes));
  const keys = readKeys(at.member("keys"));
  const role = (name: BaseRole) => readRoleKeys(at.member("roles").member(name), keys);
  return { ...rest, roles: Object.fromEntries(BASE_ROLES.map((name) => [name, role(name)])) as Root["roles"] };
}

/** A snapshot or timestamp file. @throws {TagsealError} `trust-invalid` */
export function parseListing(role: "snapshot" | "timestamp", bytes: Bytes): Listing {
  const type = role === "snapshot" ? "Snapshot" : "Timestamp";
  const { at, ...rest } = metadata(role, type, parseEnvelope(role, bytes));
  const meta = new Map(at.member("meta").members().map(([name, place]) => [name, readFileMeta(name, place)]));
  for (const name of role === "snapshot" ? ["root", "targets"] : ["snapshot"]) {
    if (!meta.has(name)) throw at.member("meta").fail(`"${name}" is missing`);
  }
  return { ...rest, meta };
}

/** A targets file or a delegation's. @throws {TagsealError} `trust-invalid` */
export function parseTargets(role: RoleName, bytes: Bytes): Targets {
  const { at, ...rest } = metadata(role, "Targets", parseEnvelope(role, bytes));
  const targets = readTargets(at.member("targets"));
  const delegations = at.member("delegations");
  const keys = readKeys(delegations.member("keys"));
  const roles = delegations.member("roles");
  const listed = roles.value === null ? [] : roles.list().map((place) => readDelegation(role, place, keys));
  if (new Set(listed.map((d) => d.name)).size < listed.length) throw roles.fail("a delegation stands there twice");
  return { ...rest, targets, delegations: listed };
}

function readKeys(place: Place): Map<KeyId, PublicKey> {
  const entries = place.members();
  if (entries.length > MAX_LIST) throw place.fail(`at most ${MAX_LIST} keys are read`);
  return new Map(entries.map(([id, at]) => {
    let key: PublicKey;
    try {
      key = readPublicKey(at.value ?? null);
    } catch (error) {
      if (!(error instanceof SyntaxError) && !(error instanceof TypeError)) throw error;
      throw at.fail(messageOf(error));
    }
    if (key.id !== id) throw at.fail(`the key's id is ${key.id}`);
    // Root says for itself what becomes of such certificates: they do not count. Elsewhere they fail the file.
    if (place.role !== "root" && key.certificate && isBrokenlySigned(key.certificate)) {
      throw at.fail("the certificate is signed with a broken hash");
    }
    return [id, key];
  }));
}

function readRoleKeys(place: Place, keys: ReadonlyMap<KeyId, PublicKey>): RoleKeys {
  const own = new Map<KeyId, PublicKey>();
  for (const at of place.member("keyids").list()) {
    const key = keys.get(at.text());
    if (!key) throw at.fail("this key is not among the file's keys");
    own.set(key.id, key);
  }
  return { keys: own, threshold: place.member("threshold").integer(1) };
}

function readFileMeta(role: string, place: Place): FileMeta {
  const hashes = new Map<HashName, Bytes>();
  for (const [name, bytes] of [["sha256", 32], ["sha512", 64]] as const) {
    const at = place.member("hashes").member(name);
    if (at.value !== undefined) hashes.set(name, at.base64(bytes));
  }
  const enough = isDelegation(role) ? hashes.size > 0 : hashes.has("sha256");
  if (!enough) throw place.member("hashes").fail("a sha256 is needed");
  return { length: place.member("length").integer(0), hashes };
}

function readTargets(place: Place): Map<string, Target> {
  const entries = place.object();
  const targets = new Map<string, Target>();
  // Files of 50,000 tags are common: the place of an entry is worked out only where something is wrong with it.
  for (const tag of Object.keys(entries)) {
    targets.set(tag, plainTarget(entries[tag]) ?? readTarget(place.member(tag)));
  }
  return targets;
}

/** An entry in good order; `undefined` where {@linkcode readTarget} has to say what is wrong. */
function plainTarget(entry: JsonValue | undefined): Target | undefined {
  const hashes = isJsonObject(entry) ? entry["hashes"] : undefined;
  if (!isJsonObject(entry) || !isJsonObject(hashes)) return undefined;
  const length = entry["length"], sha256 = hashes["sha256"];
  // 44 characters that make 32 bytes hold no white space.
  if (typeof length !== "number" || length < 0 || typeof sha256 !== "string" || sha256.length !== 44) return undefined;
  try {
    const digest = Uint8Array.fromBase64(sha256, { lastChunkHandling: "strict" });
    return digest.length === 32 ? { length, sha256: digest.toHex() } : undefined;
  } catch {
    return undefined;
  }
}

function readTarget(place: Place): Target {
  const sha256 = place.member("hashes").member("sha256").base64(32).toHex();
  return { length: place.member("length").integer(0), sha256 };
}

function readDelegation(parent: RoleName, place: Place, keys: ReadonlyMap<KeyId, PublicKey>): Delegation {
  const name = place.member("name").text();
  if (!isDelegation(name) || parentOf(name) !== parent) {
    throw place.member("name").fail(`"${parent}/" and a name of a-z, 0-9, "-" and "_" is needed`);
  }
  const paths = place.member("paths");
  return {
    name,
    ...readRoleKeys(place, keys),
    paths: paths.value === null || paths.value === undefined ? [] : paths.list().map((path) => path.text()),
  };
}
