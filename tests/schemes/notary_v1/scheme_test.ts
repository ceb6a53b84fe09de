/** Docker Content Trust as a scheme: what is signed and how, which signatures are good, what others do meanwhile. */
import assert from "node:assert/strict";
import { createMemoryMetadataStore, type MetadataStore } from "../../../lib/notary/metadata_store.ts";
import { addDelegation } from "../../../lib/flows/add_delegation.ts";
import type { Bytes } from "../../../lib/bytes/bytes.ts";
import type { TagsToSign } from "../../../lib/schemes/notary_v1/prepare_tags.ts";
import type { PushResult } from "../../../lib/schemes/notary_v1/push_trust_data.ts";
import { dctJob, notaryV1 } from "../../../lib/schemes/notary_v1/scheme.ts";
import { signTags } from "../../../lib/schemes/notary_v1/sign_tags.ts";
import type { Job, SignedPart } from "../../../lib/signing/scheme.ts";
import { failsWith } from "../../support/failures.ts";
import { FlowWorld, manifestOf } from "../../support/flow_world.ts";
import { KEYS, newKey, type TestKey } from "../../support/trust_builder.ts";

const GUN = "registry.test/acme/app";
const ROLES = ["targets/releases", "targets/ci"];

/** A repository in which each of these keys may sign, and whoever signs there. */
async function ready(...keys: TestKey[]): Promise<FlowWorld> {
  const world = await FlowWorld.begin();
  await world.init(GUN);
  for (const { publicKey: key } of keys) await addDelegation(world.trust(), world.keys, { gun: GUN, name: "ci", key });
  return world;
}

const taskOf = (world: FlowWorld, tags: string[]): TagsToSign => ({ ...world.task(GUN, tags), signer: "ci" });

/** Prepares a job of which something is to be signed, and signs its payloads with what `keyOf` says. */
async function begun(world: FlowWorld, job: Job<PushResult>, keyOf: (nth: number) => TestKey | undefined) {
  const prepared = await job.prepare(world.now());
  assert.ok(prepared.outcome === "to-sign");
  const payloads = prepared.part.payloads.map(({ bytes }, nth) => ({ id: `p${nth}`, bytes }));
  const signatures = new Map<string, Bytes>();
  for (const [nth, { id, bytes }] of payloads.entries()) {
    const signature = await keyOf(nth)?.signer.sign(bytes);
    if (signature) signatures.set(id, signature.bytes);
  }
  const part: SignedPart = { payloads, signatures, wasAway: false, beginsAnew: true };
  return { ...prepared, signed: part };
}

/** Somebody else signs a tag, with the delegation `signpath`. */
const others = (world: FlowWorld, tag: string) => signTags([world.task(GUN, [tag])], { ...world.options, attempts: 1 });

/** Counts what is asked of the server. */
function counted(task: TagsToSign): { readonly task: TagsToSign; readonly asked: string[] } {
  const asked: string[] = [];
  const { server } = task.trust;
  const read: typeof server.read = (gun, name, ...more) => (asked.push(name), server.read(gun, name, ...more));
  return { task: { ...task, trust: { ...task.trust, server: { ...server, read } } }, asked };
}

Deno.test("dct: what is signed is SHA-256, RSA by PKCS #1, and whoever approves is told of roles and tags", async () => {
  const world = await ready(KEYS.releases);
  const job = dctJob(taskOf(world, ["v1"]));
  const { part } = await begun(world, job, () => KEYS.releases);
  assert.deepEqual([job.repository, job.scheme, part.member], [GUN, "dct", "repositories"]);
  const { outcome } = await notaryV1.prepare({ ...taskOf(world, ["v1"]), repository: GUN }, world.now());
  assert.equal(outcome, "to-sign");
  for (const [i, { rules, keys, about }] of part.payloads.entries()) {
    assert.deepEqual(rules, { hash: "sha256", rsaPadding: "pkcs1" });
    assert.deepEqual(keys.map(({ canonicalId }) => canonicalId), [KEYS.releases.publicKey.canonicalId]);
    assert.deepEqual(about, {
      repository: GUN,
      subject: `${ROLES[i]}, version 1`,
      facts: { Role: ROLES[i], Version: 1 },
      tags: [{ ...manifestOf("v1"), previousDigest: null }],
      removedTags: [],
    });
  }
});

Deno.test("dct: signatures are good where one of the keys made each of them", async () => {
  const [one, other, stranger] = [newKey(), newKey(), newKey()];
  const world = await ready(one, other);
  const check = async (...keys: (TestKey | undefined)[]) => {
    const { check, signed } = await begun(world, dctJob(taskOf(world, ["v1"])), (nth) => keys[nth]);
    await check(signed);
  };
  for (const keys of [[one, one], [other, other], [one, other], [other, one]]) await check(...keys);
  for (const bad of [stranger, undefined]) {
    await failsWith(check(bad, one), "trust-invalid", ROLES[0]!, GUN);
    await failsWith(check(one, bad), "trust-invalid", ROLES[1]!, GUN);
  }
});

Deno.test("dct: who looks is told that others have published, and of nothing else", async () => {
  const world = await ready(KEYS.releases);
  const { look } = await begun(world, dctJob(taskOf(world, ["v1"])), () => KEYS.releases);
  await look!();
  await others(world, "v2");
  await failsWith(look!(), "stale", GUN);
});

Deno.test("dct: what is prepared again is read anew, and a tag stays what it stood for at first", async () => {
  const world = await ready(KEYS.releases);
  const looked: string[] = [];
  const { task, asked } = counted(taskOf(world, []));
  const lookUp = (tag: string) => {
    looked.push(tag);
    return Promise.resolve(manifestOf(tag, `${tag} ${looked.length}`));
  };
  const job = dctJob({ ...task, sign: { tags: ["v1", "v2"], lookUp } });
  const first = await begun(world, job, () => KEYS.releases);
  await others(world, "v3");
  const once = asked.length;
  const second = await begun(world, job, () => KEYS.releases);
  assert.ok(asked.length > once);
  assert.deepEqual(looked, ["v1", "v2"]);
  const digests = ({ part }: typeof first) => part.payloads[0]!.about.tags.map(({ digest }) => digest);
  assert.deepEqual(digests(second), digests(first));
  assert.equal((await second.publish(second.signed)).outcome, "published");
});

Deno.test("dct: who comes back from an approval publishes on top of what is read anew", async () => {
  for (const wasAway of [false, true]) {
    const world = await ready(KEYS.releases);
    const { task, asked } = counted(taskOf(world, ["v1"]));
    const { publish, signed } = await begun(world, dctJob(task), () => KEYS.releases);
    asked.length = 0;
    assert.equal((await publish({ ...signed, wasAway })).outcome, "published");
    assert.equal(asked.filter((name) => name === "timestamp").length, wasAway ? 2 : 1);
  }
});

Deno.test("dct: what others withdraw meanwhile is no mistake, and is told as what was asked for", async () => {
  const world = await ready(KEYS.releases);
  await others(world, "v1");
  const { trust, gun } = taskOf(world, []);
  const job = dctJob({ trust, gun, signer: "ci", remove: ["v1"] });
  await begun(world, job, () => KEYS.releases);
  await signTags([{ ...world.task(GUN, []), remove: ["v1"] }], { ...world.options, attempts: 1 });
  const result = { repository: GUN, outcome: "unchanged", tags: [], removedTags: ["v1"], roles: [] };
  assert.deepEqual(await job.prepare(world.now()), { outcome: "unchanged", result });
  await failsWith(dctJob({ trust, gun, signer: "ci", remove: ["v1"] }).prepare(world.now()), "not-found", '"v1"');
});

Deno.test("dct: where all is as it shall be, that is told of each tag", async () => {
  const world = await ready(KEYS.releases);
  const job = dctJob(taskOf(world, ["v1"]));
  const { publish, signed } = await begun(world, job, () => KEYS.releases);
  await publish(signed);
  const { digest } = manifestOf("v1");
  const tags = [{ tag: "v1", digest, previousDigest: digest }];
  const result = { repository: GUN, outcome: "unchanged", tags, roles: [] };
  assert.deepEqual(await dctJob(taskOf(world, ["v1"])).prepare(world.now()), { outcome: "unchanged", result });
});

Deno.test("dct: with a key at hand a new repository's copy is written once it is published, or nothing more is done", async (t) => {
  const world = await ready(KEYS.releases);
  const holder = {
    keys: { kind: "keys", atHand: () => Promise.resolve(new Set([KEYS.releases.publicKey.canonicalId])) },
    service: { kind: "service" },
  } as const;
  const job = (kind: "keys" | "service", tag: string, store: MetadataStore = createMemoryMetadataStore()) => {
    const task = taskOf(world, [tag]);
    return { store, job: dctJob({ ...task, holder: holder[kind], trust: { ...task.trust, store } }) };
  };
  const kept = async (store: MetadataStore) => [...(await store.read(GUN)).keys()].sort();
  const all = ["root", "snapshot", "targets", "timestamp"];
  const after = [...all, ...ROLES].sort();
  await t.step("a service is waited for with all of it", async () => {
    const { store, job: ofService } = job("service", "v1");
    await begun(world, ofService, () => KEYS.releases);
    assert.deepEqual([await kept(store), ofService.ended], [all, undefined]);
  });
  await t.step("it ends unpublished", async () => {
    const { store, job: ofKey } = job("keys", "v1");
    await begun(world, ofKey, () => KEYS.releases);
    assert.deepEqual(await kept(store), ["root"]);
    await ofKey.ended!();
    assert.deepEqual(await kept(store), all);
  });
  await t.step("it is published", async () => {
    const { store, job: ofKey } = job("keys", "v1");
    const { publish, signed } = await begun(world, ofKey, () => KEYS.releases);
    await publish(signed);
    assert.deepEqual(await kept(store), after);
  });
  await t.step("all is as it shall be", async () => {
    const { store, job: ofKey } = job("keys", "v1");
    assert.equal((await ofKey.prepare(world.now())).outcome, "unchanged");
    assert.deepEqual(await kept(store), after);
  });
  await t.step("the disk is full: what has failed is told, and nothing else", async () => {
    const memory = createMemoryMetadataStore();
    const { job: ofKey } = job("keys", "v2", {
      ...memory,
      write: (gun, files, before) =>
        files.size > 1 ? Promise.reject(new Error("the disk is full")) : memory.write(gun, files, before),
    });
    await begun(world, ofKey, () => KEYS.releases);
    await ofKey.ended!();
  });
});
