/** The copy of a repository that is new here, where a key signs for it: its root is kept at once, the rest after the read back. */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { heldStore } from "../../lib/notary/held_store.ts";
import { createMemoryMetadataStore, type FileChanges, type MetadataStore } from "../../lib/notary/metadata_store.ts";
import { TagsealError } from "../../lib/errors.ts";
import { signTags } from "../../lib/schemes/notary_v1/sign_tags.ts";
import type { RoleName } from "../../lib/tuf/roles.ts";
import { failsWith } from "../support/failures.ts";
import { FlowWorld } from "../support/flow_world.ts";

const GUN = "registry.test/acme/app";
const files = (...named: [RoleName, string][]) =>
  new Map(named.map(([name, text]): [RoleName, Bytes] => [name, utf8(text)]));
const NONE: ReadonlyMap<RoleName, Bytes> = new Map();

/** A store that tells how often it is written. */
function counting(): MetadataStore & { readonly writes: FileChanges[] } {
  const store = createMemoryMetadataStore();
  const writes: FileChanges[] = [];
  return {
    ...store,
    writes,
    write(gun, changes, before) {
      writes.push(changes);
      return store.write(gun, changes, before);
    },
  };
}

Deno.test("held store: of a repository that is new, all but the root is written once, with the second writing", async () => {
  const store = counting();
  const held = heldStore(store);
  const first = files(["root", "r1"], ["targets", "t1"]);
  assert.equal(await held.write(GUN, new Map([...first, ["targets/gone", undefined] as const]), NONE), true);
  assert.deepEqual(await held.read(GUN), first, "it counts as kept in this command");
  assert.deepEqual(await store.read(GUN), files(["root", "r1"]), "the root is");
  assert.equal(await held.write(GUN, files(["targets", "t2"]), first), true);
  assert.deepEqual(await store.read(GUN), files(["root", "r1"], ["targets", "t2"]));
  await held.keep(GUN);
  assert.equal(store.writes.length, 2);
});

Deno.test("held store: what waits is written by keep, and a copy that is there by then stands", async () => {
  const store = counting();
  const held = heldStore(store);
  await held.write(GUN, files(["root", "r1"], ["targets", "t1"]), NONE);
  await held.keep(GUN);
  assert.deepEqual(await store.read(GUN), files(["root", "r1"], ["targets", "t1"]));
  const other = heldStore(store);
  const there = await other.read(GUN);
  assert.equal(await other.write(GUN, files(["root", "r2"]), there), true, "it is not new");
  assert.deepEqual(await store.read(GUN), files(["root", "r2"], ["targets", "t1"]));

  const late = heldStore(store);
  const fresh = "registry.test/acme/fresh";
  const mine = files(["root", "mine"], ["targets", "mine"]);
  await late.write(fresh, mine, NONE);
  await store.write(fresh, files(["root", "theirs"]));
  assert.equal(await late.write(fresh, files(["targets", "newer"]), mine), false);
  assert.deepEqual(await late.read(fresh), files(["root", "theirs"]), "verified anew against what is there");
  await late.keep(fresh);
  assert.deepEqual(await store.read(fresh), files(["root", "theirs"]));
  const first = heldStore(store);
  assert.equal(await first.write(fresh, mine, NONE), false, "somebody else was first");
  assert.deepEqual(await first.read(fresh), files(["root", "theirs"]));
});

/** A repository with a delegation whose key is at hand. */
async function withKey() {
  const world = await FlowWorld.begin();
  const signer = await world.initWithKey(GUN);
  const task = (store: MetadataStore, tags: string[]) => ({
    ...world.task(GUN, tags),
    trust: { ...world.trust(), store },
    signer: "ci",
    holder: signer.holder,
  });
  return { world, signer, task };
}

Deno.test("a sign by a key writes the root of a new repository at once and the rest after the read back, or where it fails", async () => {
  const { world, signer, task } = await withKey();
  const store = counting();
  await signTags([task(store, ["v1"])], { ...world.options, signer });
  assert.deepEqual(store.writes.map((changes) => [...changes.keys()].length), [1, 6], "the root, then all");
  const copy = await store.read(GUN);
  await signTags([task(store, ["v2"])], { ...world.options, signer });
  assert.notDeepEqual(await store.read(GUN), copy);

  const refusing = { ...signer, sign: () => Promise.reject(new Error("the key is gone")) };
  for (const [tag, by] of [["v1", signer], ["v3", refusing]] as const) {
    const fresh = counting();
    const signing = signTags([task(fresh, [tag])], { ...world.options, signer: by });
    if (by === refusing) await assert.rejects(signing, /the key is gone/);
    else assert.equal((await signing).repositories[0]!.outcome, "unchanged");
    assert.equal((await fresh.read(GUN)).size, 6, tag);
  }
});

Deno.test("where the copy cannot be written, a sign by a key ends before anything is published", async () => {
  const { world, signer, task } = await withKey();
  const denied = new TagsealError("bad-input", "The folder cannot be locked", { remedy: "Choose another" });
  const store = { ...createMemoryMetadataStore(), write: () => Promise.reject(denied) };
  let posts = 0;
  world.between = (request, send) => {
    if (request.method === "POST") posts++;
    return send(request);
  };
  await failsWith(signTags([task(store, ["v1"])], { ...world.options, signer }), "bad-input", "cannot be locked");
  assert.equal(posts, 0);
});

Deno.test("who waits for a service has what is trusted kept before anything is filed", async () => {
  const world = await FlowWorld.begin();
  await world.init(GUN);
  const store = counting();
  let keptBefore = 0;
  const { signer } = world.options;
  const watching = {
    ...signer,
    sign: (batch: Parameters<typeof signer.sign>[0]) => {
      keptBefore = store.writes.length;
      return signer.sign(batch);
    },
  };
  const task = { ...world.task(GUN, ["v1"]), trust: { ...world.trust(), store }, holder: signer.holder };
  await signTags([task], { ...world.options, signer: watching });
  assert.equal(keptBefore, 1);
});
