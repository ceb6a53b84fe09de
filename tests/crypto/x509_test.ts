import "reflect-metadata";
import assert from "node:assert/strict";
import * as x509 from "@peculiar/x509";
import { type Bytes, concat, utf8 } from "../../lib/bytes/bytes.ts";
import { derElements, derSequence } from "../../lib/crypto/der.ts";
import { certificatePem, isBrokenlySigned, readBundle, readCertificate } from "../../lib/crypto/x509.ts";
import { isForged } from "../../lib/crypto/x509_signature.ts";
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

/** The leaf with its names written as another kind of string; its signature does not matter here. */
function named(tag: number, content: string): Bytes {
  const value = Uint8Array.fromHex(content);
  const name = (rdn: Uint8Array) => der(0x30, der(0x31, der(0x30, concat(Uint8Array.fromHex("0603550403"), rdn))));
  const [tbs, ...rest] = derSequence(leaf.der);
  const parts = derElements(tbs!.content).map(({ bytes }) => bytes);
  const odd = name(der(tag, value));
  return der(0x30, concat(der(0x30, concat(...parts.with(3, odd).with(5, odd))), ...rest.map(({ bytes }) => bytes)));
}

function der(tag: number, content: Uint8Array): Bytes {
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return concat(new Uint8Array([tag, ...size]), content);
}

Deno.test("x509: names in every kind of string that Go reads are read, whatever they hold", () => {
  const cases: [tag: number, content: string, name: string][] = [
    [0x0c, "4dc3bc6c6c6572", "Müller"],
    [0x14, "4dfc6c6c6572", "Müller"],
    [0x1e, "004d00fc006c006c00650072002020ac", "Müller €"],
    [0x1e, "00410000", "A"],
    [0x13, "41636d6520262a2e", "Acme &*."],
    [0x16, "614062", "a@b"],
    [0x12, "203132", " 12"],
  ];
  for (const [tag, content, name] of cases) {
    const certificate = readCertificate(named(tag, content));
    assert.deepEqual([certificate.commonName, certificate.subject], [name, `CN=${name}`]);
    assert.equal(certificate.isSelfIssued, true);
  }
  const refused: [tag: number, content: string][] = [
    [0x0c, "ff"],
    [0x12, "41"],
    [0x13, "5f"],
    [0x16, "80"],
    [0x1e, "004100"],
    [0x1c, "00000041"],
    [0x02, "01"],
  ];
  for (const [tag, content] of refused) {
    assert.throws(() => readCertificate(named(tag, content)), { message: "a certificate cannot be read" }, content);
  }
});

Deno.test("x509: what Go reads otherwise, or not at all, is no certificate", () => {
  const [tbs, algorithm, signature] = derSequence(leaf.der).map(({ bytes }) => bytes) as [Bytes, Bytes, Bytes];
  const whole = (...parts: Uint8Array[]) => der(0x30, concat(...parts));
  const long = concat(new Uint8Array([0x30, 0x83, 0, ...leaf.der.subarray(2, 4)]), leaf.der.subarray(4));
  const cases: [string, Bytes][] = [
    ["zeros behind it", concat(leaf.der, new Uint8Array(2))],
    ["a line end behind it", concat(leaf.der, utf8("\r\n"))],
    ["itself behind it", concat(leaf.der, leaf.der)],
    ["cut off", leaf.der.slice(0, -5)],
    ["a length longer than needed", long],
    ["something behind the signature", whole(tbs, algorithm, signature, new Uint8Array([5, 0]))],
    ["no signature", whole(tbs, algorithm)],
    [
      "another algorithm outside than inside",
      whole(tbs, der(0x30, Uint8Array.fromHex("06082a8648ce3d040303")), signature),
    ],
    ["nothing", new Uint8Array()],
  ];
  assert.deepEqual(readCertificate(whole(tbs, algorithm, signature)), leaf);
  for (const [name, bytes] of cases) {
    assert.throws(() => readCertificate(bytes), { name: "SyntaxError", message: "a certificate cannot be read" }, name);
    if (bytes.length > 0) {
      assert.throws(() => readBundle(certificatePem({ ...leaf, der: bytes })), { name: "SyntaxError" }, name);
    }
  }
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
  assert.equal(await isForged(leaf), false);
  const der = leaf.der.slice();
  der[der.length - 1]! ^= 1;
  assert.equal(await isForged(readCertificate(der)), true);
  assert.equal(await isForged(await certify(KEYS.root, { issuer: KEYS.stranger })), false);
});

Deno.test("x509: a self-signature is looked at with every algorithm that is known, and passed over with others", async () => {
  const rsa = { publicExponent: new Uint8Array([1, 0, 1]), modulusLength: 2048 };
  const algorithms: (EcKeyGenParams & EcdsaParams | RsaHashedKeyGenParams)[] = [
    { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
    { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" },
    { name: "ECDSA", namedCurve: "P-521", hash: "SHA-512" },
    { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", ...rsa },
    { name: "RSA-PSS", hash: "SHA-256", saltLength: 32, ...rsa } as RsaHashedKeyGenParams,
  ];
  for (const algorithm of algorithms) {
    const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as CryptoKeyPair;
    const { rawData } = await x509.X509CertificateGenerator.createSelfSigned({
      keys,
      name: "CN=x",
      signingAlgorithm: algorithm,
    });
    const der = new Uint8Array(rawData);
    assert.equal(await isForged(readCertificate(der)), false, algorithm.name);
    const other = der.slice();
    other[other.length - 1]! ^= 1;
    assert.equal(await isForged(readCertificate(other)), true, algorithm.name);
    // SHA-224, which neither Go nor WebCrypto knows: nothing is said of it.
    const unknown = Uint8Array.fromHex(other.toHex().replaceAll("2a864886f70d01010b", "2a864886f70d01010e"));
    if (algorithm.name === "RSASSA-PKCS1-v1_5") assert.equal(await isForged(readCertificate(unknown)), false);
  }
});

Deno.test("x509: the root certificate made here is one that Notary would make", async () => {
  const certificate = await createRootCertificate(KEYS.stranger.signer, GUN, AT);
  assert.equal(certificate.commonName, GUN);
  assert.equal(certificate.isCa, false);
  assert.equal(await isForged(certificate), false);
  assert.equal(isBrokenlySigned(certificate), false);
  assert.equal(certificate.notBefore.getTime(), AT.getTime());
  assert.equal(certificate.notAfter.getTime() - AT.getTime(), 3650 * 86_400_000);
});

Deno.test("x509: a damaged certificate is a SyntaxError or another certificate, never anything else", async () => {
  const next = random(5);
  for (let i = 0; i < 2000; i++) {
    try {
      await isForged(readCertificate(damaged(next, leaf.der)));
      readBundle(new TextDecoder().decode(damaged(next, utf8(certificatePem(leaf)))));
    } catch (error) {
      assert.ok(error instanceof SyntaxError, String((error as Error).stack));
    }
  }
});
