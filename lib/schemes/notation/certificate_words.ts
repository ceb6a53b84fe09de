/** What is said of certificates that Notation refuses. @module */
import type { Certificate } from "../../crypto/x509.ts";
import { type ByClock, TagsealError } from "../../errors.ts";
import type { CertificateProblem, CertificateReason } from "./certificates.ts";

const WORDS: Readonly<Record<CertificateReason, (certificate: Certificate) => string>> = {
  "key": () => "its key is neither RSA with 2048, 3072 or 4096 bits nor ECDSA on P-256, P-384 or P-521",
  "is-ca": () => "it is a CA's",
  "no-ca": () => "it is no CA's, or not for so many CAs below it",
  "key-usage-missing": () => "it has no key usage",
  "key-usage-not-critical": () => "its key usage is not critical",
  "key-usage": () => "its key usage is not what it must be: digital signatures for a signer, certificates for a CA",
  "extended-key-usage": () => "it is also for TLS, mail, time stamps or OCSP",
  "not-yet-valid": ({ notBefore }) => `it is not valid before ${notBefore.toISOString()}`,
  "expired": ({ notAfter }) => `it expired at ${notAfter.toISOString()}`,
  "signature-algorithm": ({ signatureAlgorithm }) => `it is signed with "${signatureAlgorithm}", which is not taken`,
  "signature": () => "its own signature is wrong",
  "issuer-missing": () => "the certificate of its issuer is missing",
  "self-signed-in-chain": () => "it is self-signed, and others stand above it",
  "revocation-not-checked": () => "it says where to ask whether it was revoked, and nobody is asked here",
};

const BY_CLOCK: { readonly [reason in CertificateReason]?: ByClock } = { "not-yet-valid": "early", "expired": "over" };

/** A problem as the end of a sentence about its certificate. */
export function problemWords({ reason, certificate }: CertificateProblem): string {
  return WORDS[reason](certificate);
}

/** A refusal to sign with certificates whose signatures no verifier would take. */
export function refusedCertificate(problems: readonly [CertificateProblem, ...CertificateProblem[]]): TagsealError {
  const [first] = problems;
  const byClock = problems.every(({ reason }) => reason in BY_CLOCK) ? BY_CLOCK[first.reason] : undefined;
  const all = problems.map((problem) => `certificate "${problem.certificate.subject}": ${problemWords(problem)}`);
  return new TagsealError("bad-input", `Notation would refuse every signature of this key; ${all.join("; ")}`, {
    remedy: first.reason === "issuer-missing"
      ? "Give the certificates of its issuers, up to the root"
      : byClock
      ? "Check this machine's clock; if it is right, have a certificate made that is valid now. Nothing was signed"
      : "Have a certificate made that Notation takes: critical key usage with digital signatures alone, for code " +
        "signing, no CA; nothing was signed",
    details: { reasons: problems.map(({ reason }) => reason) },
    byClock,
  });
}
