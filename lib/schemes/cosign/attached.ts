/** What a registry, or an OCI layout, has of signatures for one manifest. Every digest is computed anew. @module */
import type { Bytes } from "../../bytes/bytes.ts";
import { isTagsealError } from "../../errors.ts";
import { digestOf } from "../../registry/blob.ts";
import type { Digest } from "../../registry/image_ref.ts";
import { type ImageStore, registryStore } from "../../registry/image_store.ts";
import { MAX_MANIFEST_BYTES, type StoredManifest } from "../../registry/manifest.ts";
import type { RegistryRepository } from "../../registry/repository.ts";
import { AT_ONCE, mapAtOnce } from "../../signing/at_once.ts";
import { ANY_BUNDLE, BUNDLE, type Bundle, readBundle, type UnusableBundle } from "./bundle.ts";
import { signatureTag } from "./classic.ts";
import { readSignatureManifest, type SignatureManifest, type UnusableManifest } from "./manifests.ts";

/** Where signatures are read from: one repository. */
export interface CosignSource {
  /** The manifest of a tag or digest; `undefined` where there is none. */
  manifest(reference: string): Promise<StoredManifest | UnusableManifest | undefined>;
  /** A blob of up to `maxBytes`; `undefined` where there is none. */
  blob(digest: Digest, maxBytes: number): Promise<Bytes | undefined>;
  /** All that refers to a manifest. */
  referrers(digest: Digest): Promise<readonly { readonly digest: Digest }[]>;
}

/** A repository at a registry, as a source. */
export function registrySource(repository: RegistryRepository): CosignSource {
  return storeSource(registryStore(repository));
}

/** Any place where images are, as a source. */
export function storeSource(store: ImageStore): CosignSource {
  return {
    manifest: (reference) => store.manifest(reference).catch(unusable),
    blob: store.blob,
    referrers: store.referrers,
  };
}

/** What is there and no manifest that can be used is no failure of the registry's. */
function unusable(error: unknown): UnusableManifest {
  if (isTagsealError(error, "trust-invalid", "bad-input")) return "malformed-manifest";
  if (isTagsealError(error, "unavailable") && error.reason === "no-image") return "manifest-of-other-type";
  throw error;
}

/** Classic signatures, with their payloads. */
export interface ClassicSignatures {
  /** The manifest. */
  readonly manifest: SignatureManifest;
  /** The payloads of all its layers. */
  readonly payloads: ReadonlyMap<Digest, Bytes>;
}

/** Why none of the signatures under a tag is taken: podman and skopeo stop there, too. */
export type UnusableClassic = UnusableManifest | "payload-missing" | "payload-of-other-bytes" | "payloads-too-large";

/** A sigstore bundle that is attached. */
export interface AttachedBundle {
  /** The digest of its manifest. */
  readonly manifest: Digest;
  /** The bundle, or why it is not taken. */
  readonly bundle: Bundle | UnusableBundle | UnusableManifest;
}

/** All that is there for one manifest. */
export interface Attached {
  /** The manifest that is signed. */
  readonly digest: Digest;
  /** Classic signatures; `undefined` where there is nothing under their tag. */
  readonly classic: ClassicSignatures | UnusableClassic | undefined;
  /** Sigstore bundles, others' as well. */
  readonly bundles: readonly AttachedBundle[];
  /** How many referrers were not read, because there are more than {@linkcode MAX_REFERRERS}. */
  readonly unread: number;
}

/** How many referrers are read, whatever they are. */
export const MAX_REFERRERS = 256;
const MAX_PAYLOAD_BYTES = 64 * 2 ** 20;

/**
 * Reads all that is there.
 *
 * @param known payloads that the caller has: they are not fetched
 */
export async function readAttached(
  source: CosignSource,
  digest: Digest,
  known: readonly Bytes[] = [],
): Promise<Attached> {
  const [classic, referrers] = await Promise.all([readClassic(source, digest, known), source.referrers(digest)]);
  const read = await mapAtOnce(
    referrers.slice(0, MAX_REFERRERS),
    AT_ONCE,
    (each) => readReferrer(source, digest, each.digest),
  );
  return {
    digest,
    classic,
    bundles: read.filter((bundle) => bundle !== undefined),
    unread: Math.max(0, referrers.length - MAX_REFERRERS),
  };
}

async function readClassic(
  source: CosignSource,
  digest: Digest,
  known: readonly Bytes[],
): Promise<ClassicSignatures | UnusableClassic | undefined> {
  const found = await source.manifest(signatureTag(digest));
  if (found === undefined || typeof found === "string") return found;
  const manifest = readSignatureManifest(found);
  if (typeof manifest === "string") return manifest;
  const payloads = new Map(known.map((bytes) => [digestOf(bytes), bytes]));
  const wanted = new Set(manifest.layers.map((layer) => layer.digest)).difference(payloads);
  let total = manifest.layers.some(({ size }) => size > MAX_MANIFEST_BYTES) ? Infinity : 0;
  const problems = await mapAtOnce([...wanted], AT_ONCE, async (layer): Promise<UnusableClassic | undefined> => {
    if (total > MAX_PAYLOAD_BYTES) return "payloads-too-large";
    const bytes = await source.blob(layer, MAX_MANIFEST_BYTES);
    if (bytes === undefined) return "payload-missing";
    if (digestOf(bytes) !== layer) return "payload-of-other-bytes";
    total += bytes.length;
    payloads.set(layer, bytes);
    return undefined;
  });
  return problems.find((problem) => problem !== undefined) ?? { manifest, payloads };
}

/** The bundle behind a referrer; nothing where it is something else. */
async function readReferrer(
  source: CosignSource,
  subject: Digest,
  referrer: Digest,
): Promise<AttachedBundle | undefined> {
  const found = await source.manifest(referrer);
  if (found === undefined || found === "manifest-of-other-type") return undefined;
  const manifest = typeof found === "string" || digestOf(found.bytes) !== referrer
    ? "malformed-manifest"
    : readSignatureManifest(found);
  if (manifest === "manifest-of-other-type") return undefined;
  if (typeof manifest === "string") return { manifest: referrer, bundle: manifest }; // to another reader it may be one
  const [layer, ...others] = manifest.layers;
  if (![manifest.artifactType, layer?.mediaType].some((type) => type?.startsWith(ANY_BUNDLE))) return undefined;
  const isPlain = manifest.artifactType === BUNDLE && layer?.mediaType === BUNDLE && others.length === 0 &&
    manifest.subject?.digest === subject;
  if (!isPlain) return { manifest: referrer, bundle: "malformed-manifest" };
  if (layer.size > MAX_MANIFEST_BYTES) return { manifest: referrer, bundle: "manifest-too-large" };
  const bytes = await source.blob(layer.digest, MAX_MANIFEST_BYTES);
  const isWhole = bytes !== undefined && bytes.length === layer.size && digestOf(bytes) === layer.digest;
  return { manifest: referrer, bundle: isWhole ? readBundle(bytes) : "malformed-bundle" };
}
