/**
 * Writes `dist/tests/`: modules that import several test files each. `deno test` gives every module that it is named an
 * engine of its own, which compiles all of tagseal anew; that took more than a third of the time.
 *
 * @module
 */

export const TESTS: URL = new URL("./", import.meta.url);
const FOLDER = new URL("../dist/tests/", import.meta.url);

/** Tests with real servers: they reach of lib/ what others reach as well. */
const PEERS = /^peers\//;

/**
 * What takes five seconds of work or more and reaches of lib/ what others reach as well, from the longest on: these begin
 * first, so that nobody waits for one of them alone in the end. Most of them do the same many times over, where to count
 * what they reach costs a lot.
 */
export const LONG: readonly string[] = [
  "peers/ci_templates_test.ts",
  "peers/notation_test.ts",
  "peers/reading_test.ts",
  "peers/signing_test.ts",
  "peers/move_test.ts",
  "tasks/release_test.ts",
  "notary/attacks_test.ts",
  "tasks/hostile_sizes_test.ts",
  "peers/cosign_test.ts",
  "peers/cosign_forgeries_test.ts",
  "peers/reference_clients_test.ts",
  "faults/faults_test.ts",
  "flows/move_repository_test.ts",
  "peers/forgeries_test.ts",
  "peers/sign_scheme_test.ts",
  "peers/key_life_test.ts",
  "tasks/self_update_test.ts",
  "tasks/killed_test.ts",
  "mod_test.ts",
  "tasks/planted_secrets_test.ts",
  "peers/killed_jobs_test.ts",
  "peers/crowd_test.ts",
  "parsers_test.ts",
  "flows/publishing_proofs_test.ts",
  "tasks/secrets_in_processes_test.ts",
  "signing/hash_signer_test.ts",
  "tasks/proxy_test.ts",
  "tasks/bundle_test.ts",
  "tasks/compile_test.ts",
  "schemes/notation/verify_test.ts",
  "keystore/pkcs11_keys_test.ts",
  "signing/payload_signer_test.ts",
  "schemes/notary_v1/push_trust_data_test.ts",
  "tuf/parsers_test.ts",
  "tasks/least_privilege_test.ts",
  "tasks/main_test.ts",
  "tasks/accepted_test.ts",
  "tasks/credential_helper_test.ts",
  "tasks/log_readers_test.ts",
  "service_parsers_test.ts",
  "tasks/ci_templates_lint_test.ts",
  "notary/growth_test.ts",
  "peers/report_test.ts",
];

/** How many files share a module: each module costs two seconds, and the lanes want some to choose from. */
const TOGETHER = { long: 4, peers: 6, others: 32 };

/** The test files below a folder, as paths from there, in order. */
export function testFiles(folder: URL): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory
      ? testFiles(new URL(`${name}/`, folder)).map((path) => `${name}/${path}`)
      : name.endsWith("_test.ts")
      ? [name]
      : []
  ).sort();
}

/** Modules in the order in which they begin: what is not asked what of lib/ it reaches, and beside it the rest. */
export function shares(files: readonly string[]): { readonly first: string[][]; readonly measured: string[][] } {
  const long = LONG.filter((path) => files.includes(path));
  const others = files.filter((path) => !long.includes(path));
  return {
    first: [...dealt(long, TOGETHER.long), ...dealt(others.filter((path) => PEERS.test(path)), TOGETHER.peers)],
    measured: dealt(others.filter((path) => !PEERS.test(path)), TOGETHER.others),
  };
}

/** Shares of at most so many: neighbours take about as long as each other, so that they are dealt out. */
function dealt(files: readonly string[], most: number): string[][] {
  const count = Math.ceil(files.length / most);
  return Array.from({ length: count }, (_, i) => files.filter((_, n) => n % count === i));
}

if (import.meta.main) {
  for (const [folder, modules] of Object.entries(shares(testFiles(TESTS)))) {
    const into = new URL(`${folder}/`, FOLDER);
    Deno.mkdirSync(into, { recursive: true });
    for (const { name } of Deno.readDirSync(into)) Deno.removeSync(new URL(name, into));
    for (const [i, files] of modules.entries()) {
      const lines = files.map((path) => `import "../../../tests/${path}";\n`).join("");
      Deno.writeTextFileSync(new URL(`${String(i + 1).padStart(2, "0")}_test.js`, into), lines);
    }
  }
}
