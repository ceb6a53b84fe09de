/**
 * Are images signed with cosign or Notation, as they are now? What a tag stands for is read first; signatures count for
 * that digest alone, so that a tag that was moved to another manifest is signed only where that one is.
 *
 * @module
 */
import type { PublicKey } from "../crypto/keys.ts";
import type { Certificate } from "../crypto/x509.ts";
import { TagsealError } from "../errors.ts";
import type { Descriptor } from "../registry/descriptor.ts";
import { type Digest, isDigest } from "../registry/image_ref.ts";
import type { ImageStore } from "../registry/image_store.ts";
import { readAttached, storeSource } from "../schemes/cosign/attached.ts";
import { type CosignVerdict, verifyCosign } from "../schemes/cosign/verify.ts";
import { SIGNATURE_TYPE } from "../schemes/notation/formats.ts";
import { type NotationReport, verifyNotation } from "../schemes/notation/verify.ts";
import { MANIFESTS_AT_ONCE } from "../schemes/images.ts";
import { mapAtOnce } from "../signing/at_once.ts";

/** Whose signatures are asked for, by scheme: all that are named must hold. */
export interface TrustedSigners {
  /** Keys of which one must have made a cosign signature. */
  readonly cosign?: readonly PublicKey[];
  /** Certificates that Notation signatures must lead to. */
  readonly notation?: readonly Certificate[];
}

/** What is asked. */
export interface ImagesQuestion {
  /** The repository, as users know it: the GUN. */
  readonly repository: string;
  /** Where image and signatures are. */
  readonly store: ImageStore;
  /** Tags, which must be signed as such, and digests, for which a signature of any tag will do. */
  readonly references: readonly string[];
  /** What tags must stand for. */
  readonly expected: ReadonlyMap<string, string>;
  /** Who must have signed. */
  readonly signers: TrustedSigners;
  /** Now. */
  readonly at: Date;
}

/** What was found of one image. */
export interface JudgedImage {
  /** The tag, where it was asked for by one. */
  readonly tag?: string;
  /** What it stands for now. */
  readonly image: Descriptor & { readonly digest: Digest };
  /** What cosign signatures there are, where they were asked for. */
  readonly cosign?: CosignVerdict;
  /** What Notation signatures there are, where they were asked for. */
  readonly notation?: NotationReport;
}

/**
 * Judges what is attached to images. That signatures are bad, or missing, is an answer.
 *
 * @throws {TagsealError} `not-found` for a tag or digest that is not there, `trust-invalid` where a tag stands for another
 *   digest than expected, and what the store and the schemes throw
 */
export async function verifyImages(question: ImagesQuestion): Promise<JudgedImage[]> {
  const { repository, store, references, expected } = question;
  const images = await mapAtOnce(references, MANIFESTS_AT_ONCE, async (reference) => {
    const found = await store.manifest(reference);
    if (found === undefined) throw notThere(repository, reference);
    const wanted = expected.get(reference);
    if (wanted !== undefined && wanted !== found.digest) throw notExpected(repository, reference, found.digest, wanted);
    const { digest, mediaType, bytes } = found;
    return { ...isDigest(reference) ? {} : { tag: reference }, image: { mediaType, digest, size: bytes.length } };
  });
  return await mapAtOnce(images, MANIFESTS_AT_ONCE, (one) => judgeImage(one, question));
}

/** Judges what is attached to an image that was found. Throws what the store and the schemes throw. */
export async function judgeImage(
  one: Pick<JudgedImage, "tag" | "image">,
  { repository: gun, store, signers, at }: Pick<ImagesQuestion, "repository" | "store" | "signers" | "at">,
): Promise<JudgedImage> {
  const { tag, image } = one;
  const { cosign: keys, notation: trusted } = signers;
  const source = storeSource(store);
  const [cosign, notation] = await Promise.all([
    keys && readAttached(source, image.digest).then((all) => verifyCosign(all, { gun, tag, keys, at })),
    trusted &&
    store.referrers(image.digest, SIGNATURE_TYPE).then((attached) =>
      verifyNotation({ image, trusted, at, ...tag === undefined ? {} : { tag } }, attached, source)
    ),
  ]);
  return { ...one, ...cosign ? { cosign } : {}, ...notation ? { notation } : {} };
}

function notThere(repository: string, reference: string): TagsealError {
  const what = isDigest(reference) ? "manifest" : "tag";
  return new TagsealError("not-found", `There is no ${what} "${reference}" in "${repository}"`, {
    remedy: "Check the names of repository and tag",
    details: { repository, [isDigest(reference) ? "digest" : "tag"]: reference },
  });
}

function notExpected(repository: string, tag: string, digest: string, expected: string): TagsealError {
  return new TagsealError(
    "trust-invalid",
    `The tag "${tag}" of "${repository}" stands for "${digest}", not "${expected}"`,
    {
      remedy: "Do not use this image: it is not the one that was expected",
      details: { repository, tag, digest, expected },
    },
  );
}
