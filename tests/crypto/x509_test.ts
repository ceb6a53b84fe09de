import "reflect-metadata";
import assert from "node:assert/strict";
import * as x509 from "@peculiar/x509";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { certificatePem, isBrokenlySigned, isForged, readBundle, readCertificate } from "../../lib/crypto/x509.ts";
import { createRootCertificate } from "../../lib/crypto/root_certificate.ts";
import { damaged, random } from "../support/random.ts";
import { AT, certify, GUN, KEYS } from "../support/trust_builder.ts";

const leaf = await certify(KEYS.root, { from: "2026-01-02T03:04:05Z", to: "2030-01-01T00:00:00Z" });
const ca = await certify(KEYS.stranger, { commonName: "A CA", ca: true });

Deno.test("x509: reads what the trust rules need, from PEM and DER alike", () => {
  assert.equal(leaf.commonName, GUN);
  assert.equal(leaf.subject, `CN=${GUN}`);
  assert.equal(leaf.isCa, false);
  assert.equal(leaf.notBefore.toISOString(), "2026-01-02T03:04:05.000Z");
  assert.equal(leaf.notAfter.toISOString(), "2030-01-01T00:00:00.000Z");
  assert.equal(leaf.spki.toHex(), KEYS.root.signer.publicKey.spki.toHex());
  assert.equal(ca.isCa, true);
  assert.deepEqual(readCertificate(certificatePem(leaf)), leaf);
  assert.deepEqual(readCertificate(leaf.der), leaf);
});

Deno.test("x509: two common names are none, and none hides in another name", async () => {
  const named = async (subject: x509.JsonName) => {
    const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const pkcs8 = KEYS.root.privateKey.export({ type: "pkcs8", format: "der" });
    const certificate = await x509.X509CertificateGenerator.create({
      subject,
      issuer: subject,
      publicKey: KEYS.root.signer.publicKey.spki,
      signingKey: await crypto.subtle.importKey("pkcs8", new Uint8Array(pkcs8), algorithm, false, ["sign"]),
      signingAlgorithm: algorithm,
    });
    return readCertificate(new Uint8Array(certificate.rawData)).commonName;
  };
  assert.equal(await named([{ O: ["Acme"] }, { CN: [GUN] }]), GUN);
  assert.equal(await named([{ O: ["Acme"] }]), "");
  assert.equal(await named([{ CN: [GUN] }, { CN: [GUN] }]), "");
  assert.equal(await named([{ O: [`Acme\nCN=${GUN}`] }]), "");
  assert.equal(await named([{ CN: [`${GUN}\nCN=other`] }]), `${GUN}\nCN=other`);
  assert.equal(await named([{ CN: [`CN=${GUN}`] }]), `CN=${GUN}`);
});

Deno.test("x509: a key usage without digital signatures is seen", async () => {
  assert.equal(leaf.isNotForSigning, false, "no key usage at all");
  assert.equal((await certify(KEYS.root, { usage: x509.KeyUsageFlags.digitalSignature })).isNotForSigning, false);
  assert.equal((await certify(KEYS.root, { usage: x509.KeyUsageFlags.keyEncipherment })).isNotForSigning, true);
  assert.equal((await certify(KEYS.root, { usage: x509.KeyUsageFlags.decipherOnly })).isNotForSigning, true);
});

Deno.test("x509: the leaf of a PEM text is found; a bundle of metadata must begin with it", () => {
  const [leafPem, caPem] = [certificatePem(leaf), certificatePem(ca)];
  assert.deepEqual(readCertificate(caPem + leafPem).der, leaf.der);
  assert.deepEqual(readCertificate(caPem).der, ca.der);
  assert.deepEqual(readBundle(leafPem + caPem).map((c) => c.isCa), [false, true]);
  assert.throws(() => readBundle(caPem + leafPem), /a leaf that is not its first or not its only one/);
  assert.throws(() => readCertificate(""), { name: "SyntaxError", message: "there is no certificate" });
  assert.throws(() => readCertificate("-----BEGIN CERTIFICATE-----\naGk=\n-----END CERTIFICATE-----\n"), {
    name: "SyntaxError",
    message: "a certificate cannot be read",
  });
});

Deno.test("x509: SHA-1 and MD5 are broken, their successors are not", async () => {
  assert.equal(isBrokenlySigned(leaf), false);
  assert.equal(isBrokenlySigned(await certify(KEYS.root, { hash: "SHA-1" })), true);
  for (const name of ["RSA-SHA1", "sha1WithRSAEncryption", "md5WithRSAEncryption", "ecdsa-with-SHA1", "RSA-MD5"]) {
    assert.equal(isBrokenlySigned({ ...leaf, signatureAlgorithm: name }), true, name);
  }
  for (const name of ["sha256WithRSAEncryption", "sha512WithRSAEncryption", "ecdsa-with-SHA384", "rsassaPss"]) {
    assert.equal(isBrokenlySigned({ ...leaf, signatureAlgorithm: name }), false, name);
  }
});

Deno.test("x509: a self-signature that does not hold is found; a CA's is not judged", async () => {
  assert.equal(isForged(leaf), false);
  const der = leaf.der.slice();
  der[der.length - 1]! ^= 1;
  assert.equal(isForged(readCertificate(der)), true);
  assert.equal(isForged(await certify(KEYS.root, { issuer: KEYS.stranger })), false);
});

Deno.test("x509: the root certificate made here is one that Notary would make", async () => {
  const certificate = await createRootCertificate(KEYS.stranger.signer, GUN, AT);
  assert.equal(certificate.commonName, GUN);
  assert.equal(certificate.isCa, false);
  assert.equal(isForged(certificate), false);
  assert.equal(isBrokenlySigned(certificate), false);
  assert.equal(certificate.notBefore.getTime(), AT.getTime());
  assert.equal(certificate.notAfter.getTime() - AT.getTime(), 3650 * 86_400_000);
});

Deno.test("x509: a damaged certificate is a SyntaxError or another certificate, never anything else", () => {
  const next = random(5);
  for (let i = 0; i < 2000; i++) {
    try {
      isForged(readCertificate(damaged(next, leaf.der)));
      readBundle(new TextDecoder().decode(damaged(next, utf8(certificatePem(leaf)))));
    } catch (error) {
      assert.ok(error instanceof SyntaxError, String((error as Error).stack));
    }
  }
});
