/** Reading the members of a metadata file, so that an error says where in it something is wrong. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { isJsonObject, type JsonObject, jsonObject, type JsonValue } from "../bytes/json.ts";
import { TagsealError } from "../errors.ts";

/** How many signatures, keys and delegations one file may hold. */
export const MAX_LIST: number = 2000;

/** A place in a file. Each way to read it throws where something else stands there, and says which place it is. */
export class Place {
  /** `path` is how the place is named in errors; `value` is what stands there, `undefined` for nothing. */
  constructor(readonly role: string, readonly path: string, readonly value: JsonValue | undefined) {}

  /** A member of the object that stands here. */
  member(name: string): Place {
    const object = this.object();
    const plain = /^[A-Za-z_]+$/.test(name);
    const path = plain ? `${this.path}.${name}` : `${this.path}[${JSON.stringify(name.slice(0, 128))}]`;
    return new Place(this.role, path.replace(/^\./, ""), Object.hasOwn(object, name) ? object[name] : undefined);
  }

  /** What is needed here instead. */
  fail(needed: string): TagsealError {
    return malformed(this.role, `${this.path ? `${this.path}: ` : ""}${needed}`);
  }

  /** An object with members of its own. */
  object(): JsonObject {
    if (!isJsonObject(this.value)) throw this.fail("an object is needed");
    return this.value;
  }

  /** An object that may have any members: Go writes `null` for one that has none. */
  map(): JsonObject {
    return this.value === null ? jsonObject() : this.object();
  }

  /** The members of {@linkcode map}. */
  members(): [string, Place][] {
    return Object.keys(this.map()).map((name) => [name, this.member(name)]);
  }

  /** A list of at most {@linkcode MAX_LIST} places: Go writes `null` for an empty one. */
  list(): Place[] {
    if (this.value === null) return [];
    if (!Array.isArray(this.value)) throw this.fail("an array is needed");
    if (this.value.length > MAX_LIST) throw this.fail(`at most ${MAX_LIST} entries are read`);
    return this.value.map((value: JsonValue, i) => new Place(this.role, `${this.path}[${i}]`, value));
  }

  /** A string. */
  text(): string {
    if (typeof this.value !== "string") throw this.fail("a string is needed");
    return this.value;
  }

  /** An integer up to 2^53 − 1, which the JSON reader has seen to. */
  integer(least: number): number {
    const value = this.value;
    if (typeof value !== "number" || value < least) throw this.fail(`an integer from ${least} is needed`);
    return value;
  }

  /** Strict base64 of `length` bytes. */
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

/** Trust data that is not what it must be. */
export function malformed(role: string, what: string, cause?: SyntaxError): TagsealError {
  return new TagsealError("trust-invalid", `The trust data of "${role}" is malformed: ${what}`, {
    remedy: "Do not use this data. If the server is yours, find out what wrote it; else tell its operator",
    details: { role },
    reason: cause === undefined ? "role" : "not-json",
    cause,
  });
}
