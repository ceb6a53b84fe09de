/**
 * `deno task mutants [lib/room | lib/room/file.ts …] [--core] [--near] [--tests=FILE,…] [--jobs=N] [--verbose]`:
 * changes the sources in many small ways, and says which changes no test notices.
 *
 * A copy of the project is written that holds all mutants at once. The tests run over it once, so that each mutant is
 * tried with those tests alone that reach it, in processes that stay. Fails where a mutant survives that is not argued in
 * `argued.ts`, and where an argument there is about nothing.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { ARGUED } from "./argued.ts";
import { judge } from "./judge.ts";
import { type Mutant, writeMutants } from "./mutants.ts";
import { JOBS } from "./pool.ts";
import { ALL, CORE, foldersNear, NOT_HERE, WIDER } from "./rooms.ts";
import { Tests, tryMutants } from "./run.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

async function filesBelow(path: string, ending: string): Promise<string[]> {
  if (path.endsWith(ending)) return [path];
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(join(root, path))) {
    if (isDirectory) found.push(...await filesBelow(`${path}/${name}`, ending));
    else if (name.endsWith(ending)) found.push(`${path}/${name}`);
  }
  return found.sort();
}

async function testsIn(folders: readonly string[]): Promise<string[]> {
  const files = await Promise.all(folders.map((folder) => filesBelow(folder, "_test.ts")));
  return [...new Set(files.flat())].filter((file) => !NOT_HERE.test(file));
}

const encoder = new TextEncoder();

function print(text: string): void {
  Deno.stdout.writeSync(encoder.encode(`${text}\n`));
}

let saidAt = 0;
function say(text: string): void {
  if (Deno.stderr.isTerminal()) Deno.stderr.writeSync(encoder.encode(`\r\x1b[K${text}`));
  else if (text && performance.now() - saidAt > 20_000) {
    saidAt = performance.now();
    Deno.stderr.writeSync(encoder.encode(`${text}\n`));
  }
}

/** The tests to be asked, one list after the other: those of the rooms, then the next, then the wider ones. */
async function layers(rooms: readonly (readonly string[])[], near: boolean): Promise<string[][]> {
  const depth = Math.max(...rooms.map((folders) => folders.length));
  const folders = Array.from({ length: depth }, (_, at) => rooms.flatMap((folders) => folders[at] ?? []));
  const taken = new Set<string>();
  const lists: string[][] = [];
  for (const layer of near ? folders : [...folders, WIDER]) {
    const files = (await testsIn(layer)).filter((file) => !taken.has(file));
    files.forEach((file) => taken.add(file));
    lists.push(files);
  }
  return lists;
}

/** Says of each mutant, where that is wanted, which test noticed. */
function tried({ file, at, change }: Mutant, noticedBy = "nobody yet"): void {
  if (verbose) print(`${file}:${at} ${change} | ${noticedBy}`);
}

/** The mutants that no test notices; the next tests are asked about what is left alone, unless it is argued. */
async function survivorsOf(mutants: readonly Mutant[], folder: string): Promise<Mutant[]> {
  let survivors = [...mutants];
  for (const [at, testFiles] of (asked ? [asked] : await layers(foldersNear(files), near)).entries()) {
    const open = at === 0 ? survivors : judge(survivors, ARGUED).unargued;
    if (open.length === 0) break;
    const tests = new Tests(folder, mutants, jobs);
    await tests.learn(testFiles, say);
    if (verbose) { for (const [file, seconds] of tests.seconds) print(`learnt: ${file} ${seconds.toFixed(2)} s`); }
    for (const text of tests.failing) print(`not asked: ${text}`);
    const unargued = new Set(judge(mutants, ARGUED).unargued);
    const killers = await tryMutants(tests, open, say, tried, (mutant) => !unargued.has(mutant));
    survivors = survivors.filter((mutant) => !killers.has(mutant));
  }
  say("");
  return survivors;
}

const options = new Set(Deno.args.filter((word) => word.startsWith("--")));
const valueOf = (name: string) => [...options].find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
const jobs = Number(valueOf("--jobs") ?? JOBS);
const core = options.has("--core");
const near = options.has("--near");
const asked = core ? CORE.tests : valueOf("--tests")?.split(",");
const verbose = options.has("--verbose");
const named = Deno.args.filter((word) => !word.startsWith("--"));
const places = core ? CORE.files : named.length > 0 ? named : ALL;
const files = (await Promise.all(places.map((place) => filesBelow(place, ".ts")))).flat();
const started = performance.now();
const folder = await Deno.makeTempDir({ prefix: "tagseal-mutants-" });
try {
  const mutants = await writeMutants(root, folder, files);
  const survivors = await survivorsOf(mutants, folder);
  const { unargued, pointless, argued } = judge(survivors, ARGUED.filter(({ file }) => files.includes(file)));
  for (const { file, at, line, change } of unargued) print(`survives: ${file}:${at} ${change}\n    ${line}`);
  for (const { file, line, change } of pointless) print(`argued for nothing: ${file}: ${change}\n    ${line}`);
  for (const file of files) {
    const [all, left] = [mutants, unargued].map((some) => some.filter((mutant) => mutant.file === file).length);
    if (left) print(`${file}: ${left} of ${all} survive`);
  }
  const seconds = Math.round((performance.now() - started) / 1000);
  const noticed = mutants.length - survivors.length;
  print(
    `mutants: ${mutants.length} made, ${noticed} noticed, ${argued} argued, ${unargued.length} left (${seconds} s)`,
  );
  if (unargued.length + pointless.length > 0) Deno.exitCode = 1;
} finally {
  if (options.has("--keep")) print(folder);
  else await Deno.remove(folder, { recursive: true });
}
