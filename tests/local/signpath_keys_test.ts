import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { derOfRs, ecdsaReadings, verifySignature } from "../../lib/crypto/algorithms.ts";
import { hash } from "../../lib/crypto/hash.ts";
import { isTagsealError } from "../../lib/errors.ts";
import { fileSigningKey, type HashScheme } from "../../lib/local/signpath_keys.ts";

const rsa = (modulusLength: number) => generateKeyPairSync("rsa", { modulusLength }).privateKey;
const ec = (namedCurve: string) => generateKeyPairSync("ec", { namedCurve }).privateKey;
const METHODS = { RsaPkcs1: "rsapkcs1v15", RsaPss: "rsapss", Ecdsa: "ecdsa" } as const;

Deno.test("a signature over a hash is one over what was hashed", async (t) => {
  const [key2048, key2049, key2055] = [rsa(2048), rsa(2049), rsa(2055)];
  const rows: [string, KeyObject, HashScheme][] = [
    ["RSA", key2048, "RsaPkcs1"],
    ["RSA, PSS", key2048, "RsaPss"],
    ["RSA with 2049 bits", key2049, "RsaPkcs1"],
    ["RSA with 2049 bits, PSS", key2049, "RsaPss"],
    ["RSA with 2055 bits, PSS", key2055, "RsaPss"],
    ["P-256", ec("P-256"), "Ecdsa"],
    ["P-384", ec("P-384"), "Ecdsa"],
    ["P-521", ec("P-521"), "Ecdsa"],
  ];
  for (const [name, privateKey, scheme] of rows) {
    await t.step(name, async () => {
      const key = fileSigningKey(privateKey);
      for (let i = 0; i < 8; i++) { // leading zeros and sign bits come and go
        const payload = utf8(`payload ${i}`);
        const signature = await key.signHash(hash("sha256", payload), scheme);
        assert.ok(await verifySignature(METHODS[scheme], key.publicKey, payload, signature));
        assert.ok(!await verifySignature(METHODS[scheme], key.publicKey, utf8("other"), signature));
        for (const [name, saltLength] of [["sha384", 48], ["sha512", 64]] as const) {
          const longer = await key.signHash(hash(name, payload), scheme);
          const variant = { hash: name, saltLength };
          assert.ok(await verifySignature(METHODS[scheme], key.publicKey, payload, longer, variant), name);
          assert.ok(!await verifySignature(METHODS[scheme], key.publicKey, payload, longer), name);
        }
      }
    });
  }
});

Deno.test("what a key cannot sign is refused", async (t) => {
  const sha256 = hash("sha256", utf8("payload"));
  const rows: [string, KeyObject, HashScheme, Uint8Array<ArrayBuffer>, RegExp][] = [
    ["ECDSA with RSA's scheme", ec("P-256"), "RsaPkcs1", sha256, /family "ecdsa" does not sign with "RsaPkcs1"/],
    ["RSA with ECDSA's", rsa(2048), "Ecdsa", sha256, /family "rsa" does not sign with "Ecdsa"/],
    ["half a hash", ec("P-256"), "Ecdsa", sha256.subarray(16), /not a hash of SHA-256, SHA-384 or SHA-512/],
  ];
  for (const [name, key, scheme, bytes, words] of rows) {
    await t.step(name, () =>
      assert.rejects(
        fileSigningKey(key).signHash(bytes, scheme),
        (e) => isTagsealError(e, "bad-input") && words.test(e.message),
      ));
  }
});

Deno.test("r‖s becomes DER, minimal and positive", async (t) => {
  const rows: [string, string, string][] = [
    ["plain", "0102", "3006020101020102"],
    ["leading zeros", "00000102", "300702010002020102"],
    ["sign bits", "80ff", "300802020080020200ff"],
    ["zeros before a sign bit", "00800001", "300702020080020101"],
  ];
  for (const [name, raw, der] of rows) {
    await t.step(name, () => assert.equal(derOfRs(Uint8Array.fromHex(raw)).toHex(), der));
  }
  for (const curve of ["P-256", "P-384", "P-521"] as const) {
    await t.step(`${curve} and back`, async () => {
      const key = fileSigningKey(ec(curve));
      for (let i = 0; i < 8; i++) {
        const raw = await key.signHash(hash("sha256", utf8(`${i}`)), "Ecdsa");
        assert.deepEqual(ecdsaReadings(derOfRs(raw), curve), [raw]);
      }
    });
  }
});
