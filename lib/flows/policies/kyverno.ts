/**
 * Kyverno: one cluster policy for cosign signatures and one for Notation's.
 *
 * @see {@link https://kyverno.io/docs/policy-types/cluster-policy/verify-images/ | Verify Images}
 * @module
 */
import type { JsonObject } from "../../bytes/json.ts";
import { certificatePem } from "../../crypto/x509.ts";
import { mergedYaml } from "./documents.ts";
import { patterns, resourceName, tryOnCluster } from "./kubernetes.ts";
import { keyPem, type PolicyFolder, type PolicyInput, type VerifierPolicy } from "./policy.ts";

const LISTS = { rules: { by: "name" }, verifyImages: "each", imageReferences: "values" } as const;

/** The files of Kyverno. @throws {TagsealError} `exists`, `bad-input` */
export async function kyvernoPolicy(input: PolicyInput, folder: PolicyFolder): Promise<VerifierPolicy> {
  const key = {
    publicKeys: keyPem(input),
    signatureAlgorithm: "sha256",
    rekor: { ignoreTlog: true, url: "https://rekor.sigstore.dev" },
    ctlog: { ignoreSCT: true },
  };
  const cosign = clusterPolicy(input, "cosign", { type: "Cosign" }, { keys: key });
  const notary = clusterPolicy(input, "notary", { type: "Notary" }, {
    certificates: { cert: certificatePem(input.anchor) },
  });
  return {
    files: [
      await mergedYaml(folder, "kyverno/cosign.yaml", cosign, LISTS),
      await mergedYaml(folder, "kyverno/notary.yaml", notary, LISTS),
    ],
    commands: tryOnCluster(input, "kyverno/cosign.yaml"),
    notes: [
      "apply kyverno/cosign.yaml or kyverno/notary.yaml, as you sign; with both, both signatures must be there",
      ...input.anchor === input.certificate
        ? []
        : ["Kyverno takes every certificate of that CA for Notation's signatures, whatever its subject"],
    ],
  };
}

function clusterPolicy(input: PolicyInput, name: string, type: JsonObject, attestor: JsonObject): JsonObject {
  return {
    apiVersion: "kyverno.io/v1",
    kind: "ClusterPolicy",
    metadata: { name: resourceName(input, name) },
    spec: {
      webhookConfiguration: { failurePolicy: "Fail", timeoutSeconds: 30 },
      background: false,
      rules: [{
        name,
        match: { any: [{ resources: { kinds: ["Pod"] } }] },
        verifyImages: [{
          ...type,
          imageReferences: input.repositories.flatMap((name) => patterns(name)),
          failureAction: "Enforce",
          attestors: [{ count: 1, entries: [attestor] }],
        }],
      }],
    },
  };
}
