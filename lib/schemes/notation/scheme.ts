/** Notation signatures beside the image: JWS envelopes that refer to it. @module */
import type { Certificate } from "../../crypto/x509.ts";
import { USER_AGENT } from "../../http/send.ts";
import { pushBlob, readBlob } from "../../registry/blob.ts";
import { findManifest } from "../../registry/manifest.ts";
import { OCI_MANIFEST } from "../../registry/manifest_type.ts";
import { addReferrer, listReferrers } from "../../registry/referrers.ts";
import type { RegistryRepository } from "../../registry/repository.ts";
import { mapAtOnce } from "../../signing/at_once.ts";
import type { Part } from "../../signing/batch.ts";
import type { Prepared, Scheme, SignedPart } from "../../signing/scheme.ts";
import {
  aboutSignature,
  type ImageSignature,
  type ImagesResult,
  type ImagesToSign,
  imageWords,
  labelOf,
  MANIFESTS_AT_ONCE,
  named,
  notGood,
  requireSignable,
  signedTags,
  type TaggedImage,
  taggedImages,
} from "../images.ts";
import { publishing } from "../publishing.ts";
import { refusedCertificate } from "./certificate_words.ts";
import { checkCertificates } from "./certificates.ts";
import { EMPTY_CONFIG, type NotationSignature, signedEnvelope, unsignedEnvelope } from "./envelope.ts";
import { type NotationAlgorithm, SIGNATURE_TYPE } from "./formats.ts";
import { isSignedAlready, type NotationReport, type NotationSource, verifyNotation } from "./verify.ts";

/** Images to sign. */
export interface NotationTask extends ImagesToSign {
  /** Told that RSA signatures are salted in an unusual way, in bytes: JWS takes that, and other formats may not. */
  readonly onOddSalt?: (saltLength: number) => void;
}

/** A signature in Notation's form. */
export type JwsSignature = ImageSignature & { readonly form: "jws" };

/** What is to be made, and what is there. */
export interface NotationPlan {
  /** All manifests of the tags. */
  readonly images: readonly TaggedImage[];
  /** The signatures to make, in the order of the payloads. */
  readonly missing: readonly JwsSignature[];
  /** The time that is signed. */
  readonly at: Date;
}

/** Notation as one of the schemes. */
export const notation: Scheme<
  NotationTask,
  NotationPlan,
  ImagesResult,
  Parameters<typeof verifyNotation>,
  NotationReport
> = {
  name: "notation",
  async prepare(task, at): Promise<Prepared<NotationPlan, ImagesResult>> {
    const { repository, registry, certificates, key } = task;
    const { chain, algorithm } = await checkedChain(task, at);
    const images = await taggedImages(task);
    const open = await mapAtOnce(images, MANIFESTS_AT_ONCE, async ({ tag, image, platform }) => {
      const attached = await listReferrers(registry, image.digest, SIGNATURE_TYPE);
      const isThere = await isSignedAlready({ image, tag, chain, at }, attached, registrySource(registry));
      return isThere ? undefined : { tag, image, platform, form: "jws" } as const;
    });
    const missing = open.filter((one) => one !== undefined);
    if (missing.length === 0) {
      const signatures = signedTags("notation", images, [], referenceOf);
      return { outcome: "unchanged", result: { repository, outcome: "unchanged", signatures } };
    }
    await requireSignable(task);
    const part: Part = {
      member: "images",
      payloads: missing.map((signature) => ({
        bytes: unsignedEnvelope(signature, algorithm, at).signingInput,
        rules: algorithm.rules,
        keys: [key],
        label: labelOf("notation", repository, signature),
        extension: "jws",
        about: aboutSignature("notation", repository, signature),
      })),
      words: (payloads) =>
        imageWords({ scheme: "notation", repository, certificates, signatures: named(missing, payloads) }),
    };
    return { outcome: "to-sign", part, plan: { images, missing, at } };
  },
  async check(task, { missing, at }, signed) {
    await checkedSignatures(task, missing, at, signed);
  },
  async publish(task, { images, missing, at }, signed) {
    const { repository, registry } = task;
    const good = await checkedSignatures(task, missing, at, signed);
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
    const usual = { sha256: 32, sha384: 48, sha512: 64 }[(await checkedChain(task, at)).algorithm.rules.hash];
    const odd = good.find(({ saltLength = usual }) => saltLength !== usual)?.saltLength;
    if (odd !== undefined) task.onOddSalt?.(odd);
    return { repository, outcome: "published", signatures: signedTags("notation", images, missing, referenceOf) };
  },
  verify: (question) => verifyNotation(...question),
};

const referenceOf = ({ digest }: { readonly digest: string }) => digest;

/** A repository at a registry, to read signatures from. */
export function registrySource(registry: RegistryRepository): NotationSource {
  return {
    manifest: (digest) => findManifest(registry, digest),
    blob: (digest, maxBytes) => readBlob(registry, digest, maxBytes),
  };
}

/**
 * The chain of certificates that signatures are to carry, in order.
 *
 * @throws {TagsealError} `bad-input` for certificates that no verifier of Notation signatures would take
 */
export async function checkedChain(
  { certificates: [leaf, ...others] }: Pick<NotationTask, "certificates">,
  at: Date,
): Promise<{ readonly chain: readonly [Certificate, ...Certificate[]]; readonly algorithm: NotationAlgorithm }> {
  const checked = await checkCertificates(leaf, others, at);
  if ("chain" in checked) return checked;
  throw refusedCertificate(checked.problems);
}

/** The signatures, ready for the registry. @throws {TagsealError} `trust-invalid` */
async function checkedSignatures(
  task: NotationTask,
  missing: readonly JwsSignature[],
  at: Date,
  { payloads, signatures }: SignedPart,
): Promise<(JwsSignature & NotationSignature)[]> {
  const { chain, algorithm } = await checkedChain(task, at);
  return await Promise.all(missing.map(async (one, i) => {
    const unsigned = unsignedEnvelope(one, algorithm, at);
    const raw = signatures.get(payloads[i]!.id)!;
    const signer = { chain, algorithm, agent: USER_AGENT };
    const signature = await signedEnvelope(unsigned, raw, signer, one.image, at);
    if (!signature) throw notGood(task.repository, one, "notation");
    return { ...one, ...signature };
  }));
}
