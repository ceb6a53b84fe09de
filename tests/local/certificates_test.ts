import assert from "node:assert/strict";
import { createPublicKey, X509Certificate } from "node:crypto";
import { createLocalCa, createSigningCertificate, LOOPBACK_NAMES } from "../../lib/local/certificates.ts";

const now = new Date("2026-03-04T05:06:07.890Z");

Deno.test("createLocalCa: issues server certificates that chain to the CA and name every way to loopback", async () => {
  const ca = await createLocalCa(now, "tagseal test, CA");
  const caCertificate = new X509Certificate(ca.caPem);
  assert.equal(caCertificate.ca, true);
  assert.equal(caCertificate.verify(caCertificate.publicKey), true);

  const { certPem, keyPem } = await ca.issue(LOOPBACK_NAMES);
  const leaf = new X509Certificate(certPem);
  assert.equal(leaf.ca, false);
  assert.equal(leaf.issuer, caCertificate.subject);
  assert.equal(leaf.checkIssued(caCertificate), true);
  assert.equal(leaf.verify(caCertificate.publicKey), true);
  assert.equal(
    createPublicKey(keyPem).export({ type: "spki", format: "pem" }),
    leaf.publicKey.export({ type: "spki", format: "pem" }),
  );
  assert.equal(leaf.checkHost("localhost"), "localhost");
  assert.equal(leaf.checkHost("example.com"), undefined);
  assert.equal(leaf.checkIP("127.0.0.1"), "127.0.0.1");
  assert.equal(leaf.checkIP("::1"), "::1");
  assert.equal(leaf.checkIP("127.0.0.2"), undefined);
  for (const certificate of [caCertificate, leaf]) {
    assert.equal(certificate.validFromDate.toISOString(), "2026-03-04T04:06:07.000Z");
    assert.equal(certificate.validToDate.toISOString(), "2026-04-03T05:06:07.000Z");
  }
  assert.notEqual((await ca.issue(LOOPBACK_NAMES)).keyPem, keyPem);
});

Deno.test("createLocalCa: a TLS client trusts its servers with the CA, and not without", async () => {
  const ca = await createLocalCa(new Date(), "tagseal test CA");
  const { certPem, keyPem } = await ca.issue(LOOPBACK_NAMES);
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert: certPem, key: keyPem, onListen() {} },
    () => new Response("hello"),
  );
  using client = Deno.createHttpClient({ caCerts: [ca.caPem] });
  for (const host of ["localhost", "127.0.0.1"]) {
    const response = await fetch(`https://${host}:${server.addr.port}/`, { client });
    assert.equal(await response.text(), "hello");
  }
  using stranger = Deno.createHttpClient({ caCerts: [(await createLocalCa(new Date(), "tagseal test CA")).caPem] });
  await assert.rejects(fetch(`https://localhost:${server.addr.port}/`, { client: stranger }), (error: Error) => {
    assert.match((error.cause as Error).message, /invalid peer certificate/);
    return true;
  });
});

for (
  const [algorithm, type, facts] of [
    ["rsa-2048", "rsa", { modulusLength: 2048, publicExponent: 65537n }],
    ["ecdsa-p256", "ec", { namedCurve: "prime256v1" }],
  ] as const
) {
  Deno.test(`createSigningCertificate: ${algorithm}, self-signed for code signing`, async () => {
    const made = await createSigningCertificate({ commonName: "Acme, Inc. = ü", algorithm, now, days: 365 });
    const certificate = new X509Certificate(made.certificatePem);
    assert.deepEqual(new Uint8Array(certificate.raw), made.certificateDer);
    assert.equal(certificate.issuer, certificate.subject);
    assert.match(certificate.subject, /^CN=Acme/);
    assert.equal(certificate.verify(certificate.publicKey), true);
    assert.equal(certificate.ca, false);
    assert.deepEqual(certificate.keyUsage, ["DigitalSignature"]);
    const codeSigning = "300a06082b06010505070303"; // SEQUENCE { OID 1.3.6.1.5.5.7.3.3 }, and no other usage
    assert.ok(made.certificateDer.toHex().includes("0603551d25040c" + codeSigning));
    assert.equal(certificate.validFromDate.toISOString(), "2026-03-04T04:06:07.000Z");
    assert.equal(certificate.validToDate.toISOString(), "2027-03-04T05:06:07.000Z");
    assert.equal(made.privateKey.asymmetricKeyType, type);
    assert.deepEqual({ ...createPublicKey(made.privateKey).asymmetricKeyDetails }, facts);
    assert.equal(certificate.checkPrivateKey(made.privateKey), true);
  });
}
