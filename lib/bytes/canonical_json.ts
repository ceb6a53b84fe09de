/**
 * OLPC's canonical JSON, as Notary writes it: the bytes that get signed and that key ids are made of.
 *
 * Members sorted by the UTF-8 bytes of their names, no white space, only `"` and `\` escaped (control characters stand
 * as they are), integers only. Source: http://wiki.laptop.org/go/Canonical_JSON, and `docker/go/canonical/json`.
 *
 * @module
 */
import { type Bytes, equalBytes, text as decode, utf8 } from "./bytes.ts";
import { canonicalText, parsePlainly, SURROGATE } from "./fast_canonical_json.ts";
import { type JsonObject, type JsonValue, parseJson } from "./json.ts";

/**
 * The canonical form of `value` as UTF-8.
 *
 * @throws {TypeError} where a number is not a safe integer, or a value is not JSON
 */
export function canonicalJson(value: JsonValue): Bytes {
  return utf8(canonicalString(value));
}

/** {@linkcode canonicalJson} as text, to become part of a larger one. */
export function canonicalString(value: JsonValue): string {
  return canonicalText(value) ?? print(value);
}

/**
 * The value of a document that is its own canonical form.
 *
 * @throws {SyntaxError} where it is not
 */
export function parseCanonical(bytes: Bytes): JsonValue {
  try {
    const source = decode(bytes);
    const plain = parsePlainly(source);
    if (plain !== undefined && canonicalText(plain) === source) return plain;
    const value = parseJson(bytes);
    if (equalBytes(canonicalJson(value), bytes)) return value;
  } catch (error) {
    if (error instanceof TypeError) throw new SyntaxError(error.message); // not UTF-8, or half of a surrogate pair
    throw error;
  }
  throw new SyntaxError("it is not canonical");
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

function sortedNames(object: JsonObject): string[] {
  const names = Object.keys(object);
  return names.some((name) => SURROGATE.test(name)) ? names.sort(byCodePoints) : names.sort();
}

function byCodePoints(a: string, b: string): number {
  const x = utf8(a), y = utf8(b);
  for (let i = 0; i < x.length && i < y.length; i++) if (x[i] !== y[i]) return x[i]! - y[i]!;
  return x.length - y.length;
}
