/**
 * What each task and the single file may do, tried: a program that tries everything is started in place of tagseal, with
 * the very flags of the task. What a command may do follows here from its needs by a table of its own, so that a wider
 * set, a new need or a new tool without a row fails.
 */
import assert from "node:assert/strict";
import type { Need } from "../../lib/cli/needs.ts";
import { CODE } from "../../lib/files/open.ts";
import { COMMANDS } from "../../tasks/commands.ts";
import { FILE_FLAGS } from "../../tasks/single_file.ts";
import { inFolder } from "../support/test_files.ts";

const PROJECT = new URL("../../", import.meta.url).pathname;
const { tasks, permissions }: {
  tasks: Record<string, { command: string }>;
  permissions: Record<string, unknown>;
} = JSON.parse(await Deno.readTextFile(`${PROJECT}deno.json`));

const ROOT = ["NOTARY_ROOT_PASSPHRASE", "DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE"];
const TARGETS = ["NOTARY_TARGETS_PASSPHRASE", "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE"];
const DELEGATION = ["NOTARY_DELEGATION_PASSPHRASE", "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE"];
const RELEASES = ["ROOT", "TARGETS", "SNAPSHOT", "TIMESTAMP"].map((role) => `TAGSEAL_RELEASE_${role}_PASSPHRASE`);
const SERVERS = ["NOTARY_AUTH", "REGISTRY_AUTH", "DOCKER_AUTH_CONFIG", "SIGNPATH_API_TOKEN"];
/** What some command reads. */
const SECRETS = [...SERVERS, "TAGSEAL_PKCS11_PIN", ...new Set([...ROOT, ...TARGETS, ...DELEGATION])];
/** With what no command reads, and what it may be told to read. */
const OTHERS = "PASSWORD_OF_ANOTHER_PROGRAM";
const VARIABLES = [...SECRETS, ...RELEASES, "NOTARY_SNAPSHOT_PASSPHRASE", OTHERS];

const knows = (...names: string[]) => names.map((name) => `know ${name}`);
const NETWORK = [
  ...["reach loopback", "reach other hosts", "fetch from other hosts", "be reached from elsewhere"],
  "reach a service's socket",
];
const HELPERS = ["run a credential helper"];
const FILES = ["read the project", "read other files"];
const USER = ["know the user's number"];
/** Links lead past all that is said of paths, and Deno asks for no more than some right to write. */
const LINKS = ["write code: linked", "link other files"];
const WRITES = ["write the demo's folder", "write other files", ...LINKS];

/** What a command may do for each of its needs. */
const MAY: Readonly<Record<Need, readonly string[]>> = {
  "notary": [...NETWORK, ...HELPERS, ...USER, ...knows("NOTARY_AUTH", "DOCKER_AUTH_CONFIG")],
  "registry": [...NETWORK, ...HELPERS, ...USER, ...knows("REGISTRY_AUTH", "DOCKER_AUTH_CONFIG")],
  "signpath": [...NETWORK, ...USER, ...knows("SIGNPATH_API_TOKEN")],
  "releases": NETWORK,
  "loopback": ["reach loopback"],
  "trust-dir": USER,
  "root-key": knows(...ROOT),
  "targets-key": knows(...TARGETS),
  "delegation-key": knows(...DELEGATION),
  // Under a task of its own.
  "token": [],
  "variables": [...USER, ...knows(...SECRETS)],
  "write": WRITES,
  "own-folder": ["read the project", "write the demo's folder"],
};

/** What commands may do beside that: read what they are told to, unless they have a folder of their own, or no need. */
function besides(needs: readonly Need[]): string[] {
  if (needs.length === 0 || needs.includes("own-folder")) return [];
  return needs.includes("loopback") ? FILES : [...FILES, ...knows(OTHERS)];
}

const CODE_FILES = [...CODE].map((name) => /.\.|^\.npmrc$/.test(name) ? name : `${name}/code`);
const ALL_CODE = [
  ...[...CODE_FILES, "removed", "moved"].map((name) => `write code: ${name}`),
  ...["write what bundle makes", "write the addon's folder"],
];
const ALL_WRITES = [...WRITES, ...ALL_CODE];
const IN_DIST = ["write code: dist/code", "write what bundle makes"];
const IN_ADDON = ["write code: .tagseal-pkcs11/code", "write the addon's folder"];
const ADDON = ["load the addon"];
const PROGRAMS = [
  ...[...HELPERS, "run another program of its name", "run a shell", "run a shell by its path", "run npm"],
  ...["run deno", "run deno by its path", "send signals"],
];
const MACHINE = [...FILES, ...ALL_WRITES, ...PROGRAMS, ...USER, "know the machine", ...knows(...VARIABLES)];
const MEASURING = [...MACHINE, ...NETWORK];
/** Tools of whoever builds tagseal. Who may run any program may do whatever that may. */
const TOOLS: Readonly<Record<string, readonly string[]>> = {
  "with-token": [
    ...[...FILES, ...WRITES, ...NETWORK, ...HELPERS, ...USER, ...ADDON],
    ...knows(...VARIABLES),
  ],
  "build-pkcs11": ["read the project", ...IN_ADDON, "run npm", ...ADDON],
  "bundle": [...FILES, ...IN_DIST, ...PROGRAMS],
  "compile": [...FILES, ...IN_DIST, ...PROGRAMS, ...knows(...VARIABLES)],
  "release": [...FILES, ...ALL_WRITES, ...PROGRAMS, ...ADDON, ...knows(...VARIABLES)],
  "release-renew": [...FILES, ...ALL_WRITES, ...ADDON, ...knows(...VARIABLES)],
  "release-rotate-key": [...FILES, ...ALL_WRITES, ...ADDON, ...knows(...VARIABLES)],
  "sync": ["read the project", "write code: deno.json", "run deno"],
  "bench": MEASURING,
  "faults": MEASURING,
  "mutants": MACHINE,
};
/** These run `deno test`, which may do all that tests do. */
const TESTS = ["test", "test-modules", "ok"];

/** What the single file may do: it is one program for all commands, without native code. */
const FILE = [...FILES, ...ALL_WRITES, ...NETWORK, ...HELPERS, ...USER, ...knows(...VARIABLES)];

/** What a task hands to `deno run` before the program. */
function flagsOf(task: string): string[] {
  const [, flags] = /^(?:[A-Z_]+=\S+ )*deno run ((?:-\S+ )+)(?:tasks|tests)\//.exec(tasks[task]!.command) ?? [];
  assert.ok(flags, `${task} is started in another way: ${tasks[task]!.command}`);
  return flags.trim().split(" ");
}

/** Starts the probe in a project that it may ruin, with files of others beside it. */
async function probe(flags: readonly string[], { addr: { port } }: Deno.HttpServer<Deno.NetAddr>): Promise<string[]> {
  let could: string[] = [];
  await inFolder(async (folder) => {
    const write = async (path: string, text: string, mode = 0o644) => {
      await Deno.mkdir(`${folder}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${folder}/${path}`, text, { mode });
    };
    for (const name of CODE_FILES.filter((name) => name.includes("/"))) await write(`project/${name}`, "");
    for (const path of ["project/lib/other", "project/.tagseal-demo/file", "outside/file"]) await write(path, "");
    for (const path of ["project/.tagseal-pkcs11", "outside"]) await write(`${path}/module.so`, "no library");
    for (const path of ["bin/docker-credential-pass", "bin/npm", "elsewhere/docker-credential-pass"]) {
      await write(path, "#!/bin/sh\necho ran\n", 0o755);
    }
    await write("project/deno.json", JSON.stringify({ permissions }));
    await write("project/deno.lock", '{"version":"5"}');
    await Deno.symlink(Deno.execPath(), `${folder}/bin/deno`);
    await Deno.copyFile(new URL("../support/permission_probe.js", import.meta.url), `${folder}/project/probe.js`);
    const socket = `${folder}/socket`;
    using _service = Deno.listen({ transport: "unix", path: socket });
    const places = { project: `${folder}/project`, outside: `${folder}/outside`, elsewhere: `${folder}/elsewhere` };
    const told = { ...places, socket, port, parent: Deno.pid, variables: VARIABLES, code: CODE_FILES };
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", ...flags, "./probe.js", JSON.stringify(told)],
      cwd: places.project,
      clearEnv: true,
      env: {
        ...Object.fromEntries(VARIABLES.map((name) => [name, "planted"])),
        ...{ PATH: `${folder}/bin:/usr/bin:/bin`, HOME: folder, DENO_DIR: `${folder}/cache`, NO_COLOR: "1" },
        // What may be imported from elsewhere ends here.
        ...{ HTTPS_PROXY: "http://127.0.0.1:1", NPM_CONFIG_REGISTRY: `http://127.0.0.1:${port}/` },
        DENO_NO_UPDATE_CHECK: "1",
      },
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assert.equal(code, 0, text(stderr));
    could = JSON.parse(text(stdout));
  });
  return could;
}

/** A web server, which is a registry of npm with one package as well. */
function web(): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "0.0.0.0", port: 0, onListen() {} }, ({ url }) => {
    const { pathname, origin } = new URL(url);
    if (pathname !== "/evil") return new Response("export {};", { headers: { "content-type": "text/javascript" } });
    const dist = { tarball: `${origin}/evil.tgz`, shasum: "0".repeat(40) };
    const versions = { "1.0.0": { name: "evil", version: "1.0.0", dist } };
    return Response.json({ name: "evil", "dist-tags": { latest: "1.0.0" }, versions });
  });
}

function mayDo(task: string): readonly string[] {
  const [, entry] = Object.entries(COMMANDS).find(([name, { alias }]) => task === name || task === alias) ?? [];
  if (entry) return [...new Set([...besides(entry.needs), ...entry.needs.flatMap((need) => MAY[need])])];
  assert.ok(TOOLS[task], `"${task}" has no row`);
  return TOOLS[task];
}

Deno.test("least privilege: each task can do what it needs, and is refused all else", async (t) => {
  await using server = web();
  const sets = Map.groupBy(
    Object.keys(tasks).filter((task) => !TESTS.includes(task)),
    (task) => flagsOf(task).join(" "),
  );
  for (const [flags, users] of sets) {
    await t.step(users.join(", "), async () => {
      const could = await probe(flags.split(" "), server);
      for (const user of users) assert.deepEqual(could.toSorted(), mayDo(user).toSorted(), user);
    });
  }
});

Deno.test("least privilege: the single file, as all commands are one program", async () => {
  await using server = web();
  assert.deepEqual((await probe(FILE_FLAGS, server)).toSorted(), FILE.toSorted());
});
