/**
 * The single file as a process, with every secret that it takes in its variables, before a server that gives all that it
 * is told away: what it prints, what it leaves on the disk, what its children are given, and what all users of the
 * machine see of it, also when it is interrupted, and when it breaks.
 */
import assert from "node:assert/strict";
import { type Bytes, text, utf8 } from "../../lib/bytes/bytes.ts";
import { createLocalCa } from "../../lib/local/certificates.ts";
import { builtFile } from "../support/built_file.ts";
import { leaksIn, type Planted } from "../support/planted.ts";

const random = () => crypto.getRandomValues(new Uint8Array(18)).toBase64().replaceAll(/[+/]/g, "q");
const OWN = {
  "NOTARY_AUTH": utf8(`of-a-variable:${random()}`).toBase64(),
  "REGISTRY_AUTH": utf8(`of-a-variable:${random()}`).toBase64(),
  "DOCKER_AUTH_CONFIG": JSON.stringify({ auths: { "other.example": { auth: utf8(`u:${random()}`).toBase64() } } }),
  "SIGNPATH_API_TOKEN": random(),
  "TAGSEAL_PKCS11_PIN": random(),
  "NOTARY_ROOT_PASSPHRASE": random(),
  "DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE": random(),
  "NOTARY_TARGETS_PASSPHRASE": random(),
  "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE": random(),
  "NOTARY_DELEGATION_PASSPHRASE": random(),
  "NOTARY_SNAPSHOT_PASSPHRASE": random(),
} satisfies Planted;
const HELPED = random();
const NAMED = random();
const ALL: Planted = { ...OWN, "the helper's password": HELPED, "a variable that a flag names": NAMED };

/** A server that answers whoever has sent a secret with it, and a home with a helper that takes note of all it is given. */
class Machine implements AsyncDisposable {
  /** What is told of secrets that came; hangs where there is nothing to say. */
  answer: (secret: string) => Response | undefined = (secret) =>
    Response.json({ errors: [{ code: "X", message: `who is ${secret}?` }] }, { status: 403 });
  /** Resolves when a secret has come. */
  knocked: PromiseWithResolvers<void> = Promise.withResolvers();

  private constructor(
    readonly folder: string,
    readonly program: string,
    readonly server: Deno.HttpServer<Deno.NetAddr>,
    readonly over: AbortController,
  ) {}

  static async begin(): Promise<Machine> {
    const folder = await Deno.makeTempDir({ prefix: "tagseal-secrets-" });
    const ca = await createLocalCa(new Date(), "tests");
    const { certPem: cert, keyPem: key } = await ca.issue(["localhost"]);
    const over = new AbortController();
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, cert, key, onListen() {} }, (request) => {
      const sent = request.headers.get("authorization");
      if (sent === null) return new Response(null, { status: 401, headers: { "www-authenticate": 'Basic realm="r"' } });
      machine.knocked.resolve();
      const whole = sent.slice("Basic ".length);
      const plain = text(Uint8Array.fromBase64(whole) as Bytes);
      const hung = new Promise<Response>((resolve) =>
        over.signal.addEventListener("abort", () => resolve(new Response()))
      );
      return machine.answer(`${sent} ${plain.replace(/^[^:]*:/, "")}`) ?? hung;
    });
    const machine: Machine = new Machine(folder, await builtFile(), server, over);
    for (const name of ["bin", "tmp", "work", "cache", ".docker"]) await Deno.mkdir(`${folder}/${name}`);
    const host = `localhost:${server.addr.port}`;
    await Deno.mkdir(`${folder}/.docker/tls/${host}`, { recursive: true });
    await Deno.writeTextFile(`${folder}/.docker/tls/${host}/ca.crt`, ca.caPem);
    await Deno.writeTextFile(`${folder}/.docker/config.json`, JSON.stringify({ credHelpers: { [host]: "pass" } }));
    const answer = JSON.stringify({ Username: "u", Secret: HELPED });
    await Deno.writeTextFile(
      `${folder}/bin/docker-credential-pass`,
      `#!/bin/sh\nenv >>${folder}/children; cat /proc/$$/cmdline /proc/$PPID/cmdline >>${folder}/children\n` +
        `cat >>${folder}/children; echo '${HELPED}' >&2; echo '${answer}'\n`,
      { mode: 0o755 },
    );
    await Deno.symlink(Deno.execPath(), `${folder}/bin/deno`);
    return machine;
  }

  get gun(): string {
    return `localhost:${this.server.addr.port}/demo/app`;
  }

  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Deno.ChildProcess {
    this.knocked = Promise.withResolvers();
    return new Deno.Command(this.program, {
      args: [...args],
      cwd: `${this.folder}/work`,
      clearEnv: true,
      env: {
        ...OWN,
        ...{ PATH: `${this.folder}/bin:/usr/bin:/bin`, HOME: this.folder, TMPDIR: `${this.folder}/tmp`, NO_COLOR: "1" },
        ...{ DENO_DIR: `${this.folder}/cache`, RUST_BACKTRACE: "full" },
        ...env,
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  /** Lets it end; nothing is given away. */
  async end(process: Deno.ChildProcess): Promise<{ code: number; stderr: string }> {
    const { code, stdout, stderr } = await process.output();
    const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    const children = await Deno.readTextFile(`${this.folder}/children`).catch(() => "");
    assert.deepEqual(leaksIn(said, ALL), [], said);
    assert.deepEqual(leaksIn(children, { ...OWN, NAMED }), [], "a child is given a secret of tagseal's");
    assert.deepEqual(leaksIn(await this.#written(this.folder), ALL), [], "a file holds a secret");
    return { code, stderr: said };
  }

  /** Everything in all files but for the helper itself and what it notes. */
  async #written(folder: string): Promise<string> {
    let all = "";
    for await (const { name, isFile, isDirectory } of Deno.readDir(folder)) {
      if (isDirectory && !["bin"].includes(name)) all += await this.#written(`${folder}/${name}`);
      if (isFile && name !== "children") {
        all += new TextDecoder("latin1").decode(await Deno.readFile(`${folder}/${name}`));
      }
    }
    return all;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.over.abort();
    await this.server.shutdown();
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test("secrets: a process, its children, its files and what others see of it", async (t) => {
  await using machine = await Machine.begin();
  const list = ["list", "-r", machine.gun, "--verbose"];
  const withoutOwn = { NOTARY_AUTH: "", DOCKER_AUTH_CONFIG: "" };

  await t.step("a helper's password, repeated", async () => {
    const { code, stderr } = await machine.end(machine.start(list, withoutOwn));
    assert.equal(code, 4, stderr);
    assert.match(stderr, /who is Basic \*\*\* \*\*\*\?/);
    const children = await Deno.readTextFile(`${machine.folder}/children`);
    assert.match(children, /^HOME=/m, "it was run");
    assert.match(children, new RegExp(`\0list\0-r\0${machine.gun}\0`), "tagseal's own arguments");
  });
  await t.step("a password in a variable, repeated as JSON, in CI", async () => {
    const summary = `${machine.folder}/work/summary.md`;
    const env = { GITHUB_ACTIONS: "true", GITHUB_STEP_SUMMARY: summary };
    const { code, stderr } = await machine.end(machine.start([...list, "--json"], env));
    assert.equal(code, 4, stderr);
    assert.match(stderr, /^::error .*who is Basic \*\*\*/m);
  });
  await t.step("a variable that a flag names goes to no child, and its value is on no command line", async () => {
    const flags = ["--registry-username", "u", "--registry-password", "env:NAMED_BY_A_FLAG"];
    const args = ["verify", "--registry", ...list.slice(1), ...flags];
    const { code } = await machine.end(machine.start(args, { ...withoutOwn, NAMED_BY_A_FLAG: NAMED }));
    assert.notEqual(code, 0);
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGQUIT"] as const) {
    await t.step(`${signal} while the server has the password`, async () => {
      machine.answer = () => undefined;
      const process = machine.start(list, withoutOwn);
      await machine.knocked.promise;
      const { stdout } = await new Deno.Command("cat", { args: [`/proc/${process.pid}/cmdline`] }).output();
      const commandLine = new TextDecoder().decode(stdout);
      assert.match(commandLine, /\0list\0-r\0/);
      assert.deepEqual(leaksIn(commandLine, ALL), []);
      process.kill(signal);
      const { code } = await machine.end(process);
      assert.equal(code, signal === "SIGQUIT" ? 131 : 130);
    });
  }
  await t.step("a crash: stdout is full, and stderr as well", async () => {
    machine.answer = (secret) => Response.json({ errors: [{ message: secret }] }, { status: 403 });
    const shell = new Deno.Command("sh", {
      args: ["-c", `exec "$0" "$@" --json >/dev/full`, machine.program, ...list],
      env: {
        ...OWN,
        PATH: `${machine.folder}/bin:/usr/bin:/bin`,
        HOME: machine.folder,
        DENO_DIR: `${machine.folder}/cache`,
      },
      clearEnv: true,
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const { code } = await machine.end(shell);
    assert.notEqual(code, 0);
  });
});
