/** What is read of manifests, payloads and keys of cosign signatures, member by member: what two readers may take for two things is refused. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { formatPem } from "../../../lib/bytes/pem.ts";
import { utf8 } from "../../../lib/bytes/bytes.ts";
import { MAX_MANIFEST_BYTES } from "../../../lib/registry/manifest.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../../../lib/registry/manifest_type.ts";
import { readVerificationKeys } from "../../../lib/schemes/cosign/keys.ts";
import { MAX_LAYERS, readSignatureManifest } from "../../../lib/schemes/cosign/manifests.ts";
import { exactly, readSimpleSigning } from "../../../lib/schemes/cosign/payload.ts";

type Members = Readonly<Record<string, unknown>>;

const DIGEST = `sha256:${"ab".repeat(32)}`;
const layer = (more: Members = {}) => ({ mediaType: "text/plain", digest: DIGEST, size: 7, ...more });
const manifest = (more: Members = {}) => ({
  schemaVersion: 2,
  mediaType: OCI_MANIFEST,
  config: layer(),
  layers: [layer({ annotations: { a: "b" } })],
  ...more,
});
const read = (value: unknown, mediaType = OCI_MANIFEST) =>
  readSignatureManifest({ bytes: utf8(JSON.stringify(value)), mediaType });

Deno.test("cosign manifests: what is read", () => {
  const plain = read(manifest());
  assert.ok(typeof plain !== "string");
  assert.deepEqual(plain.layers, [{ ...layer(), annotations: new Map([["a", "b"]]) }]);
  assert.deepEqual(Object.keys(plain).sort(), ["bytes", "layers"]);
  for (const nothing of [{ subject: null, annotations: null, artifactType: "" }, { annotations: {} }, { other: 1 }]) {
    assert.deepEqual({ ...read(manifest(nothing)) as object, bytes: 0 }, { ...plain, bytes: 0 });
  }
  const full = read(manifest({ artifactType: "x/y", subject: layer({ artifactType: "x/z", annotations: null }) }));
  assert.ok(typeof full !== "string");
  assert.equal(full.artifactType, "x/y");
  assert.deepEqual(full.subject, { ...layer(), annotations: new Map() });
});

Deno.test("cosign manifests: what is refused", () => {
  const malformed: Members[] = [
    { config: undefined },
    { config: null },
    { layers: undefined },
    { layers: {} },
    { layers: [layer(), null] },
    { layers: [layer({ size: -1 })] },
    { layers: ["text"] },
    { subject: "text" },
    { subject: layer({ digest: "sha256:short" }) },
    { artifactType: 1 },
    { artifactType: null },
    { annotations: { a: 1 } },
    { annotations: [] },
    { annotations: "text" },
    { history: null },
    { mediaType: OCI_INDEX },
    { schemaVersion: 3 },
    ...["data", "urls", "platform"].map((name) => ({ layers: [layer({ [name]: null })] })),
    { layers: [layer({ annotations: { a: null } })] },
    { layers: [layer({ artifactType: 1 })] },
    { subject: layer({ annotations: [] }) },
  ];
  for (const change of malformed) {
    assert.equal(read(manifest(change)), "malformed-manifest", JSON.stringify(change));
  }
  assert.equal(read([]), "malformed-manifest");
  assert.equal(read(manifest(), OCI_INDEX), "manifest-of-other-type");
});

Deno.test("cosign manifests: a member in another case is a second one of that name", () => {
  const upper = (name: string) => name.toUpperCase();
  const { config, layers, ...rest } = manifest();
  assert.equal(read({ ...rest, Config: config, layers }), "malformed-manifest");
  for (const name of ["artifactType", "subject", "annotations", "history", "schemaVersion", "mediaType", "layers"]) {
    const value = (manifest() as Members)[name] ?? null;
    const { [name]: _, ...others } = manifest() as Members;
    assert.equal(read({ ...others, [upper(name)]: value }), "malformed-manifest", name);
  }
  for (const name of ["mediaType", "digest", "size", "annotations", "artifactType", "data", "urls", "platform"]) {
    const value = (layer() as Members)[name] ?? null;
    assert.equal(read(manifest({ layers: [layer({ [upper(name)]: value })] })), "malformed-manifest", name);
  }
});

Deno.test("cosign manifests: bounds", () => {
  const many = (count: number) => manifest({ layers: Array(count).fill(layer()) });
  const most = read(many(MAX_LAYERS));
  assert.ok(typeof most !== "string");
  assert.equal(most.layers.length, MAX_LAYERS);
  assert.equal(read(many(MAX_LAYERS + 1)), "manifest-too-large");
  const room = MAX_MANIFEST_BYTES - JSON.stringify(manifest({ other: "" })).length;
  assert.equal(typeof read(manifest({ other: "x".repeat(room) })), "object");
  assert.equal(read(manifest({ other: "x".repeat(room + 1) })), "manifest-too-large");
});

Deno.test("cosign payloads: exactly the members that both readers know", () => {
  const identity = { "docker-reference": "registry.test/acme/app:v1" };
  const critical = { identity, image: { "docker-manifest-digest": DIGEST }, type: "cosign container image signature" };
  const payload = (more: Members = {}, optional: unknown = null) =>
    readSimpleSigning(utf8(JSON.stringify({ critical: { ...critical, ...more }, optional })));
  assert.equal(payload()?.digest, DIGEST);
  for (const optional of [{}, { creator: "me", timestamp: 7 }, { timestamp: 0 }, { other: true }]) {
    assert.equal(payload({}, optional)?.digest, DIGEST, JSON.stringify(optional));
  }
  for (const optional of ["text", 1, true, [], { creator: 1 }, { timestamp: 0.5 }, { timestamp: "now" }]) {
    assert.equal(payload({}, optional), undefined, JSON.stringify(optional));
  }
  const wrong: Members[] = [
    { image: { "docker-manifest-digest": 7 } },
    { image: { "docker-manifest-digest": "sha256:short" } },
    { image: { "docker-manifest-digest": [DIGEST] } },
    { image: {} },
    { image: { "docker-manifest-digest": DIGEST, other: 1 } },
    { identity: { "docker-reference": 1 } },
    { identity: { "docker-reference": "NO NAME" } },
    { type: "another" },
    { other: 1 },
  ];
  for (const change of wrong) assert.equal(payload(change), undefined, JSON.stringify(change));
  assert.deepEqual(exactly({ a: 1, b: null }, "b", "a"), [null, 1]);
  assert.equal(exactly({ a: 1, b: 2 }, "a", "c"), undefined);
  assert.equal(exactly({ a: 1 }, "a", "b"), undefined);
  assert.equal(exactly([], "length"), undefined);
});

Deno.test("cosign keys: PEM of public keys, also as OpenSSL's PKCS #1; nothing else", () => {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const spki = new Uint8Array(publicKey.export({ type: "spki", format: "der" }));
  const pkcs1 = new Uint8Array(publicKey.export({ type: "pkcs1", format: "der" }));
  for (const pem of [formatPem("PUBLIC KEY", spki), formatPem("RSA PUBLIC KEY", pkcs1)]) {
    assert.deepEqual(readVerificationKeys(utf8(pem)).map((key) => key.spki), [spki]);
  }
  assert.throws(
    () => readVerificationKeys(utf8(formatPem("RSA PUBLIC KEY", spki))),
    /its "RSA PUBLIC KEY" cannot be read/,
  );
  assert.throws(() => readVerificationKeys(new Uint8Array([0x30, 0xff, 0xfe])), SyntaxError);
  const secret = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
  assert.throws(() => readVerificationKeys(utf8(secret)), /it holds a private key/);
  const ed25519 = generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }) as string;
  assert.throws(() => readVerificationKeys(utf8(ed25519)), /Ed25519/);
});
