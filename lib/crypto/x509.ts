/** X.509 certificates: reading what the trust rules need. @module */
import { type Bytes, equalBytes } from "../bytes/bytes.ts";
import { formatPem, parsePem } from "../bytes/pem.ts";
import { basicConstraints, type CertificateFields, keyUsage, type NameAttribute, readFields } from "./x509_der.ts";

/** What the trust rules need of a certificate. */
export interface Certificate {
  /** The certificate, DER. */
  readonly der: Bytes;
  /** Its public key: SubjectPublicKeyInfo, DER. */
  readonly spki: Bytes;
  /** The subject's only common name, or "". */
  readonly commonName: string;
  /** The whole subject on one line. */
  readonly subject: string;
  /** Whether the issuer has the subject's name. */
  readonly isSelfIssued: boolean;
  /** Valid from. */
  readonly notBefore: Date;
  /** Valid until. */
  readonly notAfter: Date;
  /** Whether basic constraints make it a CA. */
  readonly isCa: boolean;
  /** Whether its key usage, if it has one, leaves out digital signatures. */
  readonly isNotForSigning: boolean;
  /** The name of the algorithm it was signed with, as OpenSSL writes it; its number in hex where it has none here. */
  readonly signatureAlgorithm: string;
}

/**
 * The certificate in DER, or the leaf certificate of a PEM text (the first that is not a CA, else the first; Notary
 * `utils.LoadCertBundle`).
 *
 * @throws {SyntaxError} where there is none, or it cannot be read
 */
export function readCertificate(source: string | Bytes): Certificate {
  if (typeof source !== "string") return parse(source);
  const [first, ...others] = readCertificates(source);
  return first.isCa ? others.find((certificate) => !certificate.isCa) ?? first : first;
}

/**
 * The certificates of a key in metadata: its own first, then the CAs above it. Notary verifies signatures with the
 * first and judges the leaf, so they must be the same one.
 *
 * @throws {SyntaxError} where there is none, one cannot be read, or another than the first is a leaf
 */
export function readBundle(pem: string): [Certificate, ...Certificate[]] {
  const bundle = readCertificates(pem);
  if (bundle.slice(1).some((certificate) => !certificate.isCa)) {
    throw new SyntaxError("a certificate bundle has a leaf that is not its first or not its only one");
  }
  return bundle;
}

/**
 * All certificates of a PEM text.
 *
 * @throws {SyntaxError} where there is none, or one cannot be read
 */
export function readCertificates(pem: string): [Certificate, ...Certificate[]] {
  const blocks = parsePem(pem).filter((block) => block.label === "CERTIFICATE");
  const [first, ...others] = blocks.map((block) => parse(block.bytes));
  if (!first) throw new SyntaxError("there is no certificate");
  return [first, ...others];
}

/** Whether a certificate is signed with a hash that can be forged: MD5, SHA-1. */
export function isBrokenlySigned(certificate: Certificate): boolean {
  return /md[245]|sha-?1(?!\d)/i.test(certificate.signatureAlgorithm);
}

/** A certificate as PEM, as Notary writes it. */
export function certificatePem(certificate: Certificate): string {
  return formatPem("CERTIFICATE", certificate.der);
}

function parse(der: Bytes): Certificate {
  try {
    return described(der, readFields(der));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new SyntaxError("a certificate cannot be read");
  }
}

const COMMON_NAME = "550403";
const DIGITAL_SIGNATURE = 0x80;

function described(der: Bytes, fields: CertificateFields): Certificate {
  const { attributes, issuer, subject, notBefore, notAfter, spki, signatureAlgorithm } = fields;
  const commonNames = attributes.filter(({ type }) => type === COMMON_NAME);
  const usage = keyUsage(fields);
  return {
    der,
    spki,
    commonName: commonNames.length === 1 ? commonNames[0]!.value : "",
    subject: attributes.map(shown).join(", "),
    isSelfIssued: equalBytes(issuer, subject),
    notBefore,
    notAfter,
    isCa: basicConstraints(fields).isCa,
    isNotForSigning: usage !== undefined && (usage & DIGITAL_SIGNATURE) === 0,
    signatureAlgorithm: SIGNATURE_ALGORITHMS.get(signatureAlgorithm) ?? signatureAlgorithm,
  };
}

function shown({ type, value }: NameAttribute): string {
  return `${ATTRIBUTES.get(type) ?? `OID.${dotted(type)}`}=${value}`;
}

/** RFC 4519 and PKCS #9. */
const ATTRIBUTES: ReadonlyMap<string, string> = new Map([
  [COMMON_NAME, "CN"],
  ["550404", "SN"],
  ["550405", "serialNumber"],
  ["550406", "C"],
  ["550407", "L"],
  ["550408", "ST"],
  ["550409", "street"],
  ["55040a", "O"],
  ["55040b", "OU"],
  ["55040c", "title"],
  ["55042a", "GN"],
  ["0992268993f22c640101", "UID"],
  ["0992268993f22c640119", "DC"],
  ["2a864886f70d010901", "emailAddress"],
]);

/** RFC 3279, RFC 4055, RFC 5758, RFC 8410. */
const SIGNATURE_ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ["2a864886f70d010102", "md2WithRSAEncryption"],
  ["2a864886f70d010104", "md5WithRSAEncryption"],
  ["2a864886f70d010105", "sha1WithRSAEncryption"],
  ["2b0e03021d", "sha1WithRSA"],
  ["2a864886f70d01010a", "rsassaPss"],
  ["2a864886f70d01010e", "sha224WithRSAEncryption"],
  ["2a864886f70d01010b", "sha256WithRSAEncryption"],
  ["2a864886f70d01010c", "sha384WithRSAEncryption"],
  ["2a864886f70d01010d", "sha512WithRSAEncryption"],
  ["2a8648ce380403", "dsa-with-SHA1"],
  ["2a8648ce3d0401", "ecdsa-with-SHA1"],
  ["2a8648ce3d040301", "ecdsa-with-SHA224"],
  ["2a8648ce3d040302", "ecdsa-with-SHA256"],
  ["2a8648ce3d040303", "ecdsa-with-SHA384"],
  ["2a8648ce3d040304", "ecdsa-with-SHA512"],
  ["2b6570", "ED25519"],
]);

/** `550403` as `2.5.4.3`. */
function dotted(hex: string): string {
  let value = 0n;
  const arcs: bigint[] = [];
  for (const byte of Uint8Array.fromHex(hex)) {
    value = value * 128n + BigInt(byte & 0x7f);
    if (byte >= 0x80) continue;
    if (arcs.length > 0) arcs.push(value);
    else {
      const first = value < 80n ? value / 40n : 2n;
      arcs.push(first, value - first * 40n);
    }
    value = 0n;
  }
  return arcs.join(".");
}
