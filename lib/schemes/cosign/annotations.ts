/** What a layer says beside its signature. No key needs it, but cosign refuses the signature where it is not in order. @module */
import { utf8 } from "../../bytes/bytes.ts";
import { parsePem } from "../../bytes/pem.ts";
import { type Certificate, readCertificates } from "../../crypto/x509.ts";
import { exactly, parseOrNothing } from "./payload.ts";
import { fromStrictBase64 } from "./signature.ts";

/** What is wrong with it. */
export type AnnotationProblem =
  /** The certificate is expired, or not yet valid. */
  | "certificate-not-valid-now"
  /** A certificate, log entry or time stamp cannot be read. */
  | "malformed-annotation";

/** Judges the annotations of a layer at a moment. */
export function annotationProblem(
  annotations: ReadonlyMap<string, string>,
  at: Date,
): AnnotationProblem | undefined {
  const annotation = (name: string) => annotations.get(`dev.sigstore.cosign/${name}`) || undefined; // empty is none
  const [pem, chain] = [annotation("certificate"), annotation("chain")];
  const certificate = pem === undefined ? undefined : certificatesIn(pem)?.[0];
  const isReadable = (pem === undefined || certificate !== undefined) &&
    (chain === undefined || certificatesIn(chain) !== undefined) &&
    isLogEntry(annotation("bundle")) && isTimestamp(annotation("rfc3161timestamp"));
  if (!isReadable) return "malformed-annotation";
  if (certificate === undefined) return undefined;
  return certificate.notBefore <= at && at <= certificate.notAfter ? undefined : "certificate-not-valid-now";
}

function certificatesIn(pem: string): readonly Certificate[] | undefined {
  try {
    const blocks = parsePem(pem);
    return blocks.every(({ label }) => label === "CERTIFICATE") ? readCertificates(pem) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isLogEntry(json: string | undefined): boolean {
  if (json === undefined) return true;
  const [promise, payload] = exactly(parseOrNothing(utf8(json)), "SignedEntryTimestamp", "Payload") ?? [];
  const [body, time, index, log] = exactly(payload, "body", "integratedTime", "logIndex", "logID") ?? [];
  return typeof promise === "string" && fromStrictBase64(promise) !== undefined && typeof body === "string" &&
    Number.isSafeInteger(time) && Number.isSafeInteger(index) && typeof log === "string";
}

function isTimestamp(json: string | undefined): boolean {
  if (json === undefined) return true;
  const [token] = exactly(parseOrNothing(utf8(json)), "SignedRFC3161Timestamp") ?? [];
  return typeof token === "string" && fromStrictBase64(token) !== undefined;
}
