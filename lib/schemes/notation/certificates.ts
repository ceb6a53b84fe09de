/**
 * Which certificates Notation takes: judged before a signature is asked for, and again when one is verified.
 *
 * @see {@link https://github.com/notaryproject/specifications/blob/main/specs/signature-specification.md#certificate-requirements | Notary Project}
 * @module
 */
import { equalBytes } from "../../bytes/bytes.ts";
import { keyOfSpki } from "../../crypto/keys.ts";
import type { Certificate } from "../../crypto/x509.ts";
import {
  basicConstraints,
  extendedKeyUsage,
  KEY_USAGE,
  keyUsage,
  namesRevocation,
  readFields,
} from "../../crypto/x509_der.ts";
import { signatureOfCertificate } from "../../crypto/x509_signature.ts";
import { algorithmOf, type NotationAlgorithm } from "./formats.ts";

/** Why a certificate is refused. */
export type CertificateReason =
  /** Its key is neither RSA with 2048, 3072 or 4096 bits nor on P-256, P-384 or P-521. */
  | "key"
  /** It says to be a CA's, and is the signer's. */
  | "is-ca"
  /** It is to be a CA's, and does not say so, or not for as many CAs below it. */
  | "no-ca"
  /** It does not say what its key is for. */
  | "key-usage-missing"
  /** It says what its key is for, and lets it be ignored. */
  | "key-usage-not-critical"
  /** Its key is not for signing, or for something beside. */
  | "key-usage"
  /** It is also for TLS, mail, time stamps or OCSP. */
  | "extended-key-usage"
  /** Its time has not come. */
  | "not-yet-valid"
  /** Its time is over. */
  | "expired"
  /** It is signed with an algorithm that is not taken. */
  | "signature-algorithm"
  /** Its signature is wrong. */
  | "signature"
  /** It is not its own issuer, and the issuer's certificate is not there. */
  | "issuer-missing"
  /** It is signed by itself, and others stand above it all the same. */
  | "self-signed-in-chain"
  /** It says where one has to ask whether it was revoked. */
  | "revocation-not-checked";

/** A certificate that is refused, and why. */
export interface CertificateProblem {
  /** The certificate. */
  readonly certificate: Certificate;
  /** Why. */
  readonly reason: CertificateReason;
}

/** What was found: the signer's certificate and those above it, in order, or all that is wrong with them. */
export type CheckedChain =
  | {
    readonly problems: readonly [];
    /** The signer's certificate, then its issuer's … up to the root. */
    readonly chain: readonly [Certificate, ...Certificate[]];
    /** What its key signs with. */
    readonly algorithm: NotationAlgorithm;
  }
  | { readonly problems: readonly [CertificateProblem, ...CertificateProblem[]] };

/** More than companies have. */
const MAX_CHAIN = 10;
const DIGITAL_SIGNATURE = 0x80;
const CERTIFICATE_SIGNATURE = 0x04;
/** RFC 5280, 4.2.1.3: all but digitalSignature and nonRepudiation; the last one stands in the second octet. */
const OTHER_USES = 0x3f | 0x8000;
/** RFC 5280, 4.2.1.12: serverAuth, clientAuth, emailProtection, timeStamping, OCSPSigning. */
const OTHER_PURPOSES: ReadonlySet<string> = new Set(["01", "02", "04", "08", "09"].map((n) => `2b060105050703${n}`));

/**
 * Puts the chain of `leaf` in order, out of the certificates that came with it in any order, and judges it as
 * verifiers do at the time `at`. What does not belong to the chain is left out.
 */
export async function checkCertificates(
  leaf: Certificate,
  others: readonly Certificate[],
  at: Date,
): Promise<CheckedChain> {
  const chain: [Certificate, ...Certificate[]] = [leaf];
  for (let last: Certificate = leaf; !last.isSelfIssued && chain.length < MAX_CHAIN;) {
    const above = await issuerOf(last, others);
    if (!above || chain.includes(above)) break;
    chain.push(above);
    last = above;
  }
  return await judgeChain(chain, at);
}

async function issuerOf(certificate: Certificate, others: readonly Certificate[]): Promise<Certificate | undefined> {
  const { issuer } = readFields(certificate.der);
  const named = others.filter((one) => equalBytes(readFields(one.der).subject, issuer));
  for (const one of named) if (await signatureOfCertificate(certificate, one) === "good") return one;
  return named[0];
}

/** Judges a chain as it is, the signer's certificate first. */
export async function judgeChain(chain: readonly [Certificate, ...Certificate[]], at: Date): Promise<CheckedChain> {
  const [leaf] = chain;
  const problems: CertificateProblem[] = [];
  for (const [i, certificate] of chain.entries()) {
    const add = (reason: CertificateReason | undefined) => {
      if (reason !== undefined) problems.push({ certificate, reason });
    };
    add(timeProblem(certificate, at));
    add(await issuerProblem(chain, i));
    for (const reason of i === 0 ? leafProblems(certificate) : caProblems(certificate, i - 1)) add(reason);
  }
  const algorithm = algorithmOfCertificate(leaf);
  const [first, ...more] = problems;
  if (first) return { problems: [first, ...more] };
  return algorithm ? { problems: [], chain, algorithm } : { problems: [{ certificate: leaf, reason: "key" }] };
}

/**
 * Those certificates of a chain that say where to ask whether they were revoked. Nobody is asked here, and verifiers
 * refuse what they cannot ask about; a root is not asked about.
 */
export function revocable(chain: readonly Certificate[]): CertificateProblem[] {
  return chain.slice(0, -1).filter(({ der }) => namesRevocation(readFields(der)))
    .map((certificate) => ({ certificate, reason: "revocation-not-checked" }));
}

/** What the key of a certificate signs with; nothing where Notation has no place for it. */
export function algorithmOfCertificate({ spki }: Certificate): NotationAlgorithm | undefined {
  try {
    const key = keyOfSpki(spki);
    return equalBytes(key.spki, spki) ? algorithmOf(key.shape) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function timeProblem({ notBefore, notAfter }: Certificate, at: Date): CertificateReason | undefined {
  if (at < notBefore) return "not-yet-valid";
  return at >= notAfter ? "expired" : undefined;
}

async function issuerProblem(
  chain: readonly [Certificate, ...Certificate[]],
  i: number,
): Promise<CertificateReason | undefined> {
  const certificate = chain[i]!;
  const isLast = i === chain.length - 1;
  const above = isLast ? certificate : chain[i + 1]!;
  if (!equalBytes(readFields(certificate.der).issuer, readFields(above.der).subject)) return "issuer-missing";
  if (!isLast && certificate.isSelfIssued) {
    // A CA may have made a new certificate for its own name; one that signed itself stands at the end.
    if (await signatureOfCertificate(certificate, certificate) === "good") return "self-signed-in-chain";
  }
  // On a lone certificate nothing depends on its own signature: it is trusted as it is.
  switch (await signatureOfCertificate(certificate, above, chain.length === 1)) {
    case "good":
      return undefined;
    case "bad":
      return "signature";
    case "unknown-algorithm":
      return "signature-algorithm";
    case "unknown-key":
      return i === 0 && isLast ? undefined : "key"; // a signer's own key is judged as that
  }
}

function leafProblems(certificate: Certificate): CertificateReason[] {
  const fields = readFields(certificate.der);
  const usage = keyUsage(fields) ?? 0;
  const problems = usageProblems(fields.extensions.has(KEY_USAGE), fields.critical.has(KEY_USAGE));
  if (problems[0] !== "key-usage-missing" && ((usage & DIGITAL_SIGNATURE) === 0 || (usage & OTHER_USES) !== 0)) {
    problems.push("key-usage");
  }
  if (certificate.isCa) problems.unshift("is-ca");
  if (extendedKeyUsage(fields).some((purpose) => OTHER_PURPOSES.has(purpose))) problems.push("extended-key-usage");
  if (!algorithmOfCertificate(certificate)) problems.push("key");
  return problems;
}

function caProblems({ der }: Certificate, below: number): CertificateReason[] {
  const fields = readFields(der);
  const { isCa, pathLength = Infinity } = basicConstraints(fields);
  const problems = usageProblems(fields.extensions.has(KEY_USAGE), fields.critical.has(KEY_USAGE));
  if (problems[0] !== "key-usage-missing" && ((keyUsage(fields) ?? 0) & CERTIFICATE_SIGNATURE) === 0) {
    problems.push("key-usage");
  }
  return !isCa || below > pathLength ? ["no-ca", ...problems] : problems;
}

function usageProblems(isThere: boolean, isCritical: boolean): CertificateReason[] {
  if (!isThere) return ["key-usage-missing"];
  return isCritical ? [] : ["key-usage-not-critical"];
}
