/**
 * What the single file loads before a command does its work and during it, counted in the process itself: bytes of its
 * parts, modules of the platform. Time depends on the machine, this does not.
 */
import assert from "node:assert/strict";
import { createRootCertificate } from "../../lib/crypto/root_certificate.ts";
import { certificatePem } from "../../lib/crypto/x509.ts";
import { createFileKeyStore } from "../../lib/keystore/file_keystore.ts";
import { builtFile } from "../support/built_file.ts";
import type { Env } from "../support/clients.ts";
import { startSigningStack } from "../support/signing_stack.ts";
import { EMBEDDED } from "../support/stacks.ts";

interface Loaded {
  /** The program's parts, in bytes. */
  readonly bytes: number;
  /** Those until the first request. */
  readonly bytesBefore: number;
  /** Modules of the platform that were used until the first request. */
  readonly platform: readonly string[];
  /** Those that were used after it. */
  readonly platformLater: readonly string[];
  /** Whether randomness was gathered. */
  readonly gathers: boolean;
  /** Milliseconds of computing that this took the thread of the program; 0 where the system does not tell. */
  readonly gatheringMs: number;
  /** How many requests were tried. */
  readonly requests: number;
}

/** Counts in the program's process, and tells at its end. */
const WITNESS = `
const seen = { bytes: 0, bytesBefore: 0, platform: [], platformLater: [], gathers: false, gatheringMs: 0, requests: 0 };
const evaluate = globalThis.eval;
globalThis.eval = (code) => {
  if (!code.startsWith("(function(require,")) return evaluate(code); // what loads the parts
  seen.bytes += code.length;
  if (seen.requests === 0) seen.bytesBefore += code.length;
  return evaluate(code);
};
// Reading the process itself loads half of it.
const own = Object.getOwnPropertyDescriptor(globalThis, "process");
const real = () => own.get ? own.get.call(globalThis) : own.value;
Object.defineProperty(globalThis, "process", {
  configurable: true,
  get: () => ({
    getBuiltinModule(name) {
      const list = seen.requests === 0 ? seen.platform : seen.platformLater;
      if (!list.includes(name)) list.push(name);
      return real().getBuiltinModule(name);
    },
  }),
});
// The runtime's timers are Node's.
const timers = Object.getOwnPropertyDescriptor(globalThis, "setTimeout");
Object.defineProperty(globalThis, "setTimeout", {
  configurable: true,
  get() {
    const list = seen.requests === 0 ? seen.platform : seen.platformLater;
    if (!list.includes("node:timers")) list.push("node:timers");
    return timers.get ? timers.get.call(globalThis) : timers.value;
  },
});
const get = globalThis.fetch;
globalThis.fetch = (...args) => {
  seen.requests++;
  return get(...args);
};
const computedMs = () => {
  if (Deno.build.os !== "linux") return 0;
  return Number(Deno.readTextFileSync("/proc/thread-self/schedstat").split(" ")[0]) / 1e6;
};
const generate = crypto.subtle.generateKey;
crypto.subtle.generateKey = function (...args) {
  const before = computedMs();
  const made = generate.apply(this, args);
  seen.gathers = true;
  seen.gatheringMs = computedMs() - before;
  return made;
};
const exit = Deno.exit;
Deno.exit = (code) => {
  Deno.writeTextFileSync(Deno.env.get("SEEN"), JSON.stringify(seen));
  exit(code);
};
`;

async function loadedIn(folder: string, env: Env, code: number, args: readonly string[]): Promise<Loaded> {
  const [witness, seen, file] = ["witness.js", "seen.json", "tagseal"].map((name) => `${folder}/${name}`);
  await Deno.writeTextFile(witness!, WITNESS);
  // Started as it starts itself, with the witness before it, which looks at more than the program may.
  const own = `exec deno run -q --no-config -A --preload=${witness} "$@"`;
  const started = (await Deno.readTextFile(await builtFile())).replace(/exec deno run .*/, () => own);
  assert.ok(started.includes(own));
  await Deno.writeTextFile(file!, started, { mode: 0o755 });
  const options = {
    args: [...args],
    cwd: folder,
    env: { PATH: Deno.env.get("PATH")!, ...env, SEEN: seen! },
    clearEnv: true,
    stdin: "null" as const,
  };
  const end = await new Deno.Command(file!, options).output();
  assert.equal(end.code, code, new TextDecoder().decode(end.stderr));
  return JSON.parse(await Deno.readTextFile(seen!));
}

async function loadedBy(code: number, ...args: string[]): Promise<Loaded> {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-start-" });
  try {
    await createFileKeyStore(`${folder}/trust`, () => Promise.resolve("passphrase")).create({ role: "delegation" });
    await Deno.writeTextFile(`${folder}/list`, `localhost:1/a:v1@sha256:${"0".repeat(64)} 100\n`);
    return await loadedIn(folder, { HOME: folder, NOTARY_DELEGATION_PASSPHRASE: "passphrase" }, code, args);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A part that a command does not need shows here; room is left for what it does need. */
const LIMITS = {
  version: 26_000,
  help: 38_000,
  verify: 165_000,
  sign: 225_000,
};
/** Gathering takes three times as much, wherever it is done. */
const MAX_GATHERING_MS = 15;
/** Nobody answers there. */
const NOTARY = ["--notary-url", "https://localhost:1"];

Deno.test("start: the version and the list of commands take next to nothing, and no module of the platform", async () => {
  const [version, help] = await Promise.all([loadedBy(0, "--version"), loadedBy(0, "--help")]);
  assert.ok(version.bytes < LIMITS.version, `${version.bytes} bytes`);
  assert.ok(help.bytes < LIMITS.help, `${help.bytes} bytes`);
  for (const { platform, gathers, requests } of [version, help]) {
    assert.deepEqual({ platform, gathers, requests }, { platform: [], gathers: false, requests: 0 });
  }
});

Deno.test("start: the first requests go out before any module of the platform is loaded, randomness is gathered beside", async () => {
  const sign = ["sign", "--from", "list", "--signing-method", "key", "--trust-dir", "trust", ...NOTARY];
  const [verified, signed] = await Promise.all([
    loadedBy(5, "verify", "-r", "localhost:1/a", "-t", "v1", ...NOTARY),
    loadedBy(5, ...sign),
  ]);
  for (const { platform, gathers, gatheringMs, requests } of [verified, signed]) {
    assert.deepEqual({ platform, gathers }, { platform: [], gathers: true });
    assert.ok(gatheringMs < MAX_GATHERING_MS, `${gatheringMs} ms of the program's thread`);
    assert.ok(requests >= 5, `${requests} at once`);
  }
  assert.ok(verified.bytesBefore < LIMITS.verify, `${verified.bytesBefore} bytes`);
  assert.ok(signed.bytesBefore < LIMITS.sign, `${signed.bytesBefore} bytes`);
});

Deno.test("start: a whole sign, read and verify load no module of the platform, from the first request to the last", async () => {
  await using stack = await startSigningStack({ stack: EMBEDDED, algorithm: "rsa-2048" });
  const { peers, certificatePath } = stack;
  const admin = await stack.admin("admin");
  const agent = await stack.agent("agent", { SIGNPATH_PROJECT_SLUG: "hashes" });
  const gun = `${peers.registryHost}/start`;
  await admin.succeeds("init", "-r", gun, "--delegation-certificate", certificatePath);
  const keys = createFileKeyStore(`${agent.home}/keys`, () => Promise.resolve("passphrase"));
  const { signer } = await keys.create({ role: "delegation" });
  const own = `${agent.home}/own.pem`;
  await Deno.writeTextFile(own, certificatePem(await createRootCertificate(signer, "a signer", new Date())));
  await admin.succeeds("add-delegation", "-r", gun, "--delegation-certificate", own, "--delegation", "own");
  await Deno.writeTextFile(`${agent.home}/list`, `${gun}:v1@sha256:${"0".repeat(64)} 100\n`);
  await Deno.writeTextFile(`${agent.home}/list-of-own`, `${gun}:v2@sha256:${"0".repeat(64)} 100\n`);
  const where = ["--notary-url", peers.notaryUrl, "--ca", `${peers.dir}/cas.pem`];
  const signing = ["--from", "list", "--delegation-certificate", certificatePath, "--signing-method", "hash"];
  const byKey = ["--from", "list-of-own", "--delegation", "own", "--signing-method", "key", "--trust-dir", "keys"];
  for (
    const command of [["sign", ...signing], ["sign", ...byKey], ["list", "-r", gun], ["verify", "-r", gun, "-t", "v1"]]
  ) {
    const env = { ...agent.env, NOTARY_DELEGATION_PASSPHRASE: "passphrase" };
    const { requests, platform, platformLater } = await loadedIn(agent.home, env, 0, [...command, ...where]);
    assert.ok(requests >= 4, `${requests} requests`);
    assert.deepEqual({ platform, platformLater }, { platform: [], platformLater: [] }, command.join(" "));
  }
});
