/** From tags to the bytes that are signed. */
import assert from "node:assert/strict";
import { readZip } from "../../lib/bytes/zip.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import { createSigningData } from "../../lib/schemes/create_signing_data.ts";
import { signTags } from "../../lib/schemes/notary_v1/sign_tags.ts";
import { readSigningData, writeSigningData } from "../../lib/schemes/signing_data.ts";
import { failsWith } from "../support/failures.ts";
import { FlowWorld, manifestOf } from "../support/flow_world.ts";

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

const [OTHER, THIRD] = ["registry.test/acme/other", "registry.test/acme/third"];

Deno.test("several repositories: one file, numbered payloads, trust data of each", async () => {
  const world = await FlowWorld.begin();
  for (const gun of [GUN, OTHER, THIRD]) await world.init(gun);
  await signTags([world.task(OTHER, ["v1"])], { ...world.options, attempts: 1 });
  const work = [world.task(GUN, ["v1"]), world.task(OTHER, ["v1"]), world.task(THIRD, ["v1", "v2"])];
  const { data, unchanged } = await createSigningData(work, world.now());
  assert.deepEqual(
    data.repositories.map(({ repository, roles }) => [repository, roles.map(({ payload }) => payload)]),
    [
      [GUN, ["payload/0001.json", "payload/0002.json"]],
      [THIRD, ["payload/0003.json", "payload/0004.json"]],
    ],
  );
  assert.deepEqual(unchanged, [{ repository: OTHER, tags: [manifestOf("v1")] }]);
  for (const { payload, sha256 } of data.repositories.flatMap(({ roles }) => roles)) {
    assert.equal(sha256Hex(data.payloads.get(payload)!), sha256);
  }
  const files = ["root", "snapshot", "targets", "timestamp"];
  assert.deepEqual(
    [...data.trust.keys()].sort(),
    ["1", "2"].flatMap((n) => files.map((name) => `trust/${n}/${name}.json`)),
  );
  const read = await readSigningData(await writeSigningData(data));
  const { signatures, ...back } = read;
  assert.deepEqual([signatures.size, back], [0, data], "read as it was written");
});

Deno.test("nothing to sign gives a file without payloads", async () => {
  const world = await FlowWorld.begin();
  await world.init(GUN);
  await signTags([world.task(GUN, ["v1"])], { ...world.options, attempts: 1 });
  const { data, unchanged } = await createSigningData([world.task(GUN, ["v1"])], world.now());
  assert.deepEqual([data.repositories, data.payloads.size, data.trust.size, unchanged.length], [[], 0, 0, 1]);
});

Deno.test("tags that are withdrawn are named in the manifest, and only then is there such a member", async () => {
  const world = await FlowWorld.begin();
  for (const gun of [GUN, OTHER]) await world.init(gun);
  await signTags([world.task(GUN, ["v1"])], { ...world.options, attempts: 1 });
  const work = [{ ...world.task(GUN, []), remove: ["v1"] }, world.task(OTHER, ["v1"])];
  const { data } = await createSigningData(work, world.now());
  const zip = await writeSigningData(data);
  const entries = await readZip(zip, { entries: 100, entryBytes: 2 ** 24, totalBytes: 2 ** 24 });
  const { repositories } = JSON.parse(new TextDecoder().decode(entries.get("docker-signing-data.json")));
  assert.deepEqual(repositories.map((each: Record<string, unknown>) => [each["tags"], each["removedTags"]]), [
    [[], [{ tag: "v1", previousDigest: manifestOf("v1").digest }]],
    [[{ ...manifestOf("v1"), previousDigest: null }], undefined],
  ]);
  assert.deepEqual((await readSigningData(zip)).repositories, data.repositories);
});

Deno.test("one repository that cannot be prepared leaves no file for the others", async () => {
  const world = await FlowWorld.begin();
  await world.init(GUN);
  const work = [world.task(GUN, ["v1"]), world.task("registry.test/acme/unknown", ["v1"])];
  await failsWith(createSigningData(work, world.now()), "not-found", "registry.test/acme/unknown");
});
