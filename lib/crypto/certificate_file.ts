/** Certificates in files that people hand over: whatever form they come in, or what it is instead. @module */
import { type Bytes, fileText } from "../bytes/bytes.ts";
import { parsePem } from "../bytes/pem.ts";
import { derSequence, firstElement, TAG } from "./der.ts";
import { keyOfSpki } from "./keys.ts";
import { type Certificate, readCertificate } from "./x509.ts";

/** What a file holds. */
export interface CertificateFile {
  /** The certificate that is meant: the only one, or the only one that is no CA. */
  readonly certificate: Certificate;
  /** How many there are. */
  readonly count: number;
}

/** `id-signedData` of PKCS #7, by its contents. */
const SIGNED_DATA = "2a864886f70d010702";
const PADDING: ReadonlySet<number> = new Set([0x00, 0x09, 0x0a, 0x0d, 0x1a, 0x20]);

/**
 * Reads a certificate file: DER, PEM, or the base64 of PEM alone; with the byte order mark or the UTF-16 of Windows, and
 * with blanks, line ends or zeros behind it, which are no part of the certificate.
 *
 * @throws {SyntaxError} that says what the file is instead, as the end of a sentence
 */
export function readCertificateFile(file: Bytes): CertificateFile {
  if (file[0] === TAG.sequence && !looksLikeText(file)) return chosen([readDer(file)]);
  let source: string;
  try {
    source = fileText(file);
  } catch {
    throw new SyntaxError("it is neither PEM nor DER");
  }
  const blocks = parsePem(source);
  const found = blocks.filter(({ label }) => label === "CERTIFICATE").map(({ bytes }) => readDer(bytes));
  if (found.length > 0) return chosen(found);
  if (blocks[0]) throw new SyntaxError(`it holds a "${blocks[0].label}", and no certificate`);
  if (source.includes("-----BEGIN ")) throw new SyntaxError("its PEM is damaged or cut off");
  const bare = fromBase64(source.trim());
  if (bare?.[0] === TAG.sequence) return chosen([readDer(bare)]);
  throw new SyntaxError("there is no certificate");
}

/** `0…`: base64 that begins like a SEQUENCE. */
function looksLikeText(file: Bytes): boolean {
  return file.every((byte) => byte < 0x80 && (byte >= 0x20 || PADDING.has(byte)));
}

function fromBase64(source: string): Bytes | undefined {
  try {
    return Uint8Array.fromBase64(source);
  } catch {
    return undefined;
  }
}

function chosen(found: readonly Certificate[]): CertificateFile {
  const leaves = found.filter(({ isCa }) => !isCa);
  const [certificate, ...others] = found.length > 1 ? leaves : found;
  if (certificate && others.length === 0) return { certificate, count: found.length };
  throw new SyntaxError(
    `it holds ${found.length} certificates, ${
      leaves.length || "none"
    } of them without the rights of a CA, so that it ` +
      "is not clear which one is meant",
  );
}

function readDer(bytes: Bytes): Certificate {
  const der = withoutPadding(bytes);
  try {
    return readCertificate(der);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new SyntaxError(whatElse(der) ?? error.message);
  }
}

function withoutPadding(bytes: Bytes): Bytes {
  const end = attempt(() => firstElement(bytes).bytes.length) ?? bytes.length;
  return bytes.subarray(end).every((byte) => PADDING.has(byte)) ? bytes.subarray(0, end) : bytes;
}

function whatElse(der: Bytes): string | undefined {
  if (attempt(() => derSequence(der)[0]?.content.toHex()) === SIGNED_DATA) {
    return "it is PKCS #7 (.p7b, .p7c), which holds certificates in another form";
  }
  if (attempt(() => derSequence(der)[0]?.content.toHex()) === "03") return "it is PKCS #12 (.p12, .pfx)";
  if (attempt(() => keyOfSpki(der))) return "it is a public key, and no certificate";
  if (attempt(() => readCertificate(firstElement(der).bytes))) return "other bytes stand behind the certificate";
  return undefined;
}

/** What `read` finds; nothing where the bytes are not what it reads. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
