/**
 * Certificate chains, as far as pinning a CA needs them: from a leaf through the CAs that came with it to one CA that is
 * trusted (RFC 5280, 6.1, without policies, name constraints and revocation).
 *
 * @module
 */
import { X509Certificate } from "node:crypto";
import { type Certificate, isBrokenlySigned } from "./x509.ts";
import { basicConstraints, keyUsage, readFields } from "./x509_der.ts";

/** How many CAs may stand between leaf and trusted CA. */
const MAX_BETWEEN = 8;

/** Whether `bundle`, a leaf and the CAs that came with it in any order, leads to `ca` at the time `at`. */
export function chainsTo(bundle: readonly Certificate[], ca: Certificate, at: Date): boolean {
  const [leaf, ...others] = bundle;
  if (!leaf || !isValid(leaf, at) || !mayIssue(ca, 0, at)) return false;
  // Breadth first, each CA at its lowest place only, where every limit on the path's length is easiest to meet: exploring
  // every path would be factorial in CAs that issued each other.
  let left = others.slice(0, MAX_BETWEEN);
  let level: readonly Certificate[] = [leaf];
  for (let below = 0; level.length > 0; below++) {
    if (mayIssue(ca, below, at) && level.some((subject) => issued(ca, subject))) return true;
    const next = left.filter((each) => mayIssue(each, below, at) && level.some((subject) => issued(each, subject)));
    left = left.filter((each) => !next.includes(each));
    level = next;
  }
  return false;
}

function isValid(certificate: Certificate, at: Date): boolean {
  return certificate.notBefore <= at && at < certificate.notAfter;
}

/** Whether `issuer` made `subject`: the names fit, and so does a signature that cannot be forged. */
function issued(issuer: Certificate, subject: Certificate): boolean {
  if (isBrokenlySigned(subject)) return false;
  try {
    const [above, below] = [new X509Certificate(issuer.der as never), new X509Certificate(subject.der as never)];
    return below.checkIssued(above) && below.verify(above.publicKey);
  } catch {
    return false; // an algorithm that the runtime does not verify
  }
}

const KEY_CERT_SIGN = 0x04;

/** Whether a certificate is a CA that may stand `below` CAs above a leaf (RFC 5280, 4.2.1.3 and 4.2.1.9). */
function mayIssue(certificate: Certificate, below: number, at: Date): boolean {
  if (!certificate.isCa || !isValid(certificate, at)) return false;
  const fields = readFields(certificate.der);
  const { isCa, pathLength = Infinity } = basicConstraints(fields);
  return isCa && below <= pathLength && ((keyUsage(fields) ?? KEY_CERT_SIGN) & KEY_CERT_SIGN) !== 0;
}
