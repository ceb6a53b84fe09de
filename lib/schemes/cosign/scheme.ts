/** cosign signatures beside the image: classic ones, and sigstore bundles where cosign 3 would miss those. @module */
import type { Bytes } from "../../bytes/bytes.ts";
import type { Digest } from "../../registry/image_ref.ts";
import { digestOf, pushBlob } from "../../registry/blob.ts";
import { addReferrer } from "../../registry/referrers.ts";
import { OCI_MANIFEST } from "../../registry/manifest_type.ts";
import { addToTagged } from "../../registry/tagged.ts";
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
import { readAttached, registrySource } from "./attached.ts";
import { bundleArtifact, statementOf } from "./bundle.ts";
import { signatureTag, type SignedPayload, withSignatures } from "./classic.ts";
import { type BundleChoice, chooseForms, type CosignForm, type FormWarning } from "./forms.ts";
import { readSignatureManifest } from "./manifests.ts";
import { bytesToSign, formFacts, missingSignatures, signaturesToAddTo } from "./missing.ts";
import { simpleSigningPayload } from "./payload.ts";
import { COSIGN_RULES, publishedSignature } from "./signature.ts";
import { type CosignVerdict, verifyCosign } from "./verify.ts";

/** Images to sign, and in which forms. */
export interface CosignTask extends ImagesToSign {
  /** When bundles are written. */
  readonly bundle: BundleChoice;
  /** Told what somebody should know before a manifest is signed. */
  readonly onWarning?: (warning: FormWarning, image: TaggedImage) => void;
}

/** A signature in one of cosign's forms. */
export type CosignSignature = ImageSignature & { readonly form: CosignForm };

/** What is to be made, and what is there. */
export interface CosignPlan {
  /** All manifests of the tags. */
  readonly images: readonly TaggedImage[];
  /** The signatures to make, in the order of the payloads. */
  readonly missing: readonly CosignSignature[];
  /** The time. */
  readonly at: Date;
}

/** cosign as one of the schemes. */
export const cosign: Scheme<
  CosignTask,
  CosignPlan,
  ImagesResult,
  Parameters<typeof verifyCosign>,
  CosignVerdict
> = {
  name: "cosign",
  async prepare(task, at): Promise<Prepared<CosignPlan, ImagesResult>> {
    const { repository, certificates, key } = task;
    const images = await taggedImages(task);
    const missing = await missingOf(task, images, at);
    if (missing.length === 0) {
      const signatures = signedTags("cosign", images, [], referenceOf);
      return { outcome: "unchanged", result: { repository, outcome: "unchanged", signatures } };
    }
    await requireSignable(task);
    const part: Part = {
      member: "images",
      payloads: missing.map((signature) => ({
        bytes: bytesOf(repository, signature),
        rules: COSIGN_RULES,
        keys: [key],
        label: labelOf(signature.form === "classic" ? "cosign" : "bundle", repository, signature),
        extension: signature.form === "classic" ? "json" : "dsse",
        about: aboutSignature("cosign", repository, signature),
      })),
      words: (payloads) =>
        imageWords({ scheme: "cosign", repository, certificates, signatures: named(missing, payloads) }),
    };
    return { outcome: "to-sign", part, plan: { images, missing, at } };
  },
  async check({ repository, key }, { missing }, signed) {
    await checkedSignatures(repository, key, missing, signed);
  },
  async publish(task, { images, missing, at }, signed) {
    const { repository, registry, key } = task;
    const good = await checkedSignatures(repository, key, missing, signed);
    const byDigest = Map.groupBy(good, ({ image }) => image.digest);
    await mapAtOnce([...byDigest.values()], MANIFESTS_AT_ONCE, async (some) => {
      const { image } = some[0]!;
      const classic = some.filter(({ form }) => form === "classic");
      if (classic.length > 0) await publishing(() => addClassic(task, image.digest, classic, at));
      for (const { payload: _, signature, form, ...one } of some) {
        if (form !== "bundle") continue;
        const statement = statementOf({ digest: image.digest, tag: one.tag });
        const { blobs, manifest } = bundleArtifact(key, { statement, signature }, image, at);
        await publishing(async () => {
          for (const { bytes } of blobs) await pushBlob(registry, bytes);
          await addReferrer(registry, manifest);
        });
      }
    });
    return { repository, outcome: "published", signatures: signedTags("cosign", images, missing, referenceOf) };
  },
  verify: ([attached, question]) => verifyCosign(attached, question),
};

const referenceOf = ({ digest }: { readonly digest: Digest }) => signatureTag(digest);

/** The signatures that are not there yet, for each manifest under each of its tags. */
async function missingOf(task: CosignTask, images: readonly TaggedImage[], at: Date): Promise<CosignSignature[]> {
  const { registry, repository: gun, key, bundle, onWarning } = task;
  const byDigest = Map.groupBy(images, ({ image }) => image.digest);
  const found = await mapAtOnce([...byDigest], MANIFESTS_AT_ONCE, async ([digest, some]) => {
    const signed = some.map(({ tag }) => ({ gun, tag, digest }));
    const attached = await readAttached(registrySource(registry), digest, signed.map(simpleSigningPayload));
    const { forms, warnings } = chooseForms(bundle, await formFacts(attached, gun, key, at));
    const wanted = signed.flatMap((image) => forms.map((form) => ({ image, form })));
    const missing = await missingSignatures(attached, gun, wanted, key, at);
    if (missing.some(({ form }) => form === "classic")) signaturesToAddTo(attached, gun); // better refused now than later
    if (missing.length > 0) { for (const warning of warnings) onWarning?.(warning, some[0]!); }
    return missing.map(({ image: { tag }, form }) => ({ ...some.find((one) => one.tag === tag)!, form }));
  });
  const order = new Map(images.map((image, i) => [`${image.tag} ${image.image.digest}`, i]));
  return found.flat().sort((a, b) =>
    order.get(`${a.tag} ${a.image.digest}`)! - order.get(`${b.tag} ${b.image.digest}`)!
  );
}

/** The bytes to sign. */
function bytesOf(gun: string, { tag, image: { digest }, form }: CosignSignature): Bytes {
  return bytesToSign({ image: { gun, tag, digest }, form });
}

type Checked = CosignSignature & SignedPayload;

/** The signatures, as they are published. @throws {TagsealError} `trust-invalid` */
async function checkedSignatures(
  repository: string,
  key: CosignTask["key"],
  missing: readonly CosignSignature[],
  { payloads, signatures }: SignedPart,
): Promise<Checked[]> {
  return await Promise.all(missing.map(async (one, i): Promise<Checked> => {
    const payload = bytesOf(repository, one);
    const signature = await publishedSignature(key, payload, signatures.get(payloads[i]!.id)!);
    if (!signature) throw notGood(repository, one, "cosign");
    return { ...one, payload, signature };
  }));
}

/** Adds layers to what is under the signature tag now; those that are there by now are left out. */
async function addClassic(task: CosignTask, digest: Digest, added: readonly Checked[], at: Date): Promise<void> {
  const { registry, repository: gun, key } = task;
  const payloads = new Map(added.map(({ payload }) => [digestOf(payload), payload]));
  const wanted = added.map(({ tag }) => ({ image: { gun, tag, digest }, form: "classic" as const }));
  await addToTagged(registry, {
    tag: signatureTag(digest),
    mediaType: OCI_MANIFEST,
    async add(current) {
      const manifest = current && readSignatureManifest({ bytes: current, mediaType: OCI_MANIFEST });
      const attached = { digest, classic: manifest, bundles: [], unread: 0 };
      if (typeof manifest === "string") signaturesToAddTo({ ...attached, classic: manifest }, gun); // throws
      if (typeof manifest === "string") return undefined;
      // Whose the other layers are does not matter here: their payloads need not be fetched.
      const layers = manifest?.layers.filter((layer) => payloads.has(layer.digest)) ?? [];
      const classic = manifest && { manifest: { ...manifest, layers }, payloads };
      const open = await missingSignatures({ ...attached, classic }, gun, wanted, key, at);
      const lacking = added.filter(({ tag }) => open.some(({ image }) => image.tag === tag));
      if (lacking.length === 0) return undefined;
      const next = withSignatures(manifest, lacking);
      for (const { bytes } of next.blobs) await pushBlob(registry, bytes);
      return next.manifest.bytes;
    },
  });
}
