/**
 * `@signpath/tagseal/http`: calls with limits, and the authentication of registries and Notary servers.
 *
 * Unstable: a part of the inside, which any version may change. What keeps its meaning is in `@signpath/tagseal`.
 *
 * @module
 */
export * from "./auth.ts";
export { createSend, type SendOptions } from "./network.ts";
export type { Answer, ByteBudget, Call, Send } from "./send.ts";
export type { Sleep } from "./retry.ts";
export * from "./read_retries.ts";
