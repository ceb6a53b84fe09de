/**
 * Large roles, read fast. A file that is its own canonical form is read by the engine's own parser, in a quarter of the
 * time; where its tags are in the form that Docker and Notary give them, they are left where they stand, and only what is
 * around them is parsed. `parse.ts` takes it from there, and reads all that is left out here itself. What justifies it:
 * `deno task bench --only inside`, row "parse and check every entry". What holds it to the strict reader:
 * `tests/bytes/fast_reader_test.ts`, `tests/tuf/tag_entries_test.ts`.
 *
 * @module
 */
import { type Bytes, concat, text as decode, utf8 } from "../bytes/bytes.ts";
import { canonicalJson } from "../bytes/canonical_json.ts";
import { canonicalText, parsePlainly } from "../bytes/fast_canonical_json.ts";
import { isJsonObject, type JsonObject, jsonObject, type JsonValue } from "../bytes/json.ts";
import type { Target } from "./models.ts";
import { MAX_LIST } from "./place.ts";
import { scanTags, type TagEntries } from "./tag_entries.ts";

const HEAD = '{"signed":';
const BEFORE_TAGS = utf8(',"targets":{');

/** A canonical file: what it says, and the bytes that were signed. */
export interface CanonicalFile {
  /** All of it. */
  readonly document: JsonObject;
  /** The canonical form of its `signed`. */
  readonly payload: Bytes;
}

/** A canonical file of a role that lists tags. */
export interface CanonicalRole extends CanonicalFile {
  /** Its `signed`, without tags, as in `document`. */
  readonly rest: JsonObject;
  /** The tags. */
  readonly tags: TagEntries;
}

/**
 * An envelope as Notary writes it, both halves canonical; `undefined` where it is not exactly that, down to the last byte.
 */
export function readCanonicalEnvelope(bytes: Bytes): CanonicalFile | undefined {
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

/**
 * The same for a role that lists tags: `document` is without them. What is left of a file where its entries are cut out has
 * to be canonical, and their place has to be that of `signed.targets`: then the whole is.
 */
export function readCanonicalRole(bytes: Bytes): CanonicalRole | undefined {
  const cut = cutTags(bytes);
  const { document, payload } = cut && readCanonicalEnvelope(cut.left) || {};
  const rest = document?.["signed"];
  if (!cut || !document || !payload || !isJsonObject(rest)) return undefined;
  if (cut.start !== HEAD.length + startOfTags(rest)) return undefined;
  const length = payload.length + bytes.length - cut.left.length;
  return { document, payload: bytes.subarray(HEAD.length, HEAD.length + length), rest, tags: cut.tags };
}

/** A document without the tags that are found in it, wherever that is; `undefined` where none are. */
export function cutTags(
  bytes: Bytes,
): { readonly start: number; readonly tags: TagEntries; readonly left: Bytes } | undefined {
  const start = behind(bytes, BEFORE_TAGS);
  const scanned = start === undefined ? undefined : scanTags(bytes, start);
  if (start === undefined || !scanned) return undefined;
  return { start, tags: scanned.tags, left: concat(bytes.subarray(0, start), bytes.subarray(scanned.end)) };
}

/** Where the entries begin in the canonical form of a role. */
export function startOfTags(signed: JsonObject): number {
  const before = Object.entries(signed).filter(([name]) => name < "targets");
  return canonicalJson(jsonObject(before)).length - 1 + BEFORE_TAGS.length;
}

/** The offset behind the first place where `part` stands. */
function behind(bytes: Bytes, part: Bytes): number | undefined {
  for (let at = bytes.indexOf(part[0]!); at >= 0; at = bytes.indexOf(part[0]!, at + 1)) {
    if (part.every((char, i) => bytes[at + i] === char)) return at + part.length;
  }
  return undefined;
}

/** Where names come from outside (tags, key ids, roles), none may be inherited: an object as the strict reader makes it. */
function withoutPrototypes(value: JsonValue | undefined, levels: number): void {
  if (!isJsonObject(value)) return;
  Object.setPrototypeOf(value, null);
  const members = Object.keys(value);
  // Skip large maps: only tags are that many, and their entries have fixed member names, so that an inherited name cannot
  // matter.
  if (levels > 0 && members.length < MAX_LIST) {
    for (const name of members) {
      withoutPrototypes(value[name], levels - 1);
    }
  }
}

/** The entry of a tag, in good order; `undefined` where the careful reader has to say what is wrong. */
export function readPlainTarget(entry: JsonValue | undefined): Target | undefined {
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
