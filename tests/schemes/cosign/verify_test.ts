/** What is taken for a cosign signature: what cosign 2, cosign 3 and containers-image all take, and nothing else. */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../../lib/bytes/bytes.ts";
import type { Digest } from "../../../lib/registry/image_ref.ts";
import { MAX_REFERRERS, readAttached, registrySource } from "../../../lib/schemes/cosign/attached.ts";
import { statementOf } from "../../../lib/schemes/cosign/bundle.ts";
import { SIGNATURE_ANNOTATION, signatureTag, withSignatures } from "../../../lib/schemes/cosign/classic.ts";
import { readVerificationKeys } from "../../../lib/schemes/cosign/keys.ts";
import { OCI_MANIFEST } from "../../../lib/registry/manifest_type.ts";
import { formFacts, missingSignatures, signaturesToAddTo } from "../../../lib/schemes/cosign/missing.ts";
import { simpleSigningPayload } from "../../../lib/schemes/cosign/payload.ts";
import { type CosignVerdict, verifyCosign } from "../../../lib/schemes/cosign/verify.ts";
import {
  attachBundle,
  type LayerJson,
  layerJson,
  type OddBundle,
  sample,
  SAMPLE_IMAGE,
  SAMPLE_KEYS,
  signatureImage,
  SignatureStore,
  TEST_KEY_KINDS,
  type TestKey,
  testKey,
} from "../../support/cosign.ts";
import { createSigningCertificate } from "../../../lib/local/certificates.ts";
import { failsWith } from "../../support/failures.ts";
import { registryWorld } from "../../support/registries.ts";

const { gun, tag, digest } = SAMPLE_IMAGE;
const AT = new Date("2026-11-28T12:00:00Z");
const INDEX = { mediaType: "application/vnd.oci.image.index.v1+json", digest, size: 491 };
const OTHER_DIGEST: Digest = `sha256:${"0f".repeat(32)}`;
const ours = await testKey("p256");
const theirs = await testKey("p256");
const payload = simpleSigningPayload(SAMPLE_IMAGE);

/** The verdict, in short: the forms that verified, or why not. */
function short(verdict: CosignVerdict): string {
  if (verdict.outcome === "verified") {
    return verdict.signatures.map(({ form, tag = "no tag" }) => `${form} ${tag}`).join(", ");
  }
  return [verdict.reason, ...new Set(verdict.skipped.map(({ reason }) => reason))].join(": ");
}

async function ask(
  store: SignatureStore,
  question: { readonly tag?: string | undefined; readonly keys?: readonly TestKey[]; readonly gun?: string } = { tag },
): Promise<CosignVerdict> {
  const { keys = [ours], ...rest } = question;
  return await verifyCosign(await readAttached(store, digest), {
    gun,
    at: AT,
    ...rest,
    keys: keys.map(({ key }) => key),
  });
}

/** Layers under the signature tag. */
function layered(layers: readonly LayerJson[], payloads: readonly Bytes[], change = {}): SignatureStore {
  const store = new SignatureStore();
  store.sign(digest, signatureImage(layers, payloads, change));
  return store;
}

async function signedPayload(bytes: Bytes, annotations = {}, key: TestKey = ours): Promise<SignatureStore> {
  return layered([layerJson(bytes, await key.sign(bytes), annotations)], [bytes]);
}

function json(change: (payload: ReturnType<typeof JSON.parse>) => unknown): Bytes {
  const value = JSON.parse(new TextDecoder().decode(payload));
  return utf8(JSON.stringify(change(value) ?? value));
}

const withReference = (reference: string) => json((it) => void (it.critical.identity["docker-reference"] = reference));

for (const kind of SAMPLE_KEYS) {
  Deno.test(`cosign, ${kind}: the samples that all real tools accepted are good`, async () => {
    const store = new SignatureStore();
    const bytes = async (name: string) => store.put(await sample(`${kind}/${name}`));
    await bytes("cosign-classic/index.payload.json");
    await bytes("cosign-bundle/bundle.json");
    const classic = await sample(`${kind}/cosign-classic/index.manifest.json`);
    const bundle = await sample(`${kind}/cosign-bundle/manifest.json`);
    store.manifests.set(signatureTag(digest), { bytes: classic, mediaType: OCI_MANIFEST, digest: store.put(classic) });
    const keys = readVerificationKeys(await sample(`${kind}/cosign.pub`));
    const verdict = await verifyCosign(await readAttached(store, digest), { gun, tag, keys, at: AT });
    assert.equal(short(verdict), "classic 1.4.2");
    assert.deepEqual(verdict.outcome === "verified" && verdict.readers, ["cosign-2", "containers-image", "cosign-3"]);
    const manifestDigest = store.put(bundle);
    store.manifests.set(manifestDigest, { bytes: bundle, mediaType: OCI_MANIFEST, digest: manifestDigest });
    store.referring.set(digest, [{ digest: manifestDigest }]);
    const both = await verifyCosign(await readAttached(store, digest), { gun, tag, keys, at: AT });
    assert.equal(short(both), "classic 1.4.2, bundle 1.4.2");
    assert.deepEqual(both.outcome === "verified" && both.readers, ["cosign-2", "containers-image", "cosign-3"]);
  });
}

Deno.test("cosign: what cosign 3.1 itself signed as a bundle is good, too, by the tag that it was annotated with", async () => {
  const store = new SignatureStore();
  const bundle = await sample("made-by-real-tools/cosign-3.1-bundle.manifest.json");
  store.put(await sample("made-by-real-tools/cosign-3.1-bundle.bundle.json"));
  const manifestDigest = store.put(bundle);
  store.manifests.set(manifestDigest, { bytes: bundle, mediaType: OCI_MANIFEST, digest: manifestDigest });
  store.referring.set(digest, [{ digest: manifestDigest }]);
  const keys = readVerificationKeys(await sample("p256/cosign.pub"));
  const attached = await readAttached(store, digest);
  assert.equal(short(await verifyCosign(attached, { gun, keys, at: AT })), "bundle 1.4.2");
  assert.equal(short(await verifyCosign(attached, { gun, tag: "1.4", keys, at: AT })), "no-good-signature: other-tag");
});

for (const kind of TEST_KEY_KINDS) {
  Deno.test(`cosign, ${kind}: signatures by other rules are refused`, async () => {
    const signer = await testKey(kind);
    const verdict = async (odd: Parameters<TestKey["sign"]>[1]) =>
      short(
        await ask(layered([layerJson(payload, await signer.sign(payload, odd))], [payload]), { keys: [signer], tag }),
      );
    assert.equal(await verdict({}), "classic 1.4.2");
    assert.equal(await verdict({ hash: "SHA-384" }), "no-good-signature: other-key");
    assert.equal(await verdict({ hash: "SHA-512" }), "no-good-signature: other-key");
    const isRsa = kind.startsWith("rsa");
    assert.equal(await verdict({ pss: true }), isRsa ? "no-good-signature: other-key" : "classic 1.4.2");
    assert.equal(await verdict({ ieee: true }), "classic 1.4.2");
  });
}

const PAYLOADS: readonly [what: string, payload: Bytes, expected: string][] = [
  ["as tagseal makes it", payload, "classic 1.4.2"],
  ["without optional members", json((it) => ({ ...it, optional: null })), "classic 1.4.2"],
  ["with an empty optional", json((it) => ({ ...it, optional: {} })), "classic 1.4.2"],
  ["with numbers in optional", json((it) => ({ ...it, optional: { timestamp: 1, n: 1.5 } })), "classic 1.4.2"],
  [
    "indented, with a line end",
    utf8(`${JSON.stringify(JSON.parse(new TextDecoder().decode(payload)), null, 2)}\n`),
    "classic 1.4.2",
  ],
  ["without optional", json(({ critical }) => ({ critical })), "no-good-signature: malformed-payload"],
  [
    "with a creator that is no text",
    json((it) => ({ ...it, optional: { creator: 1 } })),
    "no-good-signature: malformed-payload",
  ],
  [
    "with a timestamp that is no number",
    json((it) => ({ ...it, optional: { timestamp: "1" } })),
    "no-good-signature: malformed-payload",
  ],
  [
    "with a broken timestamp",
    json((it) => ({ ...it, optional: { timestamp: 1.5 } })),
    "no-good-signature: malformed-payload",
  ],
  [
    "with a number that no double holds",
    utf8(
      JSON.stringify({ ...JSON.parse(new TextDecoder().decode(payload)), optional: { n: 7 } }).replace("7}", "1e999}"),
    ),
    "no-good-signature: malformed-payload",
  ],
  ["with a further member", json((it) => ({ ...it, more: 1 })), "no-good-signature: malformed-payload"],
  ["with a further critical member", json((it) => void (it.critical.more = 1)), "no-good-signature: malformed-payload"],
  [
    "with a further member of the identity",
    json((it) => void (it.critical.identity.more = 1)),
    "no-good-signature: malformed-payload",
  ],
  [
    "with a further member of the image",
    json((it) => void (it.critical.image.more = 1)),
    "no-good-signature: malformed-payload",
  ],
  [
    "of another type",
    json((it) => void (it.critical.type = "atomic container signature")),
    "no-good-signature: malformed-payload",
  ],
  [
    "with a name twice",
    utf8(new TextDecoder().decode(payload).replace('"optional":', '"optional":null,"optional":')),
    "no-good-signature: malformed-payload",
  ],
  ["with something behind it", utf8(`${new TextDecoder().decode(payload)}{}`), "no-good-signature: malformed-payload"],
  ["that is no JSON", utf8("{"), "no-good-signature: malformed-payload"],
  [
    "about another manifest",
    json((it) => void (it.critical.image["docker-manifest-digest"] = OTHER_DIGEST)),
    "no-good-signature: other-digest",
  ],
  [
    "with a digest in capitals",
    json((it) => void (it.critical.image["docker-manifest-digest"] = digest.toUpperCase())),
    "no-good-signature: malformed-payload",
  ],
  ["about another tag", withReference(`${gun}:1.4.3`), "no-good-signature: other-tag"],
  [
    "about another repository",
    withReference("registry.example.com/team/other:1.4.2"),
    "no-good-signature: other-repository",
  ],
  [
    "about the repository on another port",
    withReference("registry.example.com:443/team/app:1.4.2"),
    "no-good-signature: other-repository",
  ],
  ["without a tag", withReference(gun), "no-good-signature: no-tag"],
  ["with a digest instead of a tag", withReference(`${gun}@${digest}`), "no-good-signature: no-tag"],
  ["with tag and digest", withReference(`${gun}:1.4.2@${digest}`), "no-good-signature: no-tag"],
  ["with no reference", withReference(""), "no-good-signature: malformed-payload"],
];

for (const [what, bytes, expected] of PAYLOADS) {
  Deno.test(`cosign: a signed payload ${what}: ${expected}`, async () => {
    assert.equal(short(await ask(await signedPayload(bytes))), expected);
  });
}

Deno.test("cosign: by digest any tag of the repository will do, and it is told", async () => {
  assert.equal(short(await ask(await signedPayload(withReference(`${gun}:9`)), {})), "classic 9");
  assert.equal(short(await ask(await signedPayload(withReference(gun)), {})), "no-good-signature: no-tag");
  const elsewhere = await signedPayload(withReference("registry.example.com/b:9"));
  assert.equal(short(await ask(elsewhere, {})), "no-good-signature: other-repository");
});

Deno.test("cosign: the names of Docker Hub are one name", async () => {
  for (const name of ["docker.io/acme/app", "index.docker.io/acme/app", "acme/app"]) {
    assert.equal(
      short(await ask(await signedPayload(withReference(`${name}:1.4.2`)), { tag, gun: "docker.io/acme/app" })),
      "classic 1.4.2",
    );
  }
  const registry = await signedPayload(withReference("registry-1.docker.io/acme/app:1.4.2"));
  assert.equal(short(await ask(registry, { tag, gun: "docker.io/acme/app" })), "no-good-signature: malformed-payload");
});

Deno.test("cosign: a layer without a signature of one of the keys is passed over, with its reason", async () => {
  const signature = await ours.sign(payload);
  const good = layerJson(payload, signature);
  const annotated = (value: string | undefined) => ({
    ...good,
    annotations: value === undefined ? {} : { [SIGNATURE_ANNOTATION]: value },
  });
  const base64 = signature.toBase64();
  const noJson = utf8("no JSON");
  const changed = json((it) => void (it.optional.tag = "1.4.3"));
  const bad: readonly [LayerJson, string][] = [
    [layerJson(payload, await theirs.sign(payload)), "other-key"],
    [layerJson(changed, signature), "other-key"],
    [layerJson(noJson, await theirs.sign(noJson)), "other-key"],
    [layerJson(noJson, await ours.sign(noJson)), "malformed-payload"],
    [annotated(undefined), "malformed-signature"],
    [annotated(""), "malformed-signature"],
    [annotated("?"), "malformed-signature"],
    [annotated(`${base64.slice(0, 8)} ${base64.slice(8)}`), "malformed-signature"],
    [annotated(base64.replaceAll("=", "")), base64.includes("=") ? "malformed-signature" : "good"],
    [annotated(`${base64}AAAA`), base64.includes("=") ? "malformed-signature" : "other-key"],
    [{ ...good, size: payload.length + 1 }, "payload-of-other-size"],
    [{ ...good, mediaType: "application/vnd.dsse.envelope.v1+json" }, "no-signature-layer"],
    [{ ...good, mediaType: "application/vnd.dev.cosign.simplesigning.v1+json " }, "no-signature-layer"],
  ];
  const payloads = [payload, changed, noJson];
  for (const [layer, reason] of bad) {
    if (reason === "good") continue;
    assert.equal(short(await ask(layered([layer], payloads))), `no-good-signature: ${reason}`);
  }
  const verdict = await ask(layered([...bad.map(([layer]) => layer), good], payloads));
  assert.equal(verdict.outcome, "verified");
  assert.deepEqual(verdict.skipped.map(({ reason }) => reason), bad.flatMap(([, it]) => it === "good" ? [] : it));
});

const [valid, expired] = await Promise.all([365, -1].map(async (days) => {
  const now = new Date(AT.getTime() - 10 * 86_400_000);
  const made = await createSigningCertificate({
    commonName: "a",
    algorithm: "ecdsa-p256",
    now,
    days: Math.max(days, 1),
  });
  return made.certificatePem;
})) as [string, string];

Deno.test("cosign: what stands beside a signature must be in order, as cosign wants it, though no key needs it", async () => {
  const verdict = async (annotations: Record<string, string>) =>
    short(await ask(await signedPayload(payload, annotations)));
  const rekor = (change = {}) =>
    JSON.stringify({
      SignedEntryTimestamp: "AAAA",
      Payload: { body: "AAAA", integratedTime: 1, logIndex: 2, logID: "ab", ...change },
    });
  const malformed = "no-good-signature: malformed-annotation";
  assert.equal(await verdict({ "dev.sigstore.cosign/certificate": valid }), "classic 1.4.2");
  assert.equal(
    await verdict({ "dev.sigstore.cosign/certificate": expired }),
    "no-good-signature: certificate-not-valid-now",
  );
  assert.equal(await verdict({ "dev.sigstore.cosign/certificate": "-----BEGIN CERTIFICATE-----" }), malformed);
  assert.equal(await verdict({ "dev.sigstore.cosign/chain": `${valid}${expired}` }), "classic 1.4.2");
  assert.equal(await verdict({ "dev.sigstore.cosign/chain": "no PEM" }), malformed);
  assert.equal(await verdict({ "dev.sigstore.cosign/bundle": rekor() }), "classic 1.4.2");
  assert.equal(await verdict({ "dev.sigstore.cosign/bundle": rekor({ logIndex: "2" }) }), malformed);
  assert.equal(await verdict({ "dev.sigstore.cosign/bundle": "{" }), malformed);
  assert.equal(
    await verdict({ "dev.sigstore.cosign/rfc3161timestamp": '{"SignedRFC3161Timestamp":"AAAA"}' }),
    "classic 1.4.2",
  );
  assert.equal(await verdict({ "dev.sigstore.cosign/rfc3161timestamp": '{"SignedRFC3161Timestamp":1}' }), malformed);
  assert.equal(await verdict({ "org.example/else": "anything" }), "classic 1.4.2");
});

Deno.test("cosign: a signature image that podman and skopeo stop at is not taken at all", async () => {
  const good = layerJson(payload, await ours.sign(payload));
  const verdict = async (change: Record<string, unknown>, layers: readonly LayerJson[] = [good]) =>
    short(await ask(layered(layers, [payload], change)));
  const refused = (reason: string) => `no-good-signature: ${reason}`;
  const malformed = refused("malformed-manifest");
  assert.equal(await verdict({}), "classic 1.4.2");
  assert.equal(
    await verdict({ mediaType: "application/vnd.docker.distribution.manifest.v2+json" }),
    refused("manifest-of-other-type"),
  );
  assert.equal(await verdict({ manifests: [] }), malformed);
  assert.equal(await verdict({ history: [] }), malformed);
  assert.equal(await verdict({ Layers: [] }), malformed);
  assert.equal(await verdict({ layers: undefined, LAYERS: [good] }), malformed);
  assert.equal(await verdict({ config: null }), malformed);
  assert.equal(await verdict({ annotations: { a: 1 } }), malformed);
  assert.equal(await verdict({ layers: { 0: good } }), malformed);
  assert.equal(await verdict({}, [good, { ...good, digest: "sha256:ab" }]), malformed);
  assert.equal(await verdict({}, [good, { ...good, size: "282" }]), malformed);
  assert.equal(await verdict({}, [{ ...good, urls: ["https://elsewhere.example.com"] }]), malformed);
  assert.equal(await verdict({}, [{ ...good, data: "AAAA" }]), malformed);
  assert.equal(await verdict({}, Array(1000).fill(good)), Array(1000).fill("classic 1.4.2").join(", "));
  assert.equal(await verdict({}, Array(1001).fill(good)), refused("manifest-too-large"));
  assert.equal(await verdict({}, [good, { ...good, digest: OTHER_DIGEST }]), refused("payload-missing"));
  assert.equal(await verdict({}, [good, { ...good, size: 4 * 2 ** 20 + 1 }]), refused("payloads-too-large"));
  assert.equal(await verdict({}, [{ ...good, size: 4 * 2 ** 20 }]), refused("payload-of-other-size"));
  const swapped = layered([good, { ...good, digest: OTHER_DIGEST }], [payload]);
  swapped.blobs.set(OTHER_DIGEST, payload);
  assert.equal(short(await ask(swapped)), refused("payload-of-other-bytes"));
  assert.equal(short(await ask(new SignatureStore())), "no-signatures");
});

const statement = statementOf(SAMPLE_IMAGE);

type Bundled = Partial<OddBundle> & { readonly signer?: TestKey };

/** A store with a bundle that is good but for what is told. */
async function bundled({ signer = ours, ...odd }: Bundled = {}, store = new SignatureStore()): Promise<SignatureStore> {
  await attachBundle(store, INDEX, signer, { about: statement, ...odd });
  return store;
}

const statementWith = (change: (it: ReturnType<typeof JSON.parse>) => void) => {
  const value = JSON.parse(new TextDecoder().decode(statement));
  change(value);
  return utf8(JSON.stringify(value));
};

const BUNDLES: readonly [what: string, Bundled, expected: string][] = [
  ["as tagseal makes it", {}, "bundle 1.4.2"],
  ["without a hint", { change: (it) => delete it.verificationMaterial.publicKey.hint }, "bundle 1.4.2"],
  ["with r‖s", { odd: { ieee: true } }, "bundle 1.4.2"],
  ["with an empty key id", { change: (it) => it.dsseEnvelope.signatures[0].keyid = "" }, "bundle 1.4.2"],
  ["with a key id", { change: (it) => it.dsseEnvelope.signatures[0].keyid = "a" }, "malformed-bundle"],
  ["by another key", { signer: theirs }, "other-key"],
  ["over SHA-384", { odd: { hash: "SHA-384" } }, "other-key"],
  [
    "with another payload",
    { change: (it) => it.dsseEnvelope.payload = statementOf({ digest, tag: "x" }).toBase64() },
    "other-key",
  ],
  [
    "with two signatures",
    { change: (it) => it.dsseEnvelope.signatures.push(it.dsseEnvelope.signatures[0]) },
    "malformed-bundle",
  ],
  ["without a signature", { change: (it) => it.dsseEnvelope.signatures = [] }, "malformed-bundle"],
  [
    "with a certificate",
    { change: (it) => it.verificationMaterial = { certificate: { rawBytes: "AAAA" } } },
    "bundle-of-other-kind",
  ],
  ["with log entries", { change: (it) => it.verificationMaterial.tlogEntries = [] }, "bundle-of-other-kind"],
  [
    "of another version",
    { change: (it) => it.mediaType = "application/vnd.dev.sigstore.bundle+json;version=0.1" },
    "malformed-bundle",
  ],
  ["with a further member", { change: (it) => it.more = 1 }, "bundle-of-other-kind"],
  ["that holds no statement", { change: (it) => it.dsseEnvelope.payloadType = "text/plain" }, "bundle-is-no-signature"],
  [
    "with an attestation",
    { about: statementWith((it) => it.predicateType = "https://slsa.dev/provenance/v1") },
    "bundle-is-no-signature",
  ],
  [
    "of an older statement",
    { about: statementWith((it) => it._type = "https://in-toto.io/Statement/v0.1") },
    "malformed-bundle",
  ],
  ["about another manifest", { about: statementOf({ digest: OTHER_DIGEST, tag }) }, "other-digest"],
  ["about two manifests", { about: statementWith((it) => it.subject.push(it.subject[0])) }, "malformed-bundle"],
  ["about another tag", { about: statementOf({ digest, tag: "1.4.3" }) }, "other-tag"],
  ["about no tag", { about: statementWith((it) => delete it.subject[0].annotations) }, "no-tag"],
  ["under a manifest of two layers", { manifest: (it) => it.layers.push(it.layers[0]) }, "malformed-manifest"],
  [
    "under a manifest about another image",
    { manifest: (it) => it.subject.digest = OTHER_DIGEST },
    "malformed-manifest",
  ],
  ["of another size", { manifest: (it) => it.layers[0].size++ }, "malformed-bundle"],
  ["that is too large", { manifest: (it) => it.layers[0].size = 2 ** 23 }, "manifest-too-large"],
];

for (const [what, forged, expected] of BUNDLES) {
  Deno.test(`cosign: a bundle ${what}: ${expected}`, async () => {
    const good = expected.startsWith("bundle 1");
    assert.equal(short(await ask(await bundled(forged))), good ? expected : `no-good-signature: ${expected}`);
    const beside = await bundled(forged);
    await bundled({}, beside);
    assert.equal((await ask(beside)).outcome, "verified");
  });
}

Deno.test("cosign: a foreign bundle hides our signature from cosign 3 alone, until ours stands beside it", async () => {
  const store = await signedPayload(payload);
  const readers = async () => {
    const verdict = await ask(store);
    return verdict.outcome === "verified" ? verdict.readers : verdict.reason;
  };
  assert.deepEqual(await readers(), ["cosign-2", "containers-image", "cosign-3"]);
  await bundled({ change: (it) => it.verificationMaterial = { certificate: { rawBytes: "AAAA" } } }, store);
  assert.deepEqual(await readers(), ["cosign-2", "containers-image"]);
  const facts = async () => await formFacts(await readAttached(store, digest), gun, ours.key, AT);
  assert.deepEqual(await facts(), { foreignBundles: 1, ownBundles: 0, foreignSignatures: 0 });
  await bundled({ about: statementOf({ digest, tag: "other" }) }, store);
  assert.deepEqual(await readers(), ["cosign-2", "containers-image", "cosign-3"]);
  assert.deepEqual(await facts(), { foreignBundles: 1, ownBundles: 1, foreignSignatures: 0 });
});

Deno.test("cosign: bundles are found by their manifests, whatever the index says; other referrers do no harm", async () => {
  const store = await signedPayload(payload);
  const notation = signatureImage([{ mediaType: "application/jose+json", digest: store.put(utf8("{}")), size: 2 }], []);
  store.attach(digest, notation);
  store.referring.get(digest)!.push({ digest: OTHER_DIGEST });
  assert.deepEqual((await readAttached(store, digest)).bundles, []);
  await bundled({ manifest: (it) => delete it.artifactType }, store);
  const { bundles } = await readAttached(store, digest);
  assert.deepEqual(bundles.map(({ bundle }) => bundle), ["malformed-manifest"]);
  const [{ digest: lying }] = store.referring.get(digest)!.slice(-1) as [{ digest: Digest }];
  store.manifests.set(lying, notation.manifest);
  const others = (await readAttached(store, digest)).bundles.map(({ bundle }) => bundle);
  assert.deepEqual(others, ["malformed-manifest"]); // the bytes of another digest
});

Deno.test("cosign: many referrers are not all read, and then nothing is promised for cosign 3", async () => {
  const store = await signedPayload(payload);
  store.referring.set(digest, Array.from({ length: MAX_REFERRERS + 1 }, () => ({ digest: OTHER_DIGEST })));
  const attached = await readAttached(store, digest);
  assert.equal(attached.unread, 1);
  const verdict = await ask(store);
  assert.deepEqual(verdict.outcome === "verified" && verdict.readers, ["cosign-2", "containers-image"]);
});

Deno.test("cosign: a second run finds what is there, and asks for no payload that it knows", async () => {
  const images = ["1.4.2", "latest"].map((tag) => ({ ...SAMPLE_IMAGE, tag }));
  const wanted = images.flatMap((image) => (["classic", "bundle"] as const).map((form) => ({ image, form })));
  const payloads = images.map(simpleSigningPayload);
  const store = new SignatureStore();
  const missing = async (key = ours.key) => {
    store.requests.length = 0;
    const left = await missingSignatures(await readAttached(store, digest, payloads), gun, wanted, key, AT);
    return left.map(({ image, form }) => `${form} ${image.tag}`);
  };
  const all = ["classic 1.4.2", "bundle 1.4.2", "classic latest", "bundle latest"];
  assert.deepEqual(await missing(), all);
  const add = async (key: TestKey, ...chosen: Bytes[]) => {
    const added = await Promise.all(chosen.map(async (it) => ({ payload: it, signature: await key.sign(it) })));
    const current = signaturesToAddTo(await readAttached(store, digest), gun);
    store.sign(digest, withSignatures(current, added));
  };
  await add(theirs, ...payloads);
  assert.deepEqual(await missing(), all);
  assert.deepEqual(await missing(theirs.key), ["bundle 1.4.2", "bundle latest"]);
  await add(ours, payloads[0]!);
  assert.deepEqual(await missing(), ["bundle 1.4.2", "classic latest", "bundle latest"]);
  await add(ours, payloads[1]!);
  await bundled({}, store);
  await bundled({ about: statementOf({ digest, tag: "latest" }) }, store);
  assert.deepEqual(await missing(), []);
  assert.deepEqual(store.requests.filter((it) => it.startsWith("blob")).length, 2); // the bundles
  assert.deepEqual(await missing(theirs.key), ["bundle 1.4.2", "bundle latest"]);
  const facts = await formFacts(await readAttached(store, digest), gun, ours.key, AT);
  assert.deepEqual(facts, { foreignBundles: 0, ownBundles: 2, foreignSignatures: 2 });
});

Deno.test("cosign: others' signatures are those that another key made, and no attestation, nor ours of another repository", async () => {
  const about = withReference("registry.example.com/team/other:1.4.2");
  const layers = [
    layerJson(payload, await theirs.sign(payload)),
    layerJson(about, await ours.sign(about)),
    { ...layerJson(payload, await theirs.sign(payload)), mediaType: "application/vnd.dsse.envelope.v1+json" },
  ];
  const attached = await readAttached(layered(layers, [payload, about]), digest);
  assert.equal((await formFacts(attached, gun, ours.key, AT)).foreignSignatures, 1);
});

Deno.test("cosign: nothing is added to what podman and skopeo stop at", async () => {
  const docker = layered([], [], { mediaType: "application/vnd.docker.distribution.manifest.v2+json" });
  const attached = await readAttached(docker, digest);
  await failsWith(
    () => signaturesToAddTo(attached, gun),
    "bad-input",
    `The signatures under the tag "${
      signatureTag(digest)
    }" of "${gun}" cannot be added to: it is no OCI image manifest`,
  );
  assert.equal(signaturesToAddTo(await readAttached(new SignatureStore(), digest), gun), undefined);
});

Deno.test("cosign: what is no manifest at the registry is told apart from a registry that fails", async () => {
  const world = registryWorld();
  let give: () => Response = () => new Response("?");
  world.between = ({ url }) => url.includes("/manifests/") ? give() : undefined;
  const read = async () => (await readAttached(registrySource(world.repository), digest)).classic;
  const type = (mediaType: string) => ({ headers: { "content-type": mediaType } });
  give = () => new Response("{}", type("application/vnd.oci.artifact.manifest.v1+json"));
  assert.equal(await read(), "manifest-of-other-type");
  give = () => new Response('{"layers":[],"layers":[]}', type(OCI_MANIFEST));
  assert.equal(await read(), "malformed-manifest");
  give = () => new Response('{"schemaVersion":1}', type("application/vnd.docker.distribution.manifest.v1+json"));
  assert.equal(await read(), "malformed-manifest");
  give = () => new Response(null, { status: 404 });
  assert.equal(await read(), undefined);
  give = () => new Response(null, { status: 418 });
  await failsWith(read, "unavailable", "cannot be read");
  give = () => new Response(null, { status: 412 });
  await failsWith(read, "forbidden", "is kept back by a policy");
  const bearer = { status: 401, headers: { "www-authenticate": 'Bearer realm="https://auth.test/token"' } };
  world.between = ({ url }) => {
    if (url.startsWith("https://auth.test/")) return Response.json({});
    return url.includes("/manifests/") ? new Response(null, bearer) : undefined;
  };
  await failsWith(read, "unavailable", "holds no usable token");
});

Deno.test("cosign: a file of keys is PEM of public keys or a certificate, whenever it expires", async () => {
  const pub = await sample("rsa2048/cosign.pub");
  const id = (file: Bytes) => readVerificationKeys(file).map(({ canonicalId }) => canonicalId);
  assert.deepEqual(id(await sample("rsa2048/certificate.pem")), id(pub));
  assert.equal(id(utf8(expired)).length, 1);
  const two = new TextDecoder().decode(pub) + new TextDecoder().decode(await sample("p256/cosign.pub"));
  assert.equal(id(utf8(two)).length, 2);
  const refuses = async (file: string | Bytes, message: RegExp) => {
    const bytes = typeof file === "string" ? await sample(file) : file;
    assert.throws(() => readVerificationKeys(bytes), { name: "SyntaxError", message });
  };
  await refuses("p256/key.pem", /^it holds a private key/);
  await refuses(utf8("nothing"), /^there is no certificate$/);
  await refuses(utf8("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), /^a public key is not a Sub/);
  await refuses(utf8("-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n"), /cannot be read$/);
  const { publicKey } = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]) as CryptoKeyPair;
  const spki = new Uint8Array(await crypto.subtle.exportKey("spki", publicKey));
  await refuses(utf8(`-----BEGIN PUBLIC KEY-----\n${spki.toBase64()}\n-----END PUBLIC KEY-----\n`), /Ed25519/);
});

Deno.test("cosign: what is refused as a whole, what is not there at all, and who reads a bundle alone", async () => {
  const docker = layered([], [], { mediaType: "application/vnd.docker.distribution.manifest.v2+json" });
  const skipped = [{ form: "classic", place: signatureTag(digest), reason: "manifest-of-other-type" }];
  assert.deepEqual(await ask(docker), { outcome: "refused", digest, reason: "no-good-signature", skipped });
  const nothing = { outcome: "refused", digest, reason: "no-signatures", skipped: [] };
  assert.deepEqual(await ask(new SignatureStore()), nothing);
  const bundle = await ask(await bundled());
  assert.deepEqual(bundle.outcome === "verified" && bundle.readers, ["cosign-3"]);
  const untagged = await ask(await bundled({ about: statementWith((it) => delete it.subject[0].annotations) }), {});
  assert.ok(untagged.outcome === "verified" && !("tag" in untagged.signatures[0]));
});
