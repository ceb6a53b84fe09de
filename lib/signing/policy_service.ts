/** What SignPath tells of a signing policy's key before anything is filed. @module */
import { keyOfCertificate } from "../crypto/keys.ts";
import { type Certificate, readCertificate } from "../crypto/x509.ts";
import { isTagsealError, messageOf, TagsealError } from "../errors.ts";
import type { SignPathClient } from "../signpath/client.ts";
import type { Submission } from "../signpath/types.ts";
import type { KeyHolder, PolicyKey } from "./payload_signer.ts";

/** It is good to know beforehand, and no more: nobody waits long for it. */
const TIMEOUT_MS = 10_000;

/** How {@linkcode askingPolicy} asks. */
export interface PolicyQuestion {
  /** Ends the asking, with its reason. */
  readonly signal: AbortSignal;
  /** Aborted when nobody waits for the answer any more, as where there is nothing to sign. */
  readonly over: AbortSignal;
  /** Told where SignPath does not say. */
  readonly onUnknown: (line: string) => void;
  /** The clock. */
  readonly now: () => Date;
}

/**
 * Refuses a certificate that SignPath signs nothing with: since its version 1.211 it ends requests for those that have
 * expired or are not valid yet, after the approval.
 *
 * @throws {TagsealError} `bad-input`
 */
export function requireValid({ notBefore, notAfter }: Certificate, policy: string, at: Date): void {
  if (at >= notBefore && at < notAfter) return;
  const [what, time, byClock] = at < notBefore
    ? ["is not valid before", notBefore, "early"] as const
    : ["expired on", notAfter, "over"] as const;
  throw new TagsealError(
    "bad-input",
    `The certificate of the signing policy "${policy}" ${what} ${time.toISOString().slice(0, 10)}, so that SignPath ` +
      "does not sign with it",
    {
      remedy:
        "Nothing was sent to SignPath. Check this machine's clock; else have a new certificate made there and add it",
      next: { do: "renew-policy-certificate" },
      byClock,
      details: { signingPolicySlug: policy, notBefore: notBefore.toISOString(), notAfter: notAfter.toISOString() },
    },
  );
}

/**
 * SignPath as the service that signs. Not every user of it may see policies: then it is found out by the signature, and
 * said that it is.
 */
export function askingPolicy(
  client: Pick<SignPathClient, "certificate">,
  { projectSlug, signingPolicySlug }: Pick<Submission, "projectSlug" | "signingPolicySlug">,
  { signal, over, onUnknown, now }: PolicyQuestion,
): KeyHolder & { readonly kind: "service" } {
  let asked: Promise<PolicyKey | undefined> | undefined;
  const ask = async (): Promise<PolicyKey | undefined> => {
    const limits = { signal: AbortSignal.any([signal, over]), unavailableTimeoutMs: 0, answerTimeoutMs: TIMEOUT_MS };
    let certificate: Certificate;
    let key: PolicyKey;
    try {
      certificate = readCertificate(await client.certificate(projectSlug, signingPolicySlug, limits));
      key = { policy: signingPolicySlug, keyId: keyOfCertificate(certificate).canonicalId };
    } catch (error) {
      if (isTagsealError(error, "interrupted")) throw error;
      if (over.aborted) return undefined;
      onUnknown(
        `Which key the signing policy "${signingPolicySlug}" has is not known before it signs: ${messageOf(error)}`,
      );
      return undefined;
    }
    requireValid(certificate, signingPolicySlug, now());
    return key;
  };
  return { kind: "service", policyKey: () => asked ??= ask() };
}
