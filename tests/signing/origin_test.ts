/** Who asks for a signature, as the manifest says it: read back as it was said, whatever else stands there. */
import assert from "node:assert/strict";
import type { JsonObject, JsonValue } from "../../lib/bytes/json.ts";
import { type Origin, originIn, originWords } from "../../lib/signing/origin.ts";
import { failsWith } from "../support/failures.ts";

Deno.test("what is said of a build is read back, and nothing where nothing was said", () => {
  const all: Origin = { build: "https://ci.test/7", commit: "0123abc", by: "somebody" };
  assert.deepEqual(originWords(all), { origin: { ...all } });
  for (const origin of [all, { build: "7" }, { commit: "" }, { by: "somebody", commit: "0123abc" }]) {
    assert.deepEqual(originIn(originWords(origin)), origin);
  }
  for (const nothing of [undefined, {}, { build: undefined } as unknown as Origin]) {
    assert.deepEqual(originWords(nothing), {});
    assert.equal(originIn(originWords(nothing)), undefined);
  }
});

Deno.test("members of an origin that are not known are left out, and those that are must be short texts", async (t) => {
  assert.deepEqual(originIn({ origin: { by: "somebody", tomorrow: [1] } }), { by: "somebody" });
  assert.deepEqual(originIn({ origin: { by: "x".repeat(2000) } }), { by: "x".repeat(2000) });
  const rows: [name: string, origin: JsonValue, words: string][] = [
    ["null", null, '"origin" is not an object'],
    ["a list", ["build"], '"origin" is not an object'],
    ["a text", "build", '"origin" is not an object'],
    ["a number for a build", { build: 7 }, '"build" is not a short text'],
    ["null for a commit", { commit: null }, '"commit" is not a short text'],
    ["a long name", { by: "x".repeat(2001) }, '"by" is not a short text'],
  ];
  for (const [name, origin, words] of rows) {
    await t.step(name, async () => {
      await failsWith(() => originIn({ origin } satisfies JsonObject), "bad-input", words);
    });
  }
});
