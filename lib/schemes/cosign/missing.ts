/** What is there already, so that a second run signs nothing. @module */
import type { Bytes } from "../../bytes/bytes.ts";
import type { PublicKey } from "../../crypto/keys.ts";
import { TagsealError } from "../../errors.ts";
import { digestOf } from "../../registry/blob.ts";
import type { Attached } from "./attached.ts";
import { preAuthenticationEncoding, statementOf } from "./bundle.ts";
import { signatureTag } from "./classic.ts";
import type { CosignForm, FormFacts } from "./forms.ts";
import type { SignatureManifest } from "./manifests.ts";
import { type SignedImage, simpleSigningPayload } from "./payload.ts";
import { verifyCosign } from "./verify.ts";

/** One signature that somebody wants. */
export interface WantedSignature {
  /** What is to be signed. */
  readonly image: SignedImage;
  /** In which form. */
  readonly form: CosignForm;
}

/** The bytes to sign for it. */
export function bytesToSign({ image, form }: WantedSignature): Bytes {
  return form === "classic" ? simpleSigningPayload(image) : preAuthenticationEncoding(statementOf(image));
}

/**
 * Those of one repository and manifest that are not there: these very bytes, with a signature that verifies under the key.
 */
export async function missingSignatures(
  attached: Attached,
  gun: string,
  wanted: readonly WantedSignature[],
  key: PublicKey,
  at: Date,
): Promise<WantedSignature[]> {
  const verdict = await verifyCosign(attached, { gun, keys: [key], at });
  const there = new Set((verdict.outcome === "verified" ? verdict.signatures : []).map(({ signed }) => signed));
  return wanted.filter((each) => !there.has(digestOf(bytesToSign(each))));
}

/** The facts by which `chooseForms` decides. */
export async function formFacts(attached: Attached, gun: string, key: PublicKey, at: Date): Promise<FormFacts> {
  const { skipped } = await verifyCosign(attached, { gun, keys: [key], at });
  const foreign = (form: CosignForm) => skipped.filter((each) => each.form === form);
  const foreignBundles = foreign("bundle").length;
  return {
    foreignBundles,
    ownBundles: attached.bundles.length - foreignBundles,
    foreignSignatures: foreign("classic").filter(({ reason }) => reason === "other-key").length,
  };
}

/**
 * The manifest that signatures are added to.
 *
 * @throws {TagsealError} `bad-input` where nothing can be added without harm to what others have put there
 */
export function signaturesToAddTo(
  { classic, digest }: Pick<Attached, "classic" | "digest">,
  gun: string,
): SignatureManifest | undefined {
  if (typeof classic !== "string") return classic?.manifest;
  const tag = signatureTag(digest);
  const message = `The signatures under the tag "${tag}" of "${gun}" cannot be added to: ${WHY[classic]}`;
  throw new TagsealError("bad-input", message, {
    remedy: "Find out who pushed it, and have it pushed anew or deleted: podman and skopeo refuse the image until then",
    details: { repository: gun, tag, digest, reason: classic },
  });
}

const WHY: Readonly<Record<Extract<Attached["classic"], string>, string>> = {
  "manifest-of-other-type": "it is no OCI image manifest",
  "malformed-manifest": "its manifest cannot be read by all verifiers in the same way",
  "manifest-too-large": "its manifest is too large, or has too many layers",
  "payload-missing": "a layer of it is missing at the registry",
  "payload-of-other-bytes": "the registry gives other bytes for a layer of it",
  "payloads-too-large": "its layers are too large",
};
