/** Reads what a manifest of signing data says, which comes from outside: every member is checked before it is believed. @module */
import { isJsonObject, type JsonObject, type JsonValue } from "../bytes/json.ts";
import { TagsealError } from "../errors.ts";

/** What is said of a file that is none. */
export function malformed(why: string): TagsealError {
  return new TagsealError("bad-input", `The file is not Docker signing data: ${why}`, {
    remedy: "Use a file of Docker signing data, or its signed version from SignPath",
    next: { do: "use-signing-data" },
  });
}

/** An object; `at` says where it stands. @throws {TagsealError} `bad-input`, as all of these */
export function object(value: JsonValue | undefined, at: string): JsonObject {
  if (!isJsonObject(value)) throw malformed(`${at} is not an object`);
  return value;
}

/** A member that is an array. */
export function list(entry: JsonObject, name: string): readonly JsonValue[] {
  const value = entry[name];
  if (!Array.isArray(value)) throw malformed(`"${name}" is not an array`);
  return value;
}

/** A member that is a text of at most 2,000 characters. */
export function word(entry: JsonObject, name: string): string {
  const value = entry[name];
  if (typeof value !== "string" || value.length > 2000) throw malformed(`"${name}" is not a short text`);
  return value;
}

/** A member that is a time, as `Date` reads it. */
export function time(entry: JsonObject, name: string): Date {
  const at = new Date(word(entry, name));
  if (Number.isNaN(at.getTime())) throw malformed(`"${name}" is not a time`);
  return at;
}

/** A member that is a whole number from 0. */
export function whole(entry: JsonObject, name: string): number {
  const value = entry[name];
  if (typeof value !== "number" || value < 0) throw malformed(`"${name}" is not a number from 0`);
  return value;
}

/** A member that is a SHA-256 in hex: a key's id, a file's hash. */
export function hex(entry: JsonObject, name: string): string {
  return hexOf(word(entry, name), name);
}

/** A member that is an array of at most `most` such values. */
export function hexes(entry: JsonObject, name: string, most: number): string[] {
  const values = list(entry, name);
  if (values.length > most) throw malformed(`"${name}" has more than ${most} elements`);
  return values.map((value) => hexOf(value, name));
}

function hexOf(value: JsonValue, name: string): string {
  if (typeof value !== "string" || !/^[0-9a-f]{64}$/.test(value)) throw malformed(`"${name}" is not 64 hex digits`);
  return value;
}

/** A member that is a manifest's digest, `sha256:<hex>`. */
export function digest(entry: JsonObject, name: string): string {
  const value = word(entry, name);
  if (!/^sha256:[0-9a-f]{64}$/.test(value)) throw malformed(`"${name}" is not a sha256 digest`);
  return value;
}

/** The same, or `null`. */
export function digestOrNull(entry: JsonObject, name: string): string | null {
  return entry[name] === null ? null : digest(entry, name);
}
