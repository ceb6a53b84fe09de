/**
 * `@signpath/tagseal/signpath`: SignPath's REST API.
 *
 * Unstable: a part of the inside, which any version may change. What keeps its meaning is in `@signpath/tagseal`.
 *
 * @module
 */
export * from "./client.ts";
export * from "./hash_signing.ts";
export * from "./types.ts";
export * from "./wait.ts";
export { artifactConfiguration } from "./artifact_configuration.ts";
