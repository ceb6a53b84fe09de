/** From tags to the bytes that are signed. */
import assert from "node:assert/strict";
import { TagsealError } from "../../lib/errors.ts";
import { addDelegation } from "../../lib/flows/add_delegation.ts";
import { createSigningData } from "../../lib/flows/create_signing_data.ts";
import { initRepository } from "../../lib/flows/init_repository.ts";
import { writeSigningData } from "../../lib/signpath/signing_data.ts";
import { failsWith } from "../support/failures.ts";
import { FlowWorld, manifestOf } from "../support/flow_world.ts";
import { certified, newKey } from "../support/trust_builder.ts";

const GUN = "registry.test/acme/app";

Deno.test("the same tags at the same time give the same bytes", async () => {
  const world = await FlowWorld.begin();
  await world.init(GUN);
  const make = async () => {
    const { data } = await createSigningData([world.task(GUN, ["v1", "v2"])], world.now());
    return { data, bytes: await writeSigningData(data) };
  };
  const [a, b] = [await make(), await make()];
  assert.equal(a.bytes.toHex(), b.bytes.toHex());
  const [repository] = a.data.repositories;
  assert.deepEqual(repository!.tags, ["v1", "v2"].map((tag) => ({ ...manifestOf(tag), previousDigest: null })));
  assert.deepEqual(
    repository!.roles.map(({ role, baseVersion, version, payload }) => [role, baseVersion, version, payload]),
    [
      ["targets/releases", 0, 1, "payload/0001.json"],
      ["targets/signpath", 0, 1, "payload/0002.json"],
    ],
  );
  assert.equal(repository!.delegationKeyId, world.delegationKey.canonicalId);
});

Deno.test("a look-up that fails ends the work only when nothing is under way any more", async () => {
  const world = await FlowWorld.begin();
  await world.init(GUN);
  let underWay = 0;
  world.between = async (request, send) => {
    underWay++;
    await new Promise((resolve) => setTimeout(resolve, 20));
    return await send(request).finally(() => underWay--);
  };
  const missing = new TagsealError("not-found", "There is no such tag", { remedy: "Push it" });
  const task = { ...world.task(GUN, ["v1"]), lookUp: () => Promise.reject(missing) };
  await failsWith(createSigningData([task], world.now()), "not-found", "There is no such tag");
  assert.equal(underWay, 0);
  assert.ok((await task.trust.store.read(GUN)).has("timestamp"), "what was verified is kept");
});

Deno.test("the key that signs is told apart", async (t) => {
  const world = await FlowWorld.begin();
  const other = await FlowWorld.begin();
  await world.init(GUN);
  const task = world.task(GUN, ["v1"]);
  await t.step("no such delegation", async () => {
    const absent = { ...task, signer: "team" };
    await failsWith(createSigningData([absent], world.now()), "not-found", 'no delegation "targets/team"');
  });
  await addDelegation(world.trust(), world.keys, { gun: GUN, name: "signpath", key: other.delegationKey });
  await t.step("several keys", async () => {
    const error = await failsWith(createSigningData([task], world.now()), "bad-input", "several keys");
    assert.match(error.remedy, /--delegation-certificate/);
    assert.equal((error.details["keyIds"] as string[]).length, 2);
  });
  await t.step("named by its certificate", async () => {
    for (const { canonicalId } of [world.delegationKey, other.delegationKey]) {
      const { data } = await createSigningData([{ ...task, keyId: canonicalId }], world.now());
      assert.equal(data.repositories[0]!.delegationKeyId, canonicalId);
    }
  });
  await t.step("a key that is not there", async () => {
    const stranger = (await FlowWorld.begin()).delegationKey.canonicalId;
    await failsWith(
      createSigningData([{ ...task, keyId: stranger }], world.now()),
      "bad-input",
      "the key is not in both",
    );
  });
});

Deno.test("a renewed certificate of the same key is no second key", async () => {
  const world = await FlowWorld.begin();
  await initRepository(world.trust(), world.keys, { gun: GUN });
  const key = newKey();
  for (const commonName of ["old", "new"]) {
    const { publicKey } = await certified(key, { commonName });
    await addDelegation(world.trust(), world.keys, { gun: GUN, name: "signpath", key: publicKey });
  }
  const { data } = await createSigningData([world.task(GUN, ["v1"])], world.now());
  assert.equal(data.repositories[0]!.delegationKeyId, key.publicKey.canonicalId);
});
