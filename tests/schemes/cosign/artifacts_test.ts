/** What tagseal writes: byte by byte what the real tools accepted, and nothing of others lost. */
import assert from "node:assert/strict";
import { text, utf8 } from "../../../lib/bytes/bytes.ts";
import { bundleArtifact, preAuthenticationEncoding, statementOf } from "../../../lib/schemes/cosign/bundle.ts";
import { signatureTag, withSignatures } from "../../../lib/schemes/cosign/classic.ts";
import {
  BUNDLE_CHOICES,
  type BundleChoice,
  chooseForms,
  describeFormWarning,
  type FormFacts,
  type FormWarning,
} from "../../../lib/schemes/cosign/forms.ts";
import { readVerificationKeys } from "../../../lib/schemes/cosign/keys.ts";
import { OCI_MANIFEST } from "../../../lib/registry/manifest_type.ts";
import { readSignatureManifest } from "../../../lib/schemes/cosign/manifests.ts";
import { simpleSigningPayload } from "../../../lib/schemes/cosign/payload.ts";
import { publishedSignature } from "../../../lib/schemes/cosign/signature.ts";
import { sample, SAMPLE_IMAGE, SAMPLE_KEYS, TEST_KEY_KINDS, testKey } from "../../support/cosign.ts";

for (const kind of SAMPLE_KEYS) {
  Deno.test(`cosign, ${kind}: payload, layer, config and manifest are the bytes that all verifiers accepted`, async () => {
    const file = (name: string) => sample(`${kind}/cosign-classic/index.${name}`);
    const [key] = readVerificationKeys(await sample(`${kind}/cosign.pub`));
    const payload = simpleSigningPayload(SAMPLE_IMAGE);
    assert.equal(text(payload), text(await file("payload.json")));
    const signature = await publishedSignature(key, payload, await file("payload.json.sig"));
    assert.deepEqual(signature, await file("payload.json.sig"));
    const { blobs, manifest } = withSignatures(undefined, [{ payload, signature: signature! }]);
    assert.equal(text(manifest.bytes), text(await file("manifest.json")));
    assert.deepEqual(blobs.map(({ bytes }) => text(bytes)), [text(payload), text(await file("config.json"))]);
    assert.equal(signatureTag(SAMPLE_IMAGE.digest), text(await file("tag")).trim());
  });

  Deno.test(`cosign, ${kind}: statement, signed bytes, bundle and manifest are those that cosign 3 accepted`, async () => {
    const file = (name: string) => sample(`${kind}/cosign-bundle/${name}`);
    const [key] = readVerificationKeys(await sample(`${kind}/certificate.pem`));
    const statement = statementOf(SAMPLE_IMAGE);
    assert.equal(text(statement), text(await file("statement.json")));
    const toSign = preAuthenticationEncoding(statement);
    assert.deepEqual(toSign, await file("pae.bin"));
    const signature = await publishedSignature(key, toSign, await file("pae.bin.sig"));
    const subject = {
      mediaType: "application/vnd.oci.image.index.v1+json",
      digest: SAMPLE_IMAGE.digest,
      size: (await sample("image/index.json")).length,
    };
    const at = new Date("2026-11-28T00:00:00.000Z");
    const { blobs, manifest } = bundleArtifact(key, { statement, signature: signature! }, subject, at);
    assert.equal(text(blobs[0]!.bytes), text(await file("bundle.json")));
    assert.equal(text(blobs[1]!.bytes), "{}");
    assert.equal(text(manifest.bytes), text(await file("manifest.json")));
  });
}

Deno.test("cosign: images of Docker Hub are signed by the name that podman and skopeo look for", () => {
  const image = { ...SAMPLE_IMAGE, gun: "docker.io/library/alpine" };
  assert.match(text(simpleSigningPayload(image)), /"docker-reference":"docker\.io\/library\/alpine:1\.4\.2"/);
});

for (const kind of TEST_KEY_KINDS) {
  Deno.test(`cosign, ${kind}: a signature is recognised by cosign's rules alone, and published in one form`, async () => {
    const { key, sign } = await testKey(kind);
    const payload = simpleSigningPayload(SAMPLE_IMAGE);
    const good = await sign(payload);
    assert.deepEqual(await publishedSignature(key, payload, good), good);
    if (key.shape.family === "ecdsa") {
      const rs = await sign(payload, { ieee: true });
      assert.equal((await publishedSignature(key, payload, rs))?.[0], 0x30);
      assert.notDeepEqual(await publishedSignature(key, payload, rs), rs);
    } else {
      assert.equal(await publishedSignature(key, payload, await sign(payload, { pss: true })), undefined);
    }
    for (const hash of ["SHA-384", "SHA-512"] as const) {
      assert.equal(await publishedSignature(key, payload, await sign(payload, { hash })), undefined);
    }
    assert.equal(await publishedSignature((await testKey("p256")).key, payload, good), undefined);
    assert.equal(await publishedSignature(key, utf8("{}"), good), undefined);
  });
}

Deno.test("cosign: signatures of others stay byte by byte, and so does all that tagseal does not know", async () => {
  const foreign = `{ "schemaVersion": 2, "mediaType": "${OCI_MANIFEST}",
    "x": [1.50, 1e3, {"config": "\\u003c", "layers": "]"}],
    "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": "sha256:${"ab".repeat(32)}", "size": 2},
    "\\u006cayers": [ {"mediaType": "application/vnd.dev.cosign.simplesigning.v1+json", "size": 3 ,
      "digest": "sha256:${"cd".repeat(32)}", "unknown": 12345678901234567890,
      "annotations": {"dev.cosignproject.cosign/signature": "]\\"}", "é": "\\u00e9"}} ],
    "annotations": {"org.example": "kept"} }`;
  const current = readSignatureManifest({ bytes: utf8(foreign), mediaType: OCI_MANIFEST });
  assert.ok(typeof current === "object");
  const { key, sign } = await testKey("p256");
  const added = [];
  for (const tag of ["1.4.2", "latest"]) {
    const payload = simpleSigningPayload({ ...SAMPLE_IMAGE, tag });
    added.push({ payload, signature: (await publishedSignature(key, payload, await sign(payload)))! });
  }
  const { blobs, manifest } = withSignatures(current, added);
  const [before, after] = [foreign, text(manifest.bytes)];
  const layersEnd = before.lastIndexOf("]");
  assert.ok(after.startsWith(before.slice(0, before.indexOf('"config": {"mediaType"') + '"config": '.length)));
  const [head, tail] = [before.slice(before.indexOf('"\\u006cayers"'), layersEnd), before.slice(layersEnd)];
  assert.ok(after.includes(head));
  assert.ok(after.endsWith(tail));
  const read = readSignatureManifest({ bytes: manifest.bytes, mediaType: OCI_MANIFEST });
  assert.ok(typeof read === "object");
  assert.deepEqual(read.layers.map(({ digest }) => digest), [
    current.layers[0]!.digest,
    blobs[0]!.digest,
    blobs[1]!.digest,
  ]);
  const config = JSON.parse(text(blobs[2]!.bytes));
  assert.deepEqual(config.rootfs.diff_ids, read.layers.map(({ digest }) => digest));
  assert.equal(config.history.length, 3);
  assert.equal(JSON.parse(after).config.digest, blobs[2]!.digest);
});

Deno.test("cosign: one payload with two signatures is one blob", async () => {
  const payload = simpleSigningPayload(SAMPLE_IMAGE);
  const keys = [await testKey("p256"), await testKey("p256")];
  const added = await Promise.all(keys.map(async ({ sign }) => ({ payload, signature: await sign(payload) })));
  const { blobs, manifest } = withSignatures(undefined, added);
  assert.equal(blobs.length, 2);
  assert.equal(JSON.parse(text(manifest.bytes)).layers.length, 2);
});

Deno.test("cosign: which forms are written, and what is warned of", () => {
  const none: FormFacts = { foreignBundles: 0, ownBundles: 0, foreignSignatures: 0 };
  const decide = (facts: Partial<FormFacts>) =>
    Object.fromEntries(BUNDLE_CHOICES.map((choice: BundleChoice) => {
      const { forms, warnings } = chooseForms(choice, { ...none, ...facts });
      return [choice, [...forms, ...warnings].join(" ")];
    }));
  assert.deepEqual(decide({}), {
    auto: "classic",
    always: "classic bundle",
    never: "classic",
    only: "bundle bundle-only",
  });
  assert.deepEqual(decide({ foreignBundles: 1 }), {
    auto: "classic bundle",
    always: "classic bundle",
    never: "classic hidden-from-cosign-3",
    only: "bundle bundle-only",
  });
  assert.deepEqual(decide({ foreignSignatures: 1 }), {
    auto: "classic",
    always: "classic bundle hides-others-from-cosign-3",
    never: "classic",
    only: "bundle hides-others-from-cosign-3 bundle-only",
  });
  assert.deepEqual(decide({ foreignBundles: 1, foreignSignatures: 2 }), {
    auto: "classic bundle",
    always: "classic bundle",
    never: "classic hidden-from-cosign-3",
    only: "bundle bundle-only",
  });
  assert.deepEqual(decide({ ownBundles: 1, foreignBundles: 1 }), {
    auto: "classic bundle",
    always: "classic bundle",
    never: "classic",
    only: "bundle bundle-only",
  });
});

Deno.test("cosign: a warning says of which tag, by whose doing, and who will not see the signature", () => {
  const rows: [FormWarning, RegExp][] = [
    ["hidden-from-cosign-3", /^others have attached .* to "v1", .*cosign 3 does not look at our signature$/],
    ["hides-others-from-cosign-3", /^"v1" has classic signatures of others, which cosign 3 does not look at/],
    ["bundle-only", /^cosign 2, podman, skopeo and CRI-O read no bundles/],
  ];
  for (const [warning, words] of rows) assert.match(describeFormWarning(warning, "v1"), words);
});
