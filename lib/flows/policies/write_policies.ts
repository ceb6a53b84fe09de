/** The files of several verifiers, made before any of them is written. @module */
import { sameBytes } from "../../bytes/bytes.ts";
import { connaisseurPolicy } from "./connaisseur.ts";
import { kyvernoPolicy } from "./kyverno.ts";
import { notationPolicy } from "./notation.ts";
import { podmanPolicy } from "./podman.ts";
import type { PolicyFile, PolicyFolder, PolicyInput, VerifierPolicy } from "./policy.ts";
import { controllerPolicy } from "./policy_controller.ts";
import { ratifyPolicy } from "./ratify.ts";

/** Makes one verifier's files. */
export type PolicyWriter = (input: PolicyInput, folder: PolicyFolder) => Promise<VerifierPolicy>;

/** By the name that users give. */
export const VERIFIERS: ReadonlyMap<string, PolicyWriter> = new Map([
  ["podman", podmanPolicy],
  ["notation", notationPolicy],
  ["kyverno", kyvernoPolicy],
  ["connaisseur", connaisseurPolicy],
  ["ratify", ratifyPolicy],
  ["policy-controller", controllerPolicy],
]);

/** What becomes of a file. */
export type FileOutcome = "written" | "merged" | "unchanged";

/** One verifier's result. */
export interface PreparedPolicy extends VerifierPolicy {
  /** `podman`. */
  readonly verifier: string;
  /** Its files, and what becomes of each. */
  readonly files: readonly (PolicyFile & { readonly outcome: FileOutcome })[];
}

/**
 * Makes the files for `verifiers`, names of {@linkcode VERIFIERS}; writes nothing.
 *
 * @throws {TagsealError} `exists` where a file that is there says otherwise; `bad-input` where one cannot be read, or a
 *   verifier cannot express what is wanted
 */
export async function preparePolicies(
  verifiers: readonly string[],
  input: PolicyInput,
  folder: PolicyFolder,
): Promise<PreparedPolicy[]> {
  const prepared: PreparedPolicy[] = [];
  for (const verifier of verifiers) {
    const policy = await VERIFIERS.get(verifier)!(input, folder);
    const files = [];
    for (const file of policy.files) {
      const present = await folder.read(file.path);
      const outcome: FileOutcome = !present ? "written" : sameBytes(present, file.content) ? "unchanged" : "merged";
      files.push({ ...file, outcome });
    }
    prepared.push({ verifier, ...policy, files });
  }
  return prepared;
}
