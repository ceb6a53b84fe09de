/** Certificate files as people have them: read right, or told what they are. */
import assert from "node:assert/strict";
import { type Bytes, concat, fileText, utf8 } from "../../lib/bytes/bytes.ts";
import { formatPem } from "../../lib/bytes/pem.ts";
import { readCertificateFile } from "../../lib/crypto/certificate_file.ts";
import { certificatePem } from "../../lib/crypto/x509.ts";
import { certify, KEYS, newKey } from "../support/trust_builder.ts";
import { utf16 } from "../support/text_forms.ts";

const authority = newKey();
const ca = await certify(authority, { commonName: "An issuer", ca: true });
const leaf = await certify(KEYS.releases, { commonName: "SignPath", issuer: authority });
const other = await certify(KEYS.alice, { commonName: "Another" });
const PEM = certificatePem(leaf);
const BASE64 = leaf.der.toBase64();

const READ: readonly (readonly [form: string, file: Bytes, count?: number])[] = [
  ["DER", leaf.der],
  ["DER and a line end", concat(leaf.der, utf8("\r\n"))],
  ["DER and zeros", concat(leaf.der, new Uint8Array(2))],
  ["PEM", utf8(PEM)],
  ["PEM with a byte order mark", utf8(`\ufeff${PEM}`)],
  ["PEM with the line ends of Windows", utf8(PEM.replaceAll("\n", "\r\n"))],
  ["PEM in UTF-16", utf16(PEM)],
  ["PEM in UTF-16 of the other order", utf16(PEM.replaceAll("\n", "\r\n"), true)],
  ["PEM with words around it", utf8(`subject=CN=SignPath\n${PEM}\nbye`)],
  ["PEM with a zero behind the certificate", utf8(formatPem("CERTIFICATE", concat(leaf.der, new Uint8Array(1))))],
  ["base64 alone", utf8(`${BASE64}\n`)],
  ["base64 alone in lines", utf8(`\ufeff${BASE64.replaceAll(/.{64}/g, "$&\r\n")}\r\n`)],
  ["leaf and CA", utf8(PEM + certificatePem(ca)), 2],
  ["CA and leaf", utf8(certificatePem(ca) + PEM), 2],
];

for (const [form, file, count = 1] of READ) {
  Deno.test(`certificate file: ${form} is read`, () => {
    assert.deepEqual(readCertificateFile(file), { certificate: leaf, count });
  });
}

const spki = KEYS.releases.publicKey.spki;
const pkcs7 = Uint8Array.fromHex("300b06092a864886f70d010702");
const TOLD: readonly (readonly [form: string, file: Bytes, words: RegExp])[] = [
  ["nothing", utf8(""), /^there is no certificate$/],
  ["words", utf8("hello, this is none"), /^there is no certificate$/],
  ["a public key in PEM", utf8(formatPem("PUBLIC KEY", spki)), /^it holds a "PUBLIC KEY", and no certificate$/],
  ["a public key in DER", spki, /^it is a public key, and no certificate$/],
  ["PKCS #7", pkcs7, /^it is PKCS #7 \(\.p7b, \.p7c\)/],
  ["PKCS #7 in PEM", utf8(formatPem("PKCS7", pkcs7)), /^it holds a "PKCS7"/],
  ["PKCS #7 labelled as a certificate", utf8(formatPem("CERTIFICATE", pkcs7)), /^it is PKCS #7/],
  ["PKCS #12", Uint8Array.fromHex("3003020103"), /^it is PKCS #12/],
  ["a request", utf8(formatPem("CERTIFICATE REQUEST", pkcs7)), /^it holds a "CERTIFICATE REQUEST"/],
  ["PEM without its end", utf8(PEM.slice(0, 200)), /^its PEM is damaged or cut off$/],
  ["DER that is cut off", leaf.der.slice(0, 100), /^a certificate cannot be read$/],
  ["DER and a word", concat(leaf.der, utf8("bye")), /^other bytes stand behind the certificate$/],
  ["DER twice", concat(leaf.der, leaf.der), /^other bytes stand behind the certificate$/],
  ["PEM with a word in it", utf8(formatPem("CERTIFICATE", concat(leaf.der, utf8("bye")))), /^other bytes stand behind/],
  ["bytes", new Uint8Array([0xff, 0xfe, 0x00]), /^it is neither PEM nor DER$/],
  ["other bytes", new Uint8Array([0xc3, 0x28]), /^it is neither PEM nor DER$/],
  ["two leaves", utf8(PEM + certificatePem(other)), /^it holds 2 certificates, 2 of them without the rights of a CA/],
  ["two CAs", utf8(certificatePem(ca) + certificatePem(ca)), /^it holds 2 certificates, none of them without/],
];

for (const [form, file, words] of TOLD) {
  Deno.test(`certificate file: ${form} is told from a certificate`, () => {
    assert.throws(() => readCertificateFile(file), (error) => {
      assert.ok(error instanceof SyntaxError, String(error));
      assert.match(error.message, words);
      return true;
    });
  });
}

Deno.test("certificate file: a single certificate is taken also where it is a CA, as openssl makes them", () => {
  assert.deepEqual(readCertificateFile(ca.der), { certificate: ca, count: 1 });
  assert.deepEqual(readCertificateFile(utf8(certificatePem(ca))), { certificate: ca, count: 1 });
});

Deno.test("text of files: byte order marks are no part of it, UTF-16 is read, and what is neither is told or replaced", () => {
  for (const file of [utf8("ä\n"), utf8("\ufeffä\n"), utf16("ä\n"), utf16("ä\n", true)]) {
    assert.equal(fileText(file), "ä\n");
  }
  assert.throws(() => fileText(new Uint8Array([0xe4, 0x0a])), TypeError);
  assert.equal(fileText(new Uint8Array([0xe4, 0x0a]), false), "\ufffd\n");
});
