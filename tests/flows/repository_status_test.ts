/** Health of repositories that commands cannot bring about: skipped and expired delegations, snapshot keys at hand. */
import assert from "node:assert/strict";
import type { KeyStore } from "../../lib/keystore/keystore.ts";
import { lookAtRepository } from "../../lib/flows/look_at_expired.ts";
import { type RepositoryStatus, repositoryStatus } from "../../lib/flows/repository_status.ts";
import { createMemoryMetadataStore } from "../../lib/notary/metadata_store.ts";
import { MemoryTrustServer } from "../support/memory_trust_server.ts";
import { AT, buildFiles, certified, DIGEST, GUN, KEYS, newKey, type Plan } from "../support/trust_builder.ts";

const BEFORE = "2026-05-01T00:00:00Z"; // expired a month before the tests judge
const LONG_BEFORE = "2026-03-01T00:00:00Z";

function trustIn(server: MemoryTrustServer) {
  return { server, store: createMemoryMetadataStore(), now: () => AT, sleep: () => Promise.resolve() };
}

function keyStore(...ids: readonly string[]): KeyStore {
  const never = () => Promise.reject(new Error("no key is opened to look at it"));
  return {
    create: never,
    open: never,
    list: () => Promise.resolve(ids.map((id) => ({ id, role: "snapshot", gun: GUN }))),
  };
}

async function statusOf(plan: Plan, keys: KeyStore = keyStore()): Promise<RepositoryStatus> {
  return await repositoryStatus(trustIn(new MemoryTrustServer(await buildFiles(plan))), keys, GUN);
}

const states = ({ roles }: RepositoryStatus) =>
  Object.fromEntries(roles.filter(({ role }) => role.startsWith("targets/")).map(({ role, state }) => [role, state]));
const codes = ({ problems }: RepositoryStatus) =>
  problems.map(({ severity, code, role }) => `${severity} ${code} ${role ?? ""}`.trim());

Deno.test("status: a delegation with a bad signature is an error, and its neighbours are not", async () => {
  const status = await statusOf({
    delegations: {
      "targets/releases": { keys: [KEYS.releases], signers: [KEYS.stranger], tags: { v1: DIGEST } },
      "targets/alice": { keys: [KEYS.alice], tags: { v1: DIGEST } },
    },
  });
  assert.equal(status.trusted, true);
  assert.deepEqual(states(status), { "targets/releases": "skipped", "targets/alice": "ok" });
  assert.equal(codes(status)[0], "error skipped targets/releases");
  assert.match(status.roles.find(({ role }) => role === "targets/releases")!.reason!, /is not signed by/);
});

Deno.test("status: expired delegations are looked at, also those below each other", async () => {
  const status = await statusOf({
    delegations: {
      "targets/releases": { keys: [KEYS.releases], tags: { v1: DIGEST } },
      "targets/alice": { keys: [KEYS.alice], tags: { v1: DIGEST }, expires: BEFORE, version: 4 },
      "targets/alice/ci": { keys: [KEYS.alice], tags: { v1: DIGEST }, expires: LONG_BEFORE, version: 9 },
    },
  });
  assert.equal(status.trusted, true, "the repository goes on without them");
  assert.deepEqual(states(status), {
    "targets/releases": "ok",
    "targets/alice": "expired",
    "targets/alice/ci": "expired",
  });
  assert.deepEqual(status.roles.slice(-2).map(({ version, daysLeft }) => [version, daysLeft]), [[4, -32], [9, -93]]);
  assert.deepEqual(codes(status).slice(0, 2), ["error expired targets/alice", "error expired targets/alice/ci"]);
});

Deno.test("status: all has expired, one after the other", async () => {
  const status = await statusOf({
    root: { expires: BEFORE },
    targets: { expires: LONG_BEFORE },
    timestamp: { expires: "2026-04-01T00:00:00Z" },
  });
  assert.equal(status.trusted, false);
  assert.deepEqual(codes(status).slice(0, 3), [
    "error expired root",
    "error expired targets",
    "error expired timestamp",
  ]);
  assert.deepEqual(states(status), { "targets/releases": "ok", "targets/alice": "ok" });
});

Deno.test("look: expired and forged stays an error that says so", async () => {
  const files = await buildFiles({ targets: { signers: [KEYS.stranger] }, timestamp: { expires: BEFORE } });
  await assert.rejects(lookAtRepository(trustIn(new MemoryTrustServer(files)), GUN), {
    code: "trust-invalid",
    message: /"targets" is not signed by the key that root names/,
  });
});

Deno.test("look: what was trusted before holds for what has expired, too", async () => {
  const trust = trustIn(new MemoryTrustServer(await buildFiles({ targets: { version: 7 } })));
  assert.ok((await lookAtRepository(trust, GUN)).trusted);
  const older = new MemoryTrustServer(
    await buildFiles({
      targets: { version: 6 },
      snapshot: { version: 2 },
      timestamp: { version: 2, expires: BEFORE },
    }),
  );
  await assert.rejects(lookAtRepository({ ...trust, server: older }, GUN), {
    code: "trust-invalid",
    message: /rollback/,
  });
});

Deno.test("status: a key of the repository itself that may sign tags is warned of", async () => {
  const { publicKey } = await certified(KEYS.root, { commonName: "another name" });
  const twice = { ...KEYS.root, publicKey };
  const status = await statusOf({
    delegations: {
      "targets/releases": { keys: [KEYS.releases, twice] },
      "targets/signpath": { keys: [twice] },
    },
  });
  const [warning] = status.problems.filter(({ code }) => code === "own-key-delegated");
  assert.equal(warning?.severity, "warning");
  const id = publicKey.canonicalId;
  assert.equal(
    warning?.message,
    `The root key ${id.slice(0, 7)} of this repository may sign tags (targets/releases, targets/signpath)`,
  );
  assert.deepEqual(warning?.action, { kind: "remove-delegation", keyId: id });
  assert.ok(!codes(await statusOf({})).some((code) => code.includes("own-key-delegated")));
});

Deno.test("status: who signs the snapshot", async (t) => {
  const cases: [string, Plan, KeyStore, string][] = [
    ["the server", {}, keyStore(), "server"],
    ["a key here", {}, keyStore(KEYS.snapshot.publicKey.canonicalId), "here"],
    ["somebody else", { keys: { snapshot: [newKey()] } }, keyStore(), "elsewhere"],
  ];
  for (const [name, plan, keys, wanted] of cases) {
    await t.step(name, async () => {
      const status = await statusOf(plan, keys);
      assert.equal(status.managedBy.snapshot, wanted);
      assert.equal(codes(status).includes("warning snapshot-not-at-server snapshot"), wanted !== "server");
    });
  }
});

Deno.test("status: a key of this repository that signs for nothing any more is shown as such", async () => {
  const { keysHere } = await statusOf({}, keyStore("ab".repeat(32)));
  assert.deepEqual(keysHere, [{ keyId: "ab".repeat(32), role: "snapshot", signsFor: [] }]);
});
