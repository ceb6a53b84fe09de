/**
 * Which forms of a cosign signature to write. Classic signatures are what every verifier reads, but for one thing: as soon
 * as a manifest has any sigstore bundle, somebody's attestation for instance, cosign 3 looks at bundles alone.
 *
 * @module
 */

/** What users choose from. */
export const BUNDLE_CHOICES = ["auto", "always", "never", "only"] as const;
/** When bundles are written: where cosign 3 would miss our signatures otherwise, always, never, or without classic ones. */
export type BundleChoice = typeof BUNDLE_CHOICES[number];

/** A form of a signature. */
export type CosignForm = "classic" | "bundle";

/** What is at the registry beside one manifest. */
export interface FormFacts {
  /** Sigstore bundles that our key did not make. */
  readonly foreignBundles: number;
  /** Bundles that our key made. */
  readonly ownBundles: number;
  /** Classic signatures that our key did not make. */
  readonly foreignSignatures: number;
}

/** What somebody should know before it is signed. */
export type FormWarning =
  /** Cosign 3 will not see our classic signatures, because others have attached a bundle. */
  | "hidden-from-cosign-3"
  /** Our bundle hides classic signatures of others from cosign 3. */
  | "hides-others-from-cosign-3"
  /** Cosign 2, podman, skopeo and CRI-O read no bundles. */
  | "bundle-only";

/** A warning about `tag`, as a sentence without its capital and its period. */
export function describeFormWarning(warning: FormWarning, tag: string): string {
  switch (warning) {
    case "hidden-from-cosign-3":
      return `others have attached a sigstore bundle to "${tag}", so that cosign 3 does not look at our signature`;
    case "hides-others-from-cosign-3":
      return `"${tag}" has classic signatures of others, which cosign 3 does not look at once our bundle is there`;
    case "bundle-only":
      return "cosign 2, podman, skopeo and CRI-O read no bundles: to them the image is not signed";
  }
}

/** What to write, and what to tell. */
export interface FormDecision {
  /** The forms to write, in the order in which they are pushed. */
  readonly forms: readonly CosignForm[];
  /** What to warn of. */
  readonly warnings: readonly FormWarning[];
}

/** Decides for one manifest. */
export function chooseForms(choice: BundleChoice, facts: FormFacts): FormDecision {
  const { foreignBundles, ownBundles, foreignSignatures } = facts;
  const bundles = foreignBundles + ownBundles;
  const writesBundle = choice === "always" || choice === "only" || (choice === "auto" && bundles > 0);
  const warnings: FormWarning[] = [];
  if (!writesBundle && foreignBundles > 0 && ownBundles === 0) warnings.push("hidden-from-cosign-3");
  if (writesBundle && bundles === 0 && foreignSignatures > 0) warnings.push("hides-others-from-cosign-3");
  if (choice === "only") warnings.push("bundle-only");
  const classic: readonly CosignForm[] = choice === "only" ? [] : ["classic"];
  return { forms: writesBundle ? [...classic, "bundle"] : classic, warnings };
}
