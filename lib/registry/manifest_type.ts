/**
 * What a manifest is: an image or an index, of Docker or OCI.
 *
 * @see {@link https://github.com/opencontainers/distribution-spec/security/advisories/GHSA-mc8v-mgrf-8f4m | CVE-2021-41190}
 * @module
 */
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../bytes/json.ts";
import { shown } from "../bytes/printable.ts";
import { messageOf } from "../errors.ts";

/** The media type of an image or artifact of OCI. */
export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
/** The media type of an index of OCI. */
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
/** The manifests that can be signed: images and multi-platform indexes, of Docker and OCI. */
export const MEDIA_TYPES: readonly string[] = [
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  OCI_MANIFEST,
  OCI_INDEX,
];
/** Those of {@linkcode MEDIA_TYPES} that name other manifests. */
const INDEXES: readonly string[] = MEDIA_TYPES.filter((type) => /\.(?:manifest\.list|index)\./.test(type));
/** Members that are found in images alone, in lower case; "fslayers" is that of schema 1. */
const IMAGE_MEMBERS: readonly string[] = ["config", "layers", "fslayers"];
/** Members that no image has. */
const INDEX_MEMBERS: readonly string[] = ["manifests", "fslayers"];
const MAX_SHOWN = 200;
const SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+";

/** Whether a media type is that of a manifest that names other manifests. */
export function isIndex(mediaType: string): boolean {
  return INDEXES.includes(mediaType);
}

/** What a manifest is, or why it is none that can be signed. */
export type Reading =
  /** One of {@linkcode MEDIA_TYPES}. */
  | { readonly mediaType: string }
  /** Two clients may read two things in it. */
  | { readonly ambiguous: string }
  /** An image of Docker's first format, which has no stable digest. */
  | { readonly schema1: true }
  /** It is something else; the words go on after the image's name. */
  | { readonly unusable: string };

/**
 * Reads what a manifest is, by the registry's `Content-Type` and its own words. Any doubt is told: the bytes that are
 * signed may otherwise be one image to one client and another one to the next (CVE-2021-41190).
 */
export function readManifest(contentType: string, bytes: Uint8Array): Reading {
  if (!isObjectToAnybody(bytes)) {
    return { unusable: "cannot be read: the registry gave a body that is not a JSON object" };
  }
  const header = contentType.replace(/;.*$/, "").trim().toLowerCase();
  let body: JsonValue;
  try {
    body = parseJson(bytes, "any");
  } catch (error) {
    return { ambiguous: shown(messageOf(error).replaceAll('"', "'"), MAX_SHOWN) };
  }
  const double = doubleButForCase(body);
  if (double !== undefined) return { ambiguous: `the member "${shown(double)}" stands there twice` };
  const members = new Map(Object.entries(body as JsonObject).map(([name, value]) => [name.toLowerCase(), value]));
  const { mediatype: typed = "", schemaversion: version = 2 } = Object.fromEntries(members);
  const inside = typeof typed === "string" ? typed.toLowerCase() : undefined;
  if (header.startsWith(SCHEMA_1) || inside?.startsWith(SCHEMA_1) || version === 1) return { schema1: true };
  if (inside === undefined) return { ambiguous: "its media type is not a text" };
  // Servers that know nothing of manifests name some type of JSON or bytes; the manifest's own word counts then.
  if (inside !== "" && header.startsWith("application/vnd.") && header !== inside) {
    return { ambiguous: `the registry says "${shown(header)}", the manifest "${shown(inside)}"` };
  }
  const mediaType = [header, inside].find((type) => MEDIA_TYPES.includes(type));
  if (mediaType === undefined) return { unusable: "is not an image manifest or index" };
  if (version !== 2) return { ambiguous: "its schema version is not 2" };
  const foreign = (isIndex(mediaType) ? IMAGE_MEMBERS : INDEX_MEMBERS).find((name) => members.has(name));
  return foreign === undefined ? { mediaType } : { ambiguous: `it is of type "${mediaType}" and holds "${foreign}"` };
}

function isObjectToAnybody(bytes: Uint8Array): boolean {
  try {
    return isJsonObject(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return false;
  }
}

/**
 * A name that an object holds twice in different case, except as an annotation: Go, and with it Docker, takes names in
 * whatever case, and the last of two.
 */
function doubleButForCase(value: JsonValue): string | undefined {
  if (Array.isArray(value)) return first(value, doubleButForCase);
  if (!isJsonObject(value)) return undefined;
  const seen = new Set<string>();
  return first(Object.entries(value), ([name, member]) => {
    const lower = name.toLowerCase();
    if (seen.has(lower)) return name;
    seen.add(lower);
    return lower === "annotations" ? undefined : doubleButForCase(member);
  });
}

function first<T>(values: readonly T[], find: (value: T) => string | undefined): string | undefined {
  for (const value of values) {
    const found = find(value);
    if (found !== undefined) return found;
  }
  return undefined;
}
