/**
 * `kill -9` at random moments of `init`, `rotate-key` and `move`, as processes of their own against the embedded Notary server:
 * no key that the server trusts is ever lost, and running the command again brings all in order.
 */
import assert from "node:assert/strict";
import { createFileKeyStore } from "../../lib/keystore/file_keystore.ts";
import { createNotaryServer } from "../../lib/local/notary_server.ts";
import { parseRoot } from "../../lib/tuf/parse.ts";
import { builtFile } from "../support/built_file.ts";
import { random } from "../support/random.ts";
import { type Outcome, tagseal } from "../support/run.ts";

/** Beside the moment of each call that a write consists of: `tests/files/killed_writes_test.ts`. */
const RUNS = 2;
/** Each answer of the server takes this long, so that there are moments between the calls to be hit. */
const DELAY_MS = 15;
const PASSPHRASES = { NOTARY_ROOT_PASSPHRASE: "root-passphrase", NOTARY_TARGETS_PASSPHRASE: "targets-passphrase" };

/** A Notary server on loopback, and an admin with a folder of their own. */
class Bench implements AsyncDisposable {
  readonly #notary = createNotaryServer({ now: () => new Date() });
  readonly #server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    this.#busy++;
    await pause();
    const response = await this.#notary.handle(request).finally(() => this.#busy--);
    await pause();
    return response;
  });
  #busy = 0;
  readonly home: string = Deno.makeTempDirSync({ prefix: "tagseal-killed-" });
  readonly env: Record<string, string> = { HOME: this.home, ...PASSPHRASES };

  /** Whether the server is still at work. */
  get isBusy(): boolean {
    return this.#busy > 0;
  }

  get host(): string {
    return `localhost:${this.#server.addr.port}`;
  }

  args(command: string, gun: string, ...more: string[]): string[] {
    const url = ["--notary-url", `http://${this.host}`];
    return [command, "-r", gun, ...url, ...more, "--output-artifact-path", `${this.home}/root.pem`, "--force"];
  }

  run(args: string[]): Promise<Outcome> {
    return tagseal(args, { env: this.env, cwd: this.home });
  }

  /** Starts a process; ends it `ms` later. Whether it had ended by itself, and how long it took. */
  async kill(args: string[], ms: number): Promise<{ ended: boolean; took: number }> {
    const program = await builtFile();
    const started = Date.now();
    const child = new Deno.Command(program, {
      args,
      env: this.env,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const timer = setTimeout(() => killHard(child), ms);
    const { signal } = await child.status;
    const took = Date.now() - started;
    clearTimeout(timer);
    // What was sent before the end is still worked on.
    do await pause(); while (this.#busy > 0);
    return { ended: signal === null, took };
  }

  /** Canonical ids of the root and targets keys that the server trusts, and of those that are here. */
  async keys(gun: string): Promise<{ trusted: string[]; held: Set<string> }> {
    const response = await this.#notary.handle(new Request(`http://localhost/v2/${gun}/_trust/tuf/root.json`));
    const bytes = await response.bytes();
    const { roles } = response.status === 200 ? parseRoot(bytes) : { roles: undefined };
    const trusted = [...roles?.root.keys.values() ?? [], ...roles?.targets.keys.values() ?? []];
    const passphrase = (role: string) => role === "root" ? "root-passphrase" : "targets-passphrase";
    const store = createFileKeyStore(`${this.home}/.docker/trust`, ({ key }) => Promise.resolve(passphrase(key.role)));
    const held = await store.list();
    for (const { id } of held) await store.open(id); // none is half-written
    return { trusted: trusted.map(({ canonicalId }) => canonicalId), held: new Set(held.map(({ id }) => id)) };
  }

  async assertNothingLost(gun: string): Promise<string[]> {
    const { trusted, held } = await this.keys(gun);
    for (const id of trusted) assert.ok(held.has(id), `the server trusts ${id}, which is not here`);
    return trusted;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
    await Deno.remove(this.home, { recursive: true });
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, DELAY_MS));
}

function killHard(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError)) throw error; // it has ended in this very moment
  }
}

/** Moments between the start of the program and its usual end, one in each of `RUNS` parts, in disorder. */
function moments(seed: number, from: number, to: number): number[] {
  const next = random(seed);
  return Array.from({ length: RUNS }, (_, i) => from + (to - from) * (i + next()) / RUNS);
}

Deno.test("killed: init loses no key that the server trusts, and can be run again", async () => {
  await using bench = await Promise.resolve(new Bench());
  await bench.kill(bench.args("init", `${bench.host}/warm/up`), 60_000); // the runtime compiles what it has not seen yet
  const { took } = await bench.kill(bench.args("init", `${bench.host}/usual/time`), 60_000);
  let cut = 0;
  for (const [i, ms] of moments(31, took * 0.3, took).entries()) {
    const gun = `${bench.host}/killed/init${i}`;
    const { ended } = await bench.kill(bench.args("init", gun), ms);
    if (!ended) cut++;
    const trusted = await bench.assertNothingLost(gun);
    const again = await bench.run(bench.args("init", gun));
    // Where it was published, that is said; the certificate can be had then.
    assert.equal(again.code, trusted.length > 0 ? 6 : 0, again.stderr);
    await bench.assertNothingLost(gun);
    for (const args of [bench.args("root-certificate", gun), bench.args("rotate-key", gun, "--role", "targets")]) {
      const { code, stderr } = await bench.run(args);
      assert.equal(code, 0, stderr);
    }
  }
  assert.ok(cut > 0, "some runs were cut off");
});

Deno.test("killed: rotate-key loses no key that the server trusts, and can be run again", async () => {
  await using bench = await Promise.resolve(new Bench());
  const gun = `${bench.host}/killed/root`;
  const first = await bench.run(bench.args("init", gun));
  assert.equal(first.code, 0, first.stderr);
  const rotate = bench.args("rotate-key", gun, "--role", "root");
  await bench.kill(rotate, 60_000);
  const { took } = await bench.kill(rotate, 60_000);
  let cut = 0;
  for (const ms of moments(4, took * 0.3, took)) {
    const { ended } = await bench.kill(rotate, ms);
    if (!ended) cut++;
    await bench.assertNothingLost(gun);
  }
  assert.ok(cut > 0, "some runs were cut off");
  const { code, stderr } = await bench.run(rotate);
  assert.equal(code, 0, stderr);
  const [rootKey, targetsKey] = await bench.assertNothingLost(gun);
  const shown = (await bench.run(["inspect", "-r", gun, "--notary-url", `http://${bench.host}`, "--json"]))
    .json<{ rootKeyIds: string[]; targetsKeyIds: string[] }>();
  assert.deepEqual([shown.rootKeyIds, shown.targetsKeyIds], [[rootKey], [targetsKey]]);
});

Deno.test("killed: move leaves what can be gone on with, and nothing changes at the old place", async () => {
  await using a = await Promise.resolve(new Bench());
  const gun = `${a.host}/killed/move`;
  for (const args of [a.args("init", gun), a.args("rotate-key", gun, "--role", "targets")]) {
    assert.equal((await a.run(args)).code, 0);
  }
  const before = await a.keys(gun);
  const move = (
    b: Bench,
  ) => ["move", "-r", gun, "--notary-url", `http://${a.host}`, "--to-notary-url", `http://${b.host}`];
  // This machine's copy goes on with each move: a machine that has none moves each time.
  const forget = () => Deno.remove(`${a.home}/.docker/trust/tuf`, { recursive: true });
  const once = async (ms: number): Promise<{ ended: boolean; took: number }> => {
    await using b = await Promise.resolve(new Bench());
    await forget();
    const { ended, took } = await a.kill(move(b), ms);
    do await pause(); while (b.isBusy);
    for (const outcome of ["moved", "unchanged"]) {
      const { code, stdout, stderr } = await a.run([...move(b), "--json"]);
      assert.equal(code, 0, stderr);
      if (outcome === "unchanged") assert.equal(JSON.parse(stdout).outcome, outcome);
    }
    assert.deepEqual((await b.keys(gun)).trusted, before.trusted);
    return { ended, took };
  };
  let { took } = await once(60_000);
  let cut = 0;
  for (const part of [0.5, 0.8, 0.6, 0.4, 0.3, 0.2]) {
    const run = await once(took * part);
    if (run.ended) took = run.took; // the machine is quicker now than it was
    else if (++cut === 3) break;
  }
  assert.ok(cut > 0, "some runs were cut off");
  assert.deepEqual(await a.keys(gun), before);
});
