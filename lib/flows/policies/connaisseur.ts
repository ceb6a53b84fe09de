/**
 * Connaisseur 3: validators and rules, as values of its Helm chart.
 *
 * @see {@link https://sse-secure-systems.github.io/connaisseur/latest/basics/ | Basics}
 * @module
 */
import { certificatePem } from "../../crypto/x509.ts";
import { mergedYaml } from "./documents.ts";
import { askForPod, patterns, resourceName } from "./kubernetes.ts";
import { keyPem, type PolicyFolder, type PolicyInput, type VerifierPolicy } from "./policy.ts";

const VALUES = "connaisseur/values.yaml";
const ROOT = "default";

/** The files of Connaisseur. @throws {TagsealError} `exists`, `bad-input` */
export async function connaisseurPolicy(input: PolicyInput, folder: PolicyFolder): Promise<VerifierPolicy> {
  const [cosign, notation] = [resourceName(input, "cosign"), resourceName(input, "notation")];
  const values = {
    application: {
      validators: [
        { name: cosign, type: "cosign", trustRoots: [{ name: ROOT, key: keyPem(input) }] },
        { name: notation, type: "notation", trustRoots: [{ name: ROOT, cert: certificatePem(input.anchor) }] },
      ],
      policy: input.repositories.flatMap((name) => patterns(name)).map((pattern) => ({
        pattern,
        validator: cosign,
        with: { trustRoot: ROOT, verifyInTransparencyLog: false, verifySCT: false },
      })),
    },
  };
  return {
    files: [await mergedYaml(folder, VALUES, values, { validators: { by: "name" }, policy: { by: "pattern" } })],
    commands: [
      [
        "helm",
        "upgrade",
        "connaisseur",
        "connaisseur/connaisseur",
        "-n",
        "connaisseur",
        "-f",
        `${input.folder}/${VALUES}`,
      ],
      askForPod(input.repositories[0]),
    ],
    notes: [
      `Helm replaces lists as a whole: ${VALUES} must hold all validators and rules of the cluster. Put the ones that ` +
      "you have into it, and run the command again: they are kept",
      `for Notation's signatures, name the validator "${notation}" in the rules, with trustRoot alone`,
    ],
  };
}
