/**
 * `@signpath/tagseal/tuf`: The Update Framework: trust data, its rules, and what it says of tags.
 *
 * Unstable: a part of the inside, which any version may change. What keeps its meaning is in `@signpath/tagseal`.
 *
 * @module
 */
export * from "./models.ts";
export * from "./resolve.ts";
export * from "./roles.ts";
export type { CaPin, KeyPin, RootPin } from "./root_keys.ts";
export type { Floors, Proof, RootPhase, SnapshotPhase, TimestampPhase, TrustedRepository } from "./trusted.ts";
export * from "./pins.ts";
export * from "./view.ts";
