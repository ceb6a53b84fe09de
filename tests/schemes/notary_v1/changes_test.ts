/** What a manifest says of content trust, and what it may not say. */
import assert from "node:assert/strict";
import { type JsonObject, jsonObject, type JsonValue } from "../../../lib/bytes/json.ts";
import { changesIn, type RepositoryChange, wordsOf } from "../../../lib/schemes/notary_v1/changes.ts";
import { failsWith } from "../../support/failures.ts";

const DIGEST = `sha256:${"ab".repeat(32)}`;
const HEX = "cd".repeat(32);

const CHANGE: RepositoryChange = {
  repository: "registry.test/app",
  notaryUrl: "https://notary.test",
  root: { version: 3, sha256: HEX },
  delegationKeyId: HEX,
  tags: [{ tag: "v1", digest: DIGEST, length: 528, previousDigest: null }],
  removedTags: [],
  roles: [{ role: "targets/releases", baseVersion: 0, version: 1, payload: "payload/0001.json", sha256: HEX }],
};

function manifest(...changes: readonly (RepositoryChange | JsonValue)[]): JsonObject {
  const entries = changes.map((change) =>
    change !== null && typeof change === "object" && "roles" in change && "removedTags" in change
      ? wordsOf(change as RepositoryChange)
      : change as JsonValue
  );
  return jsonObject([["repositories", entries]]);
}

Deno.test("changes: what is written is read again, with and without what may be left out", () => {
  const full: RepositoryChange = {
    ...CHANGE,
    repository: "registry.test/other",
    alternativeKeyIds: [HEX, "ef".repeat(32)],
    tags: [{ ...CHANGE.tags[0]!, mediaType: "application/vnd.oci.image.index.v1+json", previousDigest: DIGEST }],
    removedTags: [{ tag: "v0", previousDigest: DIGEST }],
  };
  assert.deepEqual(changesIn(manifest(CHANGE, full)), [CHANGE, full]);
  assert.equal(
    Object.hasOwn(wordsOf(CHANGE), "removedTags"),
    false,
    "older readers take a file that withdraws nothing",
  );
  assert.equal(Object.hasOwn(wordsOf(full), "removedTags"), true);
  assert.deepEqual(changesIn(jsonObject([])), [], "a file that signs for no content trust");
});

Deno.test("changes: a repository that stands there twice, or a tag, or nothing to sign is refused", async () => {
  await failsWith(() => changesIn(manifest(CHANGE, CHANGE)), "bad-input", "a repository stands there twice");
  const empty = { ...CHANGE, roles: [] };
  await failsWith(() => changesIn(manifest(empty)), "bad-input", `nothing is to be signed for "${CHANGE.repository}"`);
  const twice = { ...CHANGE, removedTags: [{ tag: "v1", previousDigest: DIGEST }] };
  await failsWith(() => changesIn(manifest(twice)), "bad-input", `the tag "v1" of "${CHANGE.repository}"`);
});

Deno.test("changes: whatever is no object is told by where it stands", async () => {
  const words = wordsOf(CHANGE);
  const rows: readonly (readonly [where: string, change: JsonValue])[] = [
    ["repositories[0]", 7],
    ["repositories[0].root", { ...words, root: "3" }],
    ["repositories[0].tags", { ...words, tags: ["v1"] }],
    ["repositories[0].removedTags", { ...words, removedTags: ["v1"] }],
    ["repositories[0].roles", { ...words, roles: [null] }],
  ];
  for (const [where, change] of rows) {
    await failsWith(() => changesIn(jsonObject([["repositories", [change]]])), "bad-input", `${where} `);
  }
});

Deno.test("changes: a member that may be left out is read where it is there", async () => {
  const words = wordsOf(CHANGE);
  const [tag] = words["tags"] as JsonObject[];
  for (
    const [name, change] of [
      ["alternativeKeyIds", { ...words, alternativeKeyIds: HEX }],
      ["alternativeKeyIds", { ...words, alternativeKeyIds: ["no key"] }],
      ["mediaType", { ...words, tags: [{ ...tag, mediaType: 7 }] }],
      ["removedTags", { ...words, removedTags: null }],
    ] as const
  ) {
    await failsWith(() => changesIn(jsonObject([["repositories", [change as JsonValue]]])), "bad-input", name);
  }
});

Deno.test("changes: of up to a thousand keys each may have signed; more has no delegation", async () => {
  const keys = (count: number) => Array.from({ length: count }, (_, n) => n.toString(16).padStart(64, "0"));
  const with1000 = { ...CHANGE, alternativeKeyIds: keys(1000) };
  assert.deepEqual(changesIn(manifest(with1000)), [with1000]);
  await failsWith(
    () => changesIn(manifest({ ...CHANGE, alternativeKeyIds: keys(1001) })),
    "bad-input",
    "alternativeKeyIds",
  );
});
