/**
 * Folders of images that were copied from a registry, as oras, crane and skopeo write them: `index.json` names manifests
 * and their tags, and everything lies in `blobs/sha256` under its digest.
 *
 * @see {@link https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md | OCI Image Layout}
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../bytes/json.ts";
import { TagsealError } from "../errors.ts";
import { readFileBounded, requireFile } from "../files/files.ts";
import { digestOf } from "./blob.ts";
import { type Descriptor, readAnnotations, readDescriptor } from "./descriptor.ts";
import { type Digest, isDigest } from "./image_ref.ts";
import type { ImageStore } from "./image_store.ts";
import { MAX_MANIFEST_BYTES, type StoredManifest } from "./manifest.ts";
import { isIndex, MEDIA_TYPES, readManifest } from "./manifest_type.ts";

const TAG_ANNOTATION = "org.opencontainers.image.ref.name";
const MAX_ENTRIES = 2000;
const MAX_TOTAL_BYTES = 64 * 2 ** 20;
const REMEDY = "Copy image and signatures into a new folder, and verify that";

interface Entry extends Descriptor {
  readonly name: string | undefined;
}

interface Attachment extends Descriptor {
  readonly subject: Digest;
  readonly artifactType: string | undefined;
}

/**
 * Opens a folder as the copy of the repository `gun`. Names in it may be tags alone or have the repository before them.
 *
 * @throws {TagsealError} `not-found` where it is no such folder, `bad-input` where its index cannot be read
 */
export async function openOciLayout(folder: string, gun: string): Promise<ImageStore> {
  const entries = readIndex(await requireFile(`${folder}/index.json`, MAX_MANIFEST_BYTES), folder);
  const damaged = (code: "trust-invalid" | "bad-input", what: string) =>
    new TagsealError(code, `${what}, in the layout "${folder}"`, { remedy: REMEDY, details: { path: folder } });
  let attached: Promise<Attachment[]> | undefined;

  async function blob(digest: Digest, maxBytes: number): Promise<Bytes | undefined> {
    const bytes = await readFileBounded(`${folder}/blobs/${digest.replace(":", "/")}`, maxBytes);
    if (bytes === undefined || digestOf(bytes) === digest) return bytes;
    throw damaged("trust-invalid", `The file of "${digest}" has the digest "${digestOf(bytes)}"`);
  }

  async function manifest(reference: string): Promise<StoredManifest | undefined> {
    const named = entries.filter(({ digest, name }) =>
      isDigest(reference) ? digest === reference : name === reference || name === `${gun}:${reference}`
    );
    const [digest = isDigest(reference) ? reference : undefined, ...others] = new Set(
      named.map((entry) => entry.digest),
    );
    if (others.length > 0) throw damaged("trust-invalid", `The tag "${reference}" stands for several images`);
    const bytes = digest && await blob(digest, MAX_MANIFEST_BYTES);
    if (!digest || !bytes) {
      if (named.length === 0) return undefined;
      throw damaged("bad-input", `The manifest "${digest}" that "${reference}" stands for is missing`);
    }
    const read = readManifest(named[0]?.mediaType ?? "", bytes);
    if ("mediaType" in read) return { digest, mediaType: read.mediaType, bytes };
    if ("ambiguous" in read) throw damaged("trust-invalid", `"${reference}" is ambiguous: ${read.ambiguous}`);
    throw damaged("bad-input", `"${reference}" is no image manifest or index that can be verified`);
  }

  async function attachments(): Promise<Attachment[]> {
    const found = new Map<Digest, Attachment>();
    let total = 0;
    for (const { name: _, ...entry } of entries) {
      if (found.has(entry.digest) || !MEDIA_TYPES.includes(entry.mediaType) || isIndex(entry.mediaType)) continue;
      total += Math.min(entry.size, MAX_MANIFEST_BYTES);
      if (total > MAX_TOTAL_BYTES) {
        throw damaged("bad-input", `There are more than ${MAX_TOTAL_BYTES} bytes of manifests`);
      }
      const bytes = entry.size > MAX_MANIFEST_BYTES ? undefined : await blob(entry.digest, entry.size);
      const attachment = bytes && readAttachment(entry, bytes);
      if (attachment) found.set(entry.digest, attachment);
    }
    return [...found.values()];
  }

  return {
    blob,
    manifest,
    async referrers(subject, artifactType) {
      const all = (await (attached ??= attachments())).filter((one) => one.subject === subject);
      return artifactType === undefined ? all : all.filter((one) => one.artifactType === artifactType);
    },
  };
}

function readIndex(bytes: Bytes, folder: string): Entry[] {
  const refused = (why: string) =>
    new TagsealError("bad-input", `"${folder}/index.json" is no index of an OCI layout: ${why}`, {
      remedy: REMEDY,
      details: { path: folder },
    });
  let index: JsonValue;
  try {
    index = parseJson(bytes, "any");
  } catch {
    throw refused("it is no JSON that everybody reads alike");
  }
  const manifests = isJsonObject(index) ? index["manifests"] : undefined;
  if (!Array.isArray(manifests)) throw refused("it has no list of manifests");
  if (manifests.length > MAX_ENTRIES) throw refused(`it names more than ${MAX_ENTRIES} manifests`);
  return manifests.flatMap((entry) => {
    const descriptor = readDescriptor(entry);
    const annotations = readAnnotations((entry as JsonObject | null)?.["annotations"]);
    return descriptor ? [{ ...descriptor, name: annotations[TAG_ANNOTATION] }] : [];
  });
}

/** What a manifest is attached to; nothing where it is attached to nothing, or is none. */
function readAttachment(descriptor: Descriptor, bytes: Bytes): Attachment | undefined {
  const read = readManifest(descriptor.mediaType, bytes);
  if (!("mediaType" in read) || bytes.length !== descriptor.size) return undefined;
  const { subject, artifactType, config } = parseJson(bytes, "any") as JsonObject;
  const to = readDescriptor(subject)?.digest;
  const kind = artifactType ?? (isJsonObject(config) ? config["mediaType"] : undefined);
  return to && { ...descriptor, subject: to, artifactType: typeof kind === "string" ? kind : undefined };
}
