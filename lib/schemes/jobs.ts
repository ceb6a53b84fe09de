/** Tasks of all schemes, to be signed together in one signing request. @module */
import { keyOfCertificate } from "../crypto/keys.ts";
import { TagsealError } from "../errors.ts";
import type { RegistryRepository } from "../registry/repository.ts";
import type { Payload } from "../signing/payload.ts";
import { type Job, jobOf } from "../signing/scheme.ts";
import type { SigningFile } from "../signing/signing_data.ts";
import type { BundleChoice, CosignForm } from "./cosign/forms.ts";
import { cosign, type CosignTask } from "./cosign/scheme.ts";
import type { ImagesChange } from "./image_changes.ts";
import type { ImagesResult, ImagesToSign } from "./images.ts";
import { checkedChain, notation, type NotationTask } from "./notation/scheme.ts";
import type { ImageScheme } from "./names.ts";

/** What the schemes want to know beside the images. */
export interface ImageOptions extends Pick<CosignTask, "onWarning">, Pick<NotationTask, "onOddSalt"> {
  /** When cosign bundles are written. */
  readonly bundle: BundleChoice;
}

/**
 * Refuses certificates that a scheme's verifiers would not take, before anything is signed in any of the schemes.
 *
 * @throws {TagsealError} `bad-input`
 */
export async function requireTaken(
  schemes: readonly ImageScheme[],
  certificates: ImagesToSign["certificates"],
  at: Date,
): Promise<void> {
  if (schemes.includes("notation")) await checkedChain({ certificates }, at);
}

/** How each scheme signs images: one that is missing here does not compile. */
const IMAGE_JOBS: Readonly<Record<ImageScheme, (images: ImagesToSign, options: ImageOptions) => Job<ImagesResult>>> = {
  cosign: (images, options) => jobOf(cosign, { ...images, ...options }),
  notation: (images, options) => jobOf(notation, { ...images, ...options }),
};

/** Images to sign in one scheme. */
export function imageJob(scheme: ImageScheme, images: ImagesToSign, options: ImageOptions): Job<ImagesResult> {
  return IMAGE_JOBS[scheme](images, options);
}

/** Signatures out of a signed file. */
export interface SignedImages {
  /** Checks them all. @throws {TagsealError} `trust-invalid` */
  check(): Promise<void>;
  /** Checks and publishes them. */
  publish(): Promise<ImagesResult>;
}

/**
 * The signatures of one scheme and repository out of a signed file. What is signed is made anew out of what the file says
 * of it, so that a payload that says something else is refused.
 *
 * @throws {TagsealError} `bad-input` for schemes that are not known
 */
export function signedImages(
  change: ImagesChange,
  { created, payloads, signatures }: Pick<SigningFile, "created" | "payloads" | "signatures">,
  registry: RegistryRepository,
): SignedImages {
  const { scheme, repository, certificates } = change;
  const key = keyOfCertificate(certificates[0]);
  const digestOf = () => Promise.reject(new Error("what is signed already is not looked up"));
  const task: ImagesToSign = { repository, registry, certificates, key, tags: [], digestOf };
  const named = change.signatures.map(({ payload: id }): Pick<Payload, "id" | "bytes"> => ({
    id,
    bytes: payloads.get(id)!,
  }));
  const signed = { payloads: named, signatures, wasAway: true, beginsAnew: false };
  const at = new Date(created);
  const ofForms = <F extends string>(...forms: readonly F[]) => {
    const missing = change.signatures.filter((one): one is typeof one & { readonly form: F & typeof one.form } =>
      forms.some((form) => form === one.form)
    );
    if (missing.length === change.signatures.length) return { images: change.signatures, missing, at };
    throw new TagsealError("bad-input", `The file holds signatures that "${scheme}" does not have`, {
      remedy: "Make new signing data",
      details: { repository },
    });
  };
  switch (scheme) {
    case "cosign": {
      const plan = ofForms<CosignForm>("classic", "bundle");
      const all: CosignTask = { ...task, bundle: "auto" };
      return { check: () => cosign.check(all, plan, signed), publish: () => cosign.publish(all, plan, signed) };
    }
    case "notation": {
      const plan = ofForms("jws");
      return { check: () => notation.check(task, plan, signed), publish: () => notation.publish(task, plan, signed) };
    }
    default:
      throw new TagsealError("bad-input", `The file holds signatures of "${scheme}", which is not known`, {
        remedy: "Use the tagseal that made it",
        details: { repository },
      });
  }
}
