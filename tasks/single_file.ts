/**
 * The text of the single file: a shell script for its first lines, JavaScript for Deno from its first to its last. The
 * program lies in it in parts, as text: Deno reads and compiles only those that a command needs, and an older Deno reads
 * nothing that it could not understand before it has been told that it is too old.
 *
 * @module
 */
import { PROGRAM_FLAGS } from "./permissions.ts";

/** The oldest Deno that the program runs on: major and minor version. */
export const OLDEST_DENO: readonly [number, number] = [2, 9];

/** How Deno is started on a file that stands alone: with no project around it, and no file of others that it may find. */
export const FILE_FLAGS: readonly string[] = [
  ...["--quiet", "--no-config", "--no-lock", "--no-remote", "--no-npm", "--ext=js"],
  ...PROGRAM_FLAGS,
];

const OLDEST = OLDEST_DENO.join(".");

/**
 * What the shell runs; JavaScript sees a string and a comment in each line. Deno keeps compiled code in a cache and runs
 * what it finds there: only in a home that is the user's own, or where the user says, else nowhere.
 */
const SHELL: readonly string[] = [
  `command -v deno >/dev/null || { echo "tagseal: error: Deno is not on PATH; install Deno ${OLDEST} or newer ` +
  `(https://deno.com)" >&2; exit 127; }`,
  `[ -n "$DENO_DIR$XDG_CACHE_HOME" ] || [ -O "$HOME" ] || export DENO_DIR=/dev/null/none`,
  "export DENO_NO_UPDATE_CHECK=1",
  `exec deno run ${FILE_FLAGS.join(" ")} \${TAGSEAL_PKCS11_ADDON:+"--allow-ffi=$TAGSEAL_PKCS11_ADDON"} "$0" "$@"`,
];

/** The program that loads the parts: `parts` are texts, with the name of another part after each but the last. */
const LOADER = `
const [major, minor] = Deno.version.deno.split(".").map(Number);
if (major < ${OLDEST_DENO[0]} || (major === ${OLDEST_DENO[0]} && minor < ${OLDEST_DENO[1]})) {
  console.error("tagseal: error: tagseal needs Deno ${OLDEST} or newer, and this is " + Deno.version.deno);
  console.error("tagseal: next: Install a newer one: deno upgrade, or https://deno.com");
  Deno.exit(2);
}
const urls = {};
const text = (piece, i) => i % 2 ? tagsealPart(piece) : piece;
globalThis.tagsealPart = (name) =>
  urls[name] ??= URL.createObjectURL(new Blob(parts[name].map(text), { type: "text/javascript" }));
tagsealPart.url = import.meta.url;
await import(tagsealPart("main.js"));
`;

/**
 * Makes the file from the bundler's output by name, where `main.js` is the program.
 *
 * @throws {Error} where the output is not as it was when this was written
 */
export function singleFile(output: ReadonlyMap<string, string>): string {
  const parts = Object.fromEntries([...output].map(([name, source]) => [name, piecesOf(name, source, output)]));
  requireNoCycles(parts);
  const shell = SHELL.map((line) => `":" //; ${line}\n`).join("");
  return `#!/bin/sh\n${shell}const parts = ${JSON.stringify(parts)};${LOADER}`;
}

/** A part's source, cut where the address of another part is to stand. */
function piecesOf(name: string, source: string, output: ReadonlyMap<string, string>): string[] {
  const program = name === "main.js" ? once(source, "import.meta.main", "true") : source;
  const pieces = program.replaceAll("import.meta.url", "tagsealPart.url")
    .replaceAll(/\bimport\("\.\/([^"]+)"\)/g, (_, part: string) => `import(tagsealPart("${known(part, output)}"))`)
    .split(/(?<=\b(?:from|import)")\.\/([^"]+)(?=")/);
  for (const [i, piece] of pieces.entries()) if (i % 2 === 1) known(piece, output);
  const left = pieces.find((piece, i) => i % 2 === 0 && [...output.keys()].some((part) => piece.includes(`./${part}`)));
  if (left !== undefined || program.includes("import.meta.main")) throw new Error(`"${name}" is not understood`);
  return pieces;
}

function known(part: string, output: ReadonlyMap<string, string>): string {
  if (!output.has(part)) throw new Error(`There is no part "${part}"`);
  return part;
}

function once(source: string, what: string, by: string): string {
  if (source.split(what).length !== 2) throw new Error(`"${what}" is not there once`);
  return source.replace(what, by);
}

/** A part's address is known once those of the parts are that it imports at once. */
function requireNoCycles(parts: Readonly<Record<string, readonly string[]>>): void {
  const done = new Set<string>();
  const visit = (name: string, above: readonly string[]) => {
    if (above.includes(name)) throw new Error(`Parts import each other: ${[...above, name].join(" -> ")}`);
    if (done.has(name)) return;
    for (const [i, piece] of parts[name]!.entries()) if (i % 2 === 1) visit(piece, [...above, name]);
    done.add(name);
  };
  for (const name of Object.keys(parts)) visit(name, []);
}
