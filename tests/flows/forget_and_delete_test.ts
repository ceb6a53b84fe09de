/** What `forget` and `delete-key` prove before anything goes. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { proveNeedless } from "../../lib/flows/delete_key.ts";
import { prepareForgetting } from "../../lib/flows/forget_copy.ts";
import { findRoleKey } from "../../lib/flows/role_signer.ts";
import { createFileMetadataStore } from "../../lib/notary/file_metadata_store.ts";
import { openRepository, type Trust } from "../../lib/notary/repository.ts";
import { signTags } from "../../lib/schemes/notary_v1/sign_tags.ts";
import { beforeWrites } from "../faults/disk.ts";
import { failsWith } from "../support/failures.ts";
import { FlowWorld, MemoryKeyStore } from "../support/flow_world.ts";
import { inFolder } from "../support/test_files.ts";

const GUN = "registry.example.test/app";

const pinned = (trust: Trust, keyId: string) => ({ ...trust, pin: { keyId } });
const sign = (world: FlowWorld, ...tags: string[]) =>
  signTags([world.task(GUN, tags)], { ...world.options, attempts: 1 });

/** Somebody who knows a repository, and a world in which it was set up anew since. */
async function setUpAnew() {
  const [before, world] = [await FlowWorld.begin(), await FlowWorld.begin()];
  const old = await before.init(GUN);
  const { store } = before.trust();
  await openRepository({ ...before.trust(), store }, GUN);
  const { rootKeyId } = await world.init(GUN);
  return { old, rootKeyId, trust: pinned({ ...world.trust(), store }, rootKeyId) };
}

Deno.test("forget: a repository that was set up anew replaces the copy of the old one", async () => {
  const { old, rootKeyId, trust } = await setUpAnew();
  await failsWith(openRepository({ ...trust, pin: { keyId: old.rootKeyId } }, GUN), "trust-invalid");
  const { oldRootKeyIds, newRootKeyIds, replace } = await prepareForgetting(trust, GUN);
  assert.deepEqual([oldRootKeyIds, newRootKeyIds], [[old.rootKeyId], [rootKeyId]]);
  await failsWith(openRepository(trust, GUN), "trust-invalid");
  await replace!();
  await openRepository(trust, GUN);
  assert.equal((await prepareForgetting(trust, GUN)).replace, undefined, "there is nothing to forget now");
});

Deno.test("forget: a copy that another process has changed meanwhile is left alone", async () => {
  const { trust } = await setUpAnew();
  const { replace } = await prepareForgetting(trust, GUN);
  const changed = new Map([["snapshot", utf8("by another process")]] as const);
  assert.ok(await trust.store.write(GUN, changed));
  await failsWith(replace!(), "stale", "was changed by another process meanwhile");
  assert.deepEqual((await trust.store.read(GUN)).get("snapshot"), changed.get("snapshot"));
});

Deno.test("forget: ended at any write, it is done by running it again", () =>
  inFolder(async (folder) => {
    const { trust: { store: old, ...trust } } = await setUpAnew();
    for (let nth = 0, ended = true; ended; nth++) {
      const store = createFileMetadataStore(`${folder}/${nth}`);
      await store.write(GUN, await old.read(GUN));
      const again = async () => await (await prepareForgetting({ ...trust, store }, GUN)).replace?.();
      let left = nth;
      {
        using _ = beforeWrites(() => {
          if (left-- === 0) throw new Error("ended here");
        });
        ended = await again().then(() => false, () => true);
      }
      assert.ok(ended || nth >= 4, "root, targets, snapshot and timestamp are written");
      await again();
      await openRepository({ ...trust, store }, GUN);
    }
  }));

Deno.test("forget: a root that cannot be read any more names no keys, and goes", async () => {
  const { rootKeyId, trust } = await setUpAnew();
  await trust.store.write(GUN, new Map([["root", utf8("{")]]));
  const { oldRootKeyIds, replace } = await prepareForgetting(trust, GUN);
  assert.deepEqual(oldRootKeyIds, []);
  await replace?.();
  const { repository } = await openRepository(trust, GUN);
  assert.deepEqual([...repository.root.roles.root.keys.values()].map(({ canonicalId }) => canonicalId), [rootKeyId]);
});

Deno.test("forget: what shows older data under the same root is the same repository, and nothing is forgotten", async () => {
  const world = await FlowWorld.begin();
  const { rootKeyId } = await world.init(GUN);
  const shown = new Map<string, Response>();
  world.between = async (request, send) => {
    const answer = await send(request);
    if (request.method === "GET" && answer.ok) shown.set(request.url, answer.clone());
    return answer;
  };
  await openRepository(world.trust(), GUN);
  world.between = (request, send) => send(request);
  await sign(world, "v1");
  const trust = pinned(world.trust(), rootKeyId);
  await openRepository(trust, GUN);
  const copy = await trust.store.read(GUN);
  world.between = async (request, send) => shown.get(request.url)?.clone() ?? await send(request);
  await failsWith(
    prepareForgetting(trust, GUN),
    "trust-invalid",
    "was not set up anew",
    "has a key that is known here",
  );
  assert.deepEqual(await trust.store.read(GUN), copy);
});

Deno.test("delete-key: a targets key is needed until another key has signed, and not where it is not trusted", async () => {
  const world = await FlowWorld.begin();
  await failsWith(openRepository(world.trust(), GUN), "not-found");
  assert.deepEqual(await proveNeedless(world.trust(), GUN, "a1".repeat(32)), { kind: "no-repository" });
  const { targetsKeyId } = await world.init(GUN);
  assert.deepEqual(await proveNeedless(world.trust(), GUN, "a1".repeat(32)), { kind: "not-trusted" });
  assert.deepEqual(await proveNeedless(world.trust(), GUN, targetsKeyId), {
    kind: "replaced-by-delegation",
    signerKeyIds: [world.delegationKey.canonicalId],
    provedBy: undefined,
  });
  await sign(world, "v1");
  const { provedBy } = await proveNeedless(world.trust(), GUN, targetsKeyId) as { provedBy: { tag: string } };
  assert.equal(provedBy.tag, "v1");
  world.at = new Date("2031-01-01T00:00:00Z"); // all has expired, and what cannot be read proves nothing
  await failsWith(proveNeedless(world.trust(), GUN, targetsKeyId), "trust-invalid", "expired");
});

Deno.test("a role that wants several signatures is none that one key signs for", async () => {
  const world = await FlowWorld.begin();
  await world.init(GUN);
  const { repository } = await openRepository(world.trust(), GUN);
  const { root } = repository;
  const wants = (threshold: number) => ({
    ...repository,
    root: { ...root, roles: { ...root.roles, targets: { ...root.roles.targets, threshold } } },
  });
  await failsWith(findRoleKey(wants(2), "targets", world.keys), "bad-input", `Targets of "${GUN}" needs 2 signatures`);
  await failsWith(findRoleKey(wants(1), "targets", new MemoryKeyStore()), "not-found");
  const key = await findRoleKey(wants(1), "targets", world.keys);
  assert.ok([...root.roles.targets.keys.values()].some(({ canonicalId }) => canonicalId === key.canonicalId));
});
