/** Docker's credential helpers and TLS folders as the program uses them, as a process under its task's permissions. */
import assert from "node:assert/strict";
import { createLocalCa } from "../../lib/local/certificates.ts";
import { type ProcessEnd, runProgram, startProgram } from "../support/program.ts";

const SECRET = "s3cret-of-the-helper";
const BASIC = `Basic ${btoa(`helped:${SECRET}`)}`;

/** A registry with a Notary server that let one user in, and a machine whose Docker config names a helper for them. */
class Machine implements AsyncDisposable {
  /** Who knocked. */
  readonly seen = new Set<string | null>();
  /** Whether the servers want to know who asks. */
  guarded = true;

  private constructor(readonly folder: string, readonly server: Deno.HttpServer<Deno.NetAddr>) {}

  static async begin(): Promise<Machine> {
    const folder = await Deno.makeTempDir({ prefix: "tagseal-helper-" });
    const ca = await createLocalCa(new Date(), "tests");
    const { certPem: cert, keyPem: key } = await ca.issue(["localhost"]);
    const tls = { hostname: "127.0.0.1", port: 0, cert, key, onListen() {} };
    const machine: Machine = new Machine(folder, Deno.serve(tls, (request) => machine.answer(request)));
    const certificates = `${folder}/.docker/tls/${machine.host}`;
    await Deno.mkdir(certificates, { recursive: true });
    await Deno.writeTextFile(`${certificates}/ca.crt`, ca.caPem);
    await Deno.mkdir(`${folder}/bin`);
    await machine.config({ credHelpers: { [machine.host]: "pass" }, credsStore: "secretservice" });
    return machine;
  }

  get host(): string {
    return `localhost:${this.server.addr.port}`;
  }

  answer(request: Request): Response {
    const authorization = request.headers.get("authorization");
    this.seen.add(authorization);
    if (this.guarded && authorization !== BASIC) {
      return new Response(null, { status: 401, headers: { "www-authenticate": 'Basic realm="r"' } });
    }
    if (!request.url.includes("/manifests/")) return new Response(null, { status: 404 });
    const mediaType = "application/vnd.oci.image.manifest.v1+json";
    return Response.json({ schemaVersion: 2, mediaType }, { headers: { "content-type": mediaType } });
  }

  config(value: unknown): Promise<void> {
    return Deno.writeTextFile(`${this.folder}/.docker/config.json`, JSON.stringify(value));
  }

  /** Installs a helper: a shell script, which takes a note of each run. */
  helper(script: string, name = "pass"): Promise<void> {
    const whole = `#!/bin/sh\necho "$* $(cat)" >>${this.folder}/runs\n${script}\n`;
    return Deno.writeTextFile(`${this.folder}/bin/docker-credential-${name}`, whole, { mode: 0o755 });
  }

  /** How the helpers were run. */
  runs(): Promise<string[]> {
    return Deno.readTextFile(`${this.folder}/runs`).then((text) => text.trimEnd().split("\n"), () => []);
  }

  env(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    return { PATH: `${this.folder}/bin:/usr/bin:/bin`, ...more };
  }

  /** Runs a command; nothing that it prints may hold the secret. */
  async run(task: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<ProcessEnd> {
    const all = [...args, "-r", `${this.host}/demo/app`, "--verbose"];
    const end = await runProgram(task, all, this.folder, this.env(env));
    for (const secret of [SECRET, BASIC.slice(6)]) {
      assert.ok(!`${end.stdout}${end.stderr}`.includes(secret), end.stderr);
    }
    return end;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.shutdown();
    await Deno.remove(this.folder, { recursive: true });
  }
}

const ANSWER = `printf '{"ServerURL":"x","Username":"helped","Secret":"${SECRET}"}'`;

Deno.test("a credential helper is asked once, for the registry and the Notary server on its host", async (t) => {
  await using machine = await Machine.begin();
  await machine.helper(ANSWER);
  await t.step("both want to know who asks", async () => {
    const end = await machine.run("signing-data", ["signing-data", "-t", "v1", "--output-artifact-path", "d.zip"]);
    assert.match(
      end.stderr,
      /tagseal: error: .*(not signed|does not exist|no trust data|not been initialised|There is no Notary server)/i,
    );
    assert.deepEqual(await machine.runs(), [`get ${machine.host}`]);
    assert.deepEqual(machine.seen, new Set([null, BASIC]));
  });
  await t.step("a variable goes before it", async () => {
    machine.seen.clear();
    const { code, stderr } = await machine.run("list", ["list"], { NOTARY_AUTH: btoa("variable:pw") });
    assert.equal(code, 4, stderr);
    assert.match(stderr, /tried as user "variable"/);
    assert.equal((await machine.runs()).length, 1);
  });
  await t.step("nobody wants to know", async () => {
    machine.guarded = false;
    machine.seen.clear();
    assert.equal((await machine.run("list", ["list"])).code, 2);
    assert.deepEqual(machine.seen, new Set([null]));
    assert.equal((await machine.runs()).length, 1);
  });
});

Deno.test("a credential helper that fails: exit code 4, its reason, and what to do", async (t) => {
  await using machine = await Machine.begin();
  const wanting = async (words: readonly (string | RegExp)[]) => {
    const { code, stdout, stderr } = await machine.run("list", ["list"]);
    assert.deepEqual([code, stdout], [4, ""], stderr);
    for (const word of words) {
      assert.ok(typeof word === "string" ? stderr.includes(word) : word.test(stderr), `${word} is not in: ${stderr}`);
    }
  };
  const named =
    `The credential helper "docker-credential-pass", which Docker's config.json names for "${machine.host}"`;
  await t.step("not installed", async () => {
    await wanting([
      named,
      "is not on PATH",
      'tagseal: next: Install "docker-credential-pass", or give the credentials in NOTARY_AUTH',
    ]);
  });
  const rows: [string, string, (string | RegExp)[]][] = [
    ["exit code 1", "echo 'the store is locked' >&2; exit 1", [named, "failed with exit code 1: the store is locked"]],
    ["garbage", `echo ${SECRET}`, [named, "gave no answer that could be used"]],
    ["huge", `yes ${SECRET}`, [named, "gave an answer of more than 65536 bytes"]],
    ["an answer and exit code 1", `${ANSWER}; echo "kept ${SECRET}" >&2; exit 1`, ["failed with exit code 1: kept …"]],
    ["it knows nothing", "echo 'credentials not found in native keychain'; exit 1", [
      /refuses access: .* tried anonymously/,
    ]],
    ["another user", ANSWER.replace('"helped"', '"other"'), ["refuses access", 'tried as user "other"']],
  ];
  for (const [name, script, words] of rows) {
    await t.step(name, async () => {
      await machine.helper(script);
      await wanting(words);
    });
  }
  await t.step("one that the task's permissions do not name", async () => {
    await machine.config({ credsStore: "tagseal-test" });
    await machine.helper(ANSWER, "tagseal-test");
    await wanting([
      "is not among those that tagseal may run",
      "tagseal: next: Give the credentials in NOTARY_AUTH, or log in with a credential store that tagseal's SECURITY.md names",
    ]);
  });
  await t.step("a name that leads elsewhere", async () => {
    await machine.config({ credsStore: "../../bin/sh" });
    const { code, stderr } = await machine.run("list", ["list"]);
    assert.equal(code, 4);
    assert.match(
      stderr,
      /refuses access: .* Docker's config\.json cannot be used: the credential helper .* has no usable/,
    );
  });
});

Deno.test("a credential helper sees the user's variables, but none of tagseal's secrets; LD_* does not stop it", async () => {
  await using machine = await Machine.begin();
  await machine.helper(`env >${machine.folder}/env; ${ANSWER}`);
  const secrets = {
    SIGNPATH_API_TOKEN: "leak",
    REGISTRY_AUTH: "leak",
    DOCKER_AUTH_CONFIG: '{"auths":{"leak":{}}}',
    NOTARY_ROOT_PASSPHRASE: "leak",
    LD_DEBUG_OUTPUT: "leak",
  };
  assert.equal((await machine.run("list", ["list"], { ...secrets, PASSWORD_STORE_DIR: "kept" })).code, 2);
  const seen = await Deno.readTextFile(`${machine.folder}/env`);
  assert.match(seen, /^PASSWORD_STORE_DIR=kept$/m);
  assert.doesNotMatch(seen, /leak/);
});

Deno.test("a variable that a flag names as a secret goes to no credential helper", async () => {
  await using machine = await Machine.begin();
  await machine.helper(`env >${machine.folder}/env; ${ANSWER}`);
  const flags = ["--registry-username", "u", "--registry-password", "env:MY_REGISTRY_SECRET"];
  const signing = ["--organization-id", "o", "--project-slug", "p", "--signing-policy-slug", "s", "--api-token"];
  const variables = { MY_REGISTRY_SECRET: "leak", MY_TOKEN: "leak", KEPT: "kept" };
  await machine.run("sign", ["sign", "-t", "v1", ...flags, ...signing, "env:MY_TOKEN"], variables);
  const seen = await Deno.readTextFile(`${machine.folder}/env`);
  assert.match(seen, /^KEPT=kept$/m);
  assert.doesNotMatch(seen, /leak/);
});

Deno.test("Ctrl-C while a credential helper hangs: exit code 130, at once", async () => {
  await using machine = await Machine.begin();
  await machine.helper("exec sleep 30");
  const started = performance.now();
  const process = startProgram("list", ["list", "-r", `${machine.host}/demo/app`], machine.folder, machine.env());
  while ((await machine.runs()).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  process.kill("SIGINT");
  const { code, stderr } = await process.output();
  assert.equal(code, 130, new TextDecoder().decode(stderr));
  assert.ok(performance.now() - started < 15_000);
});
