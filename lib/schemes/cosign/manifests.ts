/**
 * Manifests that hold signatures, read so that cosign's and containers-image's readers see the same in them.
 *
 * @see {@link https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md | OCI image manifest}
 * @module
 */
import type { Bytes } from "../../bytes/bytes.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../../bytes/json.ts";
import { type Descriptor, readDescriptor } from "../../registry/descriptor.ts";
import { MAX_MANIFEST_BYTES, type StoredManifest } from "../../registry/manifest.ts";
import { OCI_MANIFEST, readManifest } from "../../registry/manifest_type.ts";

/** How many layers cosign reads at most. */
export const MAX_LAYERS = 1000;

/** Go takes members in whatever case, so that another case is a second name for the same. */
const MEMBERS = ["schemaVersion", "mediaType", "artifactType", "config", "layers", "subject", "annotations", "history"];
/** By which readers may take a blob from somewhere else than the registry. */
const ELSEWHERE: readonly string[] = ["data", "urls", "platform"];
const DESCRIPTOR_MEMBERS = ["mediaType", "digest", "size", "annotations", "artifactType", ...ELSEWHERE];

/** A layer of a manifest. */
export interface Layer extends Descriptor {
  /** Its annotations. */
  readonly annotations: ReadonlyMap<string, string>;
}

/** A manifest that holds signatures. */
export interface SignatureManifest {
  /** Its bytes. */
  readonly bytes: Bytes;
  /** `artifactType`, where it has one. */
  readonly artifactType?: string;
  /** What it belongs to, where it says so. */
  readonly subject?: Descriptor;
  /** Its layers, in order. */
  readonly layers: readonly Layer[];
}

/** Why no signature is taken from a manifest. */
export type UnusableManifest =
  /** It is of another type: containers-image gives up the whole image then. */
  | "manifest-of-other-type"
  /** It is no manifest, or readers may see different things in it. */
  | "malformed-manifest"
  /** It has more than {@linkcode MAX_LAYERS} layers, or more bytes than registries take. */
  | "manifest-too-large";

/** Reads a manifest that holds signatures, or says why it is none. */
export function readSignatureManifest(
  { bytes, mediaType }: Omit<StoredManifest, "digest">,
): SignatureManifest | UnusableManifest {
  if (bytes.length > MAX_MANIFEST_BYTES) return "manifest-too-large";
  if (mediaType !== OCI_MANIFEST) return "manifest-of-other-type";
  const read = readManifest(mediaType, bytes);
  if (!("mediaType" in read)) return "malformed-manifest";
  const manifest = parseJson(bytes, "any") as JsonObject;
  const { config, artifactType = "", layers, annotations, subject = null } = manifest;
  const belongsTo = layerOf(subject);
  const isWellFormed = isWrittenPlainly(manifest, MEMBERS) && !("history" in manifest) &&
    layerOf(config) !== undefined &&
    typeof artifactType === "string" && textsOf(annotations) !== undefined &&
    (subject === null || belongsTo !== undefined) && Array.isArray(layers);
  if (!isWellFormed) return "malformed-manifest";
  if (layers.length > MAX_LAYERS) return "manifest-too-large";
  const described = layers.map(layerOf);
  if (!described.every((layer) => layer !== undefined)) return "malformed-manifest";
  return {
    bytes,
    layers: described,
    ...(artifactType === "" ? {} : { artifactType }),
    ...(belongsTo === undefined ? {} : { subject: belongsTo }),
  };
}

/** A descriptor with its annotations; `undefined` where one of the readers takes it for none, or the blob from elsewhere. */
function layerOf(value: JsonValue | undefined): Layer | undefined {
  const descriptor = readDescriptor(value);
  if (descriptor === undefined || !isJsonObject(value)) return undefined;
  if (!isWrittenPlainly(value, DESCRIPTOR_MEMBERS) || ELSEWHERE.some((name) => name in value)) return undefined;
  const annotations = textsOf(value["annotations"]);
  const { artifactType = "" } = value;
  return annotations === undefined || typeof artifactType !== "string" ? undefined : { ...descriptor, annotations };
}

function isWrittenPlainly(object: JsonObject, members: readonly string[]): boolean {
  const lower = members.map((name) => name.toLowerCase());
  return Object.keys(object).every((name) => members.includes(name) || !lower.includes(name.toLowerCase()));
}

function textsOf(value: JsonValue | undefined): Map<string, string> | undefined {
  if (value === undefined || value === null) return new Map();
  const entries = isJsonObject(value) ? Object.entries(value) : undefined;
  return entries?.every((entry): entry is [string, string] => typeof entry[1] === "string")
    ? new Map(entries)
    : undefined;
}
