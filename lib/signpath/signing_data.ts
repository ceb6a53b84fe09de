/**
 * Docker signing data: the file that is sent for signing (format `docker-signing-data/1`).
 *
 * A ZIP with a manifest, one payload per repository and role (the exact bytes that get signed), and the trust data that
 * each payload was derived from, so that whoever approves can judge the change. After signing, `<payload>.sig` stands
 * beside each payload. Reading trusts nothing: every size is bounded, every member is checked, every payload must have
 * the hash that the manifest states.
 *
 * @see SignPath, "Artifact configuration", `create-raw-signature`
 * @module
 */
import { type Bytes, utf8 } from "../bytes/bytes.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../bytes/json.ts";
import { readZip, writeZip } from "../bytes/zip.ts";
import { sha256Hex } from "../crypto/hash.ts";
import { messageOf, TagsealError } from "../errors.ts";

/** The format that is written, and the only one that is read. */
export const FORMAT = "docker-signing-data/1";

const MANIFEST = "docker-signing-data.json";
const LIMITS = { entries: 20_000, entryBytes: 128 * 2 ** 20, totalBytes: 512 * 2 ** 20 };
/** More keys than any delegation has. */
const MAX_KEYS = 1000;
/** Leaves room for manifest and signatures. */
const MAX_UNSIGNED_BYTES = LIMITS.totalBytes - 32 * 2 ** 20;

/** One tag to sign. */
export interface TagChange {
  /** The tag. */
  readonly tag: string;
  /** The manifest that it shall stand for: `sha256:<hex>`. */
  readonly digest: string;
  /** The manifest's size in bytes. */
  readonly length: number;
  /** The manifest's media type, where the registry was asked. */
  readonly mediaType?: string;
  /** What the tag stood for in `targets/releases` before: `sha256:<hex>`, or `null` where it was not there. */
  readonly previousDigest: string | null;
}

/** One tag to withdraw. */
export interface TagRemoval {
  /** The tag. */
  readonly tag: string;
  /** What it stood for in `targets/releases` before: `sha256:<hex>`, or `null` where it was not there. */
  readonly previousDigest: string | null;
}

/** One role to sign. */
export interface RoleChange {
  /** The delegation. */
  readonly role: string;
  /** The version that the payload was derived from; 0 where the role was not published yet. */
  readonly baseVersion: number;
  /** The payload's version. */
  readonly version: number;
  /** The payload's entry in the ZIP. */
  readonly payload: string;
  /** SHA-256 of the payload, hex. */
  readonly sha256: string;
}

/** What is to be signed in one repository. */
export interface RepositoryChange {
  /** The GUN. */
  readonly repository: string;
  /** The Notary server that the trust data came from. */
  readonly notaryUrl: string;
  /** The root that was trusted. */
  readonly root: { readonly version: number; readonly sha256: string };
  /** The canonical id of the key that has to sign. */
  readonly delegationKeyId: string;
  /**
   * The canonical ids of further keys, one of which may have signed instead; left out where there are none. Readers that
   * do not know the member take the signature of the one key alone.
   */
  readonly alternativeKeyIds?: readonly string[];
  /** The tags. */
  readonly tags: readonly TagChange[];
  /**
   * The tags whose signature is withdrawn. Readers that do not know the member refuse such a file, as its payloads are
   * not what the tags alone make.
   */
  readonly removedTags: readonly TagRemoval[];
  /** The roles. */
  readonly roles: readonly RoleChange[];
}

/** A signing data file, read or to be written. */
export interface SigningData {
  /** When it was made (RFC 3339). */
  readonly created: string;
  /** What made it. */
  readonly tool: string;
  /** What is to be signed. */
  readonly repositories: readonly RepositoryChange[];
  /** The payloads by entry name: canonical JSON bytes. */
  readonly payloads: ReadonlyMap<string, Bytes>;
  /** Trust data that the payloads were derived from, by entry name. */
  readonly trust: ReadonlyMap<string, Bytes>;
  /** Raw signatures by payload entry name; empty before signing. */
  readonly signatures: ReadonlyMap<string, Bytes>;
}

/** The entry of the n-th payload (from 1). */
export function payloadName(n: number): string {
  return `payload/${String(n).padStart(4, "0")}.json`;
}

/** The entry of a role's trust data for the n-th repository (from 1). */
export function trustName(n: number, role: string): string {
  return `trust/${n}/${role.replaceAll("/", "_")}.json`;
}

/** Writes a file to be signed: the same input gives the same bytes. */
// deno-lint-ignore require-await -- what it throws is a rejection, as for all that may fail
export async function writeSigningData(data: Omit<SigningData, "signatures">): Promise<Bytes> {
  requireReadable(data);
  const manifest = utf8(`${JSON.stringify({ format: FORMAT, ...manifestOf(data) }, null, 2)}\n`);
  const entry = ([name, bytes]: readonly [string, Bytes]) => ({ name, bytes });
  return writeZip([
    { name: MANIFEST, bytes: manifest },
    ...[...data.payloads].map(entry),
    ...[...data.trust].map(entry),
  ]);
}

/** What could not be read once it is signed must not be sent for signing. */
function requireReadable({ repositories, payloads, trust }: Omit<SigningData, "signatures">): void {
  const entries = 1 + 2 * payloads.size + trust.size;
  const total = [...payloads.values(), ...trust.values()].reduce((sum, { length }) => sum + length, 0);
  const most = Math.max(0, ...[...payloads.values()].map(({ length }) => length));
  if (entries <= LIMITS.entries && total <= MAX_UNSIGNED_BYTES && most <= LIMITS.entryBytes) return;
  throw new TagsealError("bad-input", `One file cannot hold all of this: ${repositories.length} repositories`, {
    remedy: "Nothing was sent for signing. Sign fewer repositories at a time",
    details: { entries, bytes: total },
  });
}

/** What the manifest says; `removedTags` only where there are some. */
export function manifestOf({ created, tool, repositories }: Omit<SigningData, "signatures">): object {
  const written = repositories.map(({ tags, removedTags, roles, ...facts }) => ({
    ...facts,
    tags,
    ...(removedTags.length > 0 ? { removedTags } : {}),
    roles,
  }));
  return { created, tool, repositories: written };
}

/**
 * Reads a file, signed or not.
 *
 * @throws {TagsealError} `bad-input` where it is not signing data; `trust-invalid` where a payload is not the one that
 *   its manifest names
 */
export async function readSigningData(zip: Bytes): Promise<SigningData> {
  const entries = await readZip(zip, LIMITS);
  const manifest = entries.get(MANIFEST);
  if (!manifest) throw malformed(`"${MANIFEST}" is missing`);
  let document: JsonValue;
  try {
    document = parseJson(manifest);
  } catch (error) {
    throw malformed(`its manifest is not strict JSON: ${messageOf(error)}`);
  }
  const { created, tool, repositories } = readManifest(document);
  const payloads = new Map<string, Bytes>();
  const signatures = new Map<string, Bytes>();
  for (const { payload, sha256, role } of repositories.flatMap(({ roles }) => roles)) {
    const bytes = entries.get(payload);
    if (!bytes || payloads.has(payload)) throw malformed(`the payload "${payload}" is missing, or used twice`);
    if (sha256Hex(bytes) !== sha256) {
      throw new TagsealError("trust-invalid", `The payload of "${role}" is not the one that the manifest names`, {
        remedy: "Do not publish this file: it was changed after it was made. Make new signing data",
        details: { role, payload },
      });
    }
    payloads.set(payload, bytes);
    const signature = entries.get(`${payload}.sig`);
    if (signature) signatures.set(payload, signature);
  }
  const trust = new Map<string, Bytes>();
  for (const [name, bytes] of entries) {
    if (/^trust\/\d+\/[a-z0-9_-]+\.json$/.test(name)) trust.set(name, bytes);
    else if (name !== MANIFEST && !payloads.has(name.replace(/\.sig$/, ""))) throw malformed(`it holds "${name}"`);
  }
  return { created, tool, repositories, payloads, trust, signatures };
}

function malformed(why: string): TagsealError {
  return new TagsealError("bad-input", `The file is not Docker signing data: ${why}`, {
    remedy: "Use a file made by tagseal signing-data, or its signed version from tagseal download",
  });
}

function readManifest(document: JsonValue): Pick<SigningData, "created" | "tool" | "repositories"> {
  const top = object(document, "the manifest");
  const format = top["format"];
  if (format !== FORMAT) {
    throw malformed(
      typeof format === "string" ? `its format "${format.slice(0, 60)}" is not known` : "it has no format",
    );
  }
  const repositories = list(top, "repositories").map((value, i) => readRepository(value, `repositories[${i}]`));
  if (new Set(repositories.map(({ repository }) => repository)).size < repositories.length) {
    throw malformed("a repository stands there twice");
  }
  for (const { repository, tags, removedTags, roles } of repositories) {
    if (roles.length === 0) throw malformed(`nothing is to be signed for "${repository.slice(0, 255)}"`);
    const seen = new Set<string>();
    for (const { tag } of [...tags, ...removedTags]) {
      if (seen.has(tag)) {
        throw malformed(`the tag "${tag.slice(0, 128)}" of "${repository.slice(0, 255)}" stands there twice`);
      }
      seen.add(tag);
    }
  }
  return { created: word(top, "created"), tool: word(top, "tool"), repositories };
}

function readRepository(value: JsonValue, at: string): RepositoryChange {
  const entry = object(value, at);
  const root = object(entry["root"], `${at}.root`);
  return {
    repository: word(entry, "repository"),
    notaryUrl: word(entry, "notaryUrl"),
    root: { version: whole(root, "version"), sha256: hex(root, "sha256") },
    delegationKeyId: hex(entry, "delegationKeyId"),
    ...(entry["alternativeKeyIds"] === undefined ? {} : { alternativeKeyIds: hexes(entry, "alternativeKeyIds") }),
    tags: list(entry, "tags").map((tag) => readTag(object(tag, `${at}.tags`))),
    removedTags: entry["removedTags"] === undefined
      ? []
      : list(entry, "removedTags").map((tag) => readRemoval(object(tag, `${at}.removedTags`))),
    roles: list(entry, "roles").map((role) => readRole(object(role, `${at}.roles`))),
  };
}

function readTag(entry: JsonObject): TagChange {
  return {
    tag: word(entry, "tag"),
    digest: digest(entry, "digest"),
    length: whole(entry, "length"),
    ...(entry["mediaType"] === undefined ? {} : { mediaType: word(entry, "mediaType") }),
    previousDigest: digestOrNull(entry, "previousDigest"),
  };
}

function readRemoval(entry: JsonObject): TagRemoval {
  return { tag: word(entry, "tag"), previousDigest: digestOrNull(entry, "previousDigest") };
}

function readRole(entry: JsonObject): RoleChange {
  const payload = word(entry, "payload");
  if (!/^payload\/\d{4,6}\.json$/.test(payload)) throw malformed(`"${payload.slice(0, 60)}" cannot be a payload`);
  return {
    role: word(entry, "role"),
    baseVersion: whole(entry, "baseVersion"),
    version: whole(entry, "version"),
    payload,
    sha256: hex(entry, "sha256"),
  };
}

function object(value: JsonValue | undefined, at: string): JsonObject {
  if (!isJsonObject(value)) throw malformed(`${at} is not an object`);
  return value;
}

function list(entry: JsonObject, name: string): readonly JsonValue[] {
  const value = entry[name];
  if (!Array.isArray(value)) throw malformed(`"${name}" is not an array`);
  return value;
}

function word(entry: JsonObject, name: string): string {
  const value = entry[name];
  if (typeof value !== "string" || value.length > 2000) throw malformed(`"${name}" is not a short text`);
  return value;
}

function whole(entry: JsonObject, name: string): number {
  const value = entry[name];
  if (typeof value !== "number" || value < 0) throw malformed(`"${name}" is not a number from 0`);
  return value;
}

function hex(entry: JsonObject, name: string): string {
  return hexOf(word(entry, name), name);
}

function hexes(entry: JsonObject, name: string): string[] {
  const values = list(entry, name);
  if (values.length > MAX_KEYS) throw malformed(`"${name}" has more than ${MAX_KEYS} elements`);
  return values.map((value) => hexOf(value, name));
}

function hexOf(value: JsonValue, name: string): string {
  if (typeof value !== "string" || !/^[0-9a-f]{64}$/.test(value)) throw malformed(`"${name}" is not 64 hex digits`);
  return value;
}

function digest(entry: JsonObject, name: string): string {
  const value = word(entry, name);
  if (!/^sha256:[0-9a-f]{64}$/.test(value)) throw malformed(`"${name}" is not a sha256 digest`);
  return value;
}

function digestOrNull(entry: JsonObject, name: string): string | null {
  return entry[name] === null ? null : digest(entry, name);
}
