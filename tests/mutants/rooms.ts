/** Which files are mutated, and which tests are asked first. @module */

/** Rooms with the folders whose tests are about them. */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  "lib/tuf": ["tests/tuf", "tests/notary"],
  "lib/http": ["tests/http", "tests/registry", "tests/signpath"],
  "lib/signing": ["tests/signing", "tests/schemes", "tests/signpath"],
  "lib/signpath": ["tests/signpath", "tests/signing"],
  "lib/schemes": ["tests/schemes", "tests/signing"],
};

/** The tests that are asked about what survives: whole flows and commands, on servers in memory. */
export const WIDER: readonly string[] = ["tests/flows", "tests/library", "tests/notary", "tests/cli", "tests/tasks"];

/** Tests that start programs, or that read the sources as they stand. */
export const NOT_HERE =
  /^tests\/(?:tuf\/parsers|notary\/concurrency|registry\/real_registry|tasks\/(?:accepted|build_pkcs11|bundle|ci_templates_lint|compile|credential_helper|demo|guide|hostile_sizes|killed|local|main|readme|release|self_update|start|sync|windows_launcher|with_token))_test\.ts$/;

/** What decides whether something is trusted, signed or sent. */
export const CORE: readonly string[] = [
  "lib/tuf/trusted.ts",
  "lib/tuf/threshold.ts",
];
