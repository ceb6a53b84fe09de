/**
 * The fast ways of reading (`JSON.parse`, where the document is its own canonical form) against the strict reader: the same
 * value from both, or a refusal by both. Whatever differs would be a document that two clients understand differently.
 */
import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../lib/bytes/bytes.ts";
import { canonicalJson, parseCanonical } from "../../lib/bytes/canonical_json.ts";
import { canonicalText, parsePlainly } from "../../lib/bytes/fast_canonical_json.ts";
import { isJsonObject, type JsonObject, jsonObject, type JsonValue, parseJson } from "../../lib/bytes/json.ts";
import { isTagsealError } from "../../lib/errors.ts";
import type { Envelope } from "../../lib/tuf/models.ts";
import { numbersOf, parseEnvelope } from "../../lib/tuf/parse.ts";
import { below, damaged, pick, type Random, random } from "../support/random.ts";

// --- What canonical JSON is, once more and as plainly as can be ------------------------------------------------------

/** The canonical form, member by member; never by the engine's printer. */
function plainForm(value: JsonValue): string {
  if (typeof value === "string") return `"${value.replaceAll(/["\\]/g, "\\$&")}"`;
  if (Array.isArray(value)) return `[${value.map(plainForm).join(",")}]`;
  if (!isJsonObject(value)) return String(value);
  const byBytes = (a: string, b: string) => utf8(a).toHex() < utf8(b).toHex() ? -1 : 1;
  return `{${
    Object.keys(value).sort(byBytes).map((name) => `${plainForm(name)}:${plainForm(value[name]!)}`).join(",")
  }}`;
}

/** A result, to be compared: what was read, or that it was refused as such documents are. */
function outcome<T>(read: () => T, isRefusal: (error: unknown) => boolean, show: (value: T) => unknown): unknown {
  try {
    return show(read());
  } catch (error) {
    assert.ok(isRefusal(error), `not a refusal: ${error}`);
    return "refused";
  }
}

const isSyntax = (error: unknown) => error instanceof SyntaxError || error instanceof TypeError;

/** `parseCanonical` against the strict reader and the plain form. */
function compareCanonical(bytes: Bytes): boolean {
  const fast = outcome(() => parseCanonical(bytes), isSyntax, plainForm);
  const strict = outcome(
    () => {
      const value = parseJson(bytes);
      if (utf8(plainForm(value)).toHex() !== bytes.toHex()) throw new SyntaxError("not canonical");
      return value;
    },
    isSyntax,
    plainForm,
  );
  assert.deepEqual(fast, strict, `${new TextDecoder().decode(bytes).slice(0, 300)}`);
  return fast !== "refused";
}

const isInvalid = (error: unknown) => isTagsealError(error, "trust-invalid");
const shown = ({ payload, signed, signatures }: Envelope) => ({
  payload: payload.toHex(),
  signed: plainForm(signed),
  signatures: signatures.map(({ keyId, method, bytes }) => [keyId, method, bytes.toHex()]),
});

/** `parseEnvelope` of a document against the same with white space behind it, which only the strict reader takes. */
function compareEnvelope(bytes: Bytes): boolean {
  const fast = outcome(() => parseEnvelope("targets", bytes), isInvalid, shown);
  const strict = outcome(() => parseEnvelope("targets", concat(bytes, utf8("\n"))), isInvalid, shown);
  assert.deepEqual(fast, strict, `${new TextDecoder().decode(bytes).slice(0, 300)}`);
  if (fast === "refused") return false;
  // And both against what the strict reader and the plain form say.
  const { signed } = parseJson(bytes, numbersOf) as { signed: JsonObject };
  assert.equal((fast as ReturnType<typeof shown>).payload, utf8(plainForm(signed)).toHex());
  return true;
}

// --- Documents picked by hand ----------------------------------------------------------------------------------------

const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);
const objects = (levels: number) => '{"a":'.repeat(levels) + "1" + "}".repeat(levels);

/** A value as written, and whether it is canonical JSON that is read. */
const PICKED: readonly (readonly [name: string, written: string, isCanonical: boolean])[] = [
  ["an empty object", "{}", true],
  ["the same name twice", '{"a":1,"a":1}', false],
  ["the same name twice, apart", '{"a":1,"b":2,"a":1}', false],
  ["the same name twice, once escaped", '{"a":1,"\\u0061":1}', false],
  ["the same name twice, further down", '{"x":{"a":1,"a":2}}', false],
  ["__proto__", '{"__proto__":{"a":1}}', true],
  ["__proto__ twice", '{"__proto__":1,"__proto__":1}', false],
  ["__proto__ in order", '{"A":1,"__proto__":null,"a":1}', true],
  ["constructor, toString", '{"constructor":1,"hasOwnProperty":2,"toString":3,"valueOf":4}', true],
  ["toJSON", '{"toJSON":1}', true],
  ["integer-like names in the order of bytes", '{"1":1,"10":1,"2":1}', true],
  ["integer-like names in the order of numbers", '{"1":1,"2":1,"10":1}', false],
  ["integer-like names after others", '{"-":1,"1":1,"a":1}', true],
  ["integer-like names before others that come first", '{"1":1,"-":1}', false],
  ["names with leading zeros", '{"01":1,"1":1}', true],
  ["the greatest array index, and one more", '{"4294967294":1,"4294967295":1}', true],
  ["no name", '{"":1,"a":2}', true],
  ["an escaped quote", '{"a\\"b":"\\""}', true],
  ["an escaped backslash", '"\\\\"', true],
  ["an escaped slash", '"\\/"', false],
  ["an escaped letter", '"\\u0061"', false],
  ["an escaped line feed", '"\\n"', false],
  ["a line feed", '"\n"', false],
  ["a NUL", '"\u0000"', false],
  ["DEL", '"\u007f"', true],
  ["U+2028 and U+2029", '"\u2028\u2029"', true],
  ["U+2028 escaped", '"\\u2028"', false],
  ["half of a surrogate pair, escaped", '"\\ud800"', false],
  ["the halves the wrong way round, escaped", '"\\udc00\\ud800"', false],
  ["a surrogate pair", '"😀"', true],
  ["a surrogate pair, escaped", '"\\ud83d\\ude00"', false],
  ["names in the order of UTF-8", '{"\uffff":1,"😀":1}', true],
  ["names in the order of UTF-16", '{"😀":1,"\uffff":1}', false],
  ["names that begin alike, by UTF-8", '{"a":1,"a\ue000":1,"a😀":1}', true],
  ["names that begin alike, by UTF-16", '{"a":1,"a😀":1,"a\ue000":1}', false],
  ["names in no order", '{"b":1,"a":1}', false],
  ["a byte order mark", "\ufeff{}", false],
  ["a byte order mark in a text", '"\ufeff"', true],
  ["minus zero", "-0", false],
  ["minus zero in an object", '{"a":-0}', false],
  ["zero", "0", true],
  ["1e3", "1e3", false],
  ["1e2, as long as 100", "1e2", false],
  ["1e3 and a blank, as long as 1000", "1e3 ", false],
  ["1.0", "1.0", false],
  ["1.5", "1.5", false],
  ["1E400", "1E400", false],
  ["-1", "-1", true],
  ["2^53 - 1", "9007199254740991", true],
  ["-(2^53 - 1)", "-9007199254740991", true],
  ["2^53", "9007199254740992", false],
  ["2^53 + 1", "9007199254740993", false],
  ["twenty-one digits", "100000000000000000000", false],
  ["a thousand digits", "1".repeat(1000), false],
  ["a fraction too fine for a double", "1.0000000000000000000001", false],
  ["white space behind", "{} ", false],
  ["a line feed behind", "{}\n", false],
  ["white space before", " {}", false],
  ["white space within", '{"a": 1}', false],
  ["a comma too many", "[1,]", false],
  ["NaN", "NaN", false],
  ["true, false, null", "[true,false,null]", true],
  ["nothing", "", false],
  ["arrays 32 deep", nested(32), true],
  ["arrays 33 deep", nested(33), true],
  ["arrays 34 deep", nested(34), false],
  ["objects 31 deep", objects(31), true],
  ["objects 32 deep", objects(32), true],
  ["objects 33 deep", objects(33), false],
  ["objects 34 deep", objects(34), false],
  ["arrays 100,000 deep", nested(100_000), false],
];

Deno.test("fast reader: a document is read as canonical where it is, and only there", async (t) => {
  for (const [name, written, isCanonical] of PICKED) {
    await t.step(name, () => assert.equal(compareCanonical(utf8(written)), isCanonical));
  }
});

Deno.test("fast reader: bytes that are no UTF-8 are refused by both", () => {
  const around = (...bytes: number[]) => concat(utf8('{"a":"'), new Uint8Array(bytes), utf8('"}'));
  for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x80]]) {
    assert.equal(compareCanonical(around(...bytes)), false);
    assert.equal(compareEnvelope(concat(utf8('{"signed":'), around(...bytes), TAIL)), false);
  }
  assert.equal(compareCanonical(concat(new Uint8Array([0xef, 0xbb, 0xbf]), utf8("{}"))), false);
});

const SIGNATURES = '[{"keyid":"k","method":"ecdsa","sig":"AA=="}]';
const TAIL = utf8(`,"signatures":${SIGNATURES}}`);
const envelope = (signed: string, signatures = SIGNATURES) => `{"signed":${signed},"signatures":${signatures}}`;

Deno.test("fast reader: an envelope of any of these is read as the strict reader does", async (t) => {
  // Not canonical is no matter here: the strict reader takes it, and what was signed is its canonical form.
  for (const [name, written] of PICKED) {
    await t.step(name, () => {
      compareEnvelope(utf8(envelope(`{"a":${written}}`)));
      compareEnvelope(utf8(envelope(written)));
      compareEnvelope(utf8(envelope('{"a":1}', written)));
      compareEnvelope(utf8(envelope('{"a":1}', `[{"extra":${written},"keyid":"k","method":"m","sig":"AA=="}]`)));
      compareEnvelope(utf8(envelope(`{"targets":{"v1":{"custom":${written}}}}`)));
      compareEnvelope(utf8(envelope(`{"x":{"y":{"z":{"custom":${written}}}}}`)));
    });
  }
});

/** Envelopes as written, and whether they are read. */
const ENVELOPES: readonly (readonly [name: string, written: string, isRead: boolean])[] = [
  ["as it shall be", envelope('{"a":1}'), true],
  ["signatures first", `{"signatures":${SIGNATURES},"signed":{"a":1}}`, true],
  ["white space", `{ "signed":{"a":1},"signatures":${SIGNATURES}}`, true],
  ["signed twice", `{"signed":{"a":1},"signatures":${SIGNATURES},"signed":{"a":2}}`, false],
  ["signed twice, at once", `{"signed":{"a":1},"signed":{"a":2},"signatures":${SIGNATURES}}`, false],
  ["signed twice, of one length", `{"signed":{"a":1},"signed":{"a":1},"signatures":${SIGNATURES}}`, false],
  ["signatures twice", `{"signed":{"a":1},"signatures":${SIGNATURES},"signatures":${SIGNATURES}}`, false],
  ["one member more", `{"signed":{"a":1},"signatures":${SIGNATURES},"x":1}`, true],
  ["one member before", `{"__proto__":1,"signed":{"a":1},"signatures":${SIGNATURES}}`, true],
  ["no signatures", envelope('{"a":1}', "[]"), false],
  ["signatures null", envelope('{"a":1}', "null"), false],
  ["no signed", `{"signatures":${SIGNATURES}}`, false],
  ["signed an array", envelope("[]"), false],
  ["a name twice in signed", envelope('{"a":1,"a":1}'), false],
  ["a signature with a name twice", envelope("{}", '[{"keyid":"k","keyid":"k","method":"m","sig":"AA=="}]'), false],
  [
    "a signature whose keyid is inherited",
    envelope("{}", '[{"__proto__":{"keyid":"k"},"method":"m","sig":"AA=="}]'),
    false,
  ],
  ["arrays 31 deep in signed", envelope(`{"a":${nested(31)}}`), true],
  ["arrays 32 deep in signed", envelope(`{"a":${nested(32)}}`), false],
  ["arrays 33 deep in signed", envelope(`{"a":${nested(33)}}`), false],
  ["objects 31 deep as signed", envelope(objects(31)), true],
  ["objects 32 deep as signed", envelope(objects(32)), false],
  ["1.0 in custom", envelope('{"targets":{"v1":{"custom":{"a":1.0}}}}'), true],
  ["1e3 in custom", envelope('{"targets":{"v1":{"custom":1e3}}}'), true],
  ["1.0 as version", envelope('{"version":1.0}'), false],
  ["-0 as version", envelope('{"version":-0}'), true],
];

Deno.test("fast reader: envelopes picked by hand", async (t) => {
  for (const [name, written, isRead] of ENVELOPES) {
    await t.step(name, () => assert.equal(compareEnvelope(utf8(written)), isRead));
  }
});

Deno.test("fast reader: no name of an envelope is inherited, whichever way it is read", () => {
  const odd =
    '{"__proto__":{"polluted":{}},"delegations":{"keys":{},"roles":[]},"targets":{"__proto__":{"a":1},"v1":{}}}';
  for (const tail of ["", "\n"]) {
    const { signed } = parseEnvelope("targets", utf8(envelope(odd) + tail));
    const { targets, delegations } = signed as Record<string, JsonObject>;
    for (const object of [signed, targets!, delegations!, delegations!["keys"] as JsonObject]) {
      assert.equal(Object.getPrototypeOf(object), null);
      for (const name of ["constructor", "toString", "polluted"]) assert.equal(object[name], undefined, name);
    }
    assert.deepEqual(Object.keys(targets!), ["__proto__", "v1"]);
  }
});

// --- Thousands of documents ------------------------------------------------------------------------------------------

const NAMES = [
  "a",
  "b",
  "__proto__",
  "constructor",
  "toJSON",
  "1",
  "2",
  "10",
  "01",
  "",
  "\u2028",
  "é",
  "\uffff",
  "😀",
  "_type",
  "A",
];
const TEXTS = ["", "x", "\u2029", "😀", "\ufeff", '"', "\\", "2028-01-01T00:00:00Z", "\u007f", "ÿ"];
const NUMBERS = [0, 1, -1, 7, 1e15, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];

function anyValue(next: Random, depth = 0): JsonValue {
  switch (below(next, depth > 4 ? 3 : 6)) {
    case 0:
      return pick(next, [null, true, false]);
    case 1:
      return pick(next, NUMBERS);
    case 2:
      return pick(next, TEXTS);
    case 3:
      return Array.from({ length: below(next, 4) }, () => anyValue(next, depth + 1));
    default:
      return anyObject(next, depth);
  }
}

function anyObject(next: Random, depth = 0): JsonObject {
  // Most documents keep to names that the fast reader takes; the others are there as well.
  const names = below(next, 3) > 0 ? NAMES.slice(0, 5) : NAMES;
  return jsonObject(Array.from({ length: below(next, 5) }, () => [pick(next, names), anyValue(next, depth + 1)]));
}

/** Texts that change what a document says, or how; each is put where another one stands. */
const TOKENS = [
  "1.0",
  "-0",
  "1e2",
  "9007199254740993",
  " ",
  "\n",
  ",",
  "{",
  "}",
  "[",
  "]",
  '"',
  "\\u0061",
  "\\",
  "\ufeff",
  '"a":1,',
];

/** A document, mostly changed in a place or two. */
function mutated(next: Random, document: Bytes): Bytes {
  let bytes = document;
  for (let n = below(next, 3); n > 0; n--) {
    if (bytes.length === 0) return bytes;
    const at = below(next, bytes.length);
    switch (below(next, 4)) {
      case 0:
        bytes = damaged(next, bytes);
        break;
      case 1: // a token where one stood, or between two
        bytes = concat(bytes.subarray(0, at), utf8(pick(next, TOKENS)), bytes.subarray(at + below(next, 2)));
        break;
      case 2: { // a number in other words
        const text = new TextDecoder().decode(bytes);
        bytes = utf8(text.replace(/(?<=[:[,])-?\d+(?=[,}\]])/, () => pick(next, TOKENS.slice(0, 4))));
        break;
      }
      default: { // a member a second time, or in the place of its neighbour
        const text = new TextDecoder().decode(bytes);
        const member = /"[^"]*":(?:\d+|"[^"]*"|null|true|false),/.exec(text)?.[0] ?? "";
        bytes = utf8(pick(next, [text.replace(member, member + member), text.replace("{", `{${member}`)]));
      }
    }
  }
  return bytes;
}

Deno.test("fast reader: thousands of changed documents are read by both, to one value, or by none", () => {
  const next = random(20260601);
  let read = 0, fast = 0;
  const count = 6000;
  for (let i = 0; i < count; i++) {
    const value = anyValue(next);
    const document = canonicalJson(value);
    assert.equal(new TextDecoder("utf-8", { ignoreBOM: true }).decode(document), plainForm(value));
    const bytes = mutated(next, document);
    if (compareCanonical(bytes)) read++;
    const source = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
    if (canonicalText(parsePlainly(source)) === source) fast++;
  }
  assert.ok(read > count / 4 && read < count * 0.9, `${read} of ${count} are read`);
  assert.ok(fast > count / 5 && fast < read, `${fast} of ${read} go the fast way`);
});

Deno.test("fast reader: thousands of changed envelopes are read by both, to one value, or by none", () => {
  const next = random(7);
  let read = 0;
  const count = 6000;
  for (let i = 0; i < count; i++) {
    const signatures: JsonValue = Array.from(
      { length: 1 + below(next, 2) },
      () =>
        jsonObject([["keyid", pick(next, TEXTS)], ["method", pick(next, TEXTS)], [
          "sig",
          pick(next, ["AA==", "AAAA", "", "A"]),
        ]]),
    );
    const document = utf8(envelope(plainForm(anyObject(next)), plainForm(signatures)));
    if (compareEnvelope(mutated(next, document))) read++;
  }
  assert.ok(read > count / 4 && read < count * 0.9, `${read} of ${count} are read`);
});

Deno.test("canonical JSON: what is not UTF-8, or half of a surrogate pair, is refused as anything else that is not", () => {
  for (const bytes of [Uint8Array.of(0x22, 0xff, 0x22), new TextEncoder().encode('"\\ud800"')]) {
    assert.throws(() => parseCanonical(bytes), SyntaxError);
  }
});
