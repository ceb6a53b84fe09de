/** Manifests as the embedded registry takes them. @module */
import { type Bytes, text } from "../bytes/bytes.ts";
import { isDigest } from "../registry/image_ref.ts";
import type { StoredManifest } from "./registry_store.ts";

/** What the registry reads of a manifest or index. */
export interface ReadManifest {
  /** Its media type. */
  readonly mediaType: string;
  /** Digests of the blobs that must be there before it. */
  readonly blobs: readonly string[];
  /** Digests of the manifests that must be there before it. */
  readonly manifests: readonly string[];
  /** Digest of the manifest that it is attached to. */
  readonly subject?: string;
}

const MEDIA_TYPE =
  /^application\/vnd\.(?:docker\.distribution\.manifest\.(?:v2|list\.v2)|oci\.image\.(?:manifest|index)\.v1)\+json$/;

/**
 * Whether a client that says `accept` gets a manifest of a media type: those of the OCI only where it names them, as
 * docker's registry has it; a client that forgets to is found out here already.
 */
export function isAccepted(mediaType: string, accept: string | null): boolean {
  return mediaType.includes(".docker.") || (accept ?? "").split(",").map(withoutParameters).includes(mediaType);
}

/** Reads a manifest or index; nothing where it is none, or of another media type than it says. */
export function readManifest(bytes: Bytes, contentType: string | null): ReadManifest | undefined {
  try {
    const { mediaType: inside, config, layers, manifests, subject } = Object(JSON.parse(text(bytes)));
    const mediaType = withoutParameters(contentType ?? "");
    if (!MEDIA_TYPE.test(mediaType) || (inside !== undefined && inside !== mediaType)) return undefined;
    const index = /list|index/.test(mediaType);
    if (index ? !Array.isArray(manifests) : !config || !Array.isArray(layers)) return undefined;
    // Foreign layers stay at the addresses that they name.
    const own = index ? [] : [config, ...layers].filter(({ urls }) => urls === undefined);
    const digests = [...own, ...index ? manifests : []].map(({ digest }) => digest);
    if (!digests.every((digest) => typeof digest === "string" && isDigest(digest))) return undefined;
    const { digest } = Object(subject);
    return {
      mediaType,
      blobs: index ? [] : digests,
      manifests: index ? digests : [],
      ...(typeof digest === "string" && isDigest(digest) ? { subject: digest } : {}),
    };
  } catch {
    return undefined;
  }
}

/** A manifest as it stands in the list of what refers to its subject (OCI Distribution 1.1). */
export function describeReferrer(digest: string, { mediaType, bytes }: StoredManifest): { artifactType?: string } {
  const { config, artifactType = config?.mediaType, annotations } = JSON.parse(text(bytes));
  return { mediaType, digest, size: bytes.length, artifactType, annotations } as { artifactType?: string };
}

function withoutParameters(type: string): string {
  return type.replace(/;.*$/s, "").trim().toLowerCase();
}
