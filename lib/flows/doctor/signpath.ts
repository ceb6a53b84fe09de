/** Whether SignPath would sign: token, project, policy, certificate, artifact configuration. @module */
import { keyOfCertificate } from "../../crypto/keys.ts";
import { type Certificate, isBrokenlySigned, readCertificate } from "../../crypto/x509.ts";
import { isTagsealError, TagsealError } from "../../errors.ts";
import { requireValid } from "../../signing/policy_service.ts";
import type { PolicyKey } from "../../signing/payload_signer.ts";
import type { SignPathClient } from "../../signpath/client.ts";
import type { PolicyName } from "../../signpath/types.ts";
import { type Check, ok, skipped, type Verdict, warning } from "./finding.ts";
import { once } from "./once.ts";

/** What SignPath is asked. */
export interface SignPathToCheck {
  /** Opens the API. @throws {TagsealError} `usage`, `bad-input` */
  readonly open: () => Promise<Pick<SignPathClient, "policies" | "certificate">>;
  /** The policy that signs. @throws {TagsealError} `usage` where it was not said which */
  readonly requirePolicy: () => PolicyName;
  /** The artifact configuration, where one is named. */
  readonly artifactConfigurationSlug: string | undefined;
}

/** The checks, and the policy's key for those that compare it. */
export interface SignPathChecks {
  /** In the order in which they depend on one another. */
  readonly checks: readonly Check[];
  /** The policy's certificate. Throws what finding it out threw. */
  readonly certificate: () => Promise<Certificate>;
  /** Its key. Throws the same. */
  readonly policyKey: () => Promise<PolicyKey>;
}

const TIMEOUT_MS = 10_000;
const LISTED = 10;
const WARN_DAYS = 30;

/** What is to be checked of SignPath. */
export function signPathChecks(
  { open, requirePolicy, artifactConfigurationSlug }: SignPathToCheck,
  signal: AbortSignal,
  now: Date,
): SignPathChecks {
  const limits = { signal, unavailableTimeoutMs: 0, answerTimeoutMs: TIMEOUT_MS };
  const client = once(open);
  const policies = once(async () => await (await client()).policies(limits));
  const certificate = once(async () => {
    const api = await client();
    const { projectSlug, signingPolicySlug } = requirePolicy();
    const asked = api.certificate(projectSlug, signingPolicySlug, limits);
    // What is wrong with the token is told once.
    const [listed, der] = await Promise.allSettled([policies(), asked]);
    if (listed.status === "rejected") throw listed.reason;
    if (der.status === "fulfilled") return read(der.value);
    throw isTagsealError(der.reason, "not-found")
      ? notListed({ projectSlug, signingPolicySlug }, listed.value)
      : der.reason;
  });
  const checks: Check[] = [
    {
      name: "signpath",
      async run() {
        const found = await policies();
        if (found.length > 0) return ok(`Takes the token, whose user may use ${count(found.length, "signing policy")}`);
        return warning("Takes the token, and shows its user no signing policy", {
          remedy: "Make the token's user a submitter of the signing policy",
        });
      },
    },
    {
      name: "signing-policy",
      async run() {
        const { subject } = await certificate();
        const { projectSlug, signingPolicySlug } = requirePolicy();
        return ok(`"${signingPolicySlug}" of project "${projectSlug}" signs with the certificate ${subject}`);
      },
    },
    { name: "policy-certificate", run: async () => judge(await certificate()) },
    {
      name: "artifact-configuration",
      run: () =>
        skipped(
          `SignPath's API does not show ${
            artifactConfigurationSlug === undefined
              ? "the project's default artifact configuration"
              : `the artifact configuration "${artifactConfigurationSlug}"`
          }`,
          {
            remedy: "Compare it with the one that tagseal prints",
            next: { do: "print-artifact-configuration" },
          },
        ),
    },
  ];

  function judge(found: Certificate): Verdict {
    const { signingPolicySlug } = requirePolicy();
    requireValid(found, signingPolicySlug, now);
    const day = found.notAfter.toISOString().slice(0, 10);
    const days = Math.floor((found.notAfter.getTime() - now.getTime()) / 86_400_000);
    const remedy = "Have a new certificate made at SignPath and add it, then take this one away";
    const next = { do: "replace-certificate" } as const;
    if (isBrokenlySigned(found)) {
      const found = "The policy's certificate is signed with a broken hash (MD5 or SHA-1), which Notary refuses";
      return { state: "error", code: "bad-input", found, remedy, next };
    }
    return days <= WARN_DAYS
      ? warning(`The policy's certificate expires on ${day}, in ${days} days`, { remedy, next })
      : ok(`Valid until ${day}`);
  }

  return {
    checks,
    certificate,
    policyKey: async () => {
      const key = keyOfCertificate(await certificate());
      return { policy: requirePolicy().signingPolicySlug, keyId: key.canonicalId };
    },
  };
}

function read(der: Parameters<typeof readCertificate>[0]): Certificate {
  try {
    return readCertificate(der);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new TagsealError("unavailable", `SignPath's certificate of the policy cannot be read: ${error.message}`, {
      remedy: "Report this to SignPath's support",
      next: { do: "distrust-signpath-answer" },
    });
  }
}

/** What there is instead says more than that something is not there. */
function notListed({ projectSlug, signingPolicySlug }: PolicyName, listed: readonly PolicyName[]): TagsealError {
  const projects = [...new Set(listed.map((one) => one.projectSlug))];
  const policies = listed.filter((one) => one.projectSlug === projectSlug).map((one) => one.signingPolicySlug);
  const [what, others] = policies.length > 0
    ? [`no signing policy "${signingPolicySlug}" in the project "${projectSlug}"`, policies]
    : [`no project "${projectSlug}"`, projects];
  const instead = others.length > 0 ? `; there is ${others.slice(0, LISTED).join(", ")}` : "";
  return new TagsealError("not-found", `SignPath shows this token's user ${what}${instead}`, {
    remedy: "Check the slugs, and that the token's user is a submitter of the policy",
    details: { projectSlug, signingPolicySlug },
  });
}

function count(number: number, what: string): string {
  return number === 1 ? `1 ${what}` : `${number} ${what.replace(/y$/, "ies")}`;
}
