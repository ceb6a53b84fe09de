import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../lib/bytes/bytes.ts";
import { canonicalJson } from "../../lib/bytes/canonical_json.ts";
import { isJsonObject, jsonObject, type JsonValue, parseJson } from "../../lib/bytes/json.ts";
import { numbersOf } from "../../lib/tuf/parse.ts";
import { below, damaged, pick, type Random, random } from "../support/random.ts";

const ACCEPTED: readonly [name: string, document: string, canonical: string][] = [
  ["white space of all four kinds", ' \t\r\n{ "a" : [ 1 , 2 ] }\n', '{"a":[1,2]}'],
  ["a bare value", "null", "null"],
  ["the empty string as a name", '{"":1}', '{"":1}'],
  ["empty containers", '{"a":{},"b":[]}', '{"a":{},"b":[]}'],
  ["2^53 - 1", "9007199254740991", "9007199254740991"],
  ["-(2^53 - 1)", "-9007199254740991", "-9007199254740991"],
  ["minus zero", "-0", "0"],
  ["all escapes", String.raw`"\"\\\/\b\f\n\r\t\u0041"`, '"\\"\\\\/\b\f\n\r\tA"'],
  ["an escaped control character, which canonically stands raw", String.raw`"\u0000\u001f"`, '"\u0000\u001f"'],
  ["DEL and line separators raw", '"\u007f\u2028\u2029"', '"\u007f\u2028\u2029"'],
  ["an escaped surrogate pair", String.raw`"\ud83d\ude00"`, '"😀"'],
  ["HTML characters, which Go's plain encoder would escape", '"<&>"', '"<&>"'],
  [
    "__proto__ and other names of Object",
    '{"toString":3,"__proto__":1,"constructor":2}',
    '{"__proto__":1,"constructor":2,"toString":3}',
  ],
  ["numeric names, sorted as text", '{"10":0,"9":0,"-1":0}', '{"-1":0,"10":0,"9":0}'],
  ["one name in different objects", '{"a":{"a":[{"a":1},{"a":2}]}}', '{"a":{"a":[{"a":1},{"a":2}]}}'],
  ["names in another case", '{"expires":1,"Expires":2}', '{"Expires":2,"expires":1}'],
  ["names by UTF-8 bytes, not UTF-16 units", '{"\u{1f600}":1,"\ufb33":2,"z":3}', '{"z":3,"\ufb33":2,"\u{1f600}":1}'],
  ["a name before one that it begins", '{"\u{1f600}a":1,"\u{1f600}":2}', '{"\u{1f600}":2,"\u{1f600}a":1}'],
  ["32 levels", "[".repeat(33) + "]".repeat(33), "[".repeat(33) + "]".repeat(33)],
  [
    "integers in disguise in a target's custom",
    '{"signed":{"targets":{"v1":{"custom":{"a":1.0,"b":[1e3],"c":-0.0,"d":120e-1}}}}}',
    '{"signed":{"targets":{"v1":{"custom":{"a":1,"b":[1000],"c":0,"d":12}}}}}',
  ],
];

/** Trust data says for itself which numbers it may hold where. */
const numbersIn = (document: string | Bytes) => `${document}`.startsWith('{"signed":') ? numbersOf : "integers";

for (const [name, document, canonical] of ACCEPTED) {
  Deno.test(`json: accepts ${name}`, () => {
    assert.equal(new TextDecoder().decode(canonicalJson(parseJson(utf8(document), numbersIn(document)))), canonical);
  });
}

const REFUSED: readonly [name: string, document: string | Bytes, words: string][] = [
  ["a repeated member", '{"a":1,"a":1}', 'the member "a" stands there twice at position 10'],
  ["a repeated member deep inside", '{"x":[{"y":{"a":1,"b":2,"a":3}}]}', 'the member "a" stands there twice'],
  ["a member repeated in other letters", String.raw`{"a":1,"\u0061":2}`, 'the member "a" stands there twice'],
  ["a repeated empty name", '{"":1,"":2}', 'the member "" stands there twice'],
  ["a repeated __proto__", '{"__proto__":1,"__proto__":2}', 'the member "__proto__" stands there twice'],
  ["a byte order mark", "\ufeff{}", "not a JSON value at position 0"],
  ["UTF-16", new Uint8Array([0x7b, 0, 0x7d, 0]), "a member name is missing"],
  ["a byte that is not UTF-8", concat(utf8('"'), new Uint8Array([0xff]), utf8('"')), "not UTF-8"],
  ["an overlong encoding", concat(utf8('"'), new Uint8Array([0xc0, 0xaf]), utf8('"')), "not UTF-8"],
  ["a surrogate in UTF-8", concat(utf8('"'), new Uint8Array([0xed, 0xa0, 0x80]), utf8('"')), "not UTF-8"],
  ["an escaped high surrogate alone", String.raw`"\ud83d"`, "half of a surrogate pair"],
  ["an escaped low surrogate alone", String.raw`"\ude00\ud83d"`, "half of a surrogate pair"],
  ["half a pair as a name", String.raw`{"\ud83d":1}`, "half of a surrogate pair"],
  ["a raw control character", '"a\nb"', "a control character in a string"],
  ["a raw NUL", '"\u0000"', "a control character in a string"],
  ["an unknown escape", String.raw`"\x41"`, "an unknown escape"],
  ["a short escape", String.raw`"\u004"`, "an unknown escape"],
  ["an escape at the end", '"\\', "an unknown escape"],
  ["a string without end", '"abc', "a string does not end"],
  ["2^53", "9007199254740992", "the number 9007199254740992 is not an integer within 2^53"],
  ["-(2^53)", "-9007199254740992", "is not an integer within 2^53"],
  ["a float", '{"a":1.5}', "the number 1.5 is not written as an integer"],
  ["an integer written as a float", '{"version":1.0}', "the number 1.0 is not written as an integer"],
  ["an exponent", '{"version":1e3}', "the number 1e3 is not written as an integer"],
  ["a float in custom", '{"signed":{"targets":{"v1":{"custom":1.5}}}}', "the number 1.5 is not an integer within 2^53"],
  ["a huge number in custom", '{"signed":{"targets":{"v1":{"custom":1e99}}}}', "the number 1e99 is not an integer"],
  ["infinity in custom", '{"signed":{"targets":{"v1":{"custom":1e999}}}}', "the number 1e999 is not an integer"],
  [
    "a lax length of a tag named custom",
    '{"signed":{"targets":{"custom":{"length":1e3}}}}',
    "not written as an integer",
  ],
  ["a lax version beside a member custom", '{"custom":{"version":1.0}}', "not written as an integer"],
  ["a lax number where trust data has custom", '{"a":{"b":{"c":{"custom":1.0}}}}', "not written as an integer"],
  ["a leading zero", "01", "more than one value at position 1"],
  ["a leading plus", "+1", "not a JSON value"],
  ["a bare minus", "-", "not a JSON value"],
  ["a point without digits", "1.", "more than one value"],
  ["NaN", "NaN", "not a JSON value"],
  ["a word cut short", "nul", "not a JSON value"],
  ["a word that goes on", "nullx", "more than one value"],
  ["two values", "{}{}", "more than one value at position 2"],
  ["a NUL behind the value", "{}\u0000", "more than one value"],
  ["white space of another kind", "\u00a0{}", "not a JSON value"],
  ["a comma too many in an object", '{"a":1,}', "a member name is missing"],
  ["a comma too many in an array", "[1,]", "not a JSON value"],
  ["a name without quotes", "{a:1}", "a member name is missing"],
  ["a missing colon", '{"a" 1}', '":" is missing'],
  ["an object without end", '{"a":1', '"," or "}" is missing'],
  ["an array without end", "[1", '"," or "]" is missing'],
  ["a comment", "{}//", "more than one value"],
  ["nothing", "", "unexpected end"],
  ["white space alone", " ", "unexpected end"],
  ["33 levels", "[".repeat(34) + "]".repeat(34), "values nested too deeply"],
  ["a million levels", "[".repeat(1_000_000), "values nested too deeply"],
];

for (const [name, document, words] of REFUSED) {
  Deno.test(`json: refuses ${name}`, () => {
    const bytes = typeof document === "string" ? utf8(document) : document;
    const isSaid = (error: unknown) => error instanceof SyntaxError && error.message.includes(words);
    assert.throws(() => parseJson(bytes, numbersIn(document)), isSaid);
  });
}

Deno.test("json: objects have no prototype, so that no name of the document reaches one", () => {
  const value = parseJson(utf8('{"__proto__":{"polluted":1},"a":{}}'));
  assert.ok(isJsonObject(value));
  assert.equal(Object.getPrototypeOf(value), null);
  assert.deepEqual(Object.keys(value), ["__proto__", "a"]);
  assert.equal((value["a"] as { polluted?: unknown }).polluted, undefined);
});

Deno.test("json: a member beyond those of the longest error is quoted, not interpreted", () => {
  assert.throws(
    () => parseJson(utf8('{"a\\u001b[31m":1,"a\\u001b[31m":2}')),
    /the member "a\\u001b\[31m" stands there twice/,
  );
});

Deno.test("canonical json: what is not JSON is a TypeError", () => {
  assert.throws(() => canonicalJson(1.5), {
    name: "TypeError",
    message: "Canonical JSON holds integers only, not 1.5",
  });
  assert.throws(() => canonicalJson(2 ** 53), { message: "Canonical JSON holds integers only, not 9007199254740992" });
  assert.throws(() => canonicalJson("\ud800"), { message: "Canonical JSON cannot hold half of a surrogate pair" });
  assert.throws(() => canonicalJson(jsonObject([["\udc00", 1]])), { message: /half of a surrogate pair/ });
  assert.throws(() => canonicalJson([undefined as unknown as JsonValue]), {
    message: "Canonical JSON cannot hold a value of type undefined",
  });
});

const CHARACTERS = [
  ...'aZ09 "\\/<&',
  "\u0000",
  "\n",
  "\u001f",
  "\u007f",
  "é",
  "\u2028",
  "\ud7ff",
  "\ue000",
  "\uffff",
  "😀",
];

function anyText(next: Random): string {
  return Array.from({ length: below(next, 6) }, () => pick(next, CHARACTERS)).join("");
}

function anyValue(next: Random, depth = 0): JsonValue {
  switch (below(next, depth > 4 ? 4 : 6)) {
    case 0:
      return pick(next, [null, true, false]);
    case 1:
      return below(next, 2 ** 53) - pick(next, [0, 2 ** 52]);
    case 2:
    case 3:
      return anyText(next);
    case 4:
      return Array.from({ length: below(next, 5) }, () => anyValue(next, depth + 1));
    default:
      return jsonObject(Array.from({ length: below(next, 5) }, () => [anyText(next), anyValue(next, depth + 1)]));
  }
}

/** As a careless publisher may write it: any order, any white space, everything escaped that can be. */
function loosely(value: JsonValue, next: Random): string {
  const space = () => pick(next, ["", "", " ", "\n\t", "\r\n"]);
  const text = (plain: string) =>
    `"${
      [...plain.split("")].map((unit) => {
        const must = unit < " " || unit === '"' || unit === "\\";
        return must || below(next, 3) === 0 ? `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}` : unit;
      }).join("").replaceAll(/\\ud83d\ude00|\ud83d\\ude00/g, "😀")
    }"`;
  if (typeof value === "string") return text(value);
  if (Array.isArray(value)) return `[${space()}${value.map((v) => loosely(v, next)).join(`,${space()}`)}${space()}]`;
  if (!isJsonObject(value)) return String(value);
  const members = Object.entries(value).sort(() => next() - 0.5);
  return `{${members.map(([name, v]) => `${space()}${text(name)}${space()}:${space()}${loosely(v, next)}`).join(",")}}`;
}

Deno.test("canonical json: whatever way a value is written, its canonical form is one, and stays", () => {
  const next = random(1);
  for (let i = 0; i < 2000; i++) {
    const value = anyValue(next);
    const canonical = canonicalJson(value);
    assert.deepEqual(canonicalJson(parseJson(utf8(loosely(value, next)))), canonical);
    const plain = new TextDecoder().decode(canonical);
    // Raw control characters are canonical but no JSON: only without them can the canonical form be read back.
    if ([...plain].every((char) => char >= " ")) assert.deepEqual(canonicalJson(parseJson(canonical)), canonical);
    else assert.throws(() => parseJson(canonical), SyntaxError);
  }
});

Deno.test("canonical json: two values have one form only if they are the same", () => {
  const next = random(2);
  const seen = new Map<string, string>();
  for (let i = 0; i < 3000; i++) {
    const value = anyValue(next, 3);
    const form = canonicalJson(value).toHex();
    const ordered = JSON.stringify(
      value,
      (_, v) => isJsonObject(v) ? { o: Object.entries(v).sort(([a], [b]) => a < b ? -1 : 1) } : v,
    );
    assert.equal(seen.get(form) ?? ordered, ordered);
    seen.set(form, ordered);
  }
  assert.ok(seen.size > 500);
});

Deno.test("json: a number that no double can hold is refused wherever it stands, as Go refuses it", () => {
  assert.deepEqual(parseJson(utf8("[1.5, 1e308, 1e-999]"), "any"), [1.5, 1e308, 0]);
  for (const number of ["1e309", "-1e999", "9".repeat(400)]) {
    assert.throws(() => parseJson(utf8(`{"a":${number}}`), "any"), /larger than any double/);
  }
});

Deno.test("json: a damaged document is read as strictly as JSON.parse, or is a SyntaxError, never anything else", () => {
  const next = random(3);
  const document = utf8(
    '{"signed":{"_type":"Targets","delegations":{"keys":{},"roles":[]},"expires":"2029-11-21T17:20:14.6Z",' +
      '"targets":{"v\\u00e91😀":{"custom":{"a":1.0},"hashes":{"sha256":"qg=="},"length":528}},"version":-4},"signatures":[null,true]}',
  );
  let read = 0;
  for (let i = 0; i < 20_000; i++) {
    const bytes = damaged(next, document);
    let value: JsonValue;
    try {
      value = parseJson(bytes, "integral");
    } catch (error) {
      assert.ok(error instanceof SyntaxError, String(error));
      continue;
    }
    read++;
    assert.deepEqual(
      JSON.parse(JSON.stringify(value)),
      JSON.parse(new TextDecoder().decode(bytes), (_, v) => v === 0 ? 0 : v),
    );
  }
  assert.ok(read > 1000, "some damage leaves valid JSON");
});
