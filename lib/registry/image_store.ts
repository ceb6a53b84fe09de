/** Where images and what was attached to them are read from: a repository at a registry, or a folder. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { readBlob } from "./blob.ts";
import type { Descriptor } from "./descriptor.ts";
import type { Digest } from "./image_ref.ts";
import { findManifest, type StoredManifest } from "./manifest.ts";
import { listReferrers } from "./referrers.ts";
import type { RegistryRepository } from "./repository.ts";

/** One repository's images, to read. What is given back by digest has that digest. */
export interface ImageStore {
  /** What a tag or digest stands for; `undefined` where there is none. Throws what `findManifest` of a registry throws. */
  manifest(reference: string): Promise<StoredManifest | undefined>;
  /** A blob of at most `maxBytes` bytes; `undefined` where there is none. Throws what `readBlob` throws. */
  blob(digest: Digest, maxBytes: number): Promise<Bytes | undefined>;
  /** What names `subject` as its subject; of one kind only, where `artifactType` is given. */
  referrers(subject: Digest, artifactType?: string): Promise<readonly Descriptor[]>;
}

/** A repository at its registry. */
export function registryStore(repository: RegistryRepository): ImageStore {
  return {
    manifest: (reference) => findManifest(repository, reference),
    blob: (digest, maxBytes) => readBlob(repository, digest, maxBytes),
    referrers: (subject, artifactType) => listReferrers(repository, subject, artifactType),
  };
}
