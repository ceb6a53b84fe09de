/**
 * Large roles, read fast: a file that is its own canonical form by the engine's own parser, in a quarter of the time, and
 * the entries of tags without a `Place` for each. `parse.ts` takes it from there, and reads all that is left out
 * here itself. What justifies it: `deno task bench --only inside`, row "parse and check every entry". What holds it to the
 * strict reader: `tests/bytes/fast_reader_test.ts`.
 *
 * @module
 */
import { type Bytes, text as decode, utf8 } from "../bytes/bytes.ts";
import { canonicalText, parsePlainly } from "../bytes/fast_canonical_json.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../bytes/json.ts";
import type { Target } from "./models.ts";
import { MAX_LIST } from "./place.ts";

const HEAD = '{"signed":';

/**
 * An envelope as Notary writes it, both halves canonical; `undefined` where it is not exactly that, down to the last byte.
 */
export function readCanonicalEnvelope(bytes: Bytes): { document: JsonObject; payload: Bytes } | undefined {
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
