/** From tags to the bytes that are signed. */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { readZip } from "../../lib/bytes/zip.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import { keyOfCertificate } from "../../lib/crypto/keys.ts";
import { addDelegation } from "../../lib/flows/add_delegation.ts";
import { initRepository } from "../../lib/flows/init_repository.ts";
import { createSigningData, isSameWork } from "../../lib/schemes/create_signing_data.ts";
import { signTags } from "../../lib/schemes/notary_v1/sign_tags.ts";
import { imageWords } from "../../lib/schemes/image_changes.ts";
import type { ImagesResult } from "../../lib/schemes/images.ts";
import {
  documentOf,
  keyOf,
  readSigningData,
  schemesOf,
  type SigningData,
  type UnsignedData,
  writeSigningData,
} from "../../lib/schemes/signing_data.ts";
import type { Part } from "../../lib/signing/batch.ts";
import type { Job } from "../../lib/signing/scheme.ts";
import { readSigningFile } from "../../lib/signing/signing_data.ts";
import { failsWith } from "../support/failures.ts";
import { FlowWorld, manifestOf } from "../support/flow_world.ts";
import { certify, KEYS } from "../support/trust_builder.ts";

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

Deno.test("the same work is what signs the same, made at most a day before, and not signed yet", async (t) => {
  const world = await FlowWorld.begin();
  await world.init(GUN);
  const start = world.at.getTime();
  const made = async (after = 0, tags = ["v1", "v2"], content?: string): Promise<UnsignedData> => {
    world.at = new Date(start + after);
    return (await createSigningData([world.task(GUN, tags, content)], world.now())).data;
  };
  const there = { ...await made(), signatures: new Map<string, Bytes>() };
  const [first, second] = [...there.payloads.keys()] as [string, string];
  const day = 86_400_000;
  for (const age of [0, 1000, day]) assert.ok(isSameWork(there, await made(age)), `${age} ms`);
  for (const age of [-1000, day + 1000, 2 * day]) assert.ok(!isSameWork(there, await made(age)), `${age} ms`);
  const now = await made();
  const [repository] = now.repositories;
  const rows: [name: string, data: UnsignedData, mine?: Partial<SigningData>][] = [
    ["another tag", await made(0, ["v1", "v3"])],
    ["a tag less", await made(0, ["v1"])],
    ["another image", await made(0, ["v1", "v2"], "other")],
    ["it is signed", now, { signatures: new Map([[first, utf8("signature")]]) }],
    ["the last payload is another", now, { payloads: new Map([...now.payloads, [second, utf8("{}")]]) }],
    ["the last payload is not there", now, { payloads: new Map([...now.payloads].slice(0, 1)) }],
    ["it is said of another key", { ...now, repositories: [{ ...repository!, delegationKeyId: "ab".repeat(32) }] }],
  ];
  for (const [name, data, mine] of rows) await t.step(name, () => assert.ok(!isSameWork({ ...there, ...mine }, data)));
});

Deno.test("images are part of the same file, and those that are signed are told by themselves", async () => {
  const result = (repository: string): ImagesResult => ({ repository, outcome: "unchanged", signatures: [] });
  const certificates = [await certify(KEYS.releases)] as const;
  const key = keyOfCertificate(certificates[0]);
  const tag = "v1";
  const digest = `sha256:${sha256Hex(utf8(tag))}` as const;
  const image = { digest, mediaType: manifestOf(tag).mediaType!, size: 500 };
  const bytes = utf8("{}");
  const part = (repository: string): Part => ({
    member: "images",
    trust: new Map(),
    payloads: [{
      bytes,
      keys: [key],
      rules: { hash: "sha256", rsaPadding: "pkcs1" },
      about: { repository, subject: "a signature", facts: {}, tags: [], removedTags: [] },
    }],
    words: ([named]) => {
      const signature = { tag, image, form: "classic", payload: named!.id, sha256: sha256Hex(bytes) } as const;
      return imageWords({ scheme: "cosign", repository, certificates, signatures: [signature] });
    },
  });
  const job = (repository: string, isDone: boolean): Job<ImagesResult> => ({
    repository,
    scheme: "cosign",
    prepare: () =>
      Promise.resolve(
        isDone ? { outcome: "unchanged", result: result(repository) } : {
          outcome: "to-sign",
          part: part(repository),
          check: () => Promise.resolve(),
          publish: () => Promise.resolve(result(repository)),
        },
      ),
  });
  const jobs = [job(GUN, true), job(OTHER, false), job(THIRD, true)];
  const { data, unchangedImages } = await createSigningData([], new Date("2026-06-01T12:00:00Z"), jobs);
  assert.deepEqual(unchangedImages, [result(GUN), result(THIRD)]);
  assert.deepEqual(data.images.map(({ scheme, repository }) => [scheme, repository]), [["cosign", OTHER]]);
  const file = await readSigningFile(await writeSigningData(data));
  assert.deepEqual([schemesOf(file), Object.keys(file.manifest)], [["cosign"], ["images"]]);
  assert.equal(keyOf(file)?.canonicalId, key.canonicalId);
});

Deno.test("a file tells which schemes it holds payloads of, and the key that it is for", async () => {
  const world = await FlowWorld.begin();
  for (const gun of [GUN, OTHER]) {
    const { signer: { publicKey: key } } = await world.keys.create({ role: "delegation" });
    await initRepository(world.trust(), world.keys, { gun, delegation: { name: "first", key } });
    await addDelegation(world.trust(), world.keys, { gun, name: "signpath", key: world.delegationKey });
  }
  const { data } = await createSigningData([world.task(GUN, ["v1"]), world.task(OTHER, ["v1"])], world.now());
  const file = await readSigningFile(await writeSigningData(data));
  assert.deepEqual([schemesOf(file), schemesOf({ ...file, manifest: {} })], [["dct"], []]);
  const id = world.delegationKey.canonicalId;
  assert.equal(keyOf(file)?.canonicalId, id);
  assert.equal(keyOf({ ...file, manifest: {} }), undefined);
  const keyAfter = (targets: Bytes | undefined) =>
    keyOf({
      ...file,
      trust: new Map([...file.trust].flatMap(([name, bytes]) =>
        !name.endsWith("/targets.json") ? [[name, bytes]] : targets ? [[name, targets]] : []
      )),
    });
  for (
    const odd of [
      "",
      "{",
      "7",
      '{"signed":7}',
      '{"signed":{"delegations":{"keys":7}}}',
      '{"signed":{"delegations":{"keys":{"a":7}}}}',
    ]
  ) {
    assert.equal(keyAfter(utf8(odd)), undefined, odd);
  }
  assert.equal(keyAfter(undefined), undefined);
  const second = new Map([...file.trust].filter(([name]) => name !== "trust/1/targets.json"));
  assert.equal(keyOf({ ...file, trust: second })?.canonicalId, id, "the second repository's");
  const first = new Map([...file.trust].filter(([name]) => name !== "trust/2/targets.json"));
  assert.equal(keyOf({ ...file, trust: first })?.canonicalId, id, "the first repository's");
});

Deno.test("a payload that no repository and no image speaks of is refused", async () => {
  const world = await FlowWorld.begin();
  await world.init(GUN);
  const { data } = await createSigningData([world.task(GUN, ["v1"])], world.now());
  const { manifest, ...file } = await readSigningFile(await writeSigningData(data));
  assert.deepEqual([schemesOf({ ...file, manifest }), Object.keys(manifest)], [["dct"], ["repositories"]]);
  assert.equal(Object.hasOwn(documentOf({ ...file, manifest }), "origin"), false);
  const origin = { commit: "c0ffee" };
  const of = await createSigningData([world.task(GUN, ["v1"])], world.now(), [], origin);
  assert.deepEqual([of.data.origin, (await readSigningData(await writeSigningData(of.data))).origin], [origin, origin]);
  const payloads = new Map([...file.payloads, ["payload/0009.json", utf8("{}")]]);
  await failsWith(() => documentOf({ ...file, manifest, payloads }), "bad-input", '"payload/0009.json"', "not known");
});
