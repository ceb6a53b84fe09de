/**
 * What cosign and Notation signatures have in common: they sign manifests by digest, lie beside the image in its registry,
 * and are made for each tag, for the index and for every manifest that it names.
 *
 * @module
 */
import { sha256Hex } from "../crypto/hash.ts";
import type { KeyId, PublicKey } from "../crypto/keys.ts";
import type { Certificate } from "../crypto/x509.ts";
import { type Details, TagsealError } from "../errors.ts";
import type { Descriptor } from "../registry/descriptor.ts";
import { findImage, type ImageEntry, type ImageWithEntries } from "../registry/image_entries.ts";
import type { Digest } from "../registry/image_ref.ts";
import type { RegistryRepository } from "../registry/repository.ts";
import { mapAtOnce } from "../signing/at_once.ts";
import type { Payload } from "../signing/payload.ts";
import type { KeyHolder, PolicyKey } from "../signing/payload_signer.ts";
import type { Part, UnnamedPayload } from "../signing/batch.ts";
import type { Prepared, SchemeResult } from "../signing/scheme.ts";
import { type ImageSignature, imageWords, type TaggedImage } from "./image_changes.ts";
import type { ImageScheme } from "./names.ts";

/** Tags of one repository whose manifests are to be signed. */
export interface ImagesToSign {
  /** The repository, as users know it: the GUN. */
  readonly repository: string;
  /** The same at its registry, to read and write. */
  readonly registry: RegistryRepository;
  /** The signing key's certificate, and those above it, in any order. */
  readonly certificates: readonly [Certificate, ...Certificate[]];
  /** Its key. */
  readonly key: PublicKey;
  /** Who signs: it must have this very key, as far as that can be known. */
  readonly holder?: KeyHolder | undefined;
  /** Asks whether signatures may be written, for who is to publish them; all schemes of a repository share one answer. */
  readonly writable?: (() => Promise<void>) | undefined;
  /** The tags. */
  readonly tags: readonly string[];
  /** What a tag is to stand for: `sha256:<hex>`. */
  readonly digestOf: (tag: string) => Promise<Digest>;
  /** Images that were read already, by digest, so that the registry need not be asked for them. */
  readonly found?: ReadonlyMap<string, ImageWithEntries> | undefined;
}

/** What became of one tag's signatures in one scheme. */
export interface SignedTagOf {
  /** `cosign` or `notation`. */
  readonly scheme: string;
  /** The tag. */
  readonly tag: string;
  /** `sha256:<hex>` of the manifest or index that it was signed as. */
  readonly digest: string;
  /** Where the signature is found: the tag of cosign's signatures, or the digest that Notation's refer to. */
  readonly reference: string;
  /** Whether a signature was added for it, or all were there. */
  readonly outcome: "published" | "unchanged";
}

/** What became of one repository's images. */
export interface ImagesResult extends SchemeResult {
  /** By tag. */
  readonly signatures: readonly SignedTagOf[];
}

/** How many things the registry is asked for at a time, of one repository. */
export const MANIFESTS_AT_ONCE = 8;

/**
 * The manifests behind tags: of an index all that it names as well.
 *
 * @throws {TagsealError} `not-found` where the registry does not have what a tag is to stand for; what reading throws
 */
export async function taggedImages(
  { registry, tags, digestOf, found: read, repository }: ImagesToSign,
): Promise<TaggedImage[]> {
  const known = new Map<string, ReturnType<typeof findImage>>();
  const found = await mapAtOnce(tags, MANIFESTS_AT_ONCE, async (tag): Promise<TaggedImage[]> => {
    const wanted = await digestOf(tag);
    const reading = known.get(wanted) ?? Promise.resolve(read?.get(wanted) ?? findImage(registry, wanted));
    known.set(wanted, reading);
    const image = await reading;
    if (image === undefined) {
      throw new TagsealError("not-found", `The registry has no manifest "${wanted}" for "${repository}:${tag}"`, {
        remedy: "Push the image first: a signature beside nothing would be of no use",
        details: { repository, tag, digest: wanted },
      });
    }
    const entries = image.entries.map(({ mediaType, digest, size, platform }: ImageEntry) => ({
      tag,
      image: { mediaType, digest, size },
      platform,
    }));
    return [{ tag, image: image.image }, ...entries];
  });
  return found.flat();
}

/** `ask`, once, whoever wants to know. */
export function askedFirst(ask: () => Promise<void>): () => Promise<void> {
  let asked: Promise<void> | undefined;
  return () => asked ??= ask();
}

/**
 * Refuses what could not be published once it is signed, and a signer without the key, whose signatures would be worth
 * nothing.
 *
 * @throws {TagsealError} `bad-input`, `not-found`; what `requireWritable` throws
 */
async function requireSignable({ holder, key, repository, writable }: ImagesToSign): Promise<void> {
  const keyId = key.canonicalId;
  const details = { repository, keyId };
  if (holder?.kind === "keys" && !(await holder.atHand()).has(keyId)) {
    throw new TagsealError("not-found", `The private key of the certificate (${keyId.slice(0, 12)}) is not here`, {
      remedy: "Nothing was signed. Bring the key, or name the certificate of a key that is here",
      details,
    });
  }
  const policy = holder?.kind === "service" ? await holder.policyKey?.() : undefined;
  if (policy) requireCertificateOf(policy, keyId, details);
  // A key at hand signs in vain at no cost: what cannot be written is told soon enough when it is.
  if (holder?.kind !== "keys") await writable?.();
}

/** Refuses a certificate that is not that of the policy's key. @throws {TagsealError} `bad-input` */
export function requireCertificateOf(policy: PolicyKey, keyId: KeyId, details: Details = {}): void {
  if (policy.keyId === keyId) return;
  throw new TagsealError(
    "bad-input",
    `The signing policy "${policy.policy}" signs with the key ${policy.keyId.slice(0, 12)}, not with that of the ` +
      `certificate (${keyId.slice(0, 12)})`,
    { remedy: "Nothing was filed. Name the certificate of the policy's key, or another policy", details },
  );
}

/** A signature that came back and is none: of something else, or by another key. */
export function notGood(repository: string, { tag, image }: TaggedImage, scheme: string): TagsealError {
  return new TagsealError(
    "trust-invalid",
    `The ${scheme} signature of "${repository}:${tag}" (${image.digest}) is refused: it is not good under the key of ` +
      "the certificate",
    {
      remedy: "Nothing was published for this repository. Compare the certificate with that of the signing policy",
      details: { repository, tag, digest: image.digest },
    },
  );
}

/** What a scheme makes of images, and what is there. */
export interface ImagesPlan<Signature extends ImageSignature> {
  /** All manifests of the tags. */
  readonly images: readonly TaggedImage[];
  /** The signatures to make, in the order of the payloads. */
  readonly missing: readonly Signature[];
  /** The time. */
  readonly at: Date;
}

/** What each scheme has of its own. */
export interface ImagesScheme<Signature extends ImageSignature> {
  /** Its name. */
  readonly scheme: ImageScheme;
  /** How a signature is signed; `kind` is what its entry is called by, before repository and tag. */
  payloadOf(signature: Signature): Pick<UnnamedPayload, "bytes" | "rules" | "extension"> & { readonly kind: string };
  /** Where the signatures of an image are found. */
  referenceOf(image: Descriptor): string;
}

/**
 * What is to be signed of a plan.
 *
 * @throws {TagsealError} where something is to be signed: `bad-input`, `not-found` and what `writable` throws
 */
export async function preparedImages<Signature extends ImageSignature>(
  task: ImagesToSign,
  plan: ImagesPlan<Signature>,
  of: ImagesScheme<Signature>,
): Promise<Prepared<ImagesPlan<Signature>, ImagesResult>> {
  const { repository, certificates, key } = task;
  const { missing } = plan;
  if (missing.length === 0) return { outcome: "unchanged", result: imagesResult("unchanged", task, plan, of) };
  await requireSignable(task);
  const part: Part = {
    member: "images",
    payloads: missing.map((signature) => {
      const { kind, ...payload } = of.payloadOf(signature);
      const about = aboutSignature(of.scheme, repository, signature);
      return { ...payload, keys: [key], label: labelOf(kind, repository, signature), about };
    }),
    words: (payloads) => {
      const signatures = missing.map((one, i) => {
        const { id, bytes } = payloads[i]!;
        return { ...one, payload: id, sha256: sha256Hex(bytes) };
      });
      return imageWords({ scheme: of.scheme, repository, certificates, signatures });
    },
  };
  return { outcome: "to-sign", part, plan };
}

/** What became of a plan. */
export function imagesResult<Signature extends ImageSignature>(
  outcome: ImagesResult["outcome"],
  { repository }: Pick<ImagesToSign, "repository">,
  { images, missing }: ImagesPlan<Signature>,
  { scheme, referenceOf }: ImagesScheme<Signature>,
): ImagesResult {
  return { repository, outcome, signatures: signedTags(scheme, images, missing, referenceOf) };
}

/** The results by tag: the first manifest of a tag is the one that it stands for. */
function signedTags(
  scheme: string,
  images: readonly TaggedImage[],
  added: readonly TaggedImage[],
  referenceOf: (image: Descriptor) => string,
): SignedTagOf[] {
  const tags = [...new Set(images.map(({ tag }) => tag))];
  return tags.map((tag) => {
    const { image } = images.find((one) => one.tag === tag)!;
    const isNew = added.some((one) => one.tag === tag);
    const outcome = isNew ? "published" : "unchanged";
    return { scheme, tag, digest: image.digest, reference: referenceOf(image), outcome };
  });
}

/** The name of an entry: scheme, last part of the repository, tag, platform. */
function labelOf(what: string, repository: string, { tag, platform, image }: TaggedImage): string {
  const kind = image.mediaType.includes("index") || image.mediaType.includes("list") ? "index" : "";
  const part = platform?.replaceAll("/", "-") ?? kind;
  return [what, repository.split("/").at(-1)!, tag, ...part ? [part] : []].join("_");
}

/** What a signature is for, for whoever approves and for the audit log. */
function aboutSignature(
  scheme: string,
  repository: string,
  { tag, image, platform }: TaggedImage,
): Payload["about"] {
  const { digest } = image;
  const of = platform === undefined ? "" : ` (${platform})`;
  return {
    repository,
    subject: `${scheme} signature${of}`,
    facts: { Scheme: scheme, Digest: digest },
    tags: [{ tag, digest }],
    removedTags: [],
  };
}
