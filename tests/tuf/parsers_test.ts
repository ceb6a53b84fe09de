/**
 * A hundred thousand damaged inputs for the parsers of `lib/crypto` and `lib/tuf`: each is read, or refused in the one way
 * that its documentation names.
 */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { type JsonValue, parseJson } from "../../lib/bytes/json.ts";
import { parsePem } from "../../lib/bytes/pem.ts";
import { ecdsaReadings } from "../../lib/crypto/algorithms.ts";
import { readCertificateFile } from "../../lib/crypto/certificate_file.ts";
import { derElements, derSequence, derUnsigned } from "../../lib/crypto/der.ts";
import { keyOfCertificate, keyOfSpki, readPublicKey } from "../../lib/crypto/keys.ts";
import { certificatePem, isBrokenlySigned, readBundle, readCertificate } from "../../lib/crypto/x509.ts";
import { isForged } from "../../lib/crypto/x509_signature.ts";
import { parseKept, parseListing, parseRoot, parseTargets } from "../../lib/tuf/parse.ts";
import { isInvalid, isSyntaxError, never, type Parser, testParsers } from "../support/fuzz.ts";
import { buildFiles, certified, KEYS, newKey } from "../support/trust_builder.ts";

const text = (bytes: Bytes) => new TextDecoder().decode(bytes);

const files = await buildFiles();
const root = KEYS.root.publicKey;
const other = (await certified(newKey(), { commonName: "another" })).publicKey;
const DER = [root, other].map(({ certificate }) => certificate!.der);
const PEM = [root, other].map(({ certificate }) => utf8(certificatePem(certificate!)));
const SPKI = [root, other].map(({ spki }) => spki);
const KEY_OBJECTS = [root, KEYS.alice.publicKey].map(({ json }) => utf8(JSON.stringify(json)));
const SIGNATURE = [Uint8Array.fromHex(`3046022100${"9".repeat(64)}022100${"9".repeat(64)}`)];

/** A key object whose public part alone was damaged, as far as it is text still. */
function keyObject(bytes: Bytes): JsonValue {
  return { keytype: "ecdsa-x509", keyval: { private: null, public: bytes.toBase64() } };
}

const PARSERS: readonly Parser[] = [
  ["elements of DER", 15_000, DER, (input) => derElements(input).map(derUnsigned), isSyntaxError],
  ["a SEQUENCE", 10_000, DER, derSequence, isSyntaxError],
  ["a certificate", 15_000, DER, (input) => isBrokenlySigned(readCertificate(input)), isSyntaxError],
  ["its signature and key", 5_000, DER, judged, isSyntaxError],
  ["PEM", 10_000, PEM, (input) => parsePem(text(input)), isSyntaxError],
  ["a bundle", 7_000, PEM, (input) => readBundle(text(input)), isSyntaxError],
  ["a certificate file", 7_000, [...PEM, ...DER], readCertificateFile, isSyntaxError],
  ["a public key", 5_000, SPKI, keyOfSpki, isSyntaxError],
  ["a key object", 5_000, KEY_OBJECTS, (input) => readPublicKey(parseJson(input)), isSyntaxError],
  ["a certificate in a key object", 5_000, PEM, (input) => readPublicKey(keyObject(input)), isSyntaxError],
  ["a signature", 10_000, SIGNATURE, (input) => ecdsaReadings(input, "P-256"), never],
  ["root", 1_500, [files.get("root")!], parseRoot, isInvalid],
  ["targets", 1_500, [files.get("targets")!], (input) => parseTargets("targets", input), isInvalid],
  ["snapshot", 1_500, [files.get("snapshot")!], (input) => parseListing("snapshot", input), isInvalid],
  ["what was kept", 1_500, [files.get("timestamp")!], parseKept, never],
];

async function judged(der: Bytes): Promise<void> {
  const certificate = readCertificate(der);
  await isForged(certificate);
  keyOfCertificate(certificate);
}

testParsers(PARSERS);

Deno.test("parsers: those are a hundred thousand", () => {
  assert.equal(PARSERS.reduce((sum, [, times]) => sum + times, 0), 100_000);
});
