/**
 * Writes `dist/tests/`: modules that import several test files each. `deno test` gives every module that it is named an
 * engine of its own, which compiles all of tagseal anew; that took more than a third of the time.
 *
 * @module
 */

const TESTS = new URL("./", import.meta.url);
const FOLDER = new URL("../dist/tests/", import.meta.url);

/** What runs first and is not asked what of lib/ it reaches: it takes long, and others reach the same. */
const PEERS = "peers";

/** How many files share a module, in the order in which they run: what takes longest first, small ones at the end. */
const SHARES: readonly (readonly [room: RegExp, files: number])[] = [
  [/^peers\//, 4],
  [/^(?:faults|flows|notary)\//, 4],
  [/^tasks\//, 8],
  [/^/, 16],
];

/** The test files below a folder, as paths from there, in order. */
function testFiles(folder: URL): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory
      ? testFiles(new URL(`${name}/`, folder)).map((path) => `${name}/${path}`)
      : name.endsWith("_test.ts")
      ? [name]
      : []
  ).sort();
}

/** Each file in one share. */
export function shares(files: readonly string[]): string[][] {
  const left = new Set(files);
  return SHARES.flatMap(([room, most]) => {
    const own = [...left].filter((path) => room.test(path));
    own.forEach((path) => left.delete(path));
    const count = Math.ceil(own.length / most);
    // Neighbours take about as long as each other, so that they are dealt out.
    return Array.from({ length: count }, (_, i) => own.filter((_, n) => n % count === i));
  });
}

if (import.meta.main) {
  Deno.mkdirSync(FOLDER, { recursive: true });
  for (const { name } of Deno.readDirSync(FOLDER)) Deno.removeSync(new URL(name, FOLDER), { recursive: true });
  for (const folder of [PEERS, "others"]) Deno.mkdirSync(new URL(`${folder}/`, FOLDER));
  for (const [i, files] of shares(testFiles(TESTS)).entries()) {
    const folder = files[0]!.startsWith(`${PEERS}/`) ? PEERS : "others";
    const lines = files.map((path) => `import "../../../tests/${path}";\n`).join("");
    Deno.writeTextFileSync(new URL(`${folder}/${String(i + 1).padStart(2, "0")}_test.js`, FOLDER), lines);
  }
}
