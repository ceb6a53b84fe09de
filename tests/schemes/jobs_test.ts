/** Signatures of images out of a signed file: made anew of what the file says, and published by the scheme that it names. */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { privateKeyOf } from "../../lib/crypto/key_object.ts";
import { keyOfCertificate } from "../../lib/crypto/keys.ts";
import { localSigner } from "../../lib/crypto/signer.ts";
import type { ImagesChange } from "../../lib/schemes/image_changes.ts";
import { imageJob, requireTaken, signedImages } from "../../lib/schemes/jobs.ts";
import { IMAGE_SCHEMES, type ImageScheme } from "../../lib/schemes/names.ts";
import { documentOf } from "../../lib/schemes/signing_data.ts";
import { assembleBatch } from "../../lib/signing/batch.ts";
import { failsWith } from "../support/failures.ts";
import { identity, keyOf } from "../support/notation.ts";
import { registryWorld } from "../support/registries.ts";
import { digestAt, GUN, pushImage } from "../support/scheme_world.ts";
import { certify, newKey } from "../support/trust_builder.ts";

const AT = new Date("2026-11-28T12:00:00Z");
const own = await identity(keyOf("P-256"));
const { certificate } = own;
const ours = localSigner(privateKeyOf(own.key));

/** A repository with two images, and a file with the signatures of one scheme for them, as a service gives it back. */
async function world(scheme: ImageScheme) {
  const { repository: registry } = registryWorld();
  await pushImage(registry, "one", "v1");
  await pushImage(registry, "two", "v2");
  const images = {
    repository: GUN,
    registry,
    certificates: [certificate] as const,
    key: keyOfCertificate(certificate),
    tags: ["v1", "v2"],
    digestOf: digestAt(registry),
  };
  const prepare = () => imageJob(scheme, images, { bundle: "always" }).prepare(AT);
  const prepared = await prepare();
  assert.ok(prepared.outcome === "to-sign");
  const { created, payloads, images: [change] } = documentOf(
    assembleBatch([prepared.part], AT.toISOString(), "t").file,
  );
  const signed = async (sign = ours): Promise<Map<string, Bytes>> =>
    new Map(
      await Promise.all([...payloads].map(async ([id, bytes]) => [id, (await sign.sign(bytes)).bytes] as const)),
    );
  const from = async (change: ImagesChange, signatures?: Map<string, Bytes>) =>
    signedImages(change, { created, payloads, signatures: signatures ?? await signed() }, registry);
  return { change: change!, from, signed, prepare };
}

for (const scheme of IMAGE_SCHEMES) {
  Deno.test(`images out of a signed file are checked and published (${scheme})`, async () => {
    const { change, from, prepare } = await world(scheme);
    const images = await from(change);
    await images.check();
    assert.equal((await prepare()).outcome, "to-sign", "only checked");
    assert.equal((await images.publish()).outcome, "published");
    assert.equal((await prepare()).outcome, "unchanged");
  });

  Deno.test(`signatures by another key, or of another payload, are not published (${scheme})`, async () => {
    const { change, from, signed, prepare } = await world(scheme);
    const good = await signed();
    const last = [...good.keys()].at(-1)!;
    for (const bad of [await signed(newKey().signer), new Map([...good, [last, utf8("signature")]])]) {
      const images = await from(change, bad);
      await failsWith(images.check(), "trust-invalid", GUN);
      await failsWith(images.publish(), "trust-invalid", GUN);
    }
    assert.equal((await prepare()).outcome, "to-sign");
  });

  Deno.test(`signatures of a form that the scheme does not have are refused (${scheme})`, async () => {
    const { change, from } = await world(scheme);
    const [first, ...rest] = change.signatures;
    const other = { ...first!, form: scheme === "cosign" ? "jws" as const : "classic" as const };
    for (const signatures of [[other], [other, ...rest]]) {
      const told = await failsWith(from({ ...change, signatures }), "bad-input", `"${scheme}" does not have`);
      assert.deepEqual(told.details, { repository: GUN });
    }
  });
}

Deno.test("images of a scheme that is not known are refused", async () => {
  const { change, from } = await world("cosign");
  const told = await failsWith(from({ ...change, scheme: "gpg" }), "bad-input", '"gpg", which is not known');
  assert.deepEqual(told.details, { repository: GUN });
});

Deno.test("certificates that Notation's verifiers would not take are refused where it is to sign", async () => {
  const expired = [await certify(newKey(), { from: "2020-01-01T00:00:00Z", to: "2021-01-01T00:00:00Z" })] as const;
  await requireTaken(["cosign"], expired, AT);
  await requireTaken(["cosign", "notation"], [certificate], AT);
  for (const schemes of [["notation"], ["cosign", "notation"]] as const) {
    await failsWith(requireTaken(schemes, expired, AT), "bad-input", "certificate");
  }
});
