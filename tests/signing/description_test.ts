import assert from "node:assert/strict";
import { describeChanges } from "../../lib/signing/description.ts";

const digest = (n: number) => `sha256:${String(n).padStart(12, "0").padEnd(64, "0")}`;
const short = (n: number) => digest(n).slice(0, 19);
const tag = (tag: string, n: number) => ({ tag, digest: digest(n), length: 1, previousDigest: null });
const gone = (tag: string) => ({ tag, previousDigest: null });

Deno.test("repositories, tags and digests are told", () => {
  assert.equal(
    describeChanges([
      { repository: "r.test/a", tags: [tag("v1", 1), tag("v2", 2)], removedTags: [gone("v0")] },
      { repository: "r.test/b", tags: [tag("v1", 3)], removedTags: [] },
    ]),
    `r.test/a: v1 ${short(1)}, v2 ${short(2)}, remove v0; r.test/b: v1 ${short(3)}`,
  );
  assert.equal(describeChanges([]), "");
  assert.equal(describeChanges([], { build: "https://ci.test/7" }), "", "nothing is signed, whoever asks");
});

Deno.test("each tag is told once, however many roles and schemes sign it, and the build that asks", () => {
  const a = { repository: "r.test/a", tags: [tag("v1", 1), tag("v2", 2)], removedTags: [gone("v0")] };
  const b = { repository: "r.test/b", tags: [tag("v1", 3)], removedTags: [] };
  assert.equal(
    describeChanges([a, a, { ...a, removedTags: [] }, b, b], { build: "https://ci.test/7" }),
    `r.test/a: v1 ${short(1)}, v2 ${short(2)}, remove v0; r.test/b: v1 ${short(3)}; build https://ci.test/7`,
  );
});

Deno.test("500 characters are told, and what could be longer is cut before", () => {
  const room = 500 - `: v1 ${short(1)} (and 1 more)`.length;
  const describe = (length: number) =>
    describeChanges([{ repository: "r".repeat(length), tags: [tag("v1", 1)], removedTags: [] }]);
  assert.equal(describe(room), `${"r".repeat(room)}: v1 ${short(1)}`);
  assert.equal(describe(room + 1), "(and 1 more)");
});

Deno.test("of many the first ones are told, whole, and how many more there are", () => {
  for (const length of [1, 40, 128]) {
    const tags = Array.from({ length: 1000 }, (_, i) => tag(String(i).padStart(length, "x"), i));
    const text = describeChanges([{ repository: "r.test/a", tags, removedTags: [] }]);
    assert.ok(text.length <= 500, `${text.length} characters`);
    const told = [...text.matchAll(/sha256:[0-9]{12}(?![0-9])/g)].length;
    assert.ok(told >= 2);
    assert.ok(text.endsWith(`${short(told - 1)} (and ${1000 - told} more)`), text);
  }
});

Deno.test("a name that fills it all is left out", () => {
  const text = describeChanges([{ repository: "r".repeat(600), tags: [tag("v1", 1)], removedTags: [] }]);
  assert.equal(text, "(and 1 more)");
});
