/**
 * Roles whose tags are left where they stand, against the strict reader: the same tags from both, or a refusal by both.
 */
import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../lib/bytes/bytes.ts";
import { canonicalJson } from "../../lib/bytes/canonical_json.ts";
import { jsonObject, type JsonValue } from "../../lib/bytes/json.ts";
import { isTagsealError } from "../../lib/errors.ts";
import { parseKept, parseTargets } from "../../lib/tuf/parse.ts";
import { scanTags, TagEntries } from "../../lib/tuf/tag_entries.ts";
import { below, bytesFrom, damaged, pick, type Random, random } from "../support/random.ts";

const SIGNATURES = ',"signatures":[{"keyid":"k","method":"ecdsa","sig":"AA=="}]}';
const envelope = (signed: JsonValue) => concat(utf8('{"signed":'), canonicalJson(signed), utf8(SIGNATURES));

function entry(next: Random): [string, JsonValue][] {
  const digest = bytesFrom(next, 32).toBase64();
  const length = pick(next, [0, 7, 528, 99_999, 999_999_999_999_999]);
  return [["hashes", jsonObject([["sha256", digest]])], ["length", length]];
}

const USUAL = [
  "v1",
  "v10",
  "v1-a",
  "1",
  "10",
  "2",
  "latest",
  "__proto__",
  "constructor",
  "a b",
  "!",
  "A_b.c-d",
  "targets",
];
const ODD = ["", "é", "😀", "\uffff", 'a"b', "a\\b", "\u007f", "x".repeat(2000)];

function anyRole(next: Random): JsonValue {
  const names = below(next, 4) > 0 ? USUAL : [...USUAL, ...ODD];
  const targets = Array.from({ length: below(next, 9) }, (): [string, JsonValue] => {
    const more: [string, JsonValue][] = below(next, 40) === 0 ? [["custom", { targets: {} }]] : [];
    return [pick(next, names), jsonObject([...more, ...entry(next)])];
  });
  const role: JsonValue = { name: "targets/a", keyids: [], paths: [""], threshold: 1, targets: {}, version: 3 };
  return jsonObject([
    ["_type", "Targets"],
    ["delegations", { keys: {}, roles: below(next, 2) ? [role] : [] }],
    ["expires", "2028-01-01T00:00:00Z"],
    ["targets", jsonObject(targets)],
    ["version", 1 + below(next, 3)],
    ...pick(next, [[], [], [], [["zz", { targets: {} }] as const], [["a", { b: 1, targets: {} }] as const]]),
  ]);
}

const TOKENS = [
  '"',
  ",",
  "{",
  "}",
  ":",
  "0",
  "1.0",
  "-",
  " ",
  "\\",
  "=",
  "B",
  '"targets":{},',
  ',"targets":{}',
  "\ufeff",
  "é",
];

/** A role, mostly changed in a place or two. */
function mutated(next: Random, role: Bytes): Bytes {
  let bytes = role;
  for (let n = below(next, 3); n > 0; n--) {
    const at = below(next, bytes.length);
    const text = new TextDecoder().decode(bytes);
    const entries = text.match(/"[^"]*":\{"hashes":\{"sha256":"[^"]*"\},"length":\d+\}/g) ?? [];
    switch (below(next, 5)) {
      case 0:
        bytes = damaged(next, bytes);
        break;
      case 1:
        bytes = concat(bytes.subarray(0, at), utf8(pick(next, TOKENS)), bytes.subarray(at + below(next, 2)));
        break;
      case 2: // twice, or in another order
        if (entries.length > 0) bytes = utf8(text.replace(pick(next, entries), () => pick(next, entries)));
        break;
      case 3: // a digit of a digest, its last ones most of all
        bytes = utf8(
          text.replace(pick(next, [/(?<=[\w+/]{42})[\w+/](?==")/, /=(?=")/, /(?<=sha256":")./]), pick(next, TOKENS)),
        );
        break;
      default:
        bytes = utf8(
          text.replace(
            /(?<="length":)\d+/,
            pick(next, ["00", "01", "-0", "1e3", "9007199254740991", "9007199254740993", "", "12"]),
          ),
        );
    }
  }
  return bytes;
}

/** All that is read of a role, or that it is refused. */
function outcome(bytes: Bytes): unknown {
  try {
    const { envelope: { payload, signed }, version, expiresText, targets, delegations } = parseTargets(
      "targets",
      bytes,
    );
    const { version: kept, payload: before } = parseKept(bytes)!;
    assert.deepEqual([kept, before().toHex()], [version, payload.toHex()]);
    return {
      payload: payload.toHex(),
      signed: canonicalJson(signed).toHex(),
      version,
      expiresText,
      delegations,
      targets: [...targets].sort(([a], [b]) => a < b ? -1 : 1),
    };
  } catch (error) {
    assert.ok(isTagsealError(error, "trust-invalid"), `not a refusal: ${error}`);
    return "refused";
  }
}

Deno.test("tags where they stand: thousands of changed roles are read as the strict reader does, or by none", () => {
  const next = random(20261128);
  const count = 2500;
  let read = 0, scanned = 0;
  for (let i = 0; i < count; i++) {
    const bytes = mutated(next, envelope(anyRole(next)));
    const [fast, strict] = [bytes, concat(bytes, utf8("\n"))].map(outcome);
    assert.deepEqual(fast, strict, new TextDecoder().decode(bytes));
    if (fast === "refused") continue;
    read++;
    const { targets } = parseTargets("targets", bytes);
    if (targets instanceof TagEntries) scanned++;
  }
  assert.ok(read > count / 3 && read < count * 0.9, `${read} of ${count} are read`);
  assert.ok(scanned > read / 5 && scanned < read, `${scanned} of ${read} are scanned`);
});

Deno.test("tags where they stand are a map like any other", () => {
  const next = random(3);
  const tags = new Map(Array.from({ length: 1000 }, (_, i) => [`t${i * 7}`, jsonObject(entry(next))] as const));
  const signed = { _type: "Targets", delegations: { keys: {}, roles: [] }, expires: "2028-01-01T00:00:00Z" };
  const file = envelope({ ...signed, targets: jsonObject(tags), version: 1 });
  const [scanned, plain] = [file, concat(file, utf8("\n"))].map((bytes) => parseTargets("targets", bytes).targets);
  assert.ok(scanned instanceof TagEntries && plain instanceof Map);
  assert.equal(scanned.size, 1000);
  const sorted = [...plain].sort(([a], [b]) => a < b ? -1 : 1);
  assert.deepEqual([...scanned], sorted);
  assert.deepEqual([...scanned.keys()], sorted.map(([tag]) => tag));
  assert.deepEqual([...scanned.values()], sorted.map(([, target]) => target));
  const told: unknown[] = [];
  scanned.forEach((target, tag) => told.push([tag, target]));
  assert.deepEqual(told, sorted);
  for (
    const tag of [
      "",
      "t",
      "t0",
      "t00",
      "t6993",
      "t6994",
      "t7",
      "t70",
      "t71",
      't7"',
      "t7 ",
      "t7!",
      "u",
      "é",
      "constructor",
    ]
  ) {
    assert.deepEqual(scanned.get(tag), plain.get(tag), tag);
    assert.equal(scanned.has(tag), plain.has(tag), tag);
  }
});

const DIGESTS = ["00".repeat(32), "ff".repeat(32), "5a".repeat(32)].map((hex) => Uint8Array.fromHex(hex).toBase64());

/** Entries as they stand in a role, and what is behind them. */
function written(...entries: readonly (readonly [name: string, length: string])[]): Bytes {
  const texts = entries.map(([name, length], i) =>
    `"${name}":{"hashes":{"sha256":"${DIGESTS[i % 3]}"},"length":${length}}`
  );
  return utf8(`${texts.join(",")}},"version":1}`);
}

/** What a scan has found is canonical JSON of that form, and the tags are what that says. */
function requireRead(bytes: Bytes): boolean {
  const scanned = scanTags(bytes, 0);
  if (!scanned) return false;
  const { tags, end } = scanned;
  const read = concat(utf8("{"), bytes.subarray(0, end), utf8("}"));
  const object = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(read));
  assert.deepEqual(canonicalJson(object).toHex(), read.toHex());
  const expected = Object.entries(object as Record<string, { hashes: { sha256: string }; length: number }>).map(
    ([tag, { hashes, length, ...more }]) => {
      assert.deepEqual([Object.keys(hashes), more], [["sha256"], {}]);
      const digest = Uint8Array.fromBase64(hashes.sha256, { lastChunkHandling: "strict" });
      assert.equal(digest.length, 32);
      return [tag, { length, sha256: digest.toHex() }] as const;
    },
  );
  assert.deepEqual(new Map(tags), new Map(expected));
  assert.equal(tags.size, expected.length);
  for (const [tag, target] of expected) assert.deepEqual([tags.has(tag), tags.get(tag)], [true, target]);
  return true;
}

Deno.test("tags where they stand: with any byte changed, put in or taken away, they are read as they stand, or not at all", () => {
  const good = written(["1", "0"], ["10", "528"], ["v 1", "7"]);
  assert.ok(requireRead(good));
  let read = 0;
  for (let at = 0; at < good.length; at++) {
    const [before, after] = [good.subarray(0, at), good.subarray(at + 1)];
    if (requireRead(concat(before, after))) read++;
    for (let byte = 0; byte < 256; byte++) {
      const other = new Uint8Array([byte]);
      if (requireRead(concat(before, other, after))) read++;
      if (requireRead(concat(before, other, good.subarray(at)))) read++;
    }
  }
  assert.ok(read > 5000, "many are as good: other digests, names and sizes");
});

Deno.test("tags where they stand: each of the usual ones is read fast, whatever its name and size", () => {
  const names = Array.from({ length: 0x7f - 0x20 }, (_, i) => String.fromCharCode(0x20 + i)).filter((char) =>
    !'"\\'.includes(char)
  );
  assert.ok(requireRead(written(...names.map((name) => [name, "1"] as const))), "each printable character");
  assert.ok(requireRead(written()), "none at all");
  for (const length of ["0", "9", "10", "999999999999999"]) assert.ok(requireRead(written(["v1", length])), length);
  for (const length of ["", "00", "01", "-1", "1.0", "1e3", "1000000000000000"]) {
    assert.ok(!requireRead(written(["v1", length])), `${length}: the careful reader has to look`);
  }
  assert.ok(requireRead(written(["", "1"], ["x".repeat(1024), "1"])), "the shortest, and the longest");
  for (const name of ["x".repeat(1025), "\u007f", "\u001f", "é", 'a\\"b', "a\\\\b"]) {
    assert.ok(!requireRead(written([name, "1"])));
  }
  for (const pair of [["a", "a"], ["b", "a"], ["aa", "a"], ["a!", "a"]] as const) {
    assert.ok(!requireRead(written([pair[0], "1"], [pair[1], "1"])), `${pair} are not in order`);
  }
  assert.ok(requireRead(written(["a", "1"], ["a!", "1"], ["aa", "1"], ["b", "1"])));
});

Deno.test("tags where they stand: changes are put in by the order of their names, in whichever they are told", () => {
  const { tags } = scanTags(written(["v1", "0"], ["v2", "1"]), 0)!;
  const some = (...names: string[]) => new Map(names.map((name) => [name, utf8(`<${name}>`)]));
  const text = (parts: readonly Bytes[]) =>
    new TextDecoder().decode(concat(...parts)).replace(/"(v\d)":\{.*?\}.*?\}/g, "$1");
  const sorted = "<v0>,v1,<v10>,<v100>,<v11>,v2,<v3>,<v30>";
  assert.equal(text(tags.changed(some("v100", "v30", "v10", "v3", "v0", "v11"))), sorted);
  assert.equal(text(tags.changed(some("v0", "v10", "v100", "v11", "v3", "v30"))), sorted);
  assert.equal(text(tags.changed(new Map([["v1", undefined], ["v15", undefined]]))), "v2");
  assert.equal(text(scanTags(written(), 0)!.tags.changed(some("b", "a"))), "<a>,<b>");
});

Deno.test("tags where they stand: a hundred thousand of the shortest fit into what is set aside for their places", () => {
  const names = Array.from({ length: 100_000 }, (_, i) => i.toString(36).padStart(4, "0"));
  assert.equal(scanTags(written(...names.map((name) => [name, "0"] as const)), 0)?.tags.size, names.length);
  const short = written(...Array.from("0123456789", (name) => [name, "0"] as const), ["a", "0"]);
  const behind = concat(utf8("{".repeat(500)), short);
  assert.equal(scanTags(behind, 500)?.tags.size, 11, "also where they are all that the file has");
});

Deno.test("tags where they stand: what is put in stands in order, whatever order it is given in", () => {
  const names = ["", "a", "aa", "ab", "abc", "b", "ba"];
  const entryOf = (name: string) => utf8(`"${name}":0`);
  const { tags } = scanTags(written(["aab", "1"]), 0)!;
  for (const given of [names, names.toReversed(), [...names.slice(3), ...names.slice(0, 3)]]) {
    const parts = tags.changed(new Map(given.map((name) => [name, entryOf(name)])));
    const found = [...new TextDecoder().decode(concat(...parts)).matchAll(/(?<=^|,)"(\w*)":[0{]/g)].map(([, name]) =>
      name
    );
    assert.deepEqual(found, [...names, "aab"].sort());
  }
});
