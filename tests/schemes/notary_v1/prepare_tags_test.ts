/** What has to be signed in one repository, and with which key. */
import assert from "node:assert/strict";
import { isJsonObject, type JsonObject, parseJson } from "../../../lib/bytes/json.ts";
import { canonicalJson } from "../../../lib/bytes/canonical_json.ts";
import { sha256Hex } from "../../../lib/crypto/hash.ts";
import type { PublicKey } from "../../../lib/crypto/keys.ts";
import { TagsealError } from "../../../lib/errors.ts";
import { addDelegation } from "../../../lib/flows/add_delegation.ts";
import { initRepository } from "../../../lib/flows/init_repository.ts";
import { type PreparedChange, prepareTags, type TagsToSign } from "../../../lib/schemes/notary_v1/prepare_tags.ts";
import { publish } from "../../../lib/notary/repository.ts";
import { openRoleSigner } from "../../../lib/flows/role_signer.ts";
import { signTags } from "../../../lib/schemes/notary_v1/sign_tags.ts";
import { assembleFile, nextTargets, withDelegationKey, withTargets } from "../../../lib/tuf/edit.ts";
import { failsWith } from "../../support/failures.ts";
import { FlowWorld, manifestOf } from "../../support/flow_world.ts";
import { certified, changed, newKey } from "../../support/trust_builder.ts";

const GUN = "registry.test/acme/app";

async function ready(...signed: string[]): Promise<FlowWorld> {
  const world = await FlowWorld.begin();
  await world.init(GUN);
  if (signed.length > 0) await signTags([world.task(GUN, signed)], { ...world.options, attempts: 1 });
  return world;
}

const prepare = async (world: FlowWorld, task: TagsToSign): Promise<PreparedChange> =>
  (await prepareTags(task, world.now())).change ?? assert.fail("there is nothing to sign");

function targetsIn(bytes: Uint8Array<ArrayBuffer>): JsonObject {
  const signed = parseJson(bytes);
  assert.ok(isJsonObject(signed) && isJsonObject(signed["targets"]));
  return signed["targets"];
}

/** Changes the repository's targets, as its owner does. */
async function owner(world: FlowWorld, change: (signed: JsonObject) => JsonObject): Promise<void> {
  const trust = world.trust();
  let version = 0;
  await publish(trust, GUN, ["targets"], { attempts: 1 }, {
    isThere: ({ targets }) => version > 0 && targets.version >= version,
    async make(repository) {
      const { keyId, signer } = await openRoleSigner(repository, "targets", world.keys);
      version = repository.targets.version + 1;
      const payload = canonicalJson(nextTargets(change(repository.targets.envelope.signed), version, trust.now()));
      return new Map([["targets" as const, assembleFile(payload, [{ keyId, signature: await signer.sign(payload) }])]]);
    },
  });
}

Deno.test("prepared: facts, payloads of both roles, and the trust data they come from", async () => {
  const world = await ready("v1");
  const { facts, keys: [key], payloads, trust } = await prepare(world, world.task(GUN, ["v1", "v2"]));
  assert.equal(key.canonicalId, world.delegationKey.canonicalId);
  assert.deepEqual(facts, {
    repository: GUN,
    notaryUrl: "https://notary.test",
    root: { version: 1, sha256: sha256Hex(trust.get("root")!) },
    delegationKeyId: key.canonicalId,
    tags: [
      { ...manifestOf("v1"), previousDigest: manifestOf("v1").digest },
      { ...manifestOf("v2"), previousDigest: null },
    ],
    removedTags: [],
  });
  assert.deepEqual(payloads.map(({ role, baseVersion, version }) => [role, baseVersion, version]), [
    ["targets/releases", 1, 2],
    ["targets/signpath", 1, 2],
  ]);
  for (const { bytes } of payloads) assert.deepEqual(Object.keys(targetsIn(bytes)).sort(), ["v1", "v2"]);
  assert.deepEqual([...trust.keys()].sort(), [
    "root",
    "snapshot",
    "targets",
    "targets/releases",
    "targets/signpath",
    "timestamp",
  ]);
});

Deno.test("where all is as it shall be there is no change, and no key has to sign", async () => {
  const world = await ready("v1", "v2");
  const prepared = await prepareTags(world.task(GUN, ["v2", "v1"]), world.now());
  assert.deepEqual(prepared, { repository: GUN, tags: [manifestOf("v2"), manifestOf("v1")] });
});

Deno.test("a role that is as it shall be is left alone", async () => {
  const world = await ready("v1");
  const other = await FlowWorld.begin();
  await addDelegation(world.trust(), world.keys, { gun: GUN, name: "team", key: other.delegationKey });
  const task = { ...world.task(GUN, ["v1"]), signer: "team" };
  const { payloads } = await prepare(world, task);
  assert.deepEqual(payloads.map(({ role, baseVersion }) => [role, baseVersion]), [["targets/team", 0]]);
});

Deno.test("a tag to withdraw is gone from both payloads; others stay", async () => {
  const world = await ready("v1", "v2");
  const { facts, payloads } = await prepare(world, { ...world.task(GUN, []), remove: ["v1"] });
  assert.deepEqual([facts.tags, facts.removedTags], [[], [{ tag: "v1", previousDigest: manifestOf("v1").digest }]]);
  for (const { bytes } of payloads) assert.deepEqual(Object.keys(targetsIn(bytes)), ["v2"]);
});

Deno.test("a tag to withdraw may be in one role alone, and whoever withdraws asks no registry", async () => {
  const world = await ready("v1");
  const other = await FlowWorld.begin();
  await addDelegation(world.trust(), world.keys, { gun: GUN, name: "team", key: other.delegationKey });
  const { trust, gun } = world.task(GUN, []);
  const { payloads } = await prepare(world, { trust, gun, signer: "team", remove: ["v1"] });
  assert.deepEqual(payloads.map(({ role }) => role), ["targets/releases"]);
});

Deno.test("what is gone by the time that all is begun anew is no mistake", async () => {
  const world = await ready("v1");
  const task = { ...world.task(GUN, []), remove: ["v1", "v9"] };
  await failsWith(prepareTags(task, world.now()), "not-found", '"v9"');
  const { facts } = await prepare(world, { ...task, mayBeGone: true });
  assert.deepEqual(facts.removedTags.map(({ tag, previousDigest }) => [tag, previousDigest === null]), [
    ["v1", false],
    ["v9", true],
  ]);
});

Deno.test("roles to renew are made anew though they are as they shall be", async () => {
  const world = await ready("v1");
  const task = world.task(GUN, ["v1"]);
  assert.equal((await prepareTags(task, world.now())).change, undefined);
  for (const renew of [["targets/signpath"], ["targets/releases", "targets/signpath"]]) {
    const { payloads } = await prepare(world, { ...task, renew });
    assert.deepEqual(payloads.map(({ role }) => role), renew);
  }
});

Deno.test("before a service is asked, the server must sign snapshots, and let the user publish who will", async (t) => {
  const world = await ready();
  const { trust, ...rest } = world.task(GUN, ["v1"]);
  const { server } = trust;
  let answer: (() => Promise<PublicKey>) | undefined;
  let asked = 0;
  const managedKey: typeof server.managedKey = (...call) => {
    asked++;
    return answer?.() ?? server.managedKey(...call);
  };
  const bare = { ...rest, trust: { ...trust, server: { ...server, managedKey } } };
  const task = { ...bare, holder: { kind: "service" } } as const;
  const asks = async (task: TagsToSign) => {
    asked = 0;
    await prepare(world, task);
    return asked;
  };
  await t.step("it does", async () => {
    assert.deepEqual([await asks(task), await asks({ ...task, publishes: true })], [1, 1]);
  });
  await t.step("keys at hand: nobody has to approve, and the server says it when they publish", async () => {
    const holder = { kind: "keys", atHand: () => Promise.resolve(new Set([world.delegationKey.canonicalId])) } as const;
    assert.deepEqual([await asks({ ...bare, holder }), await asks(bare)], [0, 0]);
  });
  await t.step("it signs them with another key", async () => {
    answer = () => Promise.resolve(newKey().publicKey);
    for (const publishes of [false, true]) {
      const error = await failsWith(prepareTags({ ...task, publishes }, world.now()), "bad-input", "snapshot key");
      assert.equal(error.next?.do, "let-server-sign-snapshot");
    }
  });
  await t.step("it does not know who asks: whoever publishes is told now, and nobody else", async () => {
    answer = () => Promise.reject(new TagsealError("unauthenticated", "Who are you?", { remedy: "Say it" }));
    await failsWith(prepareTags({ ...task, publishes: true }, world.now()), "unauthenticated", "Who are you?");
    assert.equal(await asks(task), 1);
  });
});

Deno.test("a policy whose key cannot be asked about fails where something is to be signed, and nowhere else", async () => {
  const world = await ready("v1");
  const down = new TagsealError("unavailable", "SignPath does not answer", { remedy: "Try again" });
  const holder = { kind: "service", policyKey: () => Promise.reject(down) } as const;
  assert.equal((await prepareTags({ ...world.task(GUN, ["v1"]), holder }, world.now())).change, undefined);
  await failsWith(prepareTags({ ...world.task(GUN, ["v2"]), holder }, world.now()), "unavailable", "does not answer");
  const missing = new TagsealError("not-found", "There is no such tag", { remedy: "Push it" });
  const sign = { tags: ["v2"], lookUp: () => Promise.reject(missing) };
  await failsWith(prepareTags({ ...world.task(GUN, []), sign, holder }, world.now()), "not-found", "no such tag");
});

Deno.test("a tag to withdraw must be there; one that targets holds as well is told", async (t) => {
  const world = await ready("v1", "v2");
  const sha256 = "ab".repeat(32);
  await owner(
    world,
    (signed) => withTargets(signed, new Map([["v1", { length: 5, sha256 }], ["owner", { length: 5, sha256 }]])),
  );
  const told: string[] = [];
  const task = (remove: string[]): TagsToSign => ({
    ...world.task(GUN, []),
    remove,
    onStillSigned: (tag) => told.push(tag),
  });
  await t.step("told", async () => {
    await prepare(world, task(["v1", "v2"]));
    assert.deepEqual(told.splice(0), ["v1"]);
  });
  await t.step("in no role", async () => {
    const error = await failsWith(prepareTags(task(["v2", "v9", "v8"]), world.now()), "not-found", '"v9", "v8"', GUN);
    assert.deepEqual(error.details["tags"], ["v9", "v8"]);
    assert.deepEqual(error.next, { do: "list-tags" });
    assert.deepEqual(told.splice(0), []);
  });
  await t.step("in targets alone", async () => {
    await failsWith(prepareTags(task(["owner"]), world.now()), "not-found", '"owner"');
    assert.deepEqual(told.splice(0), ["owner"]);
  });
  await t.step("in a repository whose roles were never published", async () => {
    const empty = await ready();
    await failsWith(prepareTags({ ...empty.task(GUN, []), remove: ["v1"] }, empty.now()), "not-found", '"v1"');
  });
});

Deno.test("a look-up that fails ends the work only when nothing is under way any more", async () => {
  const world = await ready();
  let underWay = 0;
  world.between = async (request, send) => {
    underWay++;
    await new Promise((resolve) => setTimeout(resolve, 20));
    return await send(request).finally(() => underWay--);
  };
  const missing = new TagsealError("not-found", "There is no such tag", { remedy: "Push it" });
  const task = { ...world.task(GUN, []), sign: { tags: ["v1"], lookUp: () => Promise.reject(missing) } };
  await failsWith(prepareTags(task, world.now()), "not-found", "There is no such tag");
  assert.equal(underWay, 0);
  assert.ok((await task.trust.store.read(GUN)).has("timestamp"), "what was verified is kept");
});

Deno.test("keys at hand that cannot be listed end the work, too", async () => {
  const world = await ready();
  const locked = new TagsealError("forbidden", "The token is locked", { remedy: "Unlock it" });
  const task = { ...world.task(GUN, ["v1"]), holder: { kind: "keys", atHand: () => Promise.reject(locked) } } as const;
  await failsWith(prepareTags(task, world.now()), "forbidden", "The token is locked");
});

Deno.test("the registry is asked for a bounded number of tags at a time", async () => {
  const world = await ready();
  let underWay = 0, peak = 0;
  const tags = Array.from({ length: 60 }, (_, n) => `v${n}`);
  const lookUp = async (tag: string) => {
    peak = Math.max(peak, ++underWay);
    await new Promise((resolve) => setTimeout(resolve, 1));
    underWay--;
    return manifestOf(tag);
  };
  const { facts } = await prepare(world, { ...world.task(GUN, []), sign: { tags, lookUp } });
  assert.deepEqual(facts.tags.map(({ tag }) => tag), tags);
  assert.equal(peak, 16);
});

Deno.test("the key that signs is told apart", async (t) => {
  const world = await ready();
  const other = await FlowWorld.begin();
  const task = world.task(GUN, ["v1"]);
  const [first, second] = [world.delegationKey.canonicalId, other.delegationKey.canonicalId] as const;
  const atHand = (...ids: string[]): TagsToSign => ({
    ...task,
    holder: { kind: "keys", atHand: () => Promise.resolve(new Set(ids)) },
  });
  await t.step("no such delegation", async () => {
    await failsWith(prepareTags({ ...task, signer: "team" }, world.now()), "not-found", 'no delegation "targets/team"');
  });
  await t.step("one key, which is not at hand", async () => {
    const error = await failsWith(prepareTags(atHand(second), world.now()), "not-found", '"targets/signpath"', GUN);
    assert.ok(error.remedy.includes(first.slice(0, 12)), error.remedy);
    assert.deepEqual(error.details["keyIds"], [first]);
  });
  await addDelegation(world.trust(), world.keys, { gun: GUN, name: "signpath", key: other.delegationKey });
  await t.step("several keys: whichever of them a service has", async () => {
    const { facts, keys } = await prepare(world, task);
    const ids = keys.map(({ canonicalId }) => canonicalId);
    assert.deepEqual(new Set(ids), new Set([first, second]));
    assert.deepEqual([facts.delegationKeyId, ...facts.alternativeKeyIds ?? []], ids);
  });
  await t.step("several keys at hand", async () => {
    const error = await failsWith(prepareTags(atHand(first, second), world.now()), "bad-input", "several keys");
    assert.match(error.remedy, /^Name one of them, or its certificate: /);
    assert.ok(error.next?.do === "name-key");
    assert.deepEqual(new Set(error.next.keyIds), new Set([first, second]));
    assert.equal((error.details["keyIds"] as string[]).length, 2);
  });
  await t.step("several keys, and the policy's is one of them, or none", async () => {
    const of = (keyId: string): TagsToSign => ({
      ...task,
      holder: { kind: "service", policyKey: () => Promise.resolve({ policy: "release", keyId }) },
    });
    for (const id of [first, second]) {
      const { facts, keys } = await prepare(world, of(id));
      assert.deepEqual([keys.length, keys[0].canonicalId, facts.alternativeKeyIds], [1, id, undefined]);
    }
    const error = await failsWith(
      prepareTags(of("ab".repeat(32)), world.now()),
      "bad-input",
      'The signing policy "release" signs with the key abababababab, which may not sign for',
    );
    assert.match(error.remedy, /^Nothing was sent to SignPath.*or add this one, with the targets key$/);
    assert.equal(error.next?.do, "name-policy-or-delegate");
    await failsWith(prepareTags({ ...of(first), keyId: second }, world.now()), "bad-input", "may not sign");
  });
  await t.step("several keys, one of them at hand", async () => {
    for (const id of [first, second]) {
      assert.equal((await prepare(world, atHand(id, "strange"))).keys[0].canonicalId, id);
    }
  });
  await t.step("several keys, none of them at hand", async () => {
    const error = await failsWith(prepareTags(atHand(), world.now()), "not-found", "is here");
    for (const id of [first, second]) assert.ok(error.remedy.includes(id.slice(0, 12)), error.remedy);
  });
  await t.step("named by its certificate", async () => {
    for (const keyId of [first, second, first.slice(0, 7)]) {
      assert.equal((await prepare(world, { ...task, keyId })).keys[0].canonicalId, keyId === second ? second : first);
    }
    await failsWith(prepareTags({ ...atHand(first), keyId: second }, world.now()), "not-found", "is here");
  });
  await t.step("a key that is not there", async () => {
    const stranger = (await FlowWorld.begin()).delegationKey.canonicalId;
    await failsWith(prepareTags({ ...task, keyId: stranger }, world.now()), "bad-input", "the key is not in both");
  });
});

Deno.test("only targets/releases is there: it is said, with what that means and what to do", async () => {
  const world = await FlowWorld.begin();
  await initRepository(world.trust(), world.keys, { gun: GUN });
  await publish(world.trust(), GUN, [], { attempts: 1 }, {
    isThere: ({ targets }) => targets.delegations.length > 0,
    async make(repository) {
      const { signer, keyId } = await openRoleSigner(repository, "targets", world.keys);
      const { signed } = repository.targets.envelope;
      const next = withDelegationKey(signed, "targets/releases", world.delegationKey, [""]);
      const payload = canonicalJson(nextTargets(next, repository.targets.version + 1, world.now()));
      return new Map([["targets" as const, assembleFile(payload, [{ keyId, signature: await signer.sign(payload) }])]]);
    },
  });
  const alone = await failsWith(
    prepareTags(world.task(GUN, ["v1"]), world.now()),
    "not-found",
    'no delegation "targets/signpath"',
    '"targets/releases" is its only one',
  );
  assert.match(alone.remedy, /targets key add it, with the signing key's certificate$/);
  assert.deepEqual(alone.next, { do: "have-delegation-added", others: [] });
  await addDelegation(world.trust(), world.keys, { gun: GUN, name: "team", key: world.delegationKey });
  const named = await failsWith(prepareTags(world.task(GUN, ["v1"]), world.now()), "not-found", "targets/signpath");
  assert.match(named.remedy, /as another one: team$/);
  assert.deepEqual(named.next, { do: "have-delegation-added", others: ["team"] });
});

Deno.test("a renewed certificate of the same key is no second key", async () => {
  const world = await FlowWorld.begin();
  await initRepository(world.trust(), world.keys, { gun: GUN });
  const key = newKey();
  for (const commonName of ["old", "new"]) {
    const { publicKey } = await certified(key, { commonName });
    await addDelegation(world.trust(), world.keys, { gun: GUN, name: "signpath", key: publicKey });
  }
  assert.equal((await prepare(world, world.task(GUN, ["v1"]))).keys[0].canonicalId, key.publicKey.canonicalId);
});

Deno.test("a delegation that does not reach the tag, or wants two signatures, is refused", async (t) => {
  await t.step("paths", async () => {
    const world = await ready();
    await owner(world, (signed) => {
      const limited = changed(signed, ["delegations", "roles", 1, "paths"], ["release-"]);
      return limited;
    });
    const names = await failsWith(
      prepareTags(world.task(GUN, ["v1"]), world.now()),
      "bad-input",
      'may not sign the tag "v1"',
    );
    assert.match(names.remedy, /paths/);
    await prepare(world, world.task(GUN, ["release-1"]));
  });
  await t.step("threshold", async () => {
    const world = await ready();
    const other = await FlowWorld.begin();
    await addDelegation(world.trust(), world.keys, { gun: GUN, name: "signpath", key: other.delegationKey });
    await owner(world, (signed) => changed(signed, ["delegations", "roles", 0, "threshold"], 2));
    await failsWith(prepareTags(world.task(GUN, ["v1"]), world.now()), "bad-input", "needs 2 signatures");
  });
});
