/**
 * Sigstore's policy-controller: one cluster image policy.
 *
 * @see {@link https://github.com/sigstore/policy-controller/blob/main/docs/api-types/index.md | API}
 * @module
 */
import { mergedYaml } from "./documents.ts";
import { patterns, resourceName, tryOnCluster } from "./kubernetes.ts";
import { keyPem, notForVerifier, type PolicyFolder, type PolicyInput, type VerifierPolicy } from "./policy.ts";

const FILE = "policy-controller/cosign.yaml";
/** What its globs take. */
const GLOB = /^[a-zA-Z0-9\-_:/.@]+$/;

/** The file of the policy-controller. @throws {TagsealError} `exists`, `bad-input` */
export async function controllerPolicy(input: PolicyInput, folder: PolicyFolder): Promise<VerifierPolicy> {
  const images = input.repositories.flatMap(({ gun }) => {
    if (!GLOB.test(gun)) throw notForVerifier("policy-controller", gun, "its globs cannot name such a host");
    return patterns({ gun: gun.replace(/^docker\.io\//, "index.docker.io/") }, "**").map((glob) => ({ glob }));
  });
  const policy = {
    apiVersion: "policy.sigstore.dev/v1beta1",
    kind: "ClusterImagePolicy",
    metadata: { name: resourceName(input) },
    spec: {
      images,
      authorities: [{ name: resourceName(input, "key"), key: { hashAlgorithm: "sha256", data: keyPem(input) } }],
    },
  };
  return {
    files: [await mergedYaml(folder, FILE, policy, { images: { by: "glob" }, authorities: { by: "name" } })],
    commands: tryOnCluster(input, FILE),
    notes: [
      "policies count in namespaces with the label policy.sigstore.dev/include=true only; what happens to images that " +
      "no policy names is set by no-match-policy of its ConfigMap",
    ],
  };
}
