/** The delegation certificate: what SignPath gives out for the key that it keeps. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { readCertificateFile } from "../crypto/certificate_file.ts";
import { keyOfCertificate, type PublicKey } from "../crypto/keys.ts";
import { type Certificate, isBrokenlySigned } from "../crypto/x509.ts";
import { type ByClock, messageOf, TagsealError } from "../errors.ts";

/** The name of the delegation unless another one is given: `targets/signpath`. */
export const STANDARD_DELEGATION = "signpath";

const HALF_YEAR_MS = 183 * 86_400_000;

/** A certificate that may become a delegation key. */
export interface DelegationCertificate {
  /** The certificate. */
  readonly certificate: Certificate;
  /** Its key, as delegations hold it. */
  readonly key: PublicKey;
  /** What the user should know: it expires soon, say. */
  readonly warnings: readonly string[];
}

/** The key of a certificate file. */
export interface CertificateKey extends Omit<DelegationCertificate, "warnings"> {
  /** How many certificates the file holds. */
  readonly count: number;
}

/**
 * Reads a certificate file, PEM or DER (`.cer`), that may become a delegation key.
 *
 * @throws {TagsealError} `bad-input` where it holds no certificate, one that is not valid now, or a key Notary refuses
 */
export function readDelegationCertificate(file: Bytes, path: string, at: Date): DelegationCertificate {
  const fail = (why: string, byClock?: ByClock) => unusable(path, why, undefined, byClock);
  const { certificate, key, count } = readCertificateKey(file, path);
  if (isBrokenlySigned(certificate)) throw fail("it is signed with a broken hash (MD5 or SHA-1), which Notary refuses");
  const { notBefore, notAfter } = certificate;
  if (at >= notAfter) throw fail(`it expired on ${notAfter.toISOString()}`, "over");
  if (at < notBefore) throw fail(`it is valid from ${notBefore.toISOString()} only`, "early");
  const warnings: string[] = [];
  if (count > 1) warnings.push(`"${path}" holds ${count} certificates: the one that is no CA is taken`);
  if (notAfter.getTime() - at.getTime() < HALF_YEAR_MS) {
    warnings.push(`The certificate "${path}" expires on ${notAfter.toISOString().slice(0, 10)}`);
  }
  return { certificate, key, warnings };
}

/**
 * Reads a certificate file, PEM or DER (`.cer`), whatever its dates: to name a key that is there already.
 *
 * @throws {TagsealError} `bad-input`
 */
export function readCertificateKey(file: Bytes, path: string): CertificateKey {
  try {
    const { certificate, count } = readCertificateFile(file);
    return { certificate, key: keyOfCertificate(certificate), count };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw unusable(path, messageOf(error), error);
  }
}

function unusable(path: string, why: string, cause?: unknown, byClock?: ByClock): TagsealError {
  return new TagsealError("bad-input", `"${path}" cannot be used as a delegation certificate: ${why}`, {
    remedy: `${
      byClock ? "Check this machine's clock. If it is right, download" : "Download"
    } the certificate of the signing key from SignPath again (PEM or DER)`,
    details: { path },
    byClock,
    cause,
  });
}
