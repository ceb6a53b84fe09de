/** Keys of other signers that cannot be used here: they stay where they are, and stop nobody. */
import assert from "node:assert/strict";
import { canonicalJson } from "../../lib/bytes/canonical_json.ts";
import { isJsonObject, type JsonObject, jsonObject, type JsonValue } from "../../lib/bytes/json.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import { addDelegation } from "../../lib/flows/add_delegation.ts";
import { dockerInspection } from "../../lib/flows/docker_inspection.ts";
import { prepareTags } from "../../lib/schemes/notary_v1/prepare_tags.ts";
import { removeDelegation } from "../../lib/flows/remove_delegation.ts";
import { repositoryStatus } from "../../lib/flows/repository_status.ts";
import { openRepository, publish } from "../../lib/notary/repository.ts";
import { openRoleSigner } from "../../lib/flows/role_signer.ts";
import { signTags } from "../../lib/schemes/notary_v1/sign_tags.ts";
import { listTags, verifyTags } from "../../lib/schemes/notary_v1/verify_tags.ts";
import { createMemoryMetadataStore } from "../../lib/notary/metadata_store.ts";
import { assembleFile, nextTargets } from "../../lib/tuf/edit.ts";
import type { DelegationRole } from "../../lib/tuf/roles.ts";
import { failsWith } from "../support/failures.ts";
import { FlowWorld, manifestOf } from "../support/flow_world.ts";
import { MemoryTrustServer } from "../support/memory_trust_server.ts";
import { AT, buildFiles, certified, changed, GUN, KEYS, newKey } from "../support/trust_builder.ts";

const NEW_KIND = jsonObject([
  ["keytype", "dilithium"],
  ["keyval", jsonObject([["private", null], ["public", "AAAA"]])],
]);
const NEW_ID = sha256Hex(canonicalJson(NEW_KIND));

/** Changes what targets says of delegations, as its owner's other program does. */
async function owner(world: FlowWorld, change: (delegations: JsonObject) => JsonValue): Promise<void> {
  const trust = world.trust();
  let done = false;
  await publish(trust, GUN, [], { attempts: 1 }, {
    isThere: () => done,
    async make(repository) {
      done = true;
      const { keyId, signer } = await openRoleSigner(repository, "targets", world.keys);
      const { signed } = repository.targets.envelope;
      const delegations = signed["delegations"];
      assert.ok(isJsonObject(delegations));
      const next = changed(signed, ["delegations"], change(delegations));
      const payload = canonicalJson(nextTargets(next, repository.targets.version + 1, trust.now()));
      return new Map([["targets" as const, assembleFile(payload, [{ keyId, signature: await signer.sign(payload) }])]]);
    },
  });
}

/** A world where `key` is in `targets/releases` and alone in `targets/other`, and a tag is signed. */
async function withForeignKey(id: string, key: JsonValue): Promise<FlowWorld> {
  const world = await FlowWorld.begin();
  await world.init(GUN);
  await signTags([world.task(GUN, ["v1"])], { ...world.options, attempts: 1 });
  await owner(world, (delegations) => {
    const filed = changed(changed(delegations, ["keys", id], key), ["roles", 0, "keyids", 1], id);
    const other = jsonObject([["keyids", [id]], ["name", "targets/other"], ["paths", [""]], ["threshold", 1]]);
    return changed(filed, ["roles", 2], other);
  });
  return world;
}

async function keyIdsOf(world: FlowWorld): Promise<Record<string, JsonValue>> {
  const { repository } = await openRepository(world.trust(), GUN);
  const { roles } = repository.targets.envelope.signed["delegations"] as unknown as {
    roles: { name: DelegationRole; keyids: JsonValue }[];
  };
  return Object.fromEntries(roles.map(({ name, keyids }) => [name, keyids]));
}

Deno.test("a signer's key of an unknown kind stops nobody, and stays until it is taken away by name", async () => {
  const world = await withForeignKey(NEW_ID, NEW_KIND);
  const own = world.delegationKey.id;
  assert.deepEqual((await listTags(world.trust(), GUN)).tags.map(({ tag }) => tag), ["v1"]);
  await signTags([world.task(GUN, ["v2"])], { ...world.options, attempts: 1 });
  await verifyTags(world.trust(), GUN, ["v1", "v2"]);
  const { repository } = await openRepository(world.trust(), GUN);
  assert.deepEqual(
    dockerInspection(repository, GUN).Signers.map(({ Name, Keys }) => [Name, Keys?.map(({ ID }) => ID)]),
    [
      ["signpath", [world.delegationKey.canonicalId]],
      ["other", [NEW_ID]],
    ],
  );

  const { publicKey: third } = await certified(newKey(), { commonName: "third" });
  await addDelegation(world.trust(), world.keys, { gun: GUN, name: "third", key: third });
  const nobodyAsks = () => Promise.reject(new Error("nothing is lost"));
  const remove = (keyId: string) =>
    removeDelegation(world.trust(), world.keys, { gun: GUN, keyId, allOther: false }, nobodyAsks);
  await remove(third.id);
  assert.deepEqual(await keyIdsOf(world), {
    "targets/releases": [own, NEW_ID],
    "targets/signpath": [own],
    "targets/other": [NEW_ID],
  });
  const { removed } = await remove(NEW_ID.slice(0, 12));
  assert.deepEqual(removed.map(({ role, keyIds }) => [role, keyIds]), [
    ["targets/releases", [NEW_ID]],
    ["targets/other", [NEW_ID]],
  ]);
  assert.deepEqual(await keyIdsOf(world), { "targets/releases": [own], "targets/signpath": [own] });
});

Deno.test("a certificate that Notary refuses keeps its delegations from being trusted, and the way out is shown", async () => {
  const { publicKey: weak } = await certified(newKey(), { hash: "SHA-1" });
  const world = await withForeignKey(weak.id, weak.json);
  const { tags, skipped } = await listTags(world.trust(), GUN);
  assert.deepEqual([tags, skipped.map(({ role }) => role)], [[], ["targets/releases"]]);
  const why = `the key ${weak.id.slice(0, 7)}… must not stand there: its certificate is signed with a broken hash`;
  assert.ok(skipped[0]!.reason.includes(why), skipped[0]!.reason);
  await failsWith(verifyTags(world.trust(), GUN, ["v1"]), "not-signed", why);
  const task = { ...world.task(GUN, ["v2"]), renew: ["targets/releases"] };
  const refused = '"targets/releases" of "registry.test/acme/app" names a key that Notary refuses: its certificate is';
  const failure = await failsWith(prepareTags(task, world.now()), "bad-input", refused);
  assert.deepEqual(failure.next, { do: "have-key-removed", repository: failure.details["repository"], keyId: weak.id });
  const { roles, problems } = await repositoryStatus(world.trust(), world.keys, GUN);
  const reason = "its certificate is signed with a broken hash";
  assert.deepEqual(roles.find(({ role }) => role === "targets/releases")?.unusableKeys, [
    { keyId: weak.id, reason, bars: true },
  ]);
  assert.deepEqual(problems.map(({ code, action }) => [code, action])[0], [
    "skipped",
    { kind: "remove-delegation", keyId: weak.id },
  ]);
  await removeDelegation(
    world.trust(),
    world.keys,
    { gun: GUN, keyId: weak.id, allOther: false },
    () => Promise.resolve(),
  );
  assert.deepEqual((await listTags(world.trust(), GUN)).tags.map(({ tag }) => tag), ["v1"]);
});

Deno.test("a role that lost its last key, as Go writes it, is empty; add-delegation puts a key in", async () => {
  const world = await FlowWorld.begin();
  await world.init(GUN);
  await owner(world, ({ roles }) => {
    const emptied = (roles as JsonObject[]).map((role) => changed(role, ["keyids"], null));
    return jsonObject([["keys", jsonObject()], ["roles", emptied]]);
  });
  const { tags, skipped } = await listTags(world.trust(), GUN);
  assert.deepEqual([tags, skipped], [[], []]);
  const { repository } = await openRepository(world.trust(), GUN);
  const [signer] = dockerInspection(repository, GUN).Signers;
  assert.deepEqual(Object.keys(signer!), ["Name"], "Docker leaves the member away");
  const failure = await failsWith(prepareTags(world.task(GUN, ["v1"]), world.now()), "bad-input", "which key signs");
  assert.equal(failure.next?.do, "add-certificate");

  const options = { gun: GUN, name: "signpath", key: world.delegationKey };
  assert.equal((await addDelegation(world.trust(), world.keys, options)).outcome, "published");
  await signTags([world.task(GUN, ["v1"])], { ...world.options, attempts: 1 });
  await verifyTags(world.trust(), GUN, ["v1"]);
});

Deno.test("a version beyond what servers keep is read; that it cannot be followed is said before anything is filed", async () => {
  const keys = [KEYS.alice];
  const prepared = async (version: number) => {
    const delegations = { "targets/releases": { keys, version }, "targets/alice": { keys } };
    const server = new MemoryTrustServer(await buildFiles({ delegations, timestamp: { version: 2 ** 53 - 1 } }));
    const trust = { server, store: createMemoryMetadataStore(), now: () => AT, sleep: () => Promise.resolve() };
    const lookUp = (tag: string) => Promise.resolve(manifestOf(tag));
    return await prepareTags({ trust, gun: GUN, signer: "alice", sign: { tags: ["v1"], lookUp } }, AT);
  };
  assert.equal((await prepared(2 ** 31 - 2)).change?.payloads[0]?.version, 2 ** 31 - 1);
  for (const version of [2 ** 31 - 1, 2 ** 53 - 1]) {
    const words = `A Notary server may not keep version ${version + 1}: 2147483647 is its last`;
    await failsWith(prepared(version), "bad-input", words);
  }
});
