/**
 * `deno task sync`: writes what follows from the table of commands: permission sets and tasks in `deno.json`,
 * `lib/version.ts` from its version, what is rehearsed with, `REFERENCE.md`, the schema of project files, the library's
 * public names, and the scripts in the templates of `ci/`. A test fails where something else stands there.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import type { Need } from "../lib/cli/needs.ts";
import { readFileBounded } from "../lib/files/files.ts";
import { NPM_VARIABLES } from "./build_pkcs11.ts";
import { ciTemplates } from "./ci_templates.ts";
import { COMMANDS } from "./commands.ts";
import { type Entries, namesFile, publicNames } from "./public_names.ts";
import { schemaText } from "./project_schema.ts";
import { reference } from "./reference.ts";
import { rehearsalSample } from "./rehearsal_sample.ts";
import { commandSets, type PermissionSet, setName } from "./permissions.ts";

/** `deno.json`, as far as it is looked at. */
export interface Config {
  /** The version of tagseal. */
  readonly version: string;
  /** The entries of the library. */
  readonly exports: Entries;
  /** All else is kept as it is. */
  readonly [key: string]: unknown;
}

interface Task {
  readonly description: string;
  readonly command: string;
}

const MAX_CONFIG_BYTES = 2 ** 20;
/** Deno asks dl.deno.land for a newer version from time to time, unless told not to. */
const QUIETLY = "DENO_NO_UPDATE_CHECK=1";

/** What the tools of this project may do. */
const TOOL_SETS: Readonly<Record<string, PermissionSet>> = {
  "sync": {
    read: ["./"],
    write: [
      ...["./deno.json", "./lib/version.ts", "./REFERENCE.md", "./tagseal.schema.json", "./tests/public_names.txt"],
      ...["./ci", "./lib/notary/rehearsal_sample.ts"],
    ],
    run: ["deno"],
  },
  "bundle": { read: true, write: ["./dist"], run: true },
  "compile": { read: true, write: ["./dist"], env: true, run: true },
  "release": { read: true, write: true, env: true, run: true, ffi: ["./.tagseal-pkcs11"] },
  "releasing": { read: true, write: true, env: true, ffi: ["./.tagseal-pkcs11"] },
  "build-pkcs11": {
    read: ["./"],
    write: ["./.tagseal-pkcs11"],
    env: { allow: NPM_VARIABLES, ignore: true },
    run: ["npm"],
    ffi: ["./.tagseal-pkcs11"],
  },
  "mutants": { read: true, write: true, env: true, run: true, sys: true },
  "tests": { read: ["./"], write: ["./dist"] },
  "bench": { read: true, write: true, net: true, env: true, run: true, sys: true },
};

const TOOLS: Readonly<Record<string, Task>> = {
  "build-pkcs11": {
    description: "Build the native addon for keys on PKCS#11 tokens; needs npm and a C++ compiler",
    command: program("build-pkcs11", "tasks/build_pkcs11.ts"),
  },
  "bundle": {
    description: "Write the single file dist/tagseal, which needs Deno and nothing else",
    command: program("bundle", "tasks/bundle.ts"),
  },
  "compile": {
    description: "Write programs with Deno inside, dist/tagseal-<system>; fetches Deno's runtime",
    command: releaseTool("compile", "compile"),
  },
  "release": {
    description: "Build a release, and publish it in the release repository",
    // A package that checks the bill of materials uses a module that the runtime warns of.
    command: `NODE_OPTIONS=--no-warnings ${releaseTool("release", "release")}`,
  },
  "release-renew": {
    description: "Sign what ends soon of the release repository anew; for each day, by a machine",
    command: releaseTool("release-renew"),
  },
  "release-rotate-key": {
    description: "Give a role of the release repository new keys",
    command: releaseTool("release-rotate-key"),
  },
  "sync": {
    description: "Write what follows from other files: permission sets, tasks, REFERENCE.md, templates of CI",
    command: program("sync", "tasks/sync.ts"),
  },
  "test": {
    description: "Run all tests; those whose real peers are missing say what to install",
    command: `${program("tests", "tests/together.ts")} && deno task -q test-modules`,
  },
  "test-modules": {
    description: "What `test` runs once it has written the modules",
    // Types are checked once, by `ok`; much of a test with real servers is waiting, so that more run than there are cores.
    // Real servers and what takes long run beside the others, of which it is asked what of lib/ they reach: those get
    // more arguments.
    command: [testsIn("first", 3), testsIn("measured", 2)].join(" & "),
  },
  "faults": {
    description: "Break each request of each command that writes in each way; minutes; --every 50 for a look",
    command: program("bench", "tests/faults/main.ts"),
  },
  "bench": {
    description: "Measure tagseal beside the notary client on real servers, and the work inside; --quick for a look",
    command: program("bench", "tests/bench/main.ts"),
  },
  "mutants": {
    description:
      "Change the sources in small ways, and say which changes no test notices: [lib/room|lib/file.ts] --core",
    command: program("mutants", "tests/mutants/main.ts"),
  },
  "ok": {
    description: "The gate: format, lint, types, documentation and its examples, tests",
    // What needs one core runs beside the tests, and ends them where it fails; more arguments are for `deno test`.
    command: "deno fmt --check && deno lint && deno check --doc . README.md GUIDE.md && " +
      "deno doc --lint mod.ts lib tasks && deno test -q -P --no-check --doc mod.ts lib & deno task test",
  },
};

/** Code comes from here and from the packages of `deno.lock` alone; what is imported from elsewhere would need no permission. */
function program(set: string, file: string): string {
  return `${QUIETLY} deno run -q --no-prompt --no-remote --frozen -P=${set} ${file}`;
}

/** The tests that `tests/together.ts` has put into a folder, so many modules at a time. */
function testsIn(folder: string, jobs: number): string {
  return `DENO_JOBS=${jobs} deno test -q -P --no-check --parallel dist/tests/${folder}/`;
}

/** A tool of whoever publishes tagseal. */
function releaseTool(name: string, set = "releasing"): string {
  return `TAGSEAL_CWD=$INIT_CWD ${program(set, `tasks/releases/main.ts ${name}`)}`;
}

/** The program runs in the project's folder and is told the user's. */
function tagseal(set: string, args = ""): string {
  return `TAGSEAL_CWD=$INIT_CWD ${program(set, "tasks/main.ts")}${args}`;
}

function tasks(): Record<string, Task> {
  const task = (name: string, description: string, needs: readonly Need[]): [string, Task] => [
    name,
    {
      description,
      // The runtime asks proxies for loopback, too, and what may see no variables cannot tell it otherwise.
      command: `${needs.includes("loopback") ? "NO_PROXY=localhost,127.0.0.1 " : ""}${
        tagseal(setName(needs), ` ${name}`)
      }`,
    },
  ];
  const own = Object.entries(COMMANDS).flatMap(([name, { summary, alias, needs }]) => [
    task(name, summary, needs),
    ...alias === undefined ? [] : [task(alias, `The same as ${name}`, needs)],
  ]);
  return {
    ...Object.fromEntries(own),
    "with-token": {
      description: "Run a command with keys on a PKCS#11 token: deno task with-token <command> ...",
      command: tagseal("token"),
    },
    ...TOOLS,
  };
}

/** `deno.json` as it should be. */
export function configFrom(now: Config): Config {
  return { ...now, permissions: { ...commandSets(), ...TOOL_SETS }, tasks: tasks() };
}

/** `lib/version.ts` as it should be. */
export function versionModule({ version }: Config): string {
  return `// Written by \`deno task sync\`.\n\n/** The version of \`deno.json\`. */\nexport const VERSION = ${
    JSON.stringify(version)
  };\n`;
}

/** Text of a JSON file, as `deno fmt` leaves it. */
export function formatConfig(config: Config): string {
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

if (import.meta.main) {
  const path = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));
  const read = async (name: string) => new TextDecoder().decode(await readFileBounded(path(name), MAX_CONFIG_BYTES));
  const now: Config = JSON.parse(await read("deno.json"));
  // Commands write nothing into the project; this tool is made for it.
  const write = (name: string, text: string) => Deno.writeTextFile(path(name), text);
  await write("deno.json", formatConfig(configFrom(now)));
  await write("lib/version.ts", versionModule(now));
  await write("lib/notary/rehearsal_sample.ts", await rehearsalSample(read));
  await write("REFERENCE.md", await reference());
  await write("tagseal.schema.json", await schemaText());
  await write("tests/public_names.txt", namesFile(await publicNames(now.exports)));
  for (const [name, text] of await ciTemplates(read)) await write(name, text);
}
