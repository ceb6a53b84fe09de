/** The library is used from scripts as well: what it says names no flag, no command and no variable of the command line. */
import assert from "node:assert/strict";
import { globalFlags } from "../lib/cli/common_flags.ts";
import { COMMANDS } from "../tasks/commands.ts";
import { VARIABLES } from "../tasks/variables.ts";

/** Those that only tagseal reads, or that are set for it: others are facts of Docker, the runtime or the network. */
const OWN = /^(?:NOTARY_|REGISTRY_AUTH|SIGNPATH_|TAGSEAL_|DOCKER_CONTENT_TRUST)/;

/** What is no advice. */
const ALLOWED: readonly (readonly [file: string, word: string])[] = [
  ["lib/local/stack_identity.ts", "tagseal local"], // the name of its CA
  ["lib/signpath/hash_signing.ts", "--repository"],
  ["lib/signpath/hash_signing.ts", "tagseal sign"], // how SignPath's audit log names who asks
  ["lib/flows/policies/kubernetes.ts", "--dry-run"], // kubectl's
  ["lib/flows/policies/podman.ts", "--policy"], // skopeo's
];

const root = new URL("../", import.meta.url);

async function* sources(folder: string): AsyncIterable<string> {
  for await (const { name, isDirectory } of Deno.readDir(new URL(`${folder}/`, root))) {
    const path = `${folder}/${name}`;
    if (isDirectory && path !== "lib/cli") yield* sources(path);
    else if (name.endsWith(".ts")) yield path;
  }
}

/** The flags, commands and variables among `names` that a source's literals hold. */
function wordsOf(source: string, names: Names): string[] {
  const code = source.split("\n").filter((line) => !/^\s*(?:\/?\*|\/\/)/.test(line));
  return code.flatMap((line) => {
    const literals = [...line.matchAll(/"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*/g)].map(([literal]) => literal).join("\n");
    // A sentence may go on in a line of its own; variables are looked for in quotes, as constants are named alike.
    const flags = [...line.matchAll(/(?<![\w-])--[a-z][a-z0-9-]*/g)].map(([flag]) => flag);
    const commands = [...line.matchAll(/\btagseal [a-z-]+/g)].map(([command]) => command);
    const variables = [...literals.matchAll(/\b[A-Z][A-Z0-9_]+\b/g)].map(([name]) => name);
    return [
      ...flags.filter((flag) => names.flags.has(flag)),
      ...commands.filter((command) => names.commands.has(command)),
      ...variables.filter((name) => names.variables.has(name)),
    ];
  });
}

interface Names {
  readonly flags: ReadonlySet<string>;
  readonly commands: ReadonlySet<string>;
  readonly variables: ReadonlySet<string>;
}

async function names(): Promise<Names> {
  const loaded = await Promise.all(Object.values(COMMANDS).map(({ load }) => load()));
  const flags = [...loaded.flatMap(({ command }) => Object.values(command.flags)), ...Object.values(globalFlags)];
  return {
    flags: new Set(flags.map(({ spec }) => /--[a-z0-9-]+/.exec(spec)![0])),
    commands: new Set(Object.keys(COMMANDS).map((name) => `tagseal ${name}`)),
    variables: new Set(Object.keys(VARIABLES).filter((name) => OWN.test(name))),
  };
}

Deno.test("library words: a flag, a command and a variable are found, comments and constants are not", async () => {
  const all = await names();
  const source = [
    'remedy: "Give --root-pin, or set TAGSEAL_ROOT_PIN; " +',
    "  `then tagseal verify`,",
    "/** `--tags` of tagseal sign. */",
    "  // --tags",
    "const url = SIGNPATH_API_URL;",
    'const ours = ["--image", "tagseal asks", "HTTPS_PROXY"];',
  ].join("\n");
  assert.deepEqual(wordsOf(source, all), ["--root-pin", "TAGSEAL_ROOT_PIN", "tagseal verify"]);
});

Deno.test("library words: what is thrown below the command line does not speak of it", async () => {
  const all = await names();
  const found: string[] = [];
  let count = 0;
  for await (const file of sources("lib")) {
    count++;
    const words = wordsOf(await Deno.readTextFile(new URL(file, root)), all);
    const isAllowed = (word: string) => ALLOWED.some(([where, what]) => where === file && what === word);
    found.push(...words.filter((word) => !isAllowed(word)).map((word) => `${file}: ${word}`));
  }
  assert.ok(count > 100);
  assert.deepEqual(found, []);
});
