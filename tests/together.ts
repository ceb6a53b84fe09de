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
 * What takes ten seconds of work or more, from the longest on: these begin first, so that nobody waits for one of them
 * alone in the end. Most of them do the same many times over, where to count what they reach costs a lot.
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
  "peers/forgeries_test.ts",
  "peers/sign_scheme_test.ts",
  "peers/key_life_test.ts",
  "tasks/killed_test.ts",
  "mod_test.ts",
  "tasks/planted_secrets_test.ts",
  "peers/killed_jobs_test.ts",
  "peers/crowd_test.ts",
  "parsers_test.ts",
  "tasks/proxy_test.ts",
  "tasks/bundle_test.ts",
  "tasks/compile_test.ts",
  "peers/report_test.ts",
];

/** How many files share a module: of those that take long one, two with it; of the others that many. */
const TOGETHER = { long: 3, others: 12 };

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

/** Modules in the order in which they run: what is not asked what of lib/ it reaches, and the rest. */
export function shares(files: readonly string[]): { readonly first: string[][]; readonly measured: string[][] } {
  const long = LONG.filter((path) => files.includes(path));
  const others = files.filter((path) => !long.includes(path));
  return {
    first: [...dealt(long, TOGETHER.long), ...dealt(others.filter((path) => PEERS.test(path)), TOGETHER.others)],
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
