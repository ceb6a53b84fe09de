/** Servers that send more than anybody needs: what a command costs then, as a process of its own. */
import assert from "node:assert/strict";
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import type { RoleName } from "../../lib/tuf/roles.ts";
import { startProgram } from "../support/program.ts";
import { buildFiles, type DelegationPlan, DIGEST, GUN, KEYS, type Plan } from "../support/trust_builder.ts";

const MIB = 2 ** 20;
const expires = "2035-06-01T12:00:00Z";
const LASTING: Plan = {
  root: { expires },
  targets: { expires },
  snapshot: { expires },
  timestamp: { expires },
};
const releases = (plan: DelegationPlan): NonNullable<Plan["delegations"]> => ({
  "targets/releases": { keys: [KEYS.releases], expires, ...plan },
});

/** A Notary server that shows `files`, and sends whatever `flood` makes for the names that it knows. */
class Server implements AsyncDisposable {
  files = new Map<string, Bytes>();
  flood: (name: string) => Response | undefined = () => undefined;
  readonly asked: string[] = [];
  readonly #server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const name = /\/_trust\/tuf\/(.*)\.json$/.exec(new URL(request.url).pathname)?.[1] ?? "";
    this.asked.push(name);
    const bytes = this.files.get(name);
    return this.flood(name) ?? (bytes ? new Response(bytes) : Response.json({}, { status: 404 }));
  });

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  show(files: ReadonlyMap<RoleName, Bytes>): void {
    for (const [role, bytes] of files) this.files.set(role, bytes).set(`${role}.${sha256Hex(bytes)}`, bytes);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.shutdown();
  }
}

interface Cost {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly peakMib: number;
  readonly ms: number;
}

/** Runs `tagseal <args>` for the repository at `server`, and looks at its memory until it ends. */
async function costOf(server: Server, folder: string, args: readonly string[], pin?: string): Promise<Cost> {
  const started = performance.now();
  const env = pin === undefined ? {} : { TAGSEAL_ROOT_PIN: pin };
  const command = [...args, "-r", GUN, "--notary-url", server.url];
  const child = startProgram(args[0]!, command, folder, env);
  let peakMib = 0;
  // Not read here: the runtime lets nobody look into /proc who is not allowed everything.
  const look = async () => {
    const { stdout } = await new Deno.Command("grep", { args: ["VmHWM", `/proc/${child.pid}/status`], stderr: "null" })
      .output();
    peakMib = Math.max(peakMib, Number(/\d+/.exec(new TextDecoder().decode(stdout))?.[0] ?? 0) / 1024);
  };
  let looks: Promise<void> = Promise.resolve();
  const looking = setInterval(() => looks = looks.then(look), 100);
  const { code, stdout, stderr } = await child.output();
  clearInterval(looking);
  await looks;
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr), peakMib, ms: performance.now() - started };
}

const LIST = ["list"];
const VERIFY = ["verify", "-t", "v1"];

Deno.test({
  name: "hostile sizes: 400 MB and 30 s at most, for a new, a known and a pinned repository",
  ignore: Deno.build.os !== "linux",
}, async (t) => {
  await using server = new Server();
  const folder = await Deno.makeTempDir({ prefix: "tagseal-sizes-" });
  const honest = await buildFiles({ ...LASTING, delegations: releases({ tags: { v1: DIGEST } }) });
  const bomb = await gzip(new Uint8Array(128 * MIB - 1).fill(0x20));
  const floods = {
    "gzip": () => new Response(bomb, { headers: { "content-encoding": "gzip" } }),
    "gzip that does not say so": () => new Response(bomb),
    "plain": () => new Response(endless(128 * MIB)),
  };
  const pin = KEYS.root.publicKey.canonicalId;
  const machines: Record<string, readonly [home: string, args: readonly string[], pin?: string]> = {
    "a new": [`${folder}/fresh`, LIST],
    "a known": [`${folder}/known`, VERIFY],
    "a known and pinned": [`${folder}/known`, VERIFY, pin],
    "a pinned": [`${folder}/pinned`, VERIFY, pin],
  };
  try {
    for (const [home] of Object.values(machines)) await Deno.mkdir(home, { recursive: true });
    server.show(honest);
    assert.equal((await costOf(server, `${folder}/known`, LIST)).code, 0);
    for (
      const [form, spared, whose] of [
        ["gzip", [], ["a new", "a known", "a known and pinned", "a pinned"]],
        ["gzip that does not say so", [], ["a known"]],
        ["plain", [], ["a new", "a known", "a pinned"]],
        ["plain", ["root"], ["a new", "a known and pinned"]],
        ["plain", ["root", "timestamp", "snapshot"], ["a new", "a known", "a pinned"]],
      ] as const
    ) {
      await t.step(`${form}, all but ${spared.join(", ") || "nothing"}`, async () => {
        server.flood = (name) => spared.some((role) => role === name) ? undefined : floods[form]();
        const costs = await Promise.all(whose.map((one) => costOf(server, ...machines[one]!)));
        for (const cost of costs) {
          assert.ok([3, 5].includes(cost.code), `${cost.code}: ${cost.stderr}`);
          assert.ok(cost.peakMib < 400 && cost.peakMib > 20, `${cost.peakMib} MiB`);
          assert.ok(cost.ms < 30_000, `${cost.ms} ms`);
        }
      });
    }
    await t.step("a chain of roots that are all as long as can be", async () => {
      server.files.clear();
      server.show(await buildFiles({ ...LASTING, root: { expires, version: 200 } }));
      server.flood = (name) => /^\d+\.root$/.test(name) ? new Response(endless(MIB)) : undefined;
      const cost = await costOf(server, `${folder}/known`, VERIFY);
      assert.equal(cost.code, 5, cost.stderr);
      assert.ok(cost.peakMib < 400, `${cost.peakMib} MiB`);
    });
    await t.step("a server with a root of its own, and more signed data than is read on first use", async () => {
      server.files.clear();
      const big = (await buildFiles({
        ...LASTING,
        delegations: releases({ set: [[["padding"], "x".repeat(20 * MIB)]] }),
      })).get("targets/releases")!;
      const many = Object.fromEntries(
        Array.from({ length: 20 }, (_, i) => [`targets/d${i}`, { keys: [KEYS.releases], sealed: () => big }]),
      );
      server.show(await buildFiles({ ...LASTING, delegations: many }));
      server.flood = () => undefined;
      server.asked.length = 0;
      const cost = await costOf(server, await Deno.makeTempDir({ dir: folder }), LIST);
      assert.equal(cost.code, 3, cost.stderr);
      assert.match(cost.stderr, /too large: of a repository that is neither known here nor pinned, at most 48 MiB/);
      assert.ok(!server.asked.some((name) => name.startsWith("targets/d")), "nothing of it was read");
      assert.ok(cost.peakMib < 400, `${cost.peakMib} MiB`);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("roles of real life are read in the first round, and larger ones by the length that the snapshot names", async (t) => {
  await using server = new Server();
  const folder = await Deno.makeTempDir({ prefix: "tagseal-sizes-" });
  const rolesOf = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`release-2026.11.${i}`, DIGEST]));
  const MORE = "x".repeat(8 * MIB);
  try {
    for (const [count, more, reads] of [[30_000, "", 1], [30, MORE, 2]] as const) {
      await t.step(`${count} tags, and ${more.length} bytes more`, async () => {
        server.files.clear();
        const set = [[["more"], more]] as const;
        server.show(await buildFiles({ ...LASTING, delegations: releases({ tags: rolesOf(count), set }) }));
        server.asked.length = 0;
        const { code, stdout, stderr } = await costOf(server, await Deno.makeTempDir({ dir: folder }), LIST);
        assert.equal(code, 0, stderr);
        assert.equal(stdout.match(/^release-/gm)?.length, count);
        assert.equal(server.asked.filter((name) => name.startsWith("targets/releases")).length, reads);
      });
    }
    await t.step("SIGTERM ends a command that has many large files before it", async () => {
      const [role] = [...(await buildFiles({ ...LASTING, delegations: releases({ tags: rolesOf(40_000) }) }))]
        .filter(([name]) => name === "targets/releases");
      const many = Object.fromEntries(
        Array.from({ length: 10 }, (_, i) => [`targets/d${i}`, { keys: [KEYS.releases], sealed: () => role![1] }]),
      );
      server.files.clear();
      server.show(await buildFiles({ ...LASTING, delegations: many }));
      server.asked.length = 0;
      const home = await Deno.makeTempDir({ dir: folder });
      const child = startProgram("list", ["list", "-r", GUN, "--notary-url", server.url], home);
      while (server.asked.filter((name) => name.startsWith("targets/d")).length < 10) await pause(5);
      await pause(300);
      const told = performance.now();
      child.kill("SIGTERM");
      const { code } = await child.output();
      assert.equal(code, 130);
      assert.ok(performance.now() - told < 10_000, `${performance.now() - told} ms`);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

function endless(length: number): ReadableStream<Uint8Array> {
  const part = new Uint8Array(65_536).fill(0x20);
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      if (sent >= length) return controller.close();
      controller.enqueue(part);
      sent += part.length;
    },
  });
}

async function gzip(bytes: Bytes): Promise<Bytes> {
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
