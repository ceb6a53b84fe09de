/**
 * `@signpath/tagseal/registry`: names of images, and what is read from registries and written to them.
 *
 * Unstable: a part of the inside, which any version may change. What keeps its meaning is in `@signpath/tagseal`.
 *
 * @module
 */
export * from "./image_ref.ts";
export { digestOf, pushBlob, type Pushed, readBlob } from "./blob.ts";
export type { Descriptor } from "./descriptor.ts";
export * from "./image_entries.ts";
export * from "./image_store.ts";
export * from "./manifest.ts";
export * from "./oci_layout.ts";
export * from "./referrers.ts";
export {
  openRepository,
  type RegistryRepository,
  type RepositoryAnswer,
  type RepositoryCall,
  type RepositoryOptions,
} from "./repository.ts";
export * from "./tag_names.ts";
export * from "./tagged.ts";
export * from "./at_registry.ts";
export * from "./expected.ts";
