/**
 * Which images are signed with a key: as strict as cosign 2, cosign 3 and containers-image (podman, skopeo, CRI-O) are
 * together. No transparency log is asked, and no option makes it less strict. One good signature is enough; those of
 * others, and bad ones, are told with their reasons.
 *
 * @module
 */
import type { PublicKey } from "../../crypto/keys.ts";
import { digestOf } from "../../registry/blob.ts";
import type { Digest } from "../../registry/image_ref.ts";
import { type AnnotationProblem, annotationProblem } from "./annotations.ts";
import type { Attached, ClassicSignatures, UnusableClassic } from "./attached.ts";
import type { Bundle, UnusableBundle } from "./bundle.ts";
import { SIGNATURE_ANNOTATION, SIGNATURE_LAYER, signatureTag } from "./classic.ts";
import type { CosignForm } from "./forms.ts";
import type { Layer, UnusableManifest } from "./manifests.ts";
import { readSimpleSigning } from "./payload.ts";
import { fromStrictBase64, signerOf } from "./signature.ts";

/** What is asked. */
export interface CosignQuestion {
  /** The repository, as users know it: the GUN. */
  readonly gun: string;
  /** The tag that must be signed; without it any tag of the repository will do. */
  readonly tag?: string | undefined;
  /** The keys of which one must have signed. */
  readonly keys: readonly PublicKey[];
  /** When: certificates beside signatures must be valid then. */
  readonly at: Date;
}

/** A signature that is good. */
export interface GoodSignature {
  /** Where it was found. */
  readonly form: CosignForm;
  /** The tag that is signed; bundles of others may have none. */
  readonly tag?: string;
  /** The canonical id of the key that made it. */
  readonly keyId: string;
  /** The digest of the bytes that are signed. */
  readonly signed: Digest;
}

/** Why a signature does not count. */
export type SkipReason =
  | UnusableClassic
  | UnusableManifest
  | UnusableBundle
  | AnnotationProblem
  /** The layer is an attestation, an SBOM or something else. */
  | "no-signature-layer"
  /** The layer has no signature, or not in plain base64. */
  | "malformed-signature"
  /** The payload is not as long as the manifest says. */
  | "payload-of-other-size"
  /** None of the keys made it, or it was changed. */
  | "other-key"
  /** The payload is none of cosign's. */
  | "malformed-payload"
  /** It is about another manifest. */
  | "other-digest"
  /** It is about another repository. */
  | "other-repository"
  /** It names no tag, or a digest instead: podman and skopeo do not take it. */
  | "no-tag"
  /** It is about another tag. */
  | "other-tag";

/** A signature that does not count. */
export interface SkippedSignature {
  /** Where it was found. */
  readonly form: CosignForm;
  /** The layer, the bundle's manifest, or the tag where all of it does not count. */
  readonly place: string;
  /** Why. */
  readonly reason: SkipReason;
}

/** The verifiers that accept the image as it is, by what they read. */
export type CosignReader = "cosign-2" | "cosign-3" | "containers-image";

/** The answer. */
export type CosignVerdict =
  | {
    readonly outcome: "verified";
    /** The manifest. */
    readonly digest: Digest;
    /** The good signatures. */
    readonly signatures: readonly [GoodSignature, ...GoodSignature[]];
    /** Which other verifiers accept it, too: not all read all forms, and bundles hide classic signatures. */
    readonly readers: readonly CosignReader[];
    /** What does not count. */
    readonly skipped: readonly SkippedSignature[];
  }
  | {
    readonly outcome: "refused";
    /** The manifest. */
    readonly digest: Digest;
    /** Whether there is nothing at all, or nothing good. */
    readonly reason: "no-signatures" | "no-good-signature";
    /** What does not count. */
    readonly skipped: readonly SkippedSignature[];
  };

type Judged = { readonly good: GoodSignature } | { readonly reason: SkipReason };

/** Judges all that is attached to a manifest. */
export async function verifyCosign(attached: Attached, question: CosignQuestion): Promise<CosignVerdict> {
  const { digest, classic, bundles } = attached;
  const good: GoodSignature[] = [];
  const skipped: SkippedSignature[] = [];
  const note = (form: CosignForm, place: string, judged: Judged) => {
    if ("good" in judged) good.push(judged.good);
    else skipped.push({ form, place, reason: judged.reason });
  };

  if (typeof classic === "string") note("classic", signatureTag(digest), { reason: classic });
  else {
    for (const layer of classic?.manifest.layers ?? []) {
      note("classic", layer.digest, await judgeLayer(classic!, layer, digest, question));
    }
  }
  let seenByCosign3 = bundles.length === 0 && attached.unread === 0;
  for (const { manifest, bundle } of bundles) {
    const judged = await judgeBundle(bundle, digest, question.keys);
    seenByCosign3 ||= "good" in judged;
    note("bundle", manifest, ofTag(judged, question.tag));
  }

  const [first, ...others] = good;
  if (first === undefined) {
    const reason = skipped.length > 0 ? "no-good-signature" : "no-signatures";
    return { outcome: "refused", digest, reason, skipped };
  }
  const readers: CosignReader[] = good.some(({ form }) => form === "classic") ? ["cosign-2", "containers-image"] : [];
  if (seenByCosign3) readers.push("cosign-3");
  return { outcome: "verified", digest, signatures: [first, ...others], readers, skipped };
}

async function judgeLayer(
  { payloads }: ClassicSignatures,
  layer: Layer,
  digest: Digest,
  { gun, tag, keys, at }: CosignQuestion,
): Promise<Judged> {
  if (layer.mediaType !== SIGNATURE_LAYER) return { reason: "no-signature-layer" };
  const signature = fromStrictBase64(layer.annotations.get(SIGNATURE_ANNOTATION) ?? "");
  if (signature === undefined) return { reason: "malformed-signature" };
  const payload = payloads.get(layer.digest)!;
  if (payload.length !== layer.size) return { reason: "payload-of-other-size" };
  const key = await signerOf(keys, payload, signature);
  if (key === undefined) return { reason: "other-key" };
  const problem = annotationProblem(layer.annotations, at);
  if (problem !== undefined) return { reason: problem };
  const said = readSimpleSigning(payload);
  if (said === undefined) return { reason: "malformed-payload" };
  const { name, tag: signedTag, digest: pinned } = said.reference;
  if (said.digest !== digest) return { reason: "other-digest" };
  if (name.gun !== gun) return { reason: "other-repository" };
  if (signedTag === undefined || pinned !== undefined) return { reason: "no-tag" };
  return ofTag({ good: { form: "classic", tag: signedTag, keyId: key.canonicalId, signed: layer.digest } }, tag);
}

function ofTag(judged: Judged, tag: string | undefined): Judged {
  if (!("good" in judged) || tag === undefined || judged.good.tag === tag) return judged;
  return { reason: judged.good.tag === undefined ? "no-tag" : "other-tag" };
}

async function judgeBundle(
  bundle: Bundle | UnusableBundle | UnusableManifest,
  digest: Digest,
  keys: readonly PublicKey[],
): Promise<Judged> {
  if (typeof bundle === "string") return { reason: bundle };
  const key = await signerOf(keys, bundle.signedBytes, bundle.signature);
  if (key === undefined) return { reason: "other-key" };
  if (bundle.digest !== digest) return { reason: "other-digest" };
  const { tag } = bundle;
  const good = { form: "bundle", keyId: key.canonicalId, signed: digestOf(bundle.signedBytes) } as const;
  return { good: tag === undefined ? good : { ...good, tag } };
}
