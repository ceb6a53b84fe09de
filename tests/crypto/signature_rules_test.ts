import assert from "node:assert/strict";
import { constants, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { type Bytes, concat, utf8 } from "../../lib/bytes/bytes.ts";
import { derOfRs } from "../../lib/crypto/algorithms.ts";
import type { SignatureHash } from "../../lib/crypto/hash.ts";
import { encodePss, pssSaltLength } from "../../lib/crypto/rsa_padding.ts";
import { hash } from "../../lib/crypto/hash.ts";
import { recognizeByRules, type SignatureRules } from "../../lib/crypto/signature_rules.ts";
import { privateKeyOf, publicKeyOf } from "../../lib/crypto/key_object.ts";
import { localSigner } from "../../lib/crypto/signer.ts";
import { rsaKey } from "../support/rsa_keys.ts";

const PAYLOAD = utf8("eyJhbGciOiJQUzI1NiJ9.e30");
const HASHES: readonly SignatureHash[] = ["sha256", "sha384", "sha512"];
const bytesOf = (buffer: Uint8Array): Bytes => new Uint8Array(buffer);
const rsa = (modulusLength: number) => generateKeyPairSync("rsa", { modulusLength }).privateKey;
const ec = (namedCurve: string) => generateKeyPairSync("ec", { namedCurve }).privateKey;
const pss = (hash: SignatureHash): SignatureRules => ({ hash, rsaPadding: "pss" });
const pkcs1 = (hash: SignatureHash): SignatureRules => ({ hash, rsaPadding: "pkcs1" });
/** Of OpenSSL's making, as far as the runtime has it. */
const signPss = (key: KeyObject, hash: SignatureHash, saltLength: number) =>
  bytesOf(sign(hash, PAYLOAD, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }));

const KEYS: readonly [string, KeyObject][] = [
  ["RSA 2048", rsaKey(2048)],
  ["RSA 2049", rsa(2049)],
  ["RSA 3072", rsaKey(3072)],
  ["P-256", ec("P-256")],
  ["P-384", ec("P-384")],
  ["P-521", ec("P-521")],
];

for (const [name, key] of KEYS) {
  Deno.test(`signature rules: ${name} signs by all of them, and is recognized by those it signed by alone`, async () => {
    const signer = localSigner(privateKeyOf(key));
    const all = HASHES.flatMap((hash) => [pss(hash), pkcs1(hash)]);
    const stranger = publicKeyOf(name.startsWith("RSA") ? rsa(2048) : ec(name));
    for (const rules of all) {
      const { bytes } = await signer.sign(PAYLOAD, rules);
      for (const others of all) {
        const same = others.hash === rules.hash &&
          (signer.publicKey.shape.family === "ecdsa" || others.rsaPadding === rules.rsaPadding);
        const recognized = await recognizeByRules(signer.publicKey, others, PAYLOAD, bytes);
        assert.equal(recognized !== undefined, same, JSON.stringify([rules, others]));
        if (same) assert.deepEqual(recognized?.bytes, bytes);
      }
      assert.equal(await recognizeByRules(signer.publicKey, rules, utf8("other"), bytes), undefined);
      assert.equal(await recognizeByRules(stranger, rules, PAYLOAD, bytes), undefined);
      const flipped = bytes.slice();
      flipped[bytes.length >> 1]! ^= 1;
      const wrong = [flipped, bytes.slice(1), bytes.slice(0, -1), concat(bytes, Uint8Array.of(0))];
      wrong.push(concat(Uint8Array.of(0), bytes), new Uint8Array(), new Uint8Array(bytes.length).fill(0xff));
      for (const each of wrong) assert.equal(await recognizeByRules(signer.publicKey, rules, PAYLOAD, each), undefined);
    }
  });
}

Deno.test("signature rules: a salt of any length is found", async () => {
  for (const bits of [2048, 3072]) {
    const key = KEYS.find(([name]) => name === `RSA ${bits}`)![1];
    const publicKey = publicKeyOf(key);
    for (const hash of HASHES) {
      const digestBytes = { sha256: 32, sha384: 48, sha512: 64 }[hash];
      for (const salt of [0, 1, 20, 31, 32, 33, 48, 64, bits / 8 - digestBytes - 2]) {
        const signature = signPss(key, hash, salt);
        const recognized = await recognizeByRules(publicKey, pss(hash), PAYLOAD, signature);
        assert.deepEqual(recognized, { bytes: signature, saltLength: salt }, `${bits} ${hash} ${salt}`);
      }
    }
  }
});

Deno.test("signature rules: ECDSA is taken as r‖s and as DER, and given back as r‖s", async () => {
  for (const curve of ["P-256", "P-384", "P-521"]) {
    const key = ec(curve);
    const [signer, rules] = [localSigner(privateKeyOf(key)), pkcs1(curve === "P-256" ? "sha256" : "sha384")];
    for (let i = 0; i < 20; i++) { // short integers come up by chance
      const { bytes } = await signer.sign(PAYLOAD, rules);
      const recognized = await recognizeByRules(signer.publicKey, rules, PAYLOAD, derOfRs(bytes));
      assert.deepEqual(recognized, { bytes });
      const der = derOfRs(bytes);
      assert.equal(
        await recognizeByRules(signer.publicKey, rules, PAYLOAD, concat(der, Uint8Array.of(0))),
        undefined,
        "something behind the DER",
      );
    }
  }
});

Deno.test("signature rules: garbage has no salt, and no length breaks the reading of one", () => {
  const { spki, shape } = publicKeyOf(KEYS[0]![1]);
  assert.ok(shape.family === "rsa");
  for (const length of [0, 1, 255, 256, 257, 4096]) {
    for (const fill of [0x00, 0x01, 0x7f, 0xff]) {
      const signature = new Uint8Array(length).fill(fill);
      assert.equal(pssSaltLength("sha512", { spki, bits: shape.bits }, signature), undefined, `${length} ${fill}`);
    }
  }
});

Deno.test("signature rules: encoded messages have the length of the modulus, whatever its bits", () => {
  for (const bits of [2048, 2049, 2055, 2056, 3072]) {
    const encoded = encodePss("sha512", hash("sha512", PAYLOAD), bits);
    assert.equal(encoded.length, Math.ceil(bits / 8));
    assert.equal(encoded.at(-1), 0xbc);
  }
});

Deno.test("signature rules: Ed25519 signs in its one way, whatever they say", async () => {
  const signer = localSigner(privateKeyOf(generateKeyPairSync("ed25519").privateKey));
  const { method, bytes } = await signer.sign(PAYLOAD, pss("sha512"));
  assert.equal(method, "eddsa");
  assert.deepEqual(await recognizeByRules(signer.publicKey, pkcs1("sha256"), PAYLOAD, bytes), { bytes });
  assert.equal(await recognizeByRules(signer.publicKey, pkcs1("sha256"), utf8("other"), bytes), undefined);
});
