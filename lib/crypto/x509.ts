/** X.509 certificates: reading what the trust rules need. @module */
import { X509Certificate } from "node:crypto";
import { type Bytes, text } from "../bytes/bytes.ts";
import { formatPem, parsePem } from "../bytes/pem.ts";
import { derElements } from "./der.ts";

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
  /** The name of the algorithm it was signed with, as OpenSSL writes it. */
  readonly signatureAlgorithm: string;
}

/**
 * The leaf certificate of a PEM text (the first that is not a CA, else the first; Notary `utils.LoadCertBundle`), or a
 * certificate in DER.
 *
 * @throws {SyntaxError} where there is none, or it cannot be read
 */
export function readCertificate(source: string | Bytes): Certificate {
  if (typeof source !== "string") return parse(source);
  const [first, ...others] = certificatesIn(source);
  return first.isCa ? others.find((certificate) => !certificate.isCa) ?? first : first;
}

/**
 * The certificates of a key in metadata: its own first, then the CAs above it. Notary verifies signatures with the
 * first and judges the leaf, so they must be the same one.
 *
 * @throws {SyntaxError} where there is none, one cannot be read, or another than the first is a leaf
 */
export function readBundle(pem: string): [Certificate, ...Certificate[]] {
  const bundle = certificatesIn(pem);
  if (bundle.slice(1).some((certificate) => !certificate.isCa)) {
    throw new SyntaxError("a certificate bundle has a leaf that is not its first or not its only one");
  }
  return bundle;
}

/** Whether a certificate is signed with a hash that can be forged: MD5, SHA-1. */
export function isBrokenlySigned(certificate: Certificate): boolean {
  return /md[245]|sha-?1(?!\d)/i.test(certificate.signatureAlgorithm);
}

/** Whether a certificate says to be self-signed and is not; algorithms that the runtime does not verify pass. */
export function isForged(certificate: Certificate): boolean {
  const known = /^(ecdsa-with-sha|sha)\d+/i.test(certificate.signatureAlgorithm);
  if (!certificate.isSelfIssued || !known) return false;
  try {
    const x509 = new X509Certificate(certificate.der as never);
    return !x509.verify(x509.publicKey);
  } catch {
    return false; // P-521
  }
}

function certificatesIn(pem: string): [Certificate, ...Certificate[]] {
  const blocks = parsePem(pem).filter((block) => block.label === "CERTIFICATE");
  const [first, ...others] = blocks.map((block) => parse(block.bytes));
  if (!first) throw new SyntaxError("there is no certificate");
  return [first, ...others];
}

/** A certificate as PEM, as Notary writes it. */
export function certificatePem(certificate: Certificate): string {
  return formatPem("CERTIFICATE", certificate.der);
}

function parse(der: Bytes): Certificate {
  try {
    return read(new X509Certificate(der as never));
  } catch {
    throw new SyntaxError("a certificate cannot be read"); // some parts are only parsed when they are asked for
  }
}

function read(x509: X509Certificate): Certificate {
  const der = new Uint8Array(x509.raw);
  const { commonNames, keyUsage } = readDer(der);
  const [notBefore, notAfter] = [new Date(x509.validFrom), new Date(x509.validTo)];
  if (Number.isNaN(notBefore.getTime()) || Number.isNaN(notAfter.getTime())) throw new SyntaxError("no dates");
  return {
    der,
    spki: new Uint8Array(x509.publicKey.export({ type: "spki", format: "der" })),
    commonName: commonNames.length === 1 ? commonNames[0]! : "",
    subject: x509.subject?.replaceAll("\n", ", ") ?? "",
    isSelfIssued: x509.issuer === x509.subject,
    notBefore,
    notAfter,
    isCa: x509.ca,
    isNotForSigning: keyUsage !== undefined && (keyUsage & DIGITAL_SIGNATURE) === 0,
    signatureAlgorithm: (x509 as { signatureAlgorithm?: string }).signatureAlgorithm ?? "",
  };
}

const [SEQUENCE, EXTENSIONS, VERSION] = [0x30, 0xa3, 0xa0];
const [COMMON_NAME, KEY_USAGE] = ["550403", "551d0f"];
const DIGITAL_SIGNATURE = 0x80;

/** The common names of the subject, and the first octet of the key usage (RFC 5280, 4.1 and 4.2.1.3). */
function readDer(der: Bytes): { commonNames: string[]; keyUsage: number | undefined } {
  const parts = derElements(derElements(derElements(der)[0]!.content)[0]!.content).filter(({ tag }) => tag !== VERSION);
  const subject = parts[4]!; // serial number, algorithm, issuer, validity, subject
  const attributes = derElements(subject.content).flatMap((set) => derElements(set.content))
    .map((attribute) => derElements(attribute.content));
  const commonNames = attributes.filter(([type]) => type?.content.toHex() === COMMON_NAME)
    .map(([, value]) => text(value!.content));
  const extensions = parts.filter(({ tag }) => tag === EXTENSIONS)
    .flatMap(({ content }) => derElements(derElements(content)[0]!.content))
    .filter(({ tag }) => tag === SEQUENCE).map((extension) => derElements(extension.content));
  const usage = extensions.find(([type]) => type?.content.toHex() === KEY_USAGE)?.at(-1);
  // An OCTET STRING around a BIT STRING, whose first octet counts the unused bits.
  return { commonNames, keyUsage: usage && (derElements(usage.content)[0]!.content[1] ?? 0) };
}
