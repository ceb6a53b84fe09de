/**
 * The text of the single file: a shell script for its first lines, JavaScript for Deno from its first to its last. The
 * program lies in it in parts, as comments: Deno passes over them and compiles only those that a command needs, and an
 * older Deno reads nothing that it could not understand before it has been told that it is too old.
 *
 * Passing over them takes 12 ms for each MB, on a fresh agent twice that: the shell has Deno run a line of its own, which
 * takes the program out of the file as text. Whoever gives the file itself to Deno, as on Windows, runs the same program.
 *
 * @module
 */
import { OLDEST_DENO } from "../lib/flows/doctor/machine.ts";
import { PROGRAM_FLAGS } from "./permissions.ts";

/** How Deno is started on a file that stands alone: with no project around it, and no file of others that it may find. */
export const FILE_FLAGS: readonly string[] = [
  ...["--quiet", "--no-config", "--no-lock", "--no-remote", "--no-npm", "--ext=js"],
  ...PROGRAM_FLAGS,
];

const OLDEST = OLDEST_DENO.join(".");

/** Whatever runs so many parts is a command at work: the version and the texts of help take fewer. */
const COMMAND_PARTS = 36;
/** By then the connections of a command's first requests are begun, which parts that are run would hold up. */
const CONNECTING_MS = 12;

/** What stands around the program at the end of the file. */
const [BEGIN, END] = ["\nconst program = ", ";\nawait program("];

/** What Deno runs in place of the file, whose path is its first argument. */
const STARTER = "const [path, ...args] = Deno.args;" +
  'let file = ""; try { file = Deno.readTextFileSync(path); } catch {}' +
  `const [begin, end] = ${JSON.stringify([BEGIN, END])}.map((mark) => file.lastIndexOf(mark));` +
  "if (begin < 0 || end < begin) {" +
  'console.error("tagseal: error: " + path + " is not the whole program, or Deno may not read it there");' +
  'console.error("tagseal: next: Fetch it anew, into a folder on a disk, and call it by its path");' +
  "Deno.exit(2); }" +
  'Object.defineProperty(Deno, "args", { value: args });' +
  'const whole = path.startsWith("/") && path || Deno.cwd() + "/" + path;' +
  'const url = new URL("file://" + whole.split("/").map(encodeURIComponent).join("/"));' +
  `await (0, eval)(file.slice(begin + ${BEGIN.length}, end))(file, url.href)`;
/** What ends a URL, and what ends a text in the shell. */
if (/[?#']/.test(STARTER)) throw new Error("The starter holds what a URL or a shell takes for its own");
const STARTER_URL = `data:text/javascript,${encodeURI(STARTER)}`;

/**
 * What the shell runs; JavaScript sees a string and a comment in each line. Deno keeps compiled code in a cache and runs
 * what it finds there: only in a home that is the user's own, or where the user says, else nowhere.
 */
const SHELL: readonly string[] = [
  `command -v deno >/dev/null || { echo "tagseal: error: Deno is not on PATH; install Deno ${OLDEST} or newer ` +
  `(https://deno.com)" >&2; exit 127; }`,
  `[ -n "$DENO_DIR$XDG_CACHE_HOME" ] || [ -O "$HOME" ] || export DENO_DIR=/dev/null/none`,
  "export DENO_NO_UPDATE_CHECK=1",
  // Shells on Windows change arguments that look like a list of paths. From the other places Deno runs what programs may
  // not read.
  `case "$OS:$0" in Windows_NT:* | *:/dev/* | *:/proc/* | *:/sys/*) set -- "$0" "$@" ;; ` +
  `*) set -- '${STARTER_URL}' "$0" "$@" ;; esac`,
  `exec deno run ${FILE_FLAGS.join(" ")} \${TAGSEAL_PKCS11_ADDON:+"--allow-ffi=$TAGSEAL_PKCS11_ADDON"} "$@"`,
];

/** What Deno's bundler makes for CommonJS libraries as soon as it is run, by a module that most commands do not use. */
const RUNTIME_REQUIRE = /\(0,\w+\.createRequire\)\(programUrl\)/g;

/** What stands before the parts, and at the end of each. */
const [PARTS, PART_END] = ["const parts = {\n", "*/},\n"];

/** The end of a comment, as it stands in a part, which is one. */
const [COMMENT_END, SPELLED_END] = ["*/", "*~/"];

/**
 * The program that loads the parts: from the file's text, or from an object. A part is a method whose only comment is the
 * text of a CommonJS module: the runtime passes over it, and the method tells it again. What a part takes from the platform
 * is loaded when it is first used, since most of it is large and few commands use it.
 */
const LOADER = `async (source, programUrl) => {
const [major, minor] = Deno.version.deno.split(".").map(Number);
if (major < ${OLDEST_DENO[0]} || (major === ${OLDEST_DENO[0]} && minor < ${OLDEST_DENO[1]})) {
  console.error("tagseal: error: tagseal needs Deno ${OLDEST} or newer, and this is " + Deno.version.deno);
  console.error("tagseal: next: Install a newer one: deno upgrade, or https://deno.com");
  Deno.exit(2);
}
const partsIn = (file) => {
  const found = {};
  for (let at = file.indexOf(${JSON.stringify(PARTS)}) + ${PARTS.length}; file[at] === '"';) {
    const [begin, end] = [at, file.indexOf(${JSON.stringify(PART_END)}, at) + ${PART_END.length}];
    found[file.slice(begin + 1, file.indexOf('"', begin + 1))] = { toString: () => file.slice(begin, end - 2) };
    at = end;
  }
  return found;
};
const parts = typeof source === "string" ? partsIn(source) : source;
const [named, loaded] = [{}, {}];
const builtin = (name) => process.getBuiltinModule(name);
const late = (name) => new Proxy({}, {
  get: (_, key) => builtin(name)[key],
  ownKeys: () => Reflect.ownKeys(builtin(name)),
  getOwnPropertyDescriptor(_, key) {
    const own = Object.getOwnPropertyDescriptor(builtin(name), key);
    return own && { ...own, configurable: true };
  },
});
// A CommonJS library is run when it is used, and may need the module itself: a class made of what stands for it is none.
const library = (name) => name.startsWith("node:") ? builtin(name) : load(name);
// A part is run when something of it is used, not when another one names it: commands name far more than they use.
const load = (name) => {
  if (name.startsWith("node:")) return named[name] ??= late(name);
  if (!name.startsWith("./")) return builtin("node:module").createRequire(programUrl)(name);
  return named[name] ??= Object.create(new Proxy({}, { get: (_, key) => (loaded[name] ?? run(name)).exports[key] }));
};
const run = (name) => {
  const told = parts[name].toString();
  const text = told.slice(told.indexOf("/*") + 2, -"*/}".length).replaceAll("${SPELLED_END}", "*" + "/");
  const part = (0, eval)("(function(require,module,exports,programUrl){" + text + "\\n})\\n//# sourceURL=tagseal/" + name.slice(2));
  const module = loaded[name] = { exports: {} };
  try {
    part(load, module, module.exports, programUrl);
  } catch (error) {
    delete loaded[name];
    throw error;
  }
  Object.defineProperties(load(name), Object.getOwnPropertyDescriptors(module.exports));
  if (Object.keys(loaded).length === ${COMMAND_PARTS}) later(0, () => later(${CONNECTING_MS}, ahead));
  return module;
};
// A command that waits for servers has what it will use of their answers run by then, a little at a time.
const later = (ms, act) => AbortSignal.timeout(ms).addEventListener("abort", act);
const ahead = () => {
  for (const began = performance.now(); performance.now() - began < 2;) {
    const name = Object.keys(named).find((name) => parts[name] && !(name in loaded));
    if (!name) return;
    try {
      run(name);
    } catch {
      return; // told to whoever uses it
    }
  }
  later(1, ahead);
};
load.library = library;
await load("./main.js").main();
}`;

/** The runtime takes two bytes for each character of a text in which one is not ASCII. */
function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/**
 * Makes the file from the program's parts by name, CommonJS modules all, where `main.js` exports `main`, and each finds
 * the file's address in `programUrl`.
 *
 * @throws {Error} where a part cannot be written so, or takes a part that is not there
 */
export function singleFile(parts: ReadonlyMap<string, string>): string {
  const methods = [...parts].map(([name, source]) => {
    if (source.includes(SPELLED_END)) throw new Error(`"${name}" holds "${SPELLED_END}"`);
    for (const [, other] of source.matchAll(/\brequire\("\.\/([^"]*)"\)/g)) {
      if (!parts.has(other!)) throw new Error(`There is no part "${other}"`);
    }
    const text = source.replaceAll(RUNTIME_REQUIRE, "require.library").replaceAll(COMMENT_END, SPELLED_END)
      .replace(/[^\0-\x7f]/g, escaped);
    return `${JSON.stringify(`./${name}`)}(){/*${text}${PART_END}`;
  });
  const shell = SHELL.map((line) => `":" //; ${line}\n`).join("");
  return `#!/bin/sh\n${shell}${PARTS}${methods.join("")}};${BEGIN}${LOADER}${END}parts, import.meta.url);\n`;
}
