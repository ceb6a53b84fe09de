/** Signatures of all kinds, put to ours; `tests/peers/notation_test.ts` puts the same to the real program. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { text, utf8 } from "../../../lib/bytes/bytes.ts";
import { readCertificate } from "../../../lib/crypto/x509.ts";
import { digestOf } from "../../../lib/registry/blob.ts";
import type { Descriptor } from "../../../lib/registry/descriptor.ts";
import { OCI_INDEX } from "../../../lib/registry/manifest_type.ts";
import { TagsealError } from "../../../lib/errors.ts";
import type { Digest } from "../../../lib/registry/image_ref.ts";
import { MAX_ENVELOPE_BYTES } from "../../../lib/schemes/notation/read_envelope.ts";
import { type SkippedNotation, tagsSignedAlready, verifyNotation } from "../../../lib/schemes/notation/verify.ts";
import { failsWith } from "../../support/failures.ts";
import { Attached, envelopeBy, type EnvelopePlan, fixture, identity, keyOf, newKey } from "../../support/notation.ts";
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

Deno.test("notation: a CA below another one may be trusted by itself, and so may who signed its own with SHA-1", async () => {
  const root = await identity(newKey("P-256"), { ca: true, name: "Root" });
  const middle = await identity(newKey("P-256"), { ca: true, name: "Middle", issuer: root });
  const leaf = await identity(keyOf("P-256"), { issuer: middle });
  const old = await identity(keyOf("RSA 2048"), { hash: "SHA-1" });
  const rows = [[leaf, [middle.certificate, root.certificate], middle], [old, [], old]] as const;
  for (const [signer, above, anchor] of rows) {
    const attached = new Attached().add(await envelopeBy({ identity: signer, above, image: IMAGE }), IMAGE);
    const question = { image: IMAGE, tag: TAG, trusted: [anchor.certificate], at: AT };
    const { verified, skipped } = await verifyNotation(question, attached.list, attached);
    assert.deepEqual([verified?.signer, skipped], [signer.certificate, []]);
  }
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
  const { certificate: olderRoot } = await identity(ca.key, { ca: true, to: "2040-01-01T00:00:00Z" });
  attached.add(await envelopeBy({ identity: own, above: [olderRoot], image: IMAGE }), IMAGE);
  assert.equal(await is(attached), false, "under another certificate of the CA, which may be trusted no longer");
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

Deno.test("notation: each signature that is none is told by its reason, and what decides nothing by none", async (t) => {
  const own = await identity(keyOf("P-256"));
  const stranger = await identity(newKey("P-256"));
  const odd = await identity(generateKeyPairSync("ed25519").privateKey, { issuer: stranger });
  const [scheme, expiry] = ["io.cncf.notary.signingScheme", "io.cncf.notary.expiry"];
  const until = (time: string) => ({ header: { crit: [scheme, expiry], [expiry]: time } });
  const valid = async (from: string, to: string) => ({ identity: await identity(keyOf("P-256"), { from, to }) });
  const blank = { mediaType: "application/json", digest: digestOf(utf8("{}")), size: 2 };
  const layer = (more: object) => async () => {
    const envelope = await envelopeBy({ identity: own, image: IMAGE });
    return {
      layers: [{ mediaType: "application/jose+json", digest: digestOf(envelope), size: envelope.length, ...more }],
    };
  };
  type Told = Partial<Omit<SkippedNotation, "digest">> & Record<string, unknown>;
  type Row = [
    name: string,
    plan: Partial<EnvelopePlan>,
    told: Told | "good",
    members?: Record<string, unknown> | (() => Promise<Record<string, unknown>>),
  ];
  const expired = (time: string) => ({ reason: "expired", expiry: new Date(time) }) as const;
  const certificate = (by: typeof own, reason: string) =>
    ({
      reason: "certificate",
      problems: [{ certificate: by.certificate, reason }],
    }) as unknown as Told;
  const over = await valid("2026-01-01T00:00:00Z", "2026-11-28T11:59:59Z");
  const early = await valid("2026-11-28T12:00:01Z", "2046-01-01T00:00:00Z");
  const ca = await identity(newKey("P-256"), { ca: true });
  const crl = "http://127.0.0.1:9/none.crl";
  const revocable = { identity: await identity(keyOf("P-256"), { issuer: ca, crl }), above: [ca.certificate] };
  const rows: Row[] = [
    ["nothing is changed", {}, "good"],
    ["to be taken for another second", until("2026-11-28T12:00:01Z"), "good"],
    ["without what it belongs to", {}, "good", { subject: undefined }],
    ["without annotations", {}, "good", { annotations: undefined }],
    ["to be taken until now", until("2026-11-28T12:00:00Z"), expired("2026-11-28T12:00:00Z")],
    ["another key's algorithm", { header: { alg: "ES384" } }, { reason: "algorithm" }],
    ["what asks for something that is not known", { header: { "io.cncf.notary.more": 1 } }, {
      reason: "envelope",
      why: "a protected attribute asks for more than is known here",
    }],
    ["a time stamp that is no text", { unprotected: { "io.cncf.notary.timestampSignature": 1 } }, {
      reason: "envelope",
      why: "something is no text",
    }],
    ["zeros", { sign: () => new Uint8Array(64) }, { reason: "signature" }],
    ["a key that JWS of Notation's has no place for", {
      identity: odd,
      header: { alg: "PS256" },
      sign: () => new Uint8Array(64),
    }, certificate(odd, "key")],
    ["a stranger's", { identity: stranger }, { reason: "untrusted", signer: stranger.certificate }],
    ["an expired certificate's", over, certificate(over.identity, "expired")],
    ["a certificate's of tomorrow", early, certificate(early.identity, "not-yet-valid")],
    [
      "a certificate's that may have been revoked",
      revocable,
      certificate(revocable.identity, "revocation-not-checked"),
    ],
    ["of another digest", { target: { digest: blank.digest } }, {
      reason: "other-image",
      image: { ...IMAGE, digest: blank.digest },
    }],
    ["of another size", { target: { size: 5 } }, { reason: "other-image", image: { ...IMAGE, size: 5 } }],
    ["of another tag", { tag: "latest" }, { reason: "other-tag", tag: "latest" }],
    ["of no tag", { target: { annotations: undefined } }, { reason: "other-tag", tag: undefined }],
    ["no manifest of OCI's", {}, { reason: "manifest" }, { mediaType: OCI_INDEX }],
    ["two layers", {}, { reason: "manifest" }, { layers: [blank, blank] }],
    ["no layer", {}, { reason: "manifest" }, { layers: [] }],
    ["an envelope and something else", {}, { reason: "manifest" }, async () => {
      const { layers } = await layer({})();
      return { layers: [...layers, blank] };
    }],
    ...["schemaVersion", "mediaType", "artifactType", "config", "layers", "subject", "annotations"].map((name): Row => [
      `a manifest with ${name} in other letters, too`,
      {},
      { reason: "manifest" },
      { [name.toUpperCase()]: null },
    ]),
    ["no list of layers", {}, { reason: "manifest" }, { layers: {} }],
    ["what is counted like a list of layers, and is none", {}, { reason: "manifest" }, async () => {
      const { layers } = await layer({})();
      return { layers: { length: 1, 0: layers[0] } };
    }],
    ["an envelope of another kind", {}, { reason: "manifest" }, layer({ mediaType: "application/cose" })],
    ["a number for an annotation", {}, { reason: "manifest" }, { annotations: { a: 1 } }],
    ["an odd config", {}, { reason: "manifest" }, { config: { ...blank, digest: "sha256:ab" } }],
    ["an odd subject", {}, { reason: "manifest" }, { subject: { ...IMAGE, size: "1" } }],
    ["a layer of another size", {}, { reason: "missing" }, layer({ size: 7 })],
    ["a layer that may just be so long", {}, { reason: "missing" }, layer({ size: MAX_ENVELOPE_BYTES })],
    [
      "a layer that is too long",
      {},
      { reason: "envelope", why: "it is too long" },
      layer({ size: MAX_ENVELOPE_BYTES + 1 }),
    ],
  ];
  const trusted = [own, over.identity, early.identity, ca].map(({ certificate }) => certificate);
  const question = { image: IMAGE, tag: TAG, trusted, at: AT };
  for (const [name, plan, told, members] of rows) {
    await t.step(name, async () => {
      const envelope = await envelopeBy({ identity: own, image: IMAGE, ...plan });
      const attached = new Attached().add(envelope, IMAGE, typeof members === "function" ? await members() : members);
      const { verified, skipped } = await verifyNotation(question, attached.list, attached);
      const [{ digest }] = attached.list as [Descriptor];
      const signingTime = new Date("2026-11-28T00:00:00Z");
      const good = told === "good" ? { digest, signer: own.certificate, signingTime, tag: TAG } : undefined;
      assert.deepEqual([verified, skipped], [good, told === "good" ? [] : [{ digest, ...told }]]);
    });
  }
  await t.step("of no tag, where none is asked for", async () => {
    const plan = { identity: own, image: IMAGE, target: { annotations: undefined } };
    const untagged = new Attached().add(await envelopeBy(plan), IMAGE);
    const { tag: _, ...byDigest } = question;
    const { verified } = await verifyNotation(byDigest, untagged.list, untagged);
    assert.ok(verified && !("tag" in verified));
  });
  const attached = new Attached().add(await envelopeBy({ identity: own, image: IMAGE }), IMAGE);
  const [whole] = attached.list as [Descriptor];
  for (const change of [{ mediaType: OCI_INDEX }, { size: whole.size + 1 }]) {
    const { skipped } = await verifyNotation(question, [{ ...whole, ...change }], attached);
    assert.deepEqual(skipped, [{ digest: whole.digest, reason: "missing" }]);
  }
});

Deno.test("notation: of what is signed already no more is read than it takes, and never more than 100 signatures", async () => {
  const own = await identity(keyOf("P-256"));
  const read: Digest[] = [];
  const ask = async (attached: Attached, tags: readonly string[]) => {
    read.length = 0;
    const source = {
      manifest: (digest: Digest) => (read.push(digest), attached.manifest(digest)),
      blob: (digest: Digest) => attached.blob(digest),
    };
    const asked = { image: IMAGE, tags, chain: [own.certificate], at: AT } as const;
    return [...await tagsSignedAlready(asked, attached.list, source)];
  };
  const signed = async (tag: string) => await envelopeBy({ identity: own, image: IMAGE, tag });
  const few = new Attached().add(await signed("other"), IMAGE).add(await signed(TAG), IMAGE).add(
    utf8("garbage"),
    IMAGE,
  );
  assert.deepEqual([await ask(few, [TAG]), read.length], [[TAG], 2]);
  assert.deepEqual([await ask(few, ["latest"]), read.length], [[], 3]);
  assert.deepEqual([await ask(few, []), read.length], [[], 0]);
  const many = new Attached();
  for (let i = 0; i < 99; i++) many.add(utf8(`garbage ${i}`), IMAGE);
  many.add(await signed(TAG), IMAGE).add(await signed("latest"), IMAGE);
  assert.deepEqual([await ask(many, [TAG, "latest"]), read.length], [[TAG], 100]);
});
