/** The lists that follow from the table of commands stand as it says, and mean what the README says. */
import assert from "node:assert/strict";
import { variablesOf } from "../../lib/cli/needs.ts";
import { VERSION } from "../../lib/version.ts";
import { ciTemplates } from "../../tasks/ci_templates.ts";
import { COMMANDS } from "../../tasks/commands.ts";
import { CREDENTIAL_HELPERS, permissionSet, PROGRAM_FLAGS } from "../../tasks/permissions.ts";
import { rehearsalSample } from "../../tasks/rehearsal_sample.ts";
import { type Config, configFrom, formatConfig, versionModule } from "../../tasks/sync.ts";

const read = (name: string) => Deno.readTextFile(new URL(`../../${name}`, import.meta.url));
const text = await read("deno.json");
const config: Config = JSON.parse(text);
const sets = config["permissions"] as Record<string, Record<string, unknown>>;
const tasks = config["tasks"] as Record<string, { command: string }>;
const setOf = (task: string) => sets[/(?<= -P=)\S+/.exec(tasks[task]!.command)![0]]!;

Deno.test("sync: deno.json and the version are what `deno task sync` writes", async () => {
  assert.equal(text, formatConfig(configFrom(config)));
  assert.equal(await read("lib/version.ts"), versionModule(config));
  assert.equal(VERSION, config.version);
});

Deno.test("sync: what is rehearsed with is the recorded repository", async () => {
  assert.equal(await read("lib/notary/rehearsal_sample.ts"), await rehearsalSample(read));
});

Deno.test("sync: the templates of CI hold the scripts of ci/ as they are", async () => {
  for (const [name, text] of await ciTemplates(read)) assert.equal(await read(name), text, name);
});

Deno.test("sync: every command is a task that runs it under the set of its needs", () => {
  for (const [own, { alias, needs }] of Object.entries(COMMANDS)) {
    for (const name of [own, ...alias === undefined ? [] : [alias]]) {
      assert.deepEqual(setOf(name), permissionSet(needs), name);
      assert.match(tasks[name]!.command, new RegExp(` tasks/main\\.ts ${name}$`));
    }
  }
});

Deno.test("permissions: native code is for one task alone, and the folder that it comes from is not written to", () => {
  const native = Object.keys(sets).filter((name) => "ffi" in sets[name]!);
  assert.deepEqual(native, ["token", "release", "releasing", "build-pkcs11"]);
  const users = Object.keys(tasks).filter((name) => tasks[name]!.command.includes("-P=token "));
  assert.deepEqual(users, ["with-token"]);
  const { deny } = sets["token"]!["write"] as { deny: string[] };
  assert.deepEqual((sets["token"]!["ffi"] as string[]).filter((folder) => !deny.includes(folder)), []);
});

Deno.test("permissions: secrets are seen by the commands that need them, and by no other", () => {
  const sees = (task: string, variable: string) => {
    const env = setOf(task)["env"] as { allow: true | string[]; ignore: true | string[] };
    if (env.ignore === true) return env.allow === true || env.allow.includes(variable);
    return !env.ignore.includes(variable);
  };
  const seers = (variable: string) => Object.keys(COMMANDS).filter((name) => sees(name, variable));
  assert.deepEqual(seers("REGISTRY_AUTH"), [
    "sign",
    "signing-data",
    "push",
    "resume",
    "verify",
    "audit",
    "report",
    "doctor",
    "migrate",
    "env",
  ]);
  assert.deepEqual(seers("SIGNPATH_API_TOKEN"), [
    "init",
    "add-delegation",
    "sign",
    "submit",
    "download",
    "resume",
    "cancel",
    "remove-tag",
    "renew",
    "doctor",
    "migrate",
    "policy",
    "env",
  ]);
  assert.deepEqual(seers("NOTARY_ROOT_PASSPHRASE"), ["init", "rotate-key", "move", "env"]);
  assert.deepEqual(seers("NOTARY_DELEGATION_PASSPHRASE"), ["sign", "remove-tag", "renew", "migrate", "env"]);
  assert.deepEqual(seers("TAGSEAL_PKCS11_PIN"), ["env"]);
  assert.deepEqual(seers("NOTARY_SNAPSHOT_PASSPHRASE"), []);
});

Deno.test("permissions: whoever reaches the network may use a proxy, run every helper where Docker's would, and write", () => {
  for (const [name, { needs }] of Object.entries(COMMANDS)) {
    const { net, run, write } = setOf(name);
    assert.equal(variablesOf(needs).includes("HTTPS_PROXY"), net === true, name);
    assert.deepEqual(run, needs.includes("notary") ? CREDENTIAL_HELPERS : undefined, name);
    assert.equal(write === undefined, ["keys", "show", "env", "completion", "help"].includes(name), name);
  }
});

Deno.test("permissions: no task and no file may run anything but the fifteen helpers, by exact names", () => {
  assert.equal(new Set(CREDENTIAL_HELPERS).size, 15);
  for (const name of CREDENTIAL_HELPERS) assert.match(name, /^docker-credential-[a-z-]+(\.exe)?$/);
  assert.deepEqual(PROGRAM_FLAGS.filter((flag) => flag.startsWith("--allow-run")), [
    `--allow-run=${CREDENTIAL_HELPERS.join(",")}`,
  ]);
  assert.ok(!PROGRAM_FLAGS.some((flag) => /ffi|all$|-A/.test(flag)));
});
