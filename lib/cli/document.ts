/** The documents that `--json` prints. @module */

/** The vocabulary of the documents that `--json` prints; members may be added to it, and none changes its meaning. */
export const SCHEMA_VERSION = 1;

/** A document of `--json` with the version of its vocabulary; lists are documents of other programs (docker's). */
export function documentOf(json: unknown): unknown {
  return Array.isArray(json) ? json : { schemaVersion: SCHEMA_VERSION, ...json as object };
}
