/** Images to sign, whatever the scheme: what is asked of the registry, who may sign, how entries are named and told. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { privateKeyOf } from "../../lib/crypto/key_object.ts";
import { keyOfCertificate } from "../../lib/crypto/keys.ts";
import { localSigner } from "../../lib/crypto/signer.ts";
import { TagsealError } from "../../lib/errors.ts";
import { findImage } from "../../lib/registry/image_entries.ts";
import { askedFirst, type ImagesToSign, taggedImages } from "../../lib/schemes/images.ts";
import { imageJob } from "../../lib/schemes/jobs.ts";
import { timeless } from "../../lib/schemes/same_work.ts";
import type { KeyHolder } from "../../lib/signing/payload_signer.ts";
import { failsWith } from "../support/failures.ts";
import { identity, keyOf } from "../support/notation.ts";
import { registryWorld } from "../support/registries.ts";
import { digestAt, GUN, pushImage, pushIndex, signedBy } from "../support/scheme_world.ts";

const AT = new Date("2026-11-28T12:00:00Z");
const own = await identity(keyOf("P-256"));
const { certificate } = own;
const key = keyOfCertificate(certificate);
const ours = localSigner(privateKeyOf(own.key));

function world() {
  const { repository: registry, asked } = registryWorld();
  const task = (tags: readonly string[], more: Partial<ImagesToSign> = {}): ImagesToSign => ({
    ...{ repository: GUN, registry, certificates: [certificate], key, tags },
    digestOf: digestAt(registry),
    ...more,
  });
  const job = (tags: readonly string[], more?: Partial<ImagesToSign>) =>
    imageJob("cosign", task(tags, more), { bundle: "never" });
  const prepare = (tags: readonly string[], more?: Partial<ImagesToSign>) => job(tags, more).prepare(AT);
  const publish = async (tags: readonly string[]) => {
    const prepared = await prepare(tags);
    assert.ok(prepared.outcome === "to-sign");
    return await prepared.publish(await signedBy(prepared.part, async (bytes) => (await ours.sign(bytes)).bytes));
  };
  return { registry, asked, task, prepare, publish };
}

Deno.test("images: a manifest is asked for once, not at all where it is known, and some at a time", async () => {
  const { registry, asked, task } = world();
  const [one, two] = [await pushImage(registry, "one", "v1", "latest"), await pushImage(registry, "two", "v2")];
  const digestOf = (tag: string) => Promise.resolve((tag === "v2" ? two : one).digest);
  asked.length = 0;
  const images = await taggedImages(task(["v1", "latest", "v2"], { digestOf }));
  assert.deepEqual(images.map(({ tag, image }) => [tag, image.digest]), [
    ["v1", one.digest],
    ["latest", one.digest],
    ["v2", two.digest],
  ]);
  assert.equal(asked.length, 2);
  const found = new Map([[one.digest, (await findImage(registry, one.digest))!]]);
  asked.length = 0;
  assert.deepEqual(await taggedImages(task(["v1", "v2"], { digestOf, found })), [images[0], images[2]]);
  assert.equal(asked.length, 1);
  let [underWay, most] = [0, 0];
  await taggedImages(task(Array.from({ length: 30 }, (_, i) => `t${i}`), {
    digestOf: async () => {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setTimeout(resolve, 1));
      underWay--;
      return one.digest;
    },
  }));
  assert.equal(most, 8);
  const gone = `sha256:${"ab".repeat(32)}` as const;
  const told = await failsWith(
    taggedImages(task(["v9"], { digestOf: () => Promise.resolve(gone) })),
    "not-found",
    `no manifest "${gone}" for "${GUN}:v9"`,
  );
  assert.deepEqual(told.details, { repository: GUN, tag: "v9", digest: gone });
});

Deno.test("images: what could not be signed or published is refused before anything is signed, where there is something", async () => {
  const { registry, prepare, publish } = world();
  await pushImage(registry, "one", "v1");
  const id = key.canonicalId;
  const keys = (...ids: string[]): KeyHolder => ({ kind: "keys", atHand: () => Promise.resolve(new Set(ids)) });
  const service = (keyId?: string): KeyHolder => ({
    kind: "service",
    ...keyId ? { policyKey: () => Promise.resolve({ policy: "release", keyId }) } : {},
  });
  let written = 0;
  const full = new TagsealError("forbidden", "You may not write", { remedy: "Ask" });
  const writable = () => (written++, Promise.resolve());
  const locked = () => Promise.reject(full);
  for (const [holder, looks] of [[keys(id), 0], [service(id), 1], [service(), 1], [undefined, 1]] as const) {
    written = 0;
    assert.equal((await prepare(["v1"], { holder, writable })).outcome, "to-sign");
    assert.equal(written, looks);
  }
  assert.equal((await prepare(["v1"])).outcome, "to-sign");
  assert.equal((await prepare(["v1"], { holder: keys(id), writable: locked })).outcome, "to-sign");
  await failsWith(prepare(["v1"], { holder: service(id), writable: locked }), "forbidden", "may not write");
  const missing = await failsWith(prepare(["v1"], { holder: keys("ab".repeat(32)) }), "not-found", id.slice(0, 12));
  assert.deepEqual(missing.details, { repository: GUN, keyId: id });
  const other = await failsWith(prepare(["v1"], { holder: service("ab".repeat(32)) }), "bad-input", '"release"');
  assert.deepEqual(other.details, { repository: GUN, keyId: id });
  await publish(["v1"]);
  assert.equal((await prepare(["v1"], { holder: service("ab".repeat(32)), writable: locked })).outcome, "unchanged");
});

Deno.test("images: entries are named by tag and platform, and each tag is told as what became of it", async () => {
  const { registry, prepare, publish } = world();
  const one = await pushImage(registry, "one", "v1");
  await pushIndex(registry, { amd64: one }, "v2");
  await publish(["v1"]);
  const prepared = await prepare(["v1", "v2"]);
  assert.ok(prepared.outcome === "to-sign");
  const { payloads } = prepared.part;
  assert.deepEqual(payloads.map(({ label }) => label), ["cosign_app_v2_index", "cosign_app_v2_linux-amd64"]);
  assert.deepEqual(payloads.map(({ about }) => about.subject), [
    "cosign signature",
    "cosign signature (linux/amd64)",
  ]);
  assert.equal(prepared.part.member, "images");
  const digest = `sha256:${"ab".repeat(32)}` as const;
  const list = { mediaType: "application/vnd.docker.distribution.manifest.list.v2+json", digest, size: 500 };
  const found = new Map([[digest, { image: list, entries: [] }]]);
  const ofList = await prepare(["v3"], { digestOf: () => Promise.resolve(digest), found });
  assert.ok(ofList.outcome === "to-sign");
  assert.deepEqual(ofList.part.payloads.map(({ label }) => label), ["cosign_app_v3_index"]);
  const { outcome, signatures } = await publish(["v1", "v2"]);
  assert.equal(outcome, "published");
  assert.deepEqual(signatures.map(({ tag, outcome }) => [tag, outcome]), [["v1", "unchanged"], ["v2", "published"]]);
});

Deno.test("asked first: once, whoever wants to know", async () => {
  let asked = 0;
  const ask = askedFirst(() => (asked++, Promise.resolve()));
  await Promise.all([ask(), ask()]);
  await ask();
  assert.equal(asked, 1);
});

Deno.test("timeless: a role without its end, of Notation what is signed without when, and all else as it is", () => {
  const same = (name: string, payload: string) =>
    assert.deepEqual(timeless(name, utf8(payload)), utf8(payload), `${name} ${payload}`);
  assert.deepEqual(timeless("1.json", utf8('{"a":1,"expires":"x"}')), utf8('{"a":1,"expires":""}'));
  for (const payload of ['{"a":1}', "7", "[]", "", '{"b":1, "a":2}', "\ud800"]) same("1.json", payload);
  same("1.dsse", '{"a":1,"expires":"x"}');
  for (const [payload, left] of [["eA.b-_1", "b-_1"], ["a.b.c", ""], ["a", ""], ["a. b", ""], [" a.b", ""]] as const) {
    assert.deepEqual(timeless("1.jws", utf8(payload)), utf8(left), payload);
  }
});
