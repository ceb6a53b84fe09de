/**
 * Ratify 1.4: keys, certificates and verifiers as resources.
 *
 * @see {@link https://ratify.dev/docs/plugins/verifier/cosign | Cosign}, {@link https://ratify.dev/docs/plugins/verifier/notation | Notation}
 * @module
 */
import type { JsonObject } from "../../bytes/json.ts";
import { certificatePem } from "../../crypto/x509.ts";
import { mergedYaml } from "./documents.ts";
import { patterns, resourceName, tryOnCluster } from "./kubernetes.ts";
import { trustStatement } from "./notation.ts";
import { keyPem, notForVerifier, type PolicyFolder, type PolicyInput, type VerifierPolicy } from "./policy.ts";

const LISTS = { trustPolicies: { by: "name" }, scopes: "values", registryScopes: "values" } as const;
/** What Ratify takes in a scope. */
const SCOPE = /^[a-z0-9.\-:@/]+$/;
const STORE = "certificates";

/** The files of Ratify. @throws {TagsealError} `exists`, `bad-input` */
export async function ratifyPolicy(input: PolicyInput, folder: PolicyFolder): Promise<VerifierPolicy> {
  for (const { gun } of input.repositories) {
    if (!SCOPE.test(gun)) throw notForVerifier("Ratify", gun, 'its scopes have a-z, 0-9 and ".-:@/" only');
  }
  const [key, certificate] = [resourceName(input, "key"), resourceName(input, "certificate")];
  const cosign = {
    name: "cosign",
    artifactTypes: "application/vnd.dev.cosign.artifact.sig.v1+json",
    parameters: {
      trustPolicies: [{
        name: `tagseal-${input.signer}`,
        version: "1.0.0",
        // A scope is compared with the whole reference: a bare repository would match no image.
        scopes: input.repositories.flatMap((name) => patterns(name)),
        keys: [{ provider: key }],
        tLogVerify: false,
      }],
    },
  };
  const notation = {
    name: "notation",
    artifactTypes: "application/vnd.cncf.notary.signature",
    parameters: {
      verificationCertStores: { ca: { [STORE]: [certificate] } },
      trustPolicyDoc: { version: "1.0", trustPolicies: [trustStatement(input, STORE)] },
    },
  };
  const file = (name: string, resource: JsonObject) => mergedYaml(folder, `ratify/${name}.yaml`, resource, LISTS);
  return {
    files: [
      await file("key", provider(key, "key", keyPem(input))),
      await file("certificate", provider(certificate, "certificate", certificatePem(input.anchor))),
      await file("cosign", resource("Verifier", resourceName(input, "cosign"), cosign)),
      await file("notation", resource("Verifier", resourceName(input, "notation"), notation)),
    ],
    commands: tryOnCluster(input, "ratify"),
    notes: [
      "these resources are for Ratify 1.4; its store must find cosign's signatures (cosignEnabled: true, as the chart " +
      "sets it), and verifiers of the chart's own count beside these",
    ],
  };
}

function provider(name: string, contentType: string, value: string): JsonObject {
  return resource("KeyManagementProvider", name, { type: "inline", parameters: { contentType, value } });
}

function resource(kind: string, name: string, spec: JsonObject): JsonObject {
  return { apiVersion: "config.ratify.deislabs.io/v1beta1", kind, metadata: { name }, spec };
}
