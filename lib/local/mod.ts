/**
 * `@signpath/tagseal/local`: a registry, a Notary server and SignPath on this machine, for tests of whatever signs and verifies.
 *
 * Unstable: a part of the inside, which any version may change. What keeps its meaning is in `@signpath/tagseal`.
 *
 * @module
 */
export { type LocalStack, type LocalStackOptions, startLocalStack } from "./stack.ts";
export { pushTinyImage } from "./image.ts";
