/** cosign signatures beside the image: classic ones, and sigstore bundles where cosign 3 would miss those. @module */
import type { Bytes } from "../../bytes/bytes.ts";
import type { Digest } from "../../registry/image_ref.ts";
import { digestOf, pushBlob } from "../../registry/blob.ts";
import { addReferrer } from "../../registry/referrers.ts";
import { OCI_MANIFEST } from "../../registry/manifest_type.ts";
import { addToTagged } from "../../registry/tagged.ts";
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
import { readAttached, registrySource } from "./attached.ts";
import { bundleArtifact, statementOf } from "./bundle.ts";
import { signatureTag, type SignedPayload, withSignatures } from "./classic.ts";
import { type BundleChoice, chooseForms, type CosignForm, type FormWarning } from "./forms.ts";
import { type Layer, readSignatureManifest } from "./manifests.ts";
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
export type CosignSignature = ImageSignature & {
  readonly form: CosignForm;
  /** Whether classic signatures were there already, others' or our own. */
  readonly amongOthers?: boolean;
};

/** cosign as one of the schemes. */
export const cosign: Scheme<
  CosignTask,
  ImagesPlan<CosignSignature>,
  ImagesResult,
  Parameters<typeof verifyCosign>,
  CosignVerdict
> = {
  name: "cosign",
  async prepare(task, at) {
    const images = await taggedImages(task);
    const missing = await missingOf(task, images, at);
    return await preparedImages(task, { images, missing, at }, ownOf(task));
  },
  async check({ repository, key }, { missing }, signed) {
    await checkedSignatures(repository, key, missing, signed);
  },
  async publish(task, plan, signed) {
    const { repository, registry, key } = task;
    const { missing, at } = plan;
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
    return imagesResult("published", task, plan, ownOf(task));
  },
  verify: ([attached, question]) => verifyCosign(attached, question),
};

function ownOf({ repository }: Pick<CosignTask, "repository">): ImagesScheme<CosignSignature> {
  return {
    scheme: "cosign",
    payloadOf(signature) {
      const isClassic = signature.form === "classic";
      return {
        bytes: bytesOf(repository, signature),
        rules: COSIGN_RULES,
        extension: isClassic ? "json" : "dsse",
        kind: isClassic ? "cosign" : "bundle",
      };
    },
    referenceOf: ({ digest }) => signatureTag(digest),
  };
}

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
    const amongOthers = attached.classic !== undefined;
    return missing.map(({ image: { tag }, form }) => ({ ...some.find((one) => one.tag === tag)!, form, amongOthers }));
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
    wasThere: added.some(({ amongOthers }) => amongOthers),
    async add(current) {
      const read = current && readSignatureManifest({ bytes: current, mediaType: OCI_MANIFEST });
      const found = typeof read === "string" ? read : read && { manifest: read, payloads };
      const manifest = signaturesToAddTo({ classic: found, digest }, gun);
      // Whose the other layers are does not matter here: their payloads need not be fetched.
      const known = ({ digest }: Layer) => payloads.has(digest);
      const classic = manifest && { manifest: { ...manifest, layers: manifest.layers.filter(known) }, payloads };
      const attached = { digest, classic, bundles: [], unread: 0 };
      const open = await missingSignatures(attached, gun, wanted, key, at);
      const lacking = added.filter(({ tag }) => open.some(({ image }) => image.tag === tag));
      if (lacking.length === 0) return undefined;
      const next = withSignatures(manifest, lacking);
      for (const { bytes } of next.blobs) await pushBlob(registry, bytes);
      return next.manifest.bytes;
    },
  });
}
