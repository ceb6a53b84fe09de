/**
 * The DER of X.509 certificates (RFC 5280, 4.1), read as Go reads it: what its `crypto/x509` takes for a certificate is one
 * here, and what it refuses is none, so that nothing is published that Notary and Docker cannot read.
 *
 * The runtime's own reader passes over bytes behind the certificate and lengths in two forms, shows a subject as lines of
 * text, which cannot be told from a name that holds a line end, and fails on names in old encodings.
 *
 * @see Go `crypto/x509/parser.go`
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { equalBytes, text } from "../bytes/bytes.ts";
import { type DerElement, derElements, derSequence, derUnsigned, onlyElement, TAG } from "./der.ts";

/** What stands in a certificate. Object identifiers are their contents in hex. */
export interface CertificateFields {
  /** The algorithm that it says it was signed with. */
  readonly signatureAlgorithm: string;
  /** Name of the issuer, DER. */
  readonly issuer: Bytes;
  /** Name of the subject, DER. */
  readonly subject: Bytes;
  /** What the subject is made of, in order. */
  readonly attributes: readonly NameAttribute[];
  /** Valid from. */
  readonly notBefore: Date;
  /** Valid until. */
  readonly notAfter: Date;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Bytes;
  /** The values of extensions. */
  readonly extensions: ReadonlyMap<string, Bytes>;
  /** Which of them are critical. */
  readonly critical: ReadonlySet<string>;
  /** What is signed of it, DER. */
  readonly signed: Bytes;
  /** The parameters of the algorithm, DER; none where there are none. */
  readonly signatureParameters?: Bytes;
  /** The issuer's signature. */
  readonly signature: Bytes;
}

/** A part of a name: `550403` (common name) and its text. */
export interface NameAttribute {
  /** Which part. */
  readonly type: string;
  /** Its text. */
  readonly value: string;
}

const [VERSION, ISSUER_ID, SUBJECT_ID, EXTENSIONS] = [0xa0, 0x81, 0x82, 0xa3];
const [UTC_TIME, GENERALIZED_TIME] = [0x17, 0x18];
const BASIC_CONSTRAINTS = "551d13";
/** The extension of {@linkcode keyUsage}. */
export const KEY_USAGE = "551d0f";
const [EXTENDED_KEY_USAGE, CRL_POINTS] = ["551d25", "551d1f"];
const [AUTHORITY_ACCESS, OCSP] = ["2b06010505070101", "2b06010505073001"];

/**
 * Reads a certificate.
 *
 * @throws {SyntaxError} where `der` is anything else, or something stands behind it
 */
export function readFields(der: Bytes): CertificateFields {
  const [tbs, outerAlgorithm, signature, ...rest] = derSequence(der);
  if (tbs?.tag !== TAG.sequence || !outerAlgorithm || signature?.tag !== TAG.bitString || rest.length > 0) throw odd();
  const signatureBytes = bitString(signature);
  const parts = derElements(tbs.content);
  const optional = (tag: number) => parts[0]?.tag === tag ? parts.shift() : undefined;
  const needed = (tag: number) => optional(tag) ?? fail();

  const version = derUnsigned(
    onlyElement(optional(VERSION)?.content ?? new Uint8Array([TAG.integer, 1, 0]), TAG.integer),
  );
  if (version.length > 1 || (version[0] ?? 0) > 2) throw odd();
  integer(needed(TAG.integer)); // the serial number
  const algorithm = needed(TAG.sequence);
  if (!equalBytes(algorithm.bytes, outerAlgorithm.bytes)) throw odd();
  const issuer = needed(TAG.sequence);
  readName(issuer);
  const [from, to, ...others] = derElements(needed(TAG.sequence).content);
  if (!from || !to || others.length > 0) throw odd();
  const subject = needed(TAG.sequence);
  const spki = needed(TAG.sequence);
  optional(ISSUER_ID);
  optional(SUBJECT_ID);
  const extensions = optional(EXTENSIONS);
  if (parts.length > 0 || (extensions && version[0] !== 2)) throw odd();
  const { type, parameters } = algorithmOf(algorithm);
  const critical = new Set<string>();
  return {
    signatureAlgorithm: type,
    ...(parameters ? { signatureParameters: parameters.bytes } : {}),
    signature: signatureBytes,
    signed: tbs.bytes,
    issuer: issuer.bytes,
    subject: subject.bytes,
    attributes: readName(subject),
    notBefore: readTime(from),
    notAfter: readTime(to),
    spki: spki.bytes,
    extensions: extensions ? readExtensions(extensions, critical) : new Map(),
    critical,
  };
}

/**
 * The first octet of a certificate's key usage, the second one, which has a single bit, above it (RFC 5280, 4.2.1.3);
 * `undefined` where it has none.
 */
export function keyUsage({ extensions }: CertificateFields): number | undefined {
  const value = extensions.get(KEY_USAGE);
  if (!value) return undefined;
  const [first = 0, second = 0] = bitString(onlyElement(value, TAG.bitString));
  return first | (second << 8);
}

/** What else a certificate is for: object identifiers (RFC 5280, 4.2.1.12); none where it does not say. */
export function extendedKeyUsage({ extensions }: CertificateFields): string[] {
  return derSequence(extensions.get(EXTENDED_KEY_USAGE) ?? new Uint8Array([TAG.sequence, 0])).map(oid);
}

/** Whether somebody says where it is told that a certificate is revoked: by CRL or by OCSP. */
export function namesRevocation({ extensions }: CertificateFields): boolean {
  const access = derSequence(extensions.get(AUTHORITY_ACCESS) ?? new Uint8Array([TAG.sequence, 0]));
  return extensions.has(CRL_POINTS) || access.some(({ bytes }) => oid(derSequence(bytes)[0]) === OCSP);
}

/** Whether basic constraints make a certificate a CA, and how many CAs may stand below it (RFC 5280, 4.2.1.9). */
export function basicConstraints({ extensions }: CertificateFields): { isCa: boolean; pathLength?: number } {
  const parts = derSequence(extensions.get(BASIC_CONSTRAINTS) ?? new Uint8Array([TAG.sequence, 0]));
  const isCa = parts[0]?.tag === TAG.boolean && boolean(parts.shift()!);
  const limit = parts.shift();
  if (parts.length > 0) throw odd();
  if (!limit) return { isCa };
  return { isCa, pathLength: derUnsigned(limit).reduce((n, byte) => n * 256 + byte, 0) };
}

function readExtensions(element: DerElement, critical: Set<string>): Map<string, Bytes> {
  const found = new Map<string, Bytes>();
  for (const extension of derSequence(element.content)) {
    const parts = derSequence(extension.bytes);
    const type = oid(parts.shift());
    if (parts[0]?.tag === TAG.boolean && boolean(parts.shift()!)) critical.add(type);
    const value = parts.shift();
    if (value?.tag !== TAG.octetString || parts.length > 0 || found.has(type)) throw odd();
    found.set(type, value.content);
  }
  for (const [type, value] of found) READ_BY_GO.get(type)?.(value);
  return found;
}

/** Extensions that are of no use here, and that Go reads all the same. They throw where it cannot. */
const READ_BY_GO: ReadonlyMap<string, (value: Bytes) => void> = new Map<string, (value: Bytes) => void>([
  ["551d0e", (value) => onlyElement(value, TAG.octetString)], // subject key identifier
  ["551d11", (value) => derSequence(value).forEach(requireSaneName)], // alternative names
  ["551d1e", derSequence], // name constraints
  [CRL_POINTS, derSequence], // where revocations are told
  ["551d20", derSequence], // policies
  ["551d23", derSequence], // authority key identifier
  [EXTENDED_KEY_USAGE, (value) => derSequence(value).forEach(oid)], // extended key usage
  [AUTHORITY_ACCESS, derSequence], // access to the issuer
]);

/** RFC 5280, 4.2.1.6. */
function requireSaneName({ tag, content }: DerElement): void {
  const isText = tag === 0x81 || tag === 0x82 || tag === 0x86; // mail, DNS, URI
  const isAddress = tag === 0x87;
  if (isText && content.some((byte) => byte > 0x7f)) throw odd();
  if (isAddress && content.length !== 4 && content.length !== 16) throw odd();
}

function readName(name: DerElement): NameAttribute[] {
  return derSequence(name.bytes).flatMap((set) => {
    if (set.tag !== TAG.set) throw odd();
    return derElements(set.content).map((attribute) => {
      const [type, value, ...others] = derSequence(attribute.bytes);
      if (!value || others.length > 0) throw odd();
      return { type: oid(type), value: readString(value) };
    });
  });
}

/** The kinds of text that Go reads in names, and how (`parseASN1String`). */
const STRINGS: ReadonlyMap<number, (content: Bytes) => string> = new Map([
  [0x0c, utf8String],
  [0x12, (content) => matching(latin1(content), /^[0-9 ]*$/)], // NumericString
  [0x13, (content) => matching(latin1(content), /^[A-Za-z0-9 '()+,\-./:=?*&]*$/)], // PrintableString
  [0x14, latin1], // TeletexString: in practice, Latin-1
  [0x16, (content) => matching(latin1(content), /^[\0-\x7f]*$/)], // IA5String
  [0x1e, utf16], // BMPString
]);

function readString({ tag, content }: DerElement): string {
  return (STRINGS.get(tag) ?? fail())(content);
}

function utf8String(content: Bytes): string {
  try {
    return text(content);
  } catch {
    throw odd();
  }
}

function latin1(content: Bytes): string {
  return [...content].map((byte) => String.fromCharCode(byte)).join("");
}

function utf16(content: Bytes): string {
  if (content.length % 2 !== 0) throw odd();
  const whole = content.at(-1) === 0 && content.at(-2) === 0 ? content.subarray(0, -2) : content;
  return new TextDecoder("utf-16be", { ignoreBOM: true }).decode(whole);
}

function matching(value: string, allowed: RegExp): string {
  return allowed.test(value) ? value : fail();
}

const TIME = /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;

/** RFC 5280, 4.1.2.5. */
function readTime({ tag, content }: DerElement): Date {
  const [, year = "", ...parts] = TIME.exec(latin1(content)) ?? fail();
  if (tag !== (year.length === 2 ? UTC_TIME : GENERALIZED_TIME)) throw odd();
  const century = year.length === 4 ? "" : Number(year) < 50 ? "20" : "19";
  const [month, day, hour, minute, second] = parts;
  const written = `${century}${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const time = new Date(written);
  if (Number.isNaN(time.getTime()) || time.toISOString() !== written) throw odd(); // 30 February
  return time;
}

function algorithmOf(identifier: DerElement): { type: string; parameters?: DerElement } {
  const [type, parameters, ...others] = derSequence(identifier.bytes);
  if (others.length > 0) throw odd();
  return { type: oid(type), ...(parameters ? { parameters } : {}) };
}

function oid(element: DerElement | undefined): string {
  if (element?.tag !== TAG.oid || element.content.length === 0 || element.content.at(-1)! >= 0x80) throw odd();
  return element.content.toHex();
}

function integer({ content: [first, second] }: DerElement): void {
  const isLongerThanNeeded = second !== undefined &&
    ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
  if (first === undefined || isLongerThanNeeded) throw odd();
}

function boolean({ content }: DerElement): boolean {
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw odd();
  return content[0] === 0xff;
}

/** The octets of a BIT STRING, whose first one counts the unused bits, which are zero. */
function bitString({ content }: DerElement): Bytes {
  const [unused = 8, ...octets] = content.length > 1 ? [content[0], content.at(-1)!] : [content[0]];
  const isSane = unused < 8 && (octets.length > 0 ? (octets[0]! & ((1 << unused) - 1)) === 0 : unused === 0);
  if (!isSane) throw odd();
  return content.subarray(1);
}

function odd(): SyntaxError {
  return new SyntaxError("not a certificate");
}

function fail(): never {
  throw odd();
}
