/** The documents of The Update Framework, as `@tufjs/models` reads and writes them: its types, by names of this project. @module */

/**
 * A document with its signatures.
 *
 * @internal
 */
export type Metadata<T extends Root | Targets | Snapshot | Timestamp> = InstanceType<
  typeof import("@tufjs/models").Metadata<T>
>;

/**
 * A public key.
 *
 * @internal
 */
export type Key = InstanceType<typeof import("@tufjs/models").Key>;

/**
 * How one document names another.
 *
 * @internal
 */
export type MetaFile = InstanceType<typeof import("@tufjs/models").MetaFile>;

/**
 * What the root role signs.
 *
 * @internal
 */
export type Root = InstanceType<typeof import("@tufjs/models").Root>;

/**
 * What the snapshot role signs.
 *
 * @internal
 */
export type Snapshot = InstanceType<typeof import("@tufjs/models").Snapshot>;

/**
 * A file of a release.
 *
 * @internal
 */
export type TargetFile = InstanceType<typeof import("@tufjs/models").TargetFile>;

/**
 * What the targets role signs.
 *
 * @internal
 */
export type Targets = InstanceType<typeof import("@tufjs/models").Targets>;

/**
 * What the timestamp role signs.
 *
 * @internal
 */
export type Timestamp = InstanceType<typeof import("@tufjs/models").Timestamp>;
