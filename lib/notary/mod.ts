/**
 * `@signpath/tagseal/notary`: a Notary server: read and verified, published to, and what is remembered of it.
 *
 * Unstable: a part of the inside, which any version may change. What keeps its meaning is in `@signpath/tagseal`.
 *
 * @module
 */
export * from "./file_metadata_store.ts";
export { createMemoryMetadataStore, type FileChanges, type MetadataStore } from "./metadata_store.ts";
export * from "./trust_server.ts";
export * from "./update.ts";
export { type Doubt } from "./doubt.ts";
export * from "./publish.ts";
export * from "./repository.ts";
