/** Notation signatures beside the image: JWS envelopes that refer to it. @module */
import type { Certificate } from "../../crypto/x509.ts";
import { DIGEST_BYTES } from "../../crypto/rsa_padding.ts";
import { USER_AGENT } from "../../http/send.ts";
import { pushBlob } from "../../registry/blob.ts";
import { registryStore } from "../../registry/image_store.ts";
import { OCI_MANIFEST } from "../../registry/manifest_type.ts";
import { addReferrer } from "../../registry/referrers.ts";
import { mapAtOnce } from "../../signing/at_once.ts";
import type { Scheme, SignedPart } from "../../signing/scheme.ts";
import type { ImageSignature, TaggedImage } from "../image_changes.ts";
import {
  type ImagesPlan,
  type ImagesResult,
  imagesResult,
  type ImagesScheme,
  type ImagesToSign,
  MANIFESTS_AT_ONCE,
  notGood,
  preparedImages,
  taggedImages,
} from "../images.ts";
import { publishing } from "../publishing.ts";
import { refusedCertificate } from "./certificate_words.ts";
import { checkCertificates } from "./certificates.ts";
import { EMPTY_CONFIG, type NotationSignature, signedEnvelope, unsignedEnvelope } from "./envelope.ts";
import { type NotationAlgorithm, SIGNATURE_TYPE } from "./formats.ts";
import { type NotationReport, tagsSignedAlready, verifyNotation } from "./verify.ts";

/** Images to sign. */
export interface NotationTask extends ImagesToSign {
  /** Told that RSA signatures are salted in an unusual way, in bytes: JWS takes that, and other formats may not. */
  readonly onOddSalt?: (saltLength: number) => void;
}

/** A signature in Notation's form. */
export type JwsSignature = ImageSignature & { readonly form: "jws" };

/** Notation as one of the schemes. */
export const notation: Scheme<
  NotationTask,
  ImagesPlan<JwsSignature>,
  ImagesResult,
  Parameters<typeof verifyNotation>,
  NotationReport
> = {
  name: "notation",
  async prepare(task, at) {
    const signer = await checkedChain(task, at);
    const images = await taggedImages(task);
    const missing = await missingOf(task, images, signer, at);
    return await preparedImages(task, { images, missing, at }, ownOf(signer, at));
  },
  async check(task, { missing, at }, signed) {
    await checkedSignatures(task, await checkedChain(task, at), missing, at, signed);
  },
  async publish(task, plan, signed) {
    const { registry } = task;
    const { missing, at } = plan;
    const signer = await checkedChain(task, at);
    const good = await checkedSignatures(task, signer, missing, at, signed);
    const byDigest = Map.groupBy(good, ({ image }) => image.digest);
    await publishing(() => pushBlob(registry, EMPTY_CONFIG));
    await mapAtOnce([...byDigest.values()], MANIFESTS_AT_ONCE, async (some) => {
      for (const { envelope, manifest } of some) {
        await publishing(async () => {
          await pushBlob(registry, envelope);
          await addReferrer(registry, { mediaType: OCI_MANIFEST, bytes: manifest });
        });
      }
    });
    const usual = DIGEST_BYTES[signer.algorithm.rules.hash];
    const odd = good.find(({ saltLength = usual }) => saltLength !== usual)?.saltLength;
    if (odd !== undefined) task.onOddSalt?.(odd);
    return imagesResult("published", task, plan, ownOf(signer, at));
  },
  verify: (question) => verifyNotation(...question),
};

function ownOf({ algorithm }: NotationSigner, at: Date): ImagesScheme<JwsSignature> {
  return {
    scheme: "notation",
    payloadOf: (signature) => ({
      bytes: unsignedEnvelope(signature, algorithm, at).signingInput,
      rules: algorithm.rules,
      extension: "jws",
      kind: "notation",
    }),
    referenceOf: ({ digest }) => digest,
  };
}

/** The signatures that are not there yet; what is attached to a manifest is read once for all of its tags. */
async function missingOf(
  { registry }: NotationTask,
  images: readonly TaggedImage[],
  { chain }: NotationSigner,
  at: Date,
): Promise<JwsSignature[]> {
  const store = registryStore(registry);
  const there = new Map<string, ReadonlySet<string>>();
  await mapAtOnce([...Map.groupBy(images, ({ image }) => image.digest).values()], MANIFESTS_AT_ONCE, async (some) => {
    const { image } = some[0]!;
    const attached = await store.referrers(image.digest, SIGNATURE_TYPE);
    const tags = some.map(({ tag }) => tag);
    there.set(image.digest, await tagsSignedAlready({ image, tags, chain, at }, attached, store));
  });
  return images.filter(({ tag, image }) => !there.get(image.digest)!.has(tag)).map((one) => ({ ...one, form: "jws" }));
}

/** Who signs. */
export interface NotationSigner {
  /** Its certificate, and those above it, in order. */
  readonly chain: readonly [Certificate, ...Certificate[]];
  /** What its key signs with. */
  readonly algorithm: NotationAlgorithm;
}

/**
 * The chain of certificates that signatures are to carry, in order.
 *
 * @throws {TagsealError} `bad-input` for certificates that no verifier of Notation signatures would take
 */
export async function checkedChain(
  { certificates: [leaf, ...others] }: Pick<NotationTask, "certificates">,
  at: Date,
): Promise<NotationSigner> {
  const checked = await checkCertificates(leaf, others, at);
  if ("chain" in checked) return checked;
  throw refusedCertificate(checked.problems);
}

/** The signatures, ready for the registry. @throws {TagsealError} `trust-invalid` */
async function checkedSignatures(
  { repository }: NotationTask,
  { chain, algorithm }: NotationSigner,
  missing: readonly JwsSignature[],
  at: Date,
  { payloads, signatures, madeAt = at }: SignedPart,
): Promise<(JwsSignature & NotationSignature)[]> {
  return await Promise.all(missing.map(async (one, i) => {
    const unsigned = unsignedEnvelope(one, algorithm, madeAt);
    const raw = signatures.get(payloads[i]!.id)!;
    const signer = { chain, algorithm, agent: USER_AGENT };
    const signature = await signedEnvelope(unsigned, raw, signer, one.image, madeAt);
    if (!signature) throw notGood(repository, one, "notation");
    return { ...one, ...signature };
  }));
}
