/** What stands in a manifest is believed where it has its form, and named where it has not. */
import assert from "node:assert/strict";
import type { JsonValue } from "../../lib/bytes/json.ts";
import { digest, digestOrNull, hex, hexes, list, object, time, whole, word } from "../../lib/signing/manifest_words.ts";
import { failsWith } from "../support/failures.ts";

const HEX = "0123456789abcdef".repeat(4);
const DIGEST = `sha256:${HEX}`;
const WRONG_HEX: readonly JsonValue[] = [7, null, "", HEX.slice(1), `${HEX}0`, `x${HEX}`, HEX.toUpperCase(), [HEX]];

Deno.test("members of a manifest are taken where they have their form, and refused by name otherwise", async (t) => {
  type Row = [
    name: string,
    read: (value: JsonValue) => unknown,
    good: readonly JsonValue[],
    bad: readonly JsonValue[],
    words: string,
  ];
  const of = (read: (entry: { a: JsonValue }, name: string) => unknown) => (value: JsonValue) =>
    read({ a: value }, "a");
  const rows: Row[] = [
    [
      "object",
      (value) => object(value, "the manifest"),
      [{}, { a: 1 }],
      [[], null, "", 1],
      "the manifest is not an object",
    ],
    ["list", of(list), [[], [1]], [{}, null, "a"], '"a" is not an array'],
    ["word", of(word), ["", "x".repeat(2000)], ["x".repeat(2001), 1, null, []], '"a" is not a short text'],
    [
      "time",
      of((entry, name) => time(entry, name).toISOString()),
      ["2026-06-10T12:00:00.123Z"],
      ["yesterday", "", "2026-13-01T00:00:00Z"],
      '"a" is not a time',
    ],
    ["whole", of(whole), [0, 1, 2 ** 40], [-1, "1", null, []], '"a" is not a number from 0'],
    ["hex", of(hex), [HEX], WRONG_HEX.filter((value) => typeof value === "string"), '"a" is not 64 hex digits'],
    [
      "digest",
      of(digest),
      [DIGEST],
      [HEX, `${DIGEST}0`, `x${DIGEST}`, DIGEST.slice(0, -1), `sha512:${HEX}`],
      '"a" is not a sha256 digest',
    ],
    ["digest or null", of(digestOrNull), [DIGEST, null], [HEX, ""], '"a" is not a sha256 digest'],
    [
      "at most two hashes",
      of((entry, name) => hexes(entry, name, 2)),
      [[], [HEX], [HEX, HEX]],
      WRONG_HEX.map((value) => [HEX, value]),
      '"a" is not 64 hex digits',
    ],
    [
      "more than two",
      of((entry, name) => hexes(entry, name, 2)),
      [],
      [[HEX, HEX, HEX]],
      '"a" has more than 2 elements',
    ],
  ];
  for (const [name, read, good, bad, words] of rows) {
    await t.step(name, async () => {
      for (const value of good) assert.deepEqual(read(value), value);
      for (const value of bad) {
        const error = await failsWith(() => void read(value), "bad-input", "not Docker signing data", words);
        assert.deepEqual(error.next, { do: "use-signing-data" });
      }
    });
  }
});
