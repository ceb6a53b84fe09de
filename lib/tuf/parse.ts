/**
 * Metadata bytes to typed views. Structure only: nothing here is trusted yet.
 *
 * Errors name the place: `targets.json: signed.targets["v1"].length: an integer from 0 is needed`. Stricter than the
 * reference client, as it takes missing and `null` members for zero values: here every member that a rule looks at must
 * be there, with its exact name and type. Only lists and maps may be `null`, which is how Go writes empty ones: the
 * reference client does so when it takes the last key from a role.
 *
 * @module
 */
import { type Bytes, text as decode } from "../bytes/bytes.ts";
import { canonicalJson } from "../bytes/canonical_json.ts";
import { parsePlainly } from "../bytes/fast_canonical_json.ts";
import { isJsonObject, type JsonObject, type JsonValue, type Numbers, parseJson } from "../bytes/json.ts";
import type { HashName } from "../crypto/hash.ts";
import { messageOf } from "../errors.ts";
import type { Delegation, Envelope, FileMeta, Listing, Metadata, Root, Signature, Target } from "./models.ts";
import type { Targets } from "./models.ts";
import { type CanonicalFile, readCanonicalEnvelope, readCanonicalRole, readPlainTarget } from "./fast_parse.ts";
import { malformed, Place } from "./place.ts";
import { type KeyReader, keyReader, readRoleKeys } from "./role_keys.ts";
import { BASE_ROLES, type BaseRole, isDelegation, parentOf, type RoleName } from "./roles.ts";

/**
 * Which numbers trust data may hold. What is signed holds plain integers; a target's `custom`, which belongs to whoever
 * publishes, also `1.0` and `1e3`, as the reference client takes them. A tag may be named "custom" as well, one level up.
 */
export function numbersOf(name: string, depth: number, around: Numbers): Numbers {
  if (depth === 0) return name === "signed" ? "integers" : "unread";
  return around === "integers" && depth === CUSTOM_DEPTH && name === "custom" ? "integral" : around;
}
/** Where `custom` stands: in `signed`, `targets`, the tag. */
const CUSTOM_DEPTH = 3;

/**
 * The envelope of a metadata file.
 *
 * @throws {TagsealError} `trust-invalid`
 */
export function parseEnvelope(role: RoleName, bytes: Bytes): Envelope {
  return envelopeOf(role, bytes, readCanonicalEnvelope(bytes));
}

function envelopeOf(role: RoleName, bytes: Bytes, plain: CanonicalFile | undefined): Envelope {
  let document: JsonValue;
  try {
    document = plain?.document ?? parseJson(bytes, numbersOf);
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

/** What a file that was trusted before says, as far as its successor is held to it. */
export interface Kept {
  /** Its version. */
  readonly version: number;
  /** The canonical form of what was signed. */
  payload(): Bytes;
}

/**
 * Reads a file that was verified when it was kept; `undefined` where there is none, or it was damaged since. Its size, expiry and content
 * play no part: whatever says a version sets a floor.
 */
export function parseKept(bytes: Bytes | undefined): Kept | undefined {
  if (!bytes) return undefined;
  try {
    const plain = readCanonicalRole(bytes);
    const document = plain?.document ?? parsePlainly(decode(bytes)) ?? parseJson(bytes, numbersOf);
    const signed = isJsonObject(document) ? document["signed"] : undefined;
    const version = isJsonObject(signed) ? signed["version"] : undefined;
    if (!isJsonObject(signed) || !Number.isSafeInteger(version) || Number(version) < 1) return undefined;
    return { version: Number(version), payload: () => plain?.payload ?? canonicalJson(signed) };
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
  return { at, envelope, version: at.member("version").integer(1), expires, expiresText };
}

/** A root file. @throws {TagsealError} `trust-invalid` */
export function parseRoot(bytes: Bytes): Root {
  const { at, ...rest } = metadata("root", "Root", parseEnvelope("root", bytes));
  const consistent = at.member("consistent_snapshot");
  if (consistent.value !== undefined && typeof consistent.value !== "boolean") {
    throw consistent.fail("true or false is needed");
  }
  const keys = keyReader(at.member("keys"));
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
  const plain = readCanonicalRole(bytes);
  const { at, ...rest } = metadata(
    role,
    "Targets",
    plain ? envelopeOf(role, bytes, plain) : parseEnvelope(role, bytes),
  );
  const targets = plain?.tags ?? readTargets(at.member("targets"));
  const delegations = at.member("delegations");
  const keys = keyReader(delegations.member("keys"));
  const roles = delegations.member("roles");
  const listed = roles.list().map((place) => readDelegation(role, place, keys));
  if (new Set(listed.map((d) => d.name)).size < listed.length) throw roles.fail("a delegation stands there twice");
  if (!plain) return { ...rest, targets, delegations: listed };
  const inPlace = { rest: plain.rest, changed: plain.tags.changed.bind(plain.tags) };
  return { ...rest, envelope: withAllTags(role, rest.envelope), targets, delegations: listed, inPlace };
}

/** An envelope of which `signed` was read without the tags: it is read whole where somebody asks for that. */
function withAllTags(role: RoleName, { bytes, payload, signatures }: Envelope): Envelope {
  let signed: JsonObject | undefined;
  return {
    bytes,
    payload,
    signatures,
    get signed() {
      return signed ??= parseEnvelope(role, bytes).signed;
    },
  };
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
  const entries = place.map();
  const targets = new Map<string, Target>();
  // Files of 50,000 tags are common: the place of an entry is worked out only where something is wrong with it.
  for (const tag of Object.keys(entries)) {
    targets.set(tag, readPlainTarget(entries[tag]) ?? readTarget(place.member(tag)));
  }
  return targets;
}

function readTarget(place: Place): Target {
  const sha256 = place.member("hashes").member("sha256").base64(32).toHex();
  return { length: place.member("length").integer(0), sha256 };
}

function readDelegation(parent: RoleName, place: Place, keys: KeyReader): Delegation {
  const name = place.member("name").text();
  if (!isDelegation(name) || parentOf(name) !== parent) {
    throw place.member("name").fail(`"${parent}/" and a name of a-z, 0-9, "-" and "_" is needed`);
  }
  const paths = place.member("paths");
  return {
    name,
    ...readRoleKeys(place, keys),
    paths: paths.value === undefined ? [] : paths.list().map((path) => path.text()),
  };
}
