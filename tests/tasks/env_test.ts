/** `tagseal env`: what flags and variables come to, from where, and without a secret. */
import assert from "node:assert/strict";
import type { Environment, FlagFact } from "../../lib/cli/environment.ts";
import { passphraseVariables } from "../../lib/cli/passphrases.ts";
import { SECRETS } from "../../lib/cli/needs.ts";
import { COMMANDS } from "../../tasks/commands.ts";
import { VARIABLES } from "../../tasks/variables.ts";
import { documentIn, type Outcome, tagseal } from "../support/run.ts";

const FILE = {
  repositories: ["registry.example.com/team/app", "registry.example.com/team/web"],
  pins: { "registry.example.com/team": "root.pem" },
  schemes: ["dct", "cosign"],
  defaults: { "notary-url": "https://notary.example.com", "require-pin": true, "project-slug": "of the file" },
  commands: { sign: { "wait-for-completion-timeout": 3600 } },
};

async function env(args: readonly string[], variables: Record<string, string> = {}, file?: unknown): Promise<Outcome> {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-env-" });
  if (file !== undefined) await Deno.writeTextFile(`${folder}/tagseal.json`, JSON.stringify(file));
  const outcome = await tagseal(["env", ...args], { cwd: folder, env: { HOME: folder, ...variables } });
  await Deno.remove(folder, { recursive: true });
  const stdout = outcome.stdout.replaceAll(folder, "/work");
  return { ...outcome, stdout, json: () => documentIn(stdout) };
}

const facts = (outcome: Outcome, flag: string): FlagFact[] =>
  outcome.json<Environment & Record<string, unknown>>().flags.filter((fact) => fact.flag === flag);

Deno.test("env: each value with its source: typed, variable, place in the file, standard", async () => {
  const named = ["--config", "tagseal.json"];
  const variables = { SIGNPATH_PROJECT_SLUG: "of-the-variable", DOCKER_CONFIG: "/docker" };
  const all = await env(["--json", ...named], variables, FILE);
  assert.deepEqual([all.code, all.stderr], [0, ""]);
  const [notary] = facts(all, "--notary-url");
  assert.deepEqual({ ...notary, commands: [] }, {
    flag: "--notary-url",
    commands: [],
    value: "https://notary.example.com",
    source: "file",
    pointer: "/defaults/notary-url",
  });
  assert.ok(notary!.commands.includes("sign") && notary!.commands.includes("move"));
  const brief = (flag: string) =>
    facts(all, flag).map(({ value, source, variable, pointer }) => [value, source, variable ?? pointer]);
  assert.deepEqual(brief("--project-slug"), [["of-the-variable", "variable", "SIGNPATH_PROJECT_SLUG"]]);
  assert.deepEqual(brief("--require-pin"), [["on", "file", "/defaults/require-pin"]]);
  assert.deepEqual(brief("--root-pin"), [["registry.example.com/team=/work/root.pem", "file", "/pins"]]);
  assert.deepEqual(brief("--config"), [["tagseal.json", "flag", undefined]]);
  assert.deepEqual(brief("--json"), [["on", "flag", undefined]]);
  assert.deepEqual(brief("--signing-method"), [["zip", "default", undefined]]);
  assert.deepEqual(brief("--trust-dir"), [["~/.docker/trust", "default", undefined]]);
  assert.deepEqual(brief("--ca"), [[null, "none", undefined]]);
  // Where commands differ, each is named.
  const times = facts(all, "--wait-for-completion-timeout");
  assert.deepEqual(times.find(({ commands }) => commands.includes("sign")), {
    flag: "--wait-for-completion-timeout",
    value: "3600",
    source: "file",
    pointer: "/commands/sign/wait-for-completion-timeout",
    commands: ["sign"],
  });
  assert.equal(times.find(({ commands }) => commands.includes("download"))?.value, "600");
  const repositories = facts(all, "--repository");
  const of = (command: string) => repositories.find(({ commands }) => commands.includes(command))!;
  assert.deepEqual([of("sign").value, of("sign").pointer], [FILE.repositories.join(" "), "/repositories"]);
  assert.deepEqual([of("remove-tag").value, of("remove-tag").source], [null, "none"]);
  assert.deepEqual(facts(all, "--scheme").find(({ commands }) => commands.includes("migrate"))!.value, "cosign");
});

Deno.test("env: it shows every variable and every flag of every command, sorted", async () => {
  const { variables, flags } = (await env(["--json"])).json<Environment & Record<string, unknown>>();
  assert.deepEqual(variables.map(({ name }) => name), Object.keys(VARIABLES).sort());
  const names = flags.map(({ flag }) => flag);
  assert.deepEqual(names, names.toSorted());
  for (const [name, { load }] of Object.entries(COMMANDS)) {
    for (const { spec } of Object.values((await load()).command.flags)) {
      const [flag] = /--[a-z0-9-]+/.exec(spec)!;
      assert.ok(flags.some((fact) => fact.flag === flag && fact.commands.includes(name)), `${flag} of ${name}`);
    }
  }
  const ofKeys = (await env(["keys", "--json"])).json<Environment & Record<string, unknown>>().flags;
  assert.deepEqual(new Set(ofKeys.flatMap(({ commands }) => commands)), new Set(["keys"]));
  const { code, stderr } = await env(["sing"]);
  assert.equal(code, 2);
  assert.match(stderr, /sign/);
});

Deno.test("env: what a found file may not decide is shown as such", async () => {
  const found = await env(["list", "--json"], {}, FILE);
  assert.equal(facts(found, "--notary-url")[0]!.counts, false);
  assert.equal(facts(found, "--require-pin")[0]!.counts, undefined);
  const { stdout } = await env(["list"], {}, FILE);
  assert.match(stdout, /^Project file: \/work\/tagseal\.json \(found, not named\)\n/);
  const flat = stdout.replaceAll(/\s+/g, " ");
  assert.match(
    flat,
    /--notary-url https:\/\/notary\.example\.com \(tagseal\.json \/defaults\/notary-url, once the file is named\)/,
  );
});

Deno.test("env: of secrets it says whether they are set, nothing else; proxies are shown without their password", async () => {
  const secret = (name: string) => `s3cret-${name.toLowerCase()}`;
  const all = [...SECRETS, ...passphraseVariables("snapshot")];
  const variables = {
    ...Object.fromEntries(all.map((name) => [name, secret(name)])),
    HTTPS_PROXY: "http://user:s3cret-proxy@proxy.example.com:3128",
  };
  for (const json of [["--json"], []]) {
    const { stdout, stderr } = await env(json, variables);
    assert.doesNotMatch(`${stdout}${stderr}`, /s3cret/);
    assert.match(stdout, /http:\/\/\*\*\*@proxy\.example\.com:3128/);
  }
  const { stdout } = await env([], variables);
  for (const name of SECRETS) assert.match(stdout, new RegExp(`^  ${name} +set, not shown$`, "m"));
  const short = await env([], { NOTARY_AUTH: "x", SIGNPATH_API_TOKEN: "a".repeat(400) });
  const [one, other] = ["NOTARY_AUTH", "SIGNPATH_API_TOKEN"].map((name) =>
    new RegExp(`^  ${name} +(.*)$`, "m").exec(short.stdout)![1]
  );
  assert.equal(one, other, "nothing tells how long they are");
  assert.match(short.stdout.replaceAll(/\s+/g, " "), /--api-token set, not shown \(SIGNPATH_API_TOKEN\)/);
});

Deno.test("env: a proxy's password is not shown, whatever is in it and around it", async () => {
  const ways = ["user:s3cret@p:1", "http://u:s3cret/s3cret@p:1", "http://u:s3cret#s3cret@p:1", "http://u:s3 cret@p:1"];
  for (const way of ways) {
    for (const json of [["--json"], []]) {
      const { stdout } = await env(json, { HTTPS_PROXY: way });
      assert.doesNotMatch(stdout, /s3|cret/, way);
      assert.match(stdout, /\*\*\*@p:1/, way);
    }
  }
});

Deno.test("env: repositories of a found file do not count where secrets would go to their hosts", async () => {
  const file = { repositories: ["registry.example.com/team/app"] };
  const countsWith = async (variables: Record<string, string>) =>
    facts(await env(["list", "--json"], variables, file), "--repository")[0]!.counts;
  assert.equal(await countsWith({}), undefined);
  assert.equal(await countsWith({ NOTARY_AUTH: "x" }), false);
  assert.equal(await countsWith({ REGISTRY_AUTH: "list asks no registry" }), undefined);
  assert.equal(await countsWith({ NOTARY_AUTH: "x", DOCKER_CONTENT_TRUST_SERVER: "https://n.example.com" }), undefined);
});

Deno.test("env: variables that nothing reads are warned of, with what was probably meant", async () => {
  const variables = {
    TAGSEAL_ROOT_PINN: "x",
    TAGSEAL_SOMETHING: "x",
    SIGNPATH_API_TOKN: "s3cret",
    DOCKER_CONTENT_TRUST: "1",
    SIGNPATH_CONNECTOR_URL: "https://x",
    PATH: "/bin",
  };
  const { stderr, stdout } = await env([], variables);
  assert.deepEqual(stderr.trim().split("\n"), [
    "tagseal: warning: nothing reads the variable SIGNPATH_API_TOKN; did you mean SIGNPATH_API_TOKEN?",
    "tagseal: warning: nothing reads the variable TAGSEAL_ROOT_PINN; did you mean TAGSEAL_ROOT_PIN?",
    "tagseal: warning: nothing reads the variable TAGSEAL_SOMETHING",
  ]);
  assert.doesNotMatch(stdout, /s3cret/);
  const { unknown } = (await env(["--json"], variables)).json<Environment & Record<string, unknown>>();
  assert.deepEqual(unknown.map(({ name, meant }) => [name, meant]), [
    ["SIGNPATH_API_TOKN", "SIGNPATH_API_TOKEN"],
    ["TAGSEAL_ROOT_PINN", "TAGSEAL_ROOT_PIN"],
    ["TAGSEAL_SOMETHING", null],
  ]);
});

Deno.test("env: its lines fit into 80 columns, and what belongs together stands below each other", async () => {
  const { stdout } = await env([], {}, FILE);
  const lines = stdout.split("\n");
  assert.deepEqual(lines.filter((line) => line.length > 80), []);
  const [flags] = [stdout.slice(stdout.indexOf("  --all"))];
  const starts = flags!.split("\n").filter(Boolean).map((line) => /^ {2}(\S+ +|( +))/.exec(line)![0].length);
  assert.deepEqual(new Set(starts).size, 1);
});
