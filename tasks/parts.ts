/**
 * The program in parts, as the bundler writes them: what the single file and the programs with Deno inside are made of.
 *
 * The bundler names parts by hashes into which the way from the project to Deno's cache goes. They get numbers here, in
 * the order in which they name each other, so that the same sources make the same bytes wherever they lie.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { utf8 } from "../lib/bytes/bytes.ts";
import { listFolder, removeFolder, requireFile, writeFileAtomically } from "../lib/files/files.ts";
import { bundle, toCommonJs } from "./bundler.ts";

/** The project's folder, with a slash at its end. */
export const PROJECT: string = fileURLToPath(new URL("..", import.meta.url));

/** The program's parts in a folder; `main.js` is where it begins. */
export interface Parts {
  /** The folder. */
  readonly folder: string;
  /** Their sources by name, as modules. */
  readonly sources: ReadonlyMap<string, string>;
  /** The folder in which the bundler has left them, with source maps where they were wanted. */
  readonly bundled: string;
}

const MAX_PART_BYTES = 16 * 2 ** 20;
const NAMED = /"\.\/([\w.-]+\.js)"/g;

/**
 * Bundles the program, with source maps if wanted, runs `use` on its parts, and removes them.
 *
 * @throws {TagsealError} what {@linkcode bundle} throws
 */
export async function withParts<T>(use: (parts: Parts) => Promise<T>, maps = false): Promise<T> {
  const folder = `${PROJECT}dist/parts-${crypto.randomUUID().slice(0, 8)}`;
  const bundled = `${folder}/bundled`;
  try {
    const flags = ["-q", "--minify", "--code-splitting", ...maps ? ["--sourcemap=external"] : []];
    await bundle(...flags, "--outdir", bundled, `${PROJECT}tasks/main.ts`);
    const sources = numbered(await sourcesIn(bundled));
    const options = { replace: true, ownCode: true, lazy: true };
    for (const [name, source] of sources) await writeFileAtomically(`${folder}/${name}`, utf8(source), options);
    return await use({ folder, sources, bundled });
  } finally {
    await removeFolder(folder);
  }
}

/** An import of a part for nothing but the order in which parts are run, which matters to none. */
const FOR_ORDER = /(?<=^|;)import"\.\/[\w.-]+\.js";/gm;

/** The same parts as CommonJS, by name; `address` is the expression that stands for the file's own address. */
export async function commonJsOf({ folder, sources }: Parts, address: string): Promise<Map<string, string>> {
  for (const [name, source] of sources) {
    const file = utf8(source.replaceAll(FOR_ORDER, ""));
    await writeFileAtomically(`${folder}/${name}`, file, { replace: true, ownCode: true, lazy: true });
  }
  await toCommonJs([...sources.keys()].map((name) => `${folder}/${name}`), address, `${folder}/common`);
  return await sourcesIn(`${folder}/common`);
}

async function sourcesIn(folder: string): Promise<Map<string, string>> {
  const sources = new Map<string, string>();
  for (const { name } of listFolder(folder)) {
    if (!name.endsWith(".js")) continue;
    sources.set(name, new TextDecoder().decode(await requireFile(`${folder}/${name}`, MAX_PART_BYTES)));
  }
  return sources;
}

/** The parts under numbers; `main.js` keeps its name. */
export function numbered(sources: ReadonlyMap<string, string>): Map<string, string> {
  const names = new Map([["main.js", "main.js"]]);
  for (const name of names.keys()) { // it grows on the way
    for (const [, other] of sources.get(name)!.matchAll(NAMED)) {
      if (sources.has(other!) && !names.has(other!)) names.set(other!, `${names.size}.js`);
    }
  }
  return new Map(
    [...names].map(([name, number]) => [
      number,
      sources.get(name)!.replaceAll(
        NAMED,
        (whole, other: string) => names.has(other) ? `"./${names.get(other)}"` : whole,
      ),
    ]),
  );
}
