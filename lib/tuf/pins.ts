/** From what an administrator hands out to a pin of the root. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { readCertificateFile } from "../crypto/certificate_file.ts";
import { keyOfCertificate } from "../crypto/keys.ts";
import type { CaPin, KeyPin } from "./root_keys.ts";

/** The pin that `text` is, if it is the id of a key: 64 lower-case hex digits. */
export function pinOfKeyId(text: string): KeyPin | undefined {
  return /^[0-9a-f]{64}$/.test(text) ? { keyId: text } : undefined;
}

/**
 * The pin of a certificate, PEM or DER: of whatever a CA has issued, or else of this certificate itself.
 *
 * @throws {SyntaxError} that says what the file is instead
 */
export function pinOfCertificate(file: Bytes): KeyPin | CaPin {
  const { certificate } = readCertificateFile(file);
  if (certificate.isCa) return { ca: certificate };
  return { keyId: keyOfCertificate(certificate).canonicalId, certificateDerHex: certificate.der.toHex() };
}
