/** Whether the certificate is one that cosign's and Notation's verifiers take. @module */
import { keyOfCertificate } from "../../crypto/keys.ts";
import type { Certificate } from "../../crypto/x509.ts";
import { requireCertificateOf } from "../../schemes/images.ts";
import { requireTaken } from "../../schemes/jobs.ts";
import type { ImageScheme } from "../../schemes/names.ts";
import type { PolicyKey } from "../../signing/payload_signer.ts";
import { type Check, ok } from "./finding.ts";

/** What is signed beside images, and with what. */
export interface SchemesToCheck {
  /** The schemes. */
  readonly schemes: readonly ImageScheme[];
  /** The signing key's certificate, and those above it. */
  readonly certificates: () => Promise<readonly [Certificate, ...Certificate[]]>;
  /** The key of the signing policy, where a service signs. */
  readonly policyKey: (() => Promise<PolicyKey>) | undefined;
}

/** The certificate is fit for the schemes, and is that of the key that signs. */
export function schemeCertificateCheck({ schemes, certificates, policyKey }: SchemesToCheck, now: Date): Check {
  return {
    name: "scheme-certificate",
    async run() {
      const chain = await certificates();
      await requireTaken(schemes, chain, now);
      if (policyKey) requireCertificateOf(await policyKey(), keyOfCertificate(chain[0]).canonicalId);
      return ok(`${chain[0].subject} is fit for ${schemes.join(" and ")}`);
    },
  };
}
