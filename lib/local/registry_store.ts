/** What the embedded registry keeps: blobs, the manifests of repositories and their tags. @module */
import type { Bytes } from "../bytes/bytes.ts";

/** A manifest or index, as it was pushed. */
export interface StoredManifest {
  /** Its media type. */
  readonly mediaType: string;
  /** The bytes that its digest speaks of. */
  readonly bytes: Bytes;
}

/** Keeps repositories by name, and blobs by digest. Each call that changes something is all or nothing. */
export interface RegistryStore {
  /** Bytes of all that is kept, with {@linkcode ENTRY_BYTES} for each thing beside its own. */
  held(): number;
  /** Whether anything was ever pushed to a repository. */
  knows(repository: string): boolean;
  /** How many bytes a blob of the repository has, without reading it. */
  blobSize(repository: string, digest: string): number | undefined;
  /** The bytes of a blob that is there, from `first` to before `end`. */
  blob(digest: string, first: number, end: number): Iterable<Bytes>;
  /** Keeps a blob, given in parts, and lets the repository have it. */
  addBlob(repository: string, digest: string, parts: readonly Uint8Array[]): void;
  /** Lets a repository have a blob that another one has already. */
  linkBlob(repository: string, digest: string): void;
  /** A manifest of the repository, by its digest. */
  manifest(repository: string, digest: string): StoredManifest | undefined;
  /** The manifests of a repository that name `subject` as theirs, by their digests. */
  referrers(repository: string, subject: string): readonly (StoredManifest & { readonly digest: string })[];
  /** Keeps a manifest, and points `tag` at it. */
  putManifest(repository: string, digest: string, manifest: StoredManifest, tag?: string): void;
  /** Forgets a manifest and the tags that point at it. */
  removeManifest(repository: string, digest: string): void;
  /** The digest that a tag points at. */
  tag(repository: string, tag: string): string | undefined;
  /** Forgets a tag. */
  removeTag(repository: string, tag: string): void;
  /** The tags of a repository, in order. */
  tags(repository: string): string[];
}

/** Counted for each thing held beside its bytes, so that a flood of tiny ones is bounded as well. */
export const ENTRY_BYTES = 1024;
