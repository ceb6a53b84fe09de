/**
 * A strict JSON reader (RFC 8259) for trust data.
 *
 * `JSON.parse` keeps the last of two members with one name and says nothing; Go merges them. A signature covers only
 * one reading, so whoever serves the bytes could show two different things to two clients. Here a repeated name is an
 * error, and so is everything else that two readers may understand differently: invalid UTF-8, lone surrogates, a byte
 * order mark, numbers that a double cannot hold. Objects have no prototype: `__proto__` is a name like any other.
 *
 * @module
 */
import { messageOf } from "../errors.ts";
import { text as decode } from "./bytes.ts";

/** Any JSON value. */
export type JsonValue = null | boolean | number | string | JsonArray | JsonObject;
/** A JSON array. */
export type JsonArray = readonly JsonValue[];
/** A JSON object; made by {@linkcode parseJson} without a prototype. */
export type JsonObject = { readonly [name: string]: JsonValue };

/** How deep values may nest: trust data needs 7. */
export const MAX_DEPTH = 32;

/**
 * Which numbers a document may hold: `"integers"` within ±(2^53 − 1), written plainly; `"integral"` those and `1.0` and
 * `1e3`; `"any"` number that fits a double, rounded to one; `"unread"`, where nobody looks at them, larger ones as well.
 */
export type Numbers = "integers" | "integral" | "any" | "unread";

/** Which numbers the member `name` of an object at `depth` may hold, where those around it may be `around`. */
export type NumbersOfMember = (name: string, depth: number, around: Numbers) => Numbers;

/**
 * Parses one JSON document.
 *
 * @param numbers which numbers it may hold; a function decides that for each member, the document itself being `"unread"`
 * @throws {SyntaxError} what is wrong, and at which byte-free position (character index)
 */
export function parseJson(bytes: Uint8Array, numbers: Numbers | NumbersOfMember = "integers"): JsonValue {
  let source: string;
  try {
    source = decode(bytes);
  } catch (error) {
    throw new SyntaxError(`not UTF-8 (${messageOf(error)})`);
  }
  return new Reader(source, numbers).document();
}

/** Whether `value` is a JSON object. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An object without a prototype, with the members of `entries`. */
export function jsonObject(entries: Iterable<readonly [string, JsonValue]> = []): { [name: string]: JsonValue } {
  const out: { [name: string]: JsonValue } = Object.create(null);
  for (const [name, value] of entries) out[name] = value;
  return out;
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["\\", "\\"],
  ["/", "/"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
]);
const PLAIN_STRING = /"[ !#-[\]-\ud7ff\ue000-\uffff]*"/y; // without escapes, control characters and surrogates
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
const SPACE = /[ \t\n\r]*/y;

class Reader {
  #at = 0;
  readonly #source: string;
  readonly #numbers: Numbers;
  readonly #numbersOf: NumbersOfMember | undefined;

  constructor(source: string, numbers: Numbers | NumbersOfMember) {
    this.#source = source;
    [this.#numbers, this.#numbersOf] = typeof numbers === "function" ? ["unread", numbers] : [numbers, undefined];
  }

  document(): JsonValue {
    const value = this.#value(0, this.#numbers);
    this.#space();
    if (this.#at < this.#source.length) throw this.#error("more than one value");
    return value;
  }

  #error(what: string): SyntaxError {
    return new SyntaxError(`${what} at position ${this.#at}`);
  }

  #space(): void {
    const code = this.#source.charCodeAt(this.#at);
    if (code > 0x20) return; // the usual case in canonical documents
    SPACE.lastIndex = this.#at;
    SPACE.test(this.#source);
    this.#at = SPACE.lastIndex;
  }

  #take(char: string): boolean {
    this.#space();
    if (this.#source[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #value(depth: number, numbers: Numbers): JsonValue {
    if (depth > MAX_DEPTH) throw this.#error("values nested too deeply");
    this.#space();
    switch (this.#source[this.#at]) {
      case "{":
        return this.#object(depth, numbers);
      case "[":
        return this.#array(depth, numbers);
      case '"':
        return this.#string();
      case "t":
        return this.#word("true", true);
      case "f":
        return this.#word("false", false);
      case "n":
        return this.#word("null", null);
      case undefined:
        throw this.#error("unexpected end");
      default:
        return this.#number(numbers);
    }
  }

  #word<T>(word: string, value: T): T {
    if (!this.#source.startsWith(word, this.#at)) throw this.#error("not a JSON value");
    this.#at += word.length;
    return value;
  }

  #object(depth: number, numbers: Numbers): JsonObject {
    this.#at++;
    const out = jsonObject();
    if (this.#take("}")) return out;
    do {
      this.#space();
      if (this.#source[this.#at] !== '"') throw this.#error("a member name is missing");
      const name = this.#string();
      if (name in out) throw this.#error(`the member ${JSON.stringify(name)} stands there twice`);
      if (!this.#take(":")) throw this.#error('":" is missing');
      out[name] = this.#value(depth + 1, this.#numbersOf?.(name, depth, numbers) ?? numbers);
    } while (this.#take(","));
    if (!this.#take("}")) throw this.#error('"," or "}" is missing');
    return out;
  }

  #array(depth: number, numbers: Numbers): JsonArray {
    this.#at++;
    const out: JsonValue[] = [];
    if (this.#take("]")) return out;
    do out.push(this.#value(depth + 1, numbers)); while (this.#take(","));
    if (!this.#take("]")) throw this.#error('"," or "]" is missing');
    return out;
  }

  #string(): string {
    PLAIN_STRING.lastIndex = this.#at;
    if (PLAIN_STRING.test(this.#source)) {
      const plain = this.#source.slice(this.#at + 1, PLAIN_STRING.lastIndex - 1);
      this.#at = PLAIN_STRING.lastIndex;
      return plain;
    }
    let out = "";
    for (this.#at++;;) {
      const char = this.#source[this.#at++];
      if (char === undefined) throw this.#error("a string does not end");
      if (char === '"') break;
      if (char < " ") throw this.#error("a control character in a string");
      out += char === "\\" ? this.#escape() : char;
    }
    if (!out.isWellFormed()) throw this.#error("half of a surrogate pair in a string");
    return out;
  }

  #escape(): string {
    const char = this.#source[this.#at++] ?? "";
    const plain = ESCAPES.get(char);
    if (plain !== undefined) return plain;
    const hex = this.#source.slice(this.#at, this.#at + 4);
    if (char !== "u" || !/^[0-9a-fA-F]{4}$/.test(hex)) throw this.#error("an unknown escape in a string");
    this.#at += 4;
    return String.fromCharCode(parseInt(hex, 16));
  }

  #number(numbers: Numbers): number {
    NUMBER.lastIndex = this.#at;
    const match = NUMBER.exec(this.#source);
    if (!match) throw this.#error("not a JSON value");
    const value = Number(match[0]);
    if (numbers === "any" || numbers === "unread") {
      if (numbers === "any" && !Number.isFinite(value)) {
        throw this.#error(`the number ${match[0].slice(0, 40)} is larger than any double`);
      }
      this.#at = NUMBER.lastIndex;
      return value;
    }
    const plain = match[1] === undefined && match[2] === undefined;
    if (!plain && numbers === "integers") {
      throw this.#error(`the number ${match[0].slice(0, 40)} is not written as an integer`);
    }
    if (!Number.isSafeInteger(value)) {
      throw this.#error(`the number ${match[0].slice(0, 40)} is not an integer within 2^53`);
    }
    this.#at = NUMBER.lastIndex;
    return value === 0 ? 0 : value; // "-0" is 0
  }
}
