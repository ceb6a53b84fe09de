/** Signatures of all kinds, put to ours; `tests/peers/notation_test.ts` puts the same to the real program. */
import assert from "node:assert/strict";
import { text, utf8 } from "../../../lib/bytes/bytes.ts";
import { readCertificate } from "../../../lib/crypto/x509.ts";
import { digestOf } from "../../../lib/registry/blob.ts";
import type { Descriptor } from "../../../lib/registry/descriptor.ts";
import { OCI_INDEX } from "../../../lib/registry/manifest_type.ts";
import { TagsealError } from "../../../lib/errors.ts";
import type { Digest } from "../../../lib/registry/image_ref.ts";
import { tagsSignedAlready, verifyNotation } from "../../../lib/schemes/notation/verify.ts";
import { failsWith } from "../../support/failures.ts";
import { Attached, envelopeBy, fixture, identity, keyOf, newKey } from "../../support/notation.ts";
import { HARMLESS, notationForgeries } from "../../support/notation_forgeries.ts";

const AT = new Date("2026-11-28T12:00:00Z");
const INDEX = fixture("image/index.json");
const IMAGE: Descriptor = { mediaType: OCI_INDEX, digest: digestOf(INDEX), size: INDEX.length };
const TAG = "1.4.2";

Deno.test("notation: what the program and others made is good, with any salt; DER is not", async () => {
  const made = (name: string) => fixture(`made-by-real-tools/notation-1.3.2-${name}.envelope.json`);
  const rows: [key: string, envelope: Uint8Array<ArrayBuffer>, salt?: number][] = [
    ["p256", made("p256")],
    ["rsa4096", made("rsa4096")],
    ...["rsa2048", "rsa4096", "p256", "p384"].map((key): [string, Uint8Array<ArrayBuffer>] => [
      key,
      fixture(`${key}/notation/envelope.json`),
    ]),
    ["rsa2048", fixture("rsa2048/notation/salt-0.envelope.json"), 0],
    ["rsa2048", fixture("rsa2048/notation/salt-max.envelope.json"), 222],
    ["rsa4096", fixture("rsa4096/notation/salt-0.envelope.json"), 0],
    ["rsa4096", fixture("rsa4096/notation/salt-max.envelope.json"), 446],
  ];
  for (const [key, envelope, salt] of rows) {
    const trusted = [readCertificate(text(fixture(`${key}/certificate.pem`)))];
    const attached = new Attached().add(envelope, IMAGE);
    const { verified, skipped } = await verifyNotation(
      { image: IMAGE, tag: TAG, trusted, at: AT },
      attached.list,
      attached,
    );
    assert.deepEqual(skipped, []);
    assert.equal(verified?.tag, TAG);
    assert.deepEqual(verified?.signer.der, trusted[0]!.der);
    assert.equal(verified?.oddSaltLength, salt);
  }
  for (const key of ["p256", "p384"]) {
    const trusted = [readCertificate(text(fixture(`${key}/certificate.pem`)))];
    const attached = new Attached().add(fixture(`${key}/notation/bad-der.envelope.json`), IMAGE);
    const { verified, skipped } = await verifyNotation({ image: IMAGE, trusted, at: AT }, attached.list, attached);
    assert.equal(verified, undefined);
    assert.deepEqual(skipped.map(({ reason }) => reason), ["signature"]);
  }
});

Deno.test("notation: of more than 200 changed signatures those are good that changed nothing", async () => {
  const { trusted, forgeries } = await notationForgeries(IMAGE);
  assert.ok(forgeries.length > 200);
  const good: string[] = [];
  for (const { name, manifest, blobs } of forgeries) {
    const attached = new Attached().addManifest(manifest, ...blobs);
    const question = { image: IMAGE, tag: TAG, trusted, at: AT };
    if ((await verifyNotation(question, attached.list, attached)).verified) good.push(name);
  }
  assert.deepEqual(good, HARMLESS);
});

Deno.test("notation: one good signature is enough; what stands before it is told, and what comes behind is not read", async () => {
  const own = await identity(keyOf("P-256"));
  const stranger = await identity(newKey("P-256"), { name: "A stranger" });
  const attached = new Attached().add(utf8("garbage"), IMAGE).add(
    await envelopeBy({ identity: stranger, image: IMAGE }),
    IMAGE,
  );
  const question = { image: IMAGE, tag: TAG, trusted: [own.certificate], at: AT };
  const without = await verifyNotation(question, attached.list, attached);
  assert.equal(without.verified, undefined);
  assert.deepEqual(without.skipped.map(({ reason }) => reason), ["envelope", "untrusted"]);
  attached.list.push({ ...attached.list[0]!, digest: `sha256:${"1".repeat(64)}` });
  attached.add(await envelopeBy({ identity: own, image: IMAGE, tag: "latest" }), IMAGE);
  attached.add(await envelopeBy({ identity: own, image: IMAGE }), IMAGE).add(utf8("more garbage"), IMAGE);
  const { verified, skipped, untried } = await verifyNotation(question, attached.list, attached);
  assert.equal(verified?.digest, attached.list[4]!.digest);
  assert.deepEqual(skipped.map(({ reason }) => reason), ["envelope", "untrusted", "missing", "other-tag"]);
  assert.equal(untried, 1);
  const { tag: _, ...byDigest } = question;
  assert.equal((await verifyNotation(byDigest, attached.list, attached)).verified?.tag, "latest");
});

Deno.test("notation: no more than 100 signatures are tried", async () => {
  const own = await identity(keyOf("P-256"));
  const attached = new Attached();
  for (let i = 0; i < 100; i++) attached.add(utf8(`garbage ${i}`), IMAGE);
  attached.add(await envelopeBy({ identity: own, image: IMAGE }), IMAGE);
  const question = { image: IMAGE, trusted: [own.certificate], at: AT };
  const { verified, skipped, untried } = await verifyNotation(question, attached.list, attached);
  assert.deepEqual([verified, skipped.length, untried], [undefined, 100, 1]);
});

Deno.test("notation: what is long is not read", async () => {
  const own = await identity(keyOf("P-256"));
  const envelope = await envelopeBy({ identity: own, image: IMAGE, unprotected: { more: "x".repeat(2 ** 20) } });
  const attached = new Attached().add(envelope, IMAGE);
  const read: number[] = [];
  const source = {
    manifest: attached.manifest.bind(attached),
    blob: (_: unknown, maxBytes: number) => (read.push(maxBytes), Promise.resolve(undefined)),
  };
  const question = { image: IMAGE, trusted: [own.certificate], at: AT };
  const { skipped } = await verifyNotation(question, attached.list, source);
  assert.deepEqual(skipped.map((one) => "why" in one && one.why), ["it is too long"]);
  assert.deepEqual(read, []);
});

Deno.test("notation: contents that others altered are skipped; that nothing can be read at all is said", async () => {
  const own = await identity(keyOf("P-256"));
  const attached = new Attached().add(await envelopeBy({ identity: own, image: IMAGE }), IMAGE);
  const question = { image: IMAGE, trusted: [own.certificate], at: AT };
  const failing = (code: "trust-invalid" | "unavailable") => ({
    manifest: attached.manifest.bind(attached),
    blob: () => Promise.reject(new TagsealError(code, "The blob is bad", { remedy: "Try again" })),
  });
  const { skipped } = await verifyNotation(question, attached.list, failing("trust-invalid"));
  assert.deepEqual(skipped.map(({ reason }) => reason), ["missing"]);
  await failsWith(verifyNotation(question, attached.list, failing("unavailable")), "unavailable", "The blob is bad");
});

Deno.test("notation: an issued certificate is nobody to trust by itself", async () => {
  const ca = await identity(newKey("P-256"), { ca: true });
  const leaf = await identity(keyOf("P-256"), { issuer: ca });
  const attached = new Attached().add(
    await envelopeBy({ identity: leaf, above: [ca.certificate], image: IMAGE }),
    IMAGE,
  );
  const verify = (trusted: typeof leaf) =>
    verifyNotation({ image: IMAGE, trusted: [trusted.certificate], at: AT }, attached.list, attached);
  await failsWith(verify(leaf), "bad-input", "neither a CA's nor self-signed");
  assert.deepEqual((await verify(ca)).verified?.signer.der, leaf.certificate.der);
});

Deno.test("notation: signed already is what this certificate signed for this image and tag", async () => {
  const ca = await identity(newKey("P-256"), { ca: true });
  const own = await identity(keyOf("P-256"), { issuer: ca, crl: "http://127.0.0.1:9/none.crl" });
  const renewed = await identity(keyOf("P-256"), { issuer: ca });
  const chain = [own.certificate, ca.certificate] as const;
  const wanted = { image: IMAGE, tag: TAG, chain, at: AT };
  const is = async (attached: Attached, change: Partial<typeof wanted> = {}) => {
    const { tag, ...asked } = { ...wanted, ...change };
    return (await tagsSignedAlready({ ...asked, tags: [tag] }, attached.list, attached)).has(tag);
  };
  const attached = new Attached();
  assert.equal(await is(attached), false);
  attached.add(await envelopeBy({ identity: renewed, above: [ca.certificate], image: IMAGE }), IMAGE);
  assert.equal(await is(attached), false, "another certificate of the same key");
  attached.add(await envelopeBy({ identity: own, above: [ca.certificate], image: IMAGE }), IMAGE);
  assert.equal(await is(attached), true);
  assert.equal(await is(attached, { tag: "latest" }), false);
  assert.equal(await is(attached, { image: { ...IMAGE, size: IMAGE.size + 1 } }), false);
  assert.equal(await is(attached, { at: new Date("2046-01-01T00:00:00Z") }), false, "it expired");
  let read = 0;
  const counted = {
    manifest: (digest: Digest) => (read++, attached.manifest(digest)),
    blob: (digest: Digest) => attached.blob(digest),
  };
  const tags = [TAG, "latest", "next"];
  const { image, at } = wanted;
  assert.deepEqual([...await tagsSignedAlready({ image, at, chain, tags }, attached.list, counted)], [TAG]);
  assert.equal(read, attached.list.length, "each signature is read once for all tags");
});
