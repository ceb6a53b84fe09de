/** Root certificates are made for the keys that Notary makes, and for no others. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { createRootCertificate } from "../../lib/crypto/root_certificate.ts";
import { privateKeyOf } from "../../lib/crypto/key_object.ts";
import { localSigner } from "../../lib/crypto/signer.ts";
import { isForged } from "../../lib/crypto/x509_signature.ts";
import { failsWith } from "../support/failures.ts";
import { AT, GUN } from "../support/trust_builder.ts";

const KEYS = {
  "RSA": () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  "P-384": () => generateKeyPairSync("ec", { namedCurve: "P-384" }),
  "P-521": () => generateKeyPairSync("ec", { namedCurve: "P-521" }),
  "Ed25519": () => generateKeyPairSync("ed25519"),
};

Deno.test("root certificate: it verifies with the P-256 key that it is for", async () => {
  const signer = localSigner(privateKeyOf(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey));
  const certificate = await createRootCertificate(signer, GUN, AT);
  assert.equal(await isForged(certificate), false);
  assert.deepEqual(certificate.spki, signer.publicKey.spki);
});

for (const [kind, newPair] of Object.entries(KEYS)) {
  Deno.test(`root certificate: a key of another kind is refused before it signs (${kind})`, async () => {
    const { publicKey } = localSigner(privateKeyOf(newPair().privateKey));
    const sign = () => Promise.reject(new Error("it was asked to sign"));
    const { canonicalId } = publicKey;
    const attempt = createRootCertificate({ publicKey, sign }, GUN, AT);
    const error = await failsWith(
      attempt,
      "bad-input",
      `The key ${canonicalId.slice(0, 7)}… is not an ECDSA key on P-256`,
    );
    assert.equal(error.remedy, "Name a P-256 key: it is the only kind that root certificates are made for");
    assert.deepEqual(error.details, { keyId: canonicalId });
  });
}
