/** What is signed, and whether it is what is asked for; where a part of the repository cannot be trusted as well. */
import assert from "node:assert/strict";
import { describeTags, listTags, verifyAllTags, verifyTags } from "../../../lib/schemes/notary_v1/verify_tags.ts";
import { createMemoryMetadataStore } from "../../../lib/notary/metadata_store.ts";
import { failsWith } from "../../support/failures.ts";
import { MemoryTrustServer } from "../../support/memory_trust_server.ts";
import { AT, buildFiles, DIGEST, EXPIRES, GUN, KEYS, type Plan } from "../../support/trust_builder.ts";

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

const OTHER = "cd".repeat(32);
const [SIGNED_AS, OTHER_IS] = [`sha256:${DIGEST}`, `sha256:${OTHER}`];

/** v1 in two roles, with two digests; v2 in one. */
const TWO: Plan = {
  targets: { tags: { v1: OTHER, v3: OTHER } },
  delegations: {
    "targets/releases": { keys: [KEYS.releases], tags: { v1: DIGEST } },
    "targets/alice": { keys: [KEYS.alice], tags: { v1: DIGEST, v2: OTHER } },
  },
};

Deno.test("verify: a tag must be signed as the digest that is asked for; one without is only signed", async () => {
  const trust = await trustIn(TWO);
  await verifyTags(trust, GUN, ["v1", "v3"], new Map([["v1", SIGNED_AS]]));
  for (const wrong of [OTHER_IS, "", DIGEST, "sha256:"]) {
    const error = await failsWith(
      verifyTags(trust, GUN, ["v3", "v1"], new Map([["v1", wrong]])),
      "trust-invalid",
      `The tag "v1" of "${GUN}" is signed as "${SIGNED_AS}", not "${wrong}"`,
    );
    assert.deepEqual(error.details, { repository: GUN, tag: "v1", signed: SIGNED_AS, expected: wrong });
  }
});

Deno.test("verify: every tag that is not signed is named", async () => {
  const error = await failsWith(verifyTags(await trustIn(TWO), GUN, ["v2", "v1", "v9"]), "not-signed");
  assert.equal(error.message, `Not signed in "${GUN}": v2, v9`);
  assert.match(error.remedy, /^Do not use these tags\. /);
  assert.deepEqual(error.details["tags"], ["v2", "v9"]);
});

Deno.test("verify: all tags, or those of a digest, are one at least, and none while targets/releases is not trusted", async () => {
  const trust = await trustIn(TWO);
  const tags = async (digest?: string) => (await verifyAllTags(trust, GUN, digest)).tags.map(({ tag }) => tag);
  assert.deepEqual(await tags(), ["v1", "v3"]);
  assert.deepEqual(await tags(OTHER_IS), ["v3"]);
  const none = await failsWith(tags("sha256:00"), "not-signed", `Not signed in "${GUN}": sha256:00`);
  assert.match(none.remedy, /^Do not use what is not signed\. /);
  const releases = { keys: [KEYS.releases], signers: [KEYS.stranger] };
  const blind = await trustIn({ ...TWO, delegations: { "targets/releases": releases } });
  await failsWith(
    verifyAllTags(blind, GUN),
    "not-signed",
    `Not signed in "${GUN}": any tag ("targets/releases" was not`,
  );
});

Deno.test("list: as Docker resolves tags, or the entries of a role and those below it, the nearest or all", async () => {
  const trust = await trustIn(TWO);
  const entries = async (options: Parameters<typeof listTags>[2]) =>
    (await listTags(trust, GUN, options)).tags.map(({ tag, role, sha256, differs }) =>
      [tag, role, sha256 === DIGEST, differs] as const
    );
  assert.deepEqual(await entries({}), [
    ["v1", "targets/releases", true, undefined],
    ["v3", "targets", false, undefined],
  ]);
  assert.deepEqual(await entries({ role: "targets" }), [
    ["v1", "targets", false, undefined],
    ["v2", "targets/alice", false, undefined],
    ["v3", "targets", false, undefined],
  ]);
  assert.deepEqual(await entries({ role: "targets/alice", all: true }), [
    ["v1", "targets/alice", true, false],
    ["v2", "targets/alice", false, false],
  ]);
  assert.deepEqual(await entries({ all: true }), [
    ["v1", "targets", false, true],
    ["v1", "targets/releases", true, true],
    ["v1", "targets/alice", true, true],
    ["v2", "targets/alice", false, false],
    ["v3", "targets", false, false],
  ]);
});

Deno.test("list: what is told of it, with the ends of roles and what was skipped", async () => {
  const list = await listTags(await trustIn(TWO), GUN, { role: "targets/releases", all: true });
  const tag = { tag: "v1", digest: SIGNED_AS, length: 528, role: "targets/releases", signers: ["alice"] };
  const roles = ["root", "targets", "snapshot", "timestamp", "targets/releases", "targets/alice"];
  const expires = Object.fromEntries(roles.map((role) => [role, EXPIRES]));
  assert.deepEqual(describeTags(list), { repository: GUN, tags: [{ ...tag, differs: false }], expires });
  const alice = { keys: [KEYS.alice], signers: [KEYS.stranger] };
  const releases = { keys: [KEYS.releases], tags: { v1: DIGEST } };
  const partly = await listTags(
    await trustIn({ delegations: { "targets/releases": releases, "targets/alice": alice } }),
    GUN,
  );
  const { skipped, tags, expires: ends } = describeTags(partly);
  assert.deepEqual([tags, Object.keys(ends).includes("targets/alice")], [[{ ...tag, signers: ["Repo Admin"] }], false]);
  assert.deepEqual(skipped?.map(({ role }) => role), ["targets/alice"]);
});
