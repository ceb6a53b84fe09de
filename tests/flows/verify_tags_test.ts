/** Verifying tags where a part of the repository cannot be trusted. */
import assert from "node:assert/strict";
import { verifyTags } from "../../lib/schemes/notary_v1/verify_tags.ts";
import { createMemoryMetadataStore } from "../../lib/notary/metadata_store.ts";
import { failsWith } from "../support/failures.ts";
import { MemoryTrustServer } from "../support/memory_trust_server.ts";
import { AT, buildFiles, DIGEST, GUN, KEYS, type Plan } from "../support/trust_builder.ts";

async function trustIn(plan: Plan) {
  const server = new MemoryTrustServer(await buildFiles(plan));
  return { server, store: createMemoryMetadataStore(), now: () => AT, sleep: () => Promise.resolve() };
}

Deno.test("downgrade: while targets/releases cannot be trusted, an entry of targets does not take its place", async () => {
  const releases = { keys: [KEYS.releases], tags: { v2: DIGEST } };
  const good = await trustIn({ targets: { tags: { v1: DIGEST } }, delegations: { "targets/releases": releases } });
  assert.deepEqual((await verifyTags(good, GUN, ["v1", "v2"])).tags.map(({ role }) => role), [
    "targets",
    "targets/releases",
  ]);
  const forged = { ...releases, signers: [KEYS.stranger] };
  const bad = await trustIn({ targets: { tags: { v1: DIGEST } }, delegations: { "targets/releases": forged } });
  const error = await failsWith(verifyTags(bad, GUN, ["v1"]), "not-signed", "v1", '"targets/releases" was not trusted');
  assert.deepEqual(error.details["tags"], ["v1"]);
});

Deno.test("a signer's role that cannot be trusted takes nothing away from targets/releases", async () => {
  const trust = await trustIn({
    delegations: {
      "targets/releases": { keys: [KEYS.releases], tags: { v1: DIGEST } },
      "targets/alice": { keys: [KEYS.alice], signers: [KEYS.stranger], tags: { v1: DIGEST } },
    },
  });
  const { tags, skipped } = await verifyTags(trust, GUN, ["v1"]);
  assert.deepEqual([tags.map(({ tag }) => tag), skipped.map(({ role }) => role)], [["v1"], ["targets/alice"]]);
});
