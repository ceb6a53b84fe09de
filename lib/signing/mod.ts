/**
 * `@signpath/tagseal/signing`: who signs: payloads, batches, signers over one interface, and the loop.
 *
 * Unstable: a part of the inside, which any version may change. What keeps its meaning is in `@signpath/tagseal`.
 *
 * @module
 */
export * from "./signing_data.ts";
export * from "./hash_signer.ts";
export type { FailedRepository, Outcome, SignResult } from "./outcomes.ts";
export * from "./payload_signer.ts";
export * from "./request_signature.ts";
export * from "./sign.ts";
export * from "./signed_file.ts";
export * from "./payload.ts";
export * from "./batch.ts";
export * from "./scheme.ts";
export * from "./key_signer.ts";
export * from "./zip_signer.ts";
export * from "./policy_service.ts";
