/**
 * OLPC's canonical JSON, as Notary writes it: the bytes that get signed and that key ids are made of.
 *
 * Members sorted by the UTF-8 bytes of their names, no white space, only `"` and `\` escaped (control characters stand
 * as they are), integers only. Source: http://wiki.laptop.org/go/Canonical_JSON, and `docker/go/canonical/json`.
 *
 * @module
 */
import { type Bytes, equalBytes, text as decode, utf8 } from "./bytes.ts";
import { type JsonObject, type JsonValue, MAX_DEPTH, parseJson } from "./json.ts";

/**
 * The canonical form of `value` as UTF-8.
 *
 * @throws {TypeError} where a number is not a safe integer, or a value is not JSON
 */
export function canonicalJson(value: JsonValue): Bytes {
  return utf8(canonicalText(value) ?? print(value));
}

/**
 * The value of a document that is its own canonical form.
 *
 * @throws {SyntaxError} where it is not
 */
export function parseCanonical(bytes: Bytes): JsonValue {
  const source = decode(bytes);
  const plain = parsePlainly(source);
  if (plain !== undefined && canonicalText(plain) === source) return plain;
  const value = parseJson(bytes);
  if (equalBytes(canonicalJson(value), bytes)) return value;
  throw new SyntaxError("it is not canonical");
}

/**
 * `JSON.parse`, or nothing. Only for documents that are then compared with how their value is written: what is written
 * in just the same way again has no repeated names, no odd numbers, nothing that two readers take for different things.
 */
export function parsePlainly(source: string): JsonValue | undefined {
  if (source.includes("\\")) return undefined; // `canonicalText` says nothing of such documents anyway
  try {
    return JSON.parse(source) as JsonValue;
  } catch {
    return undefined;
  }
}

/**
 * The canonical form by the engine's own printer, which is several times faster, and differs from canonical JSON only
 * where names are not in order, and where something is escaped. `undefined` where that may be, or where values nest too
 * deeply; `depth` says how deep the value itself stands.
 */
export function canonicalText(value: JsonValue | undefined, depth = 0): string | undefined {
  if (value === undefined || !isInOrder(value, depth)) return undefined;
  const source = JSON.stringify(value);
  return source.includes("\\") || SURROGATE.test(source) ? undefined : source;
}

function isInOrder(value: JsonValue, depth: number): boolean {
  if (depth > MAX_DEPTH) return false;
  if (typeof value === "string" || typeof value === "boolean" || value === null) return true;
  if (typeof value === "number") return Number.isSafeInteger(value);
  if (typeof value !== "object") return false;
  if (Array.isArray(value)) return value.every((item: JsonValue) => isInOrder(item, depth + 1));
  let before: string | undefined;
  for (const name of Object.keys(value)) {
    if (before !== undefined && before >= name) return false;
    if (!isInOrder((value as JsonObject)[name]!, depth + 1)) return false;
    before = name;
  }
  return true;
}

function print(value: JsonValue): string {
  switch (typeof value) {
    case "string":
      return quote(value);
    case "number":
      if (!Number.isSafeInteger(value)) throw new TypeError(`Canonical JSON holds integers only, not ${value}`);
      return String(value === 0 ? 0 : value);
    case "boolean":
      return value ? "true" : "false";
    case "object":
      if (value === null) return "null";
      return Array.isArray(value) ? `[${value.map(print).join(",")}]` : printObject(value as JsonObject);
    default:
      throw new TypeError(`Canonical JSON cannot hold a value of type ${typeof value}`);
  }
}

function printObject(object: JsonObject): string {
  const members = sortedNames(object).map((name) => `${quote(name)}:${print(object[name]!)}`);
  return `{${members.join(",")}}`;
}

function quote(text: string): string {
  if (!text.isWellFormed()) throw new TypeError("Canonical JSON cannot hold half of a surrogate pair");
  return /["\\]/.test(text) ? `"${text.replaceAll(/["\\]/g, "\\$&")}"` : `"${text}"`;
}

// UTF-16 order and UTF-8 order differ only where a surrogate meets a character above it (U+E000…U+FFFF).
const SURROGATE = /[\ud800-\udfff]/;

function sortedNames(object: JsonObject): string[] {
  const names = Object.keys(object);
  return names.some((name) => SURROGATE.test(name)) ? names.sort(byCodePoints) : names.sort();
}

function byCodePoints(a: string, b: string): number {
  const x = utf8(a), y = utf8(b);
  for (let i = 0; i < x.length && i < y.length; i++) if (x[i] !== y[i]) return x[i]! - y[i]!;
  return x.length - y.length;
}
