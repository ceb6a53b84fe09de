/** Images at a registry in memory, to be signed by one of the schemes; whoever signs has a key at hand. @module */
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import type { Descriptor } from "../../lib/registry/descriptor.ts";
import { findManifest, pushManifest, tagManifest } from "../../lib/registry/manifest.ts";
import type { Digest } from "../../lib/registry/image_ref.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../../lib/registry/manifest_type.ts";
import type { RegistryRepository } from "../../lib/registry/repository.ts";
import type { Part } from "../../lib/signing/batch.ts";
import type { SignedPart } from "../../lib/signing/scheme.ts";
import { blobOf } from "./registries.ts";

/** The repository's name, as users know it. */
export const GUN = "registry.test/team/app";

/** Pushes an image of one layer, under tags. */
export async function pushImage(to: RegistryRepository, content: string, ...tags: string[]): Promise<Descriptor> {
  const config = await blobOf(to, '{"os":"linux"}', "application/vnd.oci.image.config.v1+json");
  const layers = [await blobOf(to, content, "text/plain")];
  return await push(to, OCI_MANIFEST, { config, layers }, tags);
}

/** Pushes an index of images, each for another processor, under tags. */
export async function pushIndex(
  to: RegistryRepository,
  images: Readonly<Record<string, Descriptor>>,
  ...tags: string[]
): Promise<Descriptor> {
  const manifests = Object.entries(images).map(([architecture, image]) => ({
    ...image,
    platform: { os: "linux", architecture },
  }));
  return await push(to, OCI_INDEX, { manifests }, tags);
}

async function push(
  to: RegistryRepository,
  mediaType: string,
  members: object,
  tags: readonly string[],
): Promise<Descriptor> {
  const bytes = utf8(JSON.stringify({ schemaVersion: 2, mediaType, ...members }));
  const { digest } = await pushManifest(to, { mediaType, bytes });
  for (const tag of tags) await tagManifest(to, { mediaType, bytes }, tag);
  return { mediaType, digest, size: bytes.length };
}

/** Has a tag stand for a manifest, whatever is in it; blobs that it names are there already. */
export async function pushTagged(to: RegistryRepository, tag: string, members: object): Promise<void> {
  await push(to, OCI_MANIFEST, members, [tag]);
}

/** What a tag stands for. */
export function digestAt(repository: RegistryRepository): (tag: string) => Promise<Digest> {
  return async (tag) => (await findManifest(repository, tag))!.digest;
}

/** What is to be signed, signed one by one. */
export async function signedBy(
  { payloads }: Part,
  sign: (bytes: Bytes) => Bytes | Promise<Bytes>,
): Promise<SignedPart> {
  const named = payloads.map(({ bytes }, i) => ({ id: `${i + 1}`, bytes }));
  const signatures = await Promise.all(named.map(async ({ id, bytes }) => [id, await sign(bytes)] as const));
  return { payloads: named, signatures: new Map(signatures), wasAway: false, beginsAnew: false };
}
