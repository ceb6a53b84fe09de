/**
 * Whether one certificate is signed with another's key, with all algorithms that are in use: the runtime's own answer
 * knows no P-521 and no PSS.
 *
 * @see Go `crypto/x509` `getSignatureAlgorithmFromAI`, whose reading of PSS parameters this is
 * @module
 */
import { X509Certificate } from "node:crypto";
import { type Bytes, equalBytes } from "../bytes/bytes.ts";
import { derOfRs, ecdsaReadings, type SignatureMethod, verifySignature } from "./algorithms.ts";
import { derSequence, derUnsigned, onlyElement, TAG } from "./der.ts";
import type { SignatureHash } from "./hash.ts";
import { keyOfSpki } from "./keys.ts";
import { DIGEST_BYTES } from "./rsa_padding.ts";
import type { Certificate } from "./x509.ts";
import { readFields } from "./x509_der.ts";

/** RFC 4055 and RFC 5758. */
const ALGORITHMS: ReadonlyMap<string, readonly [SignatureMethod, SignatureHash]> = new Map([
  ["2a864886f70d01010b", ["rsapkcs1v15", "sha256"]],
  ["2a864886f70d01010c", ["rsapkcs1v15", "sha384"]],
  ["2a864886f70d01010d", ["rsapkcs1v15", "sha512"]],
  ["2a8648ce3d040302", ["ecdsa", "sha256"]],
  ["2a8648ce3d040303", ["ecdsa", "sha384"]],
  ["2a8648ce3d040304", ["ecdsa", "sha512"]],
]);
const RSA_PSS = "2a864886f70d01010a";
const MGF1 = "2a864886f70d010108";
const SHA1_WITH_RSA = "2a864886f70d010105";
const HASHES: ReadonlyMap<string, SignatureHash> = new Map([
  ["608648016503040201", "sha256"],
  ["608648016503040202", "sha384"],
  ["608648016503040203", "sha512"],
]);

/** What became of the look at a signature; keys and algorithms are unknown that nobody should use, or Go does not read. */
export type CertificateSignature = "good" | "bad" | "unknown-algorithm" | "unknown-key";

/**
 * Looks at the signature of `certificate` under the key of `issuer`; names and rights are not looked at.
 *
 * @param sha1 whether SHA-1 with RSA is taken: only where nothing depends on the signature, as on one's own certificate
 */
export async function signatureOfCertificate(
  certificate: Certificate,
  issuer: Certificate,
  sha1 = false,
): Promise<CertificateSignature> {
  const { signatureAlgorithm, signatureParameters, signature, signed } = readFields(certificate.der);
  if (signatureAlgorithm === SHA1_WITH_RSA && sha1) return isSignedSha1(certificate, issuer) ? "good" : "bad";
  const known = signatureAlgorithm === RSA_PSS ? readPss(signatureParameters) : ALGORITHMS.get(signatureAlgorithm);
  if (!known) return "unknown-algorithm";
  const [method, hash] = known;
  try {
    const key = keyOfSpki(issuer.spki);
    const variant = { hash, saltLength: DIGEST_BYTES[hash] };
    const readings = key.shape.family === "ecdsa"
      ? ecdsaReadings(signature, key.shape.curve).filter((reading) => equalBytes(derOfRs(reading), signature))
      : [signature];
    for (const reading of readings) {
      if (await verifySignature(method, key, signed, reading, variant)) return "good";
    }
  } catch (error) {
    if (error instanceof SyntaxError) return "unknown-key";
    throw error;
  }
  return "bad";
}

/**
 * Whether a certificate says to be self-signed and is not. What nobody here verifies passes: unknown algorithms and keys.
 */
export async function isForged(certificate: Certificate): Promise<boolean> {
  return certificate.isSelfIssued && await signatureOfCertificate(certificate, certificate) === "bad";
}

function isSignedSha1(certificate: Certificate, issuer: Certificate): boolean {
  try {
    const [above, below] = [new X509Certificate(issuer.der as never), new X509Certificate(certificate.der as never)];
    return below.verify(above.publicKey);
  } catch {
    return false;
  }
}

/** RSASSA-PSS-params as Go takes them: MGF1 with the same hash, a salt as long as it, the usual trailer. */
function readPss(parameters: Bytes | undefined): readonly [SignatureMethod, SignatureHash] | undefined {
  try {
    const parts = new Map(derSequence(parameters ?? new Uint8Array()).map(({ tag, content }) => [tag, content]));
    const hash = hashOf(parts.get(0xa0));
    const [mgf, mgfHash] = derSequence(parts.get(0xa1) ?? new Uint8Array());
    const isMgf1 = mgf?.tag === TAG.oid && mgf.content.toHex() === MGF1 && hashOf(mgfHash?.bytes) === hash;
    const salt = derUnsigned(onlyElement(parts.get(0xa2) ?? new Uint8Array(), TAG.integer));
    const trailer = parts.get(0xa3);
    const isUsual = trailer === undefined ||
      equalBytes(derUnsigned(onlyElement(trailer, TAG.integer)), new Uint8Array([1]));
    if (!hash || !isMgf1 || !isUsual || salt.length !== 1 || salt[0] !== DIGEST_BYTES[hash]) return undefined;
    return ["rsapss", hash];
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** An AlgorithmIdentifier of SHA-2, its parameters left out or NULL. */
function hashOf(identifier: Bytes | undefined): SignatureHash | undefined {
  const [type, parameters] = derSequence(identifier ?? new Uint8Array());
  const isPlain = parameters === undefined || equalBytes(parameters.bytes, new Uint8Array([0x05, 0x00]));
  return type?.tag === TAG.oid && isPlain ? HASHES.get(type.content.toHex()) : undefined;
}
