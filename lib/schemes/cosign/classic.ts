/**
 * Classic cosign signatures: layers of an image under the tag `sha256-<hex>.sig`, one for each signature.
 *
 * @see {@link https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md | cosign's signature specification}
 * @module
 */
import { type Bytes, utf8 } from "../../bytes/bytes.ts";
import { withItems, withMember } from "../../bytes/json_edit.ts";
import { digestOf } from "../../registry/blob.ts";
import type { Descriptor } from "../../registry/descriptor.ts";
import type { Digest } from "../../registry/image_ref.ts";
import type { StoredManifest } from "../../registry/manifest.ts";
import { OCI_MANIFEST } from "../../registry/manifest_type.ts";
import type { SignatureManifest } from "./manifests.ts";

/** The type of a layer that is a signature. */
export const SIGNATURE_LAYER = "application/vnd.dev.cosign.simplesigning.v1+json";
/** Where a layer holds its signature, in base64. */
export const SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature";
const CONFIG = "application/vnd.oci.image.config.v1+json";
const NEVER = "0001-01-01T00:00:00Z";

/** A payload with its signature, in the form that is published. */
export interface SignedPayload {
  /** The bytes that are signed. */
  readonly payload: Bytes;
  /** {@linkcode publishedSignature}. */
  readonly signature: Bytes;
}

/** What is to be pushed: all blobs first. */
export interface PushableSignature {
  /** Payloads or bundle, and the config. */
  readonly blobs: readonly StoredManifest[];
  /** The manifest. */
  readonly manifest: StoredManifest;
}

/** The tag that holds the signatures of a manifest. */
export function signatureTag(digest: Digest): string {
  return `${digest.replace(":", "-")}.sig`;
}

/**
 * The signature image with more signatures. All that others have put there stays byte by byte, what tagseal does not know
 * as well; the config alone, which no verifier reads, is made anew: one entry for each layer, as cosign makes it.
 *
 * @param current what is under the tag now; `undefined` for nothing
 */
export function withSignatures(
  current: SignatureManifest | undefined,
  added: readonly SignedPayload[],
): PushableSignature {
  const payloads = added.map(({ payload }) => pushable(SIGNATURE_LAYER, payload));
  const layers = payloads.map((payload, i) => ({
    ...describe(payload),
    annotations: { [SIGNATURE_ANNOTATION]: added[i]!.signature.toBase64() },
  }));
  const digests = [...current?.layers ?? [], ...payloads].map(({ digest }) => digest);
  const config = pushable(CONFIG, configOf(digests));
  const empty = utf8(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: null, layers: [] }));
  const manifest = withItems(withMember(current?.bytes ?? empty, "config", { ...describe(config) }), "layers", layers);
  const blobs = new Map([...payloads, config].map((blob) => [blob.digest, blob]));
  return { blobs: [...blobs.values()], manifest: pushable(OCI_MANIFEST, manifest) };
}

/** Bytes with their digest. */
export function pushable(mediaType: string, bytes: Bytes): StoredManifest {
  return { digest: digestOf(bytes), mediaType, bytes };
}

/** In the order in which cosign writes it. */
function describe({ mediaType, bytes, digest }: StoredManifest): Descriptor {
  return { mediaType, size: bytes.length, digest };
}

function configOf(layers: readonly Digest[]): Bytes {
  return utf8(JSON.stringify({
    architecture: "",
    created: NEVER,
    history: layers.map(() => ({ created: NEVER })),
    os: "",
    rootfs: { type: "layers", diff_ids: layers },
    config: {},
  }));
}
