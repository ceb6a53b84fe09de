/**
 * What the single file loads before a command does its work, counted in the process itself: bytes of its parts, modules of
 * the platform. Time depends on the machine, this does not.
 */
import assert from "node:assert/strict";
import { createFileKeyStore } from "../../lib/keystore/file_keystore.ts";
import { builtFile } from "../support/built_file.ts";

interface Loaded {
  /** The program's parts, in bytes. */
  readonly bytes: number;
  /** Those until the first request. */
  readonly bytesBefore: number;
  /** Modules of the platform that were used until the first request. */
  readonly platform: readonly string[];
  /** Whether randomness was gathered. */
  readonly gathers: boolean;
  /** Milliseconds of computing that this took the thread of the program; 0 where the system does not tell. */
  readonly gatheringMs: number;
  /** How many requests were tried. */
  readonly requests: number;
}

/** Counts in the program's process, and tells at its end. */
const WITNESS = `
const seen = { bytes: 0, bytesBefore: 0, platform: [], gathers: false, gatheringMs: 0, requests: 0 };
const evaluate = globalThis.eval;
globalThis.eval = (code) => {
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
      if (seen.requests === 0 && !seen.platform.includes(name)) seen.platform.push(name);
      return real().getBuiltinModule(name);
    },
  }),
});
// The runtime's timers are Node's.
const timers = Object.getOwnPropertyDescriptor(globalThis, "setTimeout");
Object.defineProperty(globalThis, "setTimeout", {
  configurable: true,
  get() {
    if (seen.requests === 0 && !seen.platform.includes("node:timers")) seen.platform.push("node:timers");
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

async function loadedBy(code: number, ...args: string[]): Promise<Loaded> {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-start-" });
  try {
    const [witness, seen] = [`${folder}/witness.js`, `${folder}/seen.json`];
    await Deno.writeTextFile(witness, WITNESS);
    await createFileKeyStore(`${folder}/trust`, () => Promise.resolve("passphrase")).create({ role: "delegation" });
    const flags = ["run", "-q", "-A", "--no-config", "--ext=js", `--preload=${witness}`];
    await Deno.writeTextFile(`${folder}/list`, `localhost:1/a:v1@sha256:${"0".repeat(64)} 100\n`);
    const options = {
      args: [...flags, await builtFile(), ...args],
      cwd: folder,
      env: { PATH: Deno.env.get("PATH")!, HOME: folder, SEEN: seen, NOTARY_DELEGATION_PASSPHRASE: "passphrase" },
      clearEnv: true,
      stdin: "null" as const,
    };
    const end = await new Deno.Command(Deno.execPath(), options).output();
    assert.equal(end.code, code, new TextDecoder().decode(end.stderr));
    return JSON.parse(await Deno.readTextFile(seen));
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
