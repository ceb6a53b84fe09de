/** What the policies of Kubernetes' admission controllers have in common. @module */
import type { ImageName } from "../../registry/image_ref.ts";
import type { PolicyInput } from "./policy.ts";

/** The name of a resource (RFC 1123): `tagseal-signpath-cosign`. */
export function resourceName({ signer }: Pick<PolicyInput, "signer">, what?: string): string {
  const slug = signer.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "");
  return ["tagseal", ...slug === "" ? [] : [slug], ...what === undefined ? [] : [what]].join("-");
}

/** All images of a repository and of no other: by tag, and by digest. */
export function patterns({ gun }: Pick<ImageName, "gun">, wildcard = "*"): [string, string] {
  return [`${gun}:${wildcard}`, `${gun}@${wildcard}`];
}

/** Applies what lies in `path` below the folder, and asks the controller for a pod without making one. */
export function tryOnCluster({ folder, repositories }: PolicyInput, path: string): string[][] {
  return [["kubectl", "apply", "-f", `${folder}/${path}`], askForPod(repositories[0])];
}

/** Asks the admission controller for a pod without making one. */
export function askForPod({ gun }: ImageName): string[] {
  return ["kubectl", "run", "tagseal-try", `--image=${gun}:TAG`, "--dry-run=server"];
}
