/** Images of a registry signed with cosign's scheme: what is to be signed, what is published, and what is left as it is. */
import assert from "node:assert/strict";
import { text } from "../../../lib/bytes/bytes.ts";
import { createSigningCertificate } from "../../../lib/local/certificates.ts";
import { readCertificate } from "../../../lib/crypto/x509.ts";
import { digestOf } from "../../../lib/registry/blob.ts";
import type { Descriptor } from "../../../lib/registry/descriptor.ts";
import { findManifest } from "../../../lib/registry/manifest.ts";
import { readAttached, registrySource } from "../../../lib/schemes/cosign/attached.ts";
import { SIGNATURE_LAYER, signatureTag } from "../../../lib/schemes/cosign/classic.ts";
import { cosign, type CosignTask } from "../../../lib/schemes/cosign/scheme.ts";
import { blobOf, registryWorld } from "../../support/registries.ts";
import { jobOf } from "../../../lib/signing/scheme.ts";
import { testKey } from "../../support/cosign.ts";
import { failsWith } from "../../support/failures.ts";
import { digestAt, GUN, pushImage, pushIndex, pushTagged, signedBy } from "../../support/scheme_world.ts";

const AT = new Date("2026-11-28T12:00:00Z");
const ours = await testKey("p256");
const theirs = await testKey("p256");
const { certificatePem } = await createSigningCertificate({
  commonName: "a",
  algorithm: "ecdsa-p256",
  now: AT,
  days: 1,
});

function world() {
  const at = registryWorld();
  const { repository: registry, asked } = at;
  const task = (tags: readonly string[], more: Partial<CosignTask> = {}): CosignTask => ({
    repository: GUN,
    registry,
    certificates: [readCertificate(certificatePem)],
    key: ours.key,
    tags,
    digestOf: digestAt(registry),
    bundle: "auto",
    ...more,
  });
  const prepared = async (task: CosignTask) => {
    const prepared = await cosign.prepare(task, AT);
    assert.ok(prepared.outcome === "to-sign");
    return prepared;
  };
  const publish = async (task: CosignTask, signer = ours) => {
    const { part, plan } = await prepared(task);
    return await cosign.publish(task, plan, await signedBy(part, signer.sign));
  };
  const verified = async ({ digest }: Descriptor) => {
    const attached = await readAttached(registrySource(registry), digest);
    const verdict = await cosign.verify([attached, { gun: GUN, keys: [ours.key], at: AT }]);
    return verdict.outcome === "verified" ? verdict.signatures.map(({ form, tag }) => `${form} ${tag}`) : [];
  };
  const layersOf = async ({ digest }: Descriptor) => {
    const found = await findManifest(registry, signatureTag(digest));
    return (JSON.parse(text(found!.bytes)).layers as Descriptor[]).map(({ digest }) => digest);
  };
  return { registry, asked, task, prepared, publish, verified, layersOf, at };
}

Deno.test("cosign scheme: each manifest is signed under each of its tags, in their order, and a second run has nothing to sign", async () => {
  const { registry, task, prepared, publish, verified } = world();
  const [amd64, arm64] = [await pushImage(registry, "amd64", "v1"), await pushImage(registry, "arm64")];
  const index = await pushIndex(registry, { amd64, arm64 }, "v2");
  const both = task(["v2", "v1"], { bundle: "always" });
  assert.equal(jobOf(cosign, both).scheme, "cosign");
  const { part } = await prepared(both);
  assert.deepEqual(
    part.payloads.map(({ label, extension }) => `${label}.${extension}`),
    ["v2_index", "v2_linux-amd64", "v2_linux-arm64", "v1"].flatMap((name) => [
      `cosign_app_${name}.json`,
      `bundle_app_${name}.dsse`,
    ]),
  );
  const signature = (tag: string, { digest }: Descriptor) => ({
    scheme: "cosign",
    tag,
    digest,
    reference: signatureTag(digest),
  });
  const tags = [signature("v2", index), signature("v1", amd64)];
  assert.deepEqual(await publish(both), {
    repository: GUN,
    outcome: "published",
    signatures: tags.map((one) => ({ ...one, outcome: "published" })),
  });
  assert.deepEqual(await verified(index), ["classic v2", "bundle v2"]);
  assert.deepEqual(await verified(arm64), ["classic v2", "bundle v2"]);
  assert.deepEqual((await verified(amd64)).sort(), ["bundle v1", "bundle v2", "classic v1", "classic v2"]);
  assert.deepEqual(await cosign.prepare(both, AT), {
    outcome: "unchanged",
    result: {
      repository: GUN,
      outcome: "unchanged",
      signatures: tags.map((one) => ({ ...one, outcome: "unchanged" })),
    },
  });
});

Deno.test("cosign scheme: signatures that are not good are refused, and nothing of them is published", async () => {
  const { registry, asked, task, prepared } = world();
  await pushImage(registry, "it", "v1", "v2");
  const both = task(["v1", "v2"]);
  const { part, plan } = await prepared(both);
  let signed = 0;
  const last = await signedBy(part, (bytes) => (++signed === 1 ? ours : theirs).sign(bytes));
  asked.length = 0;
  for (const attempt of [cosign.check, cosign.publish]) {
    await failsWith(() => attempt(both, plan, last), "trust-invalid", `The cosign signature of "${GUN}:v2"`);
  }
  assert.deepEqual(asked, []);
  await cosign.check(both, plan, await signedBy(part, ours.sign));
});

Deno.test("cosign scheme: what others have signed meanwhile stays, is not fetched, and what is there by then is added no more", async () => {
  const { registry, asked, task, prepared, publish, verified, layersOf } = world();
  const image = await pushImage(registry, "it", "v1", "v2");
  const both = task(["v1", "v2"]);
  const { part, plan } = await prepared(both);
  await publish(task(["v1"], { key: theirs.key }), theirs);
  await publish(task(["v2"]));
  const other = await blobOf(registry, "no payload of ours", SIGNATURE_LAYER);
  const found = JSON.parse(text((await findManifest(registry, signatureTag(image.digest)))!.bytes));
  await pushTagged(registry, signatureTag(image.digest), { ...found, layers: [...found.layers, other] });
  const before = await layersOf(image);
  asked.length = 0;
  await cosign.publish(both, plan, await signedBy(part, ours.sign));
  const [v1] = part.payloads.map(({ bytes }) => digestOf(bytes));
  assert.deepEqual(await layersOf(image), [...before, v1]);
  assert.deepEqual(asked.filter((call) => call.startsWith("GET") && call.includes("/blobs/")), []);
  assert.deepEqual((await verified(image)).sort(), ["classic v1", "classic v2"]);
  await cosign.publish(both, plan, await signedBy(part, ours.sign));
  assert.equal((await layersOf(image)).length, before.length + 1, "all were there");
});

Deno.test("cosign scheme: a registry that shows signatures first and none later is not written to", async () => {
  const { registry, asked, at, task, prepared, publish } = world();
  const image = await pushImage(registry, "it", "v1", "v2");
  await publish(task(["v1"]));
  const next = task(["v2"]);
  const { part, plan } = await prepared(next);
  const tag = signatureTag(image.digest);
  at.between = ({ method, url }) =>
    method === "GET" && url.endsWith(`/${tag}`) ? new Response(null, { status: 404 }) : undefined;
  asked.length = 0;
  const hidden = cosign.publish(next, plan, await signedBy(part, ours.sign));
  await failsWith(hidden, "unavailable", "shows nothing there now");
  assert.deepEqual(asked.filter((call) => call.startsWith("PUT")), []);
});

Deno.test("cosign scheme: what cannot be added to is told before it is signed, and while it is published; a bundle alone needs no adding", async () => {
  const { registry, task, prepared, publish, verified } = world();
  const image = await pushImage(registry, "it", "v1");
  const classic = task(["v1"]);
  const { part, plan } = await prepared(classic);
  const config = await blobOf(registry, "{}", "application/vnd.oci.image.config.v1+json");
  await pushTagged(registry, signatureTag(image.digest), { config, layers: [], history: [] });
  for (const bundle of ["auto", "always"] as const) {
    await failsWith(cosign.prepare(task(["v1"], { bundle }), AT), "bad-input", "cannot be added to");
  }
  const late = cosign.publish(classic, plan, await signedBy(part, ours.sign));
  assert.equal((await failsWith(late, "bad-input", "cannot be added to")).published, "maybe");
  assert.equal((await publish(task(["v1"], { bundle: "only" }))).outcome, "published");
  assert.deepEqual(await verified(image), ["bundle v1"]);
});

Deno.test("cosign scheme: who is warned hears of the tag, and no more once it is signed", async () => {
  const { registry, task, publish } = world();
  await pushImage(registry, "it", "v1");
  await publish(task(["v1"], { key: theirs.key, bundle: "only" }), theirs);
  const told: string[] = [];
  const never = task(["v1"], { bundle: "never", onWarning: (warning, { tag }) => told.push(`${warning} ${tag}`) });
  await publish(never);
  assert.deepEqual(told, ["hidden-from-cosign-3 v1"]);
  assert.equal((await cosign.prepare(never, AT)).outcome, "unchanged");
  assert.equal(told.length, 1);
});
