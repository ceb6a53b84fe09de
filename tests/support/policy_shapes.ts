/**
 * What controllers without a binary here take in their files: the fields that ours may have, by file. A field that is
 * not named here would be refused, or pruned, by the cluster.
 *
 * Sources, as of November 2026: Kyverno 1.19, "Verify Images" and the CRD of `kyverno.io/v1`; Connaisseur 3.10,
 * `internal/policy/rule.go`, docs/validators (unknown fields are errors there); Ratify 1.4, `KeyManagementProvider` and
 * `Verifier` of `config.ratify.deislabs.io/v1beta1`, `TrustPolicyConfig` of its cosign verifier; policy-controller 0.15,
 * docs/api-types (`ClusterImagePolicy`).
 *
 * @module
 */
import type { Shape } from "../../tasks/documents.ts";

const kyverno = (type: string, attestor: Shape): Shape => ({
  apiVersion: "kyverno.io/v1",
  kind: "ClusterPolicy",
  metadata: { name: "string" },
  spec: {
    "webhookConfiguration?": { "failurePolicy?": "Ignore | Fail", "timeoutSeconds?": "integer" },
    "background?": "boolean",
    rules: [{
      name: "string",
      match: { any: [{ resources: { kinds: ["string"] } }] },
      verifyImages: [{
        "type?": type,
        imageReferences: ["string"],
        "failureAction?": "Audit | Enforce",
        attestors: [{ "count?": "integer", entries: [attestor] }],
      }],
    }],
  },
});

const ratify = (kind: string, spec: Shape): Shape => ({
  apiVersion: "config.ratify.deislabs.io/v1beta1",
  kind,
  metadata: { name: "string" },
  spec,
});

const provider = (contentType: string): Shape =>
  ratify("KeyManagementProvider", { type: "inline", parameters: { contentType, value: "string" } });

/** By verifier and file. */
export const POLICY_SHAPES = {
  "kyverno": {
    "kyverno/cosign.yaml": kyverno("Cosign | SigstoreBundle", {
      keys: {
        publicKeys: "string",
        "signatureAlgorithm?": "sha224 | sha256 | sha384 | sha512",
        "rekor?": { "url?": "string", "ignoreTlog?": "boolean" },
        "ctlog?": { "ignoreSCT?": "boolean" },
      },
    }),
    "kyverno/notary.yaml": kyverno("Notary", { certificates: { cert: "string", "certChain?": "string" } }),
  },
  "connaisseur": {
    "connaisseur/values.yaml": {
      application: {
        validators: [{
          name: "string",
          type: "cosign | notation | notaryv1 | static",
          trustRoots: [{ name: "string", "key?": "string", "cert?": "string", "tsCert?": "string" }],
        }],
        policy: [{
          pattern: "string",
          "validator?": "string",
          "with?": {
            "trustRoot?": "string",
            "verifyInTransparencyLog?": "boolean",
            "verifySCT?": "boolean",
            "threshold?": "integer",
            "mode?": "mutate | insecureValidateOnly",
          },
        }],
      },
    },
  },
  "ratify": {
    "ratify/key.yaml": provider("key"),
    "ratify/certificate.yaml": provider("certificate"),
    "ratify/cosign.yaml": ratify("Verifier", {
      name: "cosign",
      artifactTypes: "application/vnd.dev.cosign.artifact.sig.v1+json",
      parameters: {
        trustPolicies: [{
          name: "string",
          "version?": "1.0.0",
          scopes: ["string"],
          "keys?": [{ "provider?": "string", "name?": "string", "version?": "string", "file?": "string" }],
          "tLogVerify?": "boolean",
          "rekorURL?": "string",
        }],
      },
    }),
    "ratify/notation.yaml": ratify("Verifier", {
      name: "notation",
      artifactTypes: "application/vnd.cncf.notary.signature",
      parameters: {
        verificationCertStores: { "ca?": { "<store>": ["string"] }, "tsa?": { "<store>": ["string"] } },
        trustPolicyDoc: {
          version: "1.0",
          trustPolicies: [{
            name: "string",
            registryScopes: ["string"],
            signatureVerification: { level: "strict | permissive | audit | skip" },
            trustStores: ["string"],
            trustedIdentities: ["string"],
          }],
        },
      },
    }),
  },
  "policy-controller": {
    "policy-controller/cosign.yaml": {
      apiVersion: "policy.sigstore.dev/v1beta1",
      kind: "ClusterImagePolicy",
      metadata: { name: "string" },
      spec: {
        "mode?": "enforce | warn",
        images: [{ glob: "string" }],
        authorities: [{
          "name?": "string",
          key: { "data?": "string", "hashAlgorithm?": "sha224 | sha256 | sha384 | sha512" },
        }],
      },
    },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Shape>>>>;
