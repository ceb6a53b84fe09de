/** What is read of a file that was kept: its version and what was signed, whatever else it says; and which numbers count. */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { canonicalJson } from "../../lib/bytes/canonical_json.ts";
import { parseJson } from "../../lib/bytes/json.ts";
import { numbersOf, parseKept } from "../../lib/tuf/parse.ts";

const signed = (members: string) => utf8(`{"signed":{${members}},"signatures":[]}`);

Deno.test("kept: a version from 1 is read, in whatever form the file is", () => {
  const rows: [name: string, bytes: Bytes, version: number][] = [
    ["canonical", signed('"version":1'), 1],
    ["pretty", utf8('{ "signed": { "version": 7 } }'), 7],
    ["with another order", utf8('{"signatures":[],"signed":{"version":2,"_type":"Root"}}'), 2],
    ["a number that is none of trust data", utf8('{"signed":{"version":3},"other":1.5e300}'), 3],
    ["with tags", signed('"_type":"Targets","delegations":{},"targets":{"v1":{"custom":1.0}},"version":4'), 4],
    ["expired, and of another type", signed('"_type":"?","expires":"2000-01-01T00:00:00Z","version":5'), 5],
    ["the largest", signed(`"version":${Number.MAX_SAFE_INTEGER}`), Number.MAX_SAFE_INTEGER],
  ];
  for (const [name, bytes, version] of rows) {
    const kept = parseKept(bytes);
    assert.equal(kept?.version, version, name);
    const document = JSON.parse(new TextDecoder().decode(bytes));
    assert.deepEqual(kept.payload(), canonicalJson(document.signed), name);
  }
});

Deno.test("kept: what says no version sets no floor", () => {
  const damaged: [name: string, bytes: Bytes | undefined][] = [
    ["nothing", undefined],
    ["no bytes", utf8("")],
    ["no JSON", utf8("{")],
    ["no UTF-8", new Uint8Array([0x22, 0xff, 0x22])],
    ["half a character in a canonical file", utf8('{"signed":{"name":"\\ud800","version":1}}')],
    ["a list", utf8('[{"version":1}]')],
    ["null", utf8("null")],
    ["nothing signed", utf8('{"signatures":[]}')],
    ["a list that is signed", utf8('{"signed":[1]}')],
    ["null that is signed", utf8('{"signed":null}')],
    ["no version", signed('"_type":"Root"')],
    ["version 0", signed('"version":0')],
    ["version -1", signed('"version":-1')],
    ["a version that is a text", signed('"version":"1"')],
    ["half a version", signed('"version":1.5')],
    ["a version beyond all numbers", signed('"version":9007199254740993')],
  ];
  for (const [name, bytes] of damaged) assert.equal(parseKept(bytes), undefined, name);
});

Deno.test("numbers: what is signed holds plain integers, a target's own data also 1.0, and nobody looks at the rest", () => {
  const rows: [name: string, depth: number, around: Parameters<typeof numbersOf>[2], numbers: string][] = [
    ["signed", 0, "unread", "integers"],
    ["signatures", 0, "unread", "unread"],
    ["signed", 1, "unread", "unread"],
    ["custom", 0, "unread", "unread"],
    ["custom", 2, "integers", "integers"],
    ["custom", 3, "integers", "integral"],
    ["custom", 4, "integers", "integers"],
    ["custom", 3, "unread", "unread"],
    ["length", 3, "integers", "integers"],
    ["custom", 4, "integral", "integral"],
  ];
  for (const [name, depth, around, numbers] of rows) {
    assert.equal(numbersOf(name, depth, around), numbers, `${name} at ${depth}`);
  }
  const entry = (member: string) => parseJson(signed(`"targets":{"custom":{${member}}}`), numbersOf);
  assert.ok(entry('"custom":{"a":1.0}'));
  assert.throws(() => entry('"length":1.0'), SyntaxError);
});
