/** What is written, beside what the `notation` program wrote. */
import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { parseJson } from "../../../lib/bytes/json.ts";
import { derOfRs } from "../../../lib/crypto/algorithms.ts";
import { recognizeByRules } from "../../../lib/crypto/signature_rules.ts";
import { publicKeyOf } from "../../../lib/crypto/key_object.ts";
import { readCertificate } from "../../../lib/crypto/x509.ts";
import { text, utf8 } from "../../../lib/bytes/bytes.ts";
import type { Descriptor } from "../../../lib/registry/descriptor.ts";
import { digestOf } from "../../../lib/registry/blob.ts";
import { OCI_INDEX } from "../../../lib/registry/manifest_type.ts";
import { signedEnvelope, unsignedEnvelope } from "../../../lib/schemes/notation/envelope.ts";
import { algorithmOf } from "../../../lib/schemes/notation/formats.ts";
import { fixture, KEY_KINDS, keyOf, newKey } from "../../support/notation.ts";

const INDEX = fixture("image/index.json");
const IMAGE: Descriptor = { mediaType: OCI_INDEX, digest: digestOf(INDEX), size: INDEX.length };

for (const name of ["p256", "rsa4096"]) {
  Deno.test(`notation: what is written for ${name} is byte for byte what the program writes`, async () => {
    const envelope = fixture(`made-by-real-tools/notation-1.3.2-${name}.envelope.json`);
    const manifest = fixture(`made-by-real-tools/notation-1.3.2-${name}.manifest.json`);
    const theirs = JSON.parse(text(envelope));
    const decoded = (part: string) => Uint8Array.fromBase64(part, { alphabet: "base64url" });
    const time = new Date(JSON.parse(text(decoded(theirs.protected)))["io.cncf.notary.signingTime"]);
    const certificate = readCertificate(decoded(theirs.header.x5c[0].replaceAll("+", "-").replaceAll("/", "_")));
    const algorithm = algorithmOf(publicKeyOf(recordedKey(name)).shape)!;
    const unsigned = unsignedEnvelope({ image: IMAGE, tag: "1.4.2" }, algorithm, time);
    assert.deepEqual([unsigned.protected, unsigned.payload], [theirs.protected, theirs.payload]);
    const signer = { chain: [certificate] as const, algorithm, agent: "notation-go/1.3.2" };
    const made = await signedEnvelope(unsigned, decoded(theirs.signature), signer, IMAGE, time);
    assert.equal(text(made!.envelope), text(envelope));
    assert.equal(text(made!.manifest), text(manifest));
  });
}

Deno.test("notation: each tag of an image is a payload of its own, and times are in whole seconds", () => {
  const algorithm = algorithmOf(publicKeyOf(keyOf("P-256")).shape)!;
  const at = new Date("2026-11-28T10:11:12.999Z");
  const [one, other] = ["1.4.2", "latest"].map((tag) => unsignedEnvelope({ image: IMAGE, tag }, algorithm, at));
  assert.notEqual(one!.payload, other!.payload);
  assert.equal(one!.protected, other!.protected);
  const header = parseJson(Uint8Array.fromBase64(one!.protected, { alphabet: "base64url" }));
  assert.equal(Object(header)["io.cncf.notary.signingTime"], "2026-11-28T10:11:12Z");
  assert.equal(text(one!.signingInput), `${one!.protected}.${one!.payload}`);
});

Deno.test("notation: the key alone says which algorithm", () => {
  const named = KEY_KINDS.map((kind) => algorithmOf(publicKeyOf(keyOf(kind)).shape));
  assert.deepEqual(named.map((one) => one?.alg), ["PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]);
  assert.deepEqual(named.map((one) => one?.rules.hash), [
    "sha256",
    "sha384",
    "sha512",
    "sha256",
    "sha384",
    "sha512",
  ]);
  assert.ok(named.every((one) => one?.rules.rsaPadding === "pss"));
  for (const shape of [{ family: "rsa", bits: 2056 }, { family: "rsa", bits: 8192 }, { family: "ed25519" }] as const) {
    assert.equal(algorithmOf(shape), undefined);
  }
});

Deno.test("notation: DER that a signing service gives becomes r‖s; what is no signature becomes nothing", async () => {
  for (const name of ["p256", "p384"]) {
    const certificate = readCertificate(text(fixture(`${name}/certificate.pem`)));
    const input = fixture(`${name}/notation/signing-input.txt`);
    const algorithm = algorithmOf(publicKeyOf(recordedKey(name)).shape)!;
    const [protectedPart = "", payload = ""] = text(input).split(".");
    const unsigned = { protected: protectedPart, payload, signingInput: input };
    const signer = { chain: [certificate] as const, algorithm, agent: "tests" };
    const make = (raw: Uint8Array<ArrayBuffer>) => signedEnvelope(unsigned, raw, signer, IMAGE, new Date(0));
    const [der, rs] = [fixture(`${name}/notation/signing-input.txt.sig`), fixture(`${name}/notation/signature.bin`)];
    assert.deepEqual(derOfRs(rs), der);
    const [ofDer, ofRs] = [await make(der), await make(rs)];
    assert.ok(ofDer && ofRs && !("saltLength" in ofRs));
    assert.equal(text(ofDer.envelope), text(ofRs.envelope));
    assert.equal(await make(utf8("garbage")), undefined);
    const stranger = publicKeyOf(newKey(name === "p256" ? "P-256" : "P-384"));
    assert.equal(await recognizeByRules(stranger, algorithm.rules, input, rs), undefined);
  }
});

Deno.test("notation: salts of a signing service are taken whatever their length, and told", async () => {
  for (const [name, digestBytes, most] of [["rsa2048", 32, 222], ["rsa4096", 64, 446]] as const) {
    const certificate = readCertificate(text(fixture(`${name}/certificate.pem`)));
    const input = fixture(`${name}/notation/signing-input.txt`);
    const algorithm = algorithmOf(publicKeyOf(recordedKey(name)).shape)!;
    const [protectedPart = "", payload = ""] = text(input).split(".");
    const signer = { chain: [certificate] as const, algorithm, agent: "tests" };
    const files = [["signing-input.txt.sig", digestBytes], ["salt-0.sig", 0], ["salt-max.sig", most]] as const;
    for (const [file, length] of files) {
      const unsigned = { protected: protectedPart, payload, signingInput: input };
      const made = await signedEnvelope(unsigned, fixture(`${name}/notation/${file}`), signer, IMAGE, new Date(0));
      assert.equal(made?.saltLength, length, `${name} ${file}`);
    }
  }
});

function recordedKey(name: string) {
  return createPrivateKey(text(fixture(`${name}/key.pem`)));
}
