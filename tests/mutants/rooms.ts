/** Which files are mutated, and which tests are asked first. @module */

/** What is mutated where nothing is named. */
export const ALL: readonly string[] = ["lib/tuf", "lib/http", "lib/signing", "lib/signpath", "lib/schemes"];

/** Places with the folders whose tests are about them, the nearest first; the longest that fits a file is its own. */
const NEAR: Readonly<Record<string, readonly string[]>> = {
  "lib/tuf": ["tests/tuf", "tests/notary"],
  "lib/http": ["tests/http", "tests/registry", "tests/signpath"],
  "lib/signing": ["tests/signing", "tests/schemes", "tests/signpath"],
  "lib/signpath": ["tests/signpath", "tests/signing"],
  "lib/schemes": ["tests/schemes", "tests/signing"],
  "lib/schemes/notary_v1": ["tests/schemes/notary_v1", "tests/signing", "tests/flows"],
  "lib/schemes/cosign": ["tests/schemes/cosign", "tests/signing"],
  "lib/schemes/notation": ["tests/schemes/notation", "tests/signing"],
};

/** The folders with the tests that are about some of `files`, the nearest first. */
export function foldersNear(files: readonly string[]): (readonly string[])[] {
  const longest = Object.keys(NEAR).sort((a, b) => b.length - a.length);
  return [...new Set(files.map((file) => longest.find((place) => file.startsWith(`${place}/`))))]
    .map((place) => place === undefined ? [] : NEAR[place]!);
}

/** The tests that are asked about what survives: whole flows and commands, on servers in memory. */
export const WIDER: readonly string[] = ["tests/flows", "tests/library", "tests/notary", "tests/cli", "tests/tasks"];

/** Tests that start programs, or that read the sources as they stand. */
export const NOT_HERE =
  /^tests\/(?:tuf\/parsers|notary\/concurrency|registry\/real_registry|tasks\/(?:accepted|build_pkcs11|bundle|ci_templates_lint|compile|credential_helper|demo|guide|hostile_sizes|killed|local|main|readme|release|self_update|start|sync|windows_launcher|with_token))_test\.ts$/;

/** What decides whether something is trusted, signed or sent, and the tests that are about that. */
export const CORE: { readonly files: readonly string[]; readonly tests: readonly string[] } = {
  files: [
    "lib/crypto/spki.ts",
    "lib/tuf/listed.ts",
    "lib/tuf/trusted.ts",
    "lib/tuf/threshold.ts",
    "lib/tuf/root_keys.ts",
    "lib/tuf/resolve.ts",
    "lib/tuf/edit.ts",
    "lib/tuf/fast_parse.ts",
    "lib/schemes/notary_v1/verify_tags.ts",
    "lib/signing/sign.ts",
    "lib/signing/apart.ts",
    "lib/signing/at_once.ts",
    "lib/signing/earlier_signatures.ts",
    "lib/signing/file_once.ts",
    "lib/signing/manifest_words.ts",
    "lib/signing/origin.ts",
    "lib/signing/outcomes.ts",
    "lib/signing/request_signature.ts",
    "lib/signing/turns.ts",
  ],
  tests: [
    "tests/crypto/spki_test.ts",
    "tests/crypto/keys_test.ts",
    "tests/tuf/threshold_test.ts",
    "tests/tuf/resolve_test.ts",
    "tests/tuf/edit_test.ts",
    "tests/tuf/fast_parse_test.ts",
    "tests/tuf/root_keys_test.ts",
    "tests/tuf/trusted_types_test.ts",
    "tests/tuf/trusted_test.ts",
    "tests/schemes/notary_v1/verify_tags_test.ts",
    "tests/signing/sign_test.ts",
    "tests/signing/apart_test.ts",
    "tests/signing/at_once_test.ts",
    "tests/signing/earlier_signatures_test.ts",
    "tests/signing/file_once_test.ts",
    "tests/signing/manifest_words_test.ts",
    "tests/signing/origin_test.ts",
    "tests/signing/outcomes_test.ts",
    "tests/signing/request_signature_test.ts",
    "tests/signing/turns_test.ts",
  ],
};
