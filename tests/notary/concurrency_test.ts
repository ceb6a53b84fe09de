/** Several processes with one trust directory: no mixed copy, and no step back, ever. */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { withLock } from "../../lib/files/lock.ts";
import { createFileMetadataStore } from "../../lib/notary/file_metadata_store.ts";
import { createMemoryMetadataStore } from "../../lib/notary/metadata_store.ts";
import { readRepository } from "../../lib/notary/update.ts";
import { parseKept } from "../../lib/tuf/parse.ts";
import type { RoleName } from "../../lib/tuf/roles.ts";
import { failsWith } from "../support/failures.ts";
import { MemoryTrustServer } from "../support/memory_trust_server.ts";
import { AT, buildFiles, DELEGATIONS, GUN, type Plan } from "../support/trust_builder.ts";

const MOMENTS = 12;
const PROCESSES = 6;

function moment(version: number): Plan {
  const delegations = Object.entries(DELEGATIONS).map(([name, plan]) => [name, { ...plan, version }]);
  return {
    timestamp: { version },
    snapshot: { version },
    targets: { version },
    root: { version },
    delegations: Object.fromEntries(delegations),
  };
}

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-race-" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const versionsOf = (copy: ReadonlyMap<RoleName, Bytes>) =>
  new Set([...copy.values()].map((bytes) => parseKept(bytes)?.version));

Deno.test("processes: whoever reads and writes one copy at once leaves it whole, and never older than it was", () =>
  withFolder(async (folder) => {
    for (let version = 1; version <= MOMENTS; version++) {
      await Deno.mkdir(`${folder}/moments/${version}`, { recursive: true });
      for (const [role, bytes] of await buildFiles(moment(version))) {
        await Deno.writeFile(`${folder}/moments/${version}/${role.replaceAll("/", "_")}.json`, bytes);
        if (role !== "root") continue;
        for (let later = version; later <= MOMENTS; later++) {
          await Deno.mkdir(`${folder}/moments/${later}`, { recursive: true });
          await Deno.writeFile(`${folder}/moments/${later}/${version}.root.json`, bytes);
        }
      }
    }
    const racer = new URL("../support/copy_racer.ts", import.meta.url).pathname;
    const args = [
      "run",
      "-q",
      "-A",
      racer,
      `${folder}/trust`,
      `${folder}/moments`,
      `${MOMENTS}`,
      GUN,
      AT.toISOString(),
    ];
    const racers = Array.from(
      { length: PROCESSES },
      () => new Deno.Command(Deno.execPath(), { args, stdout: "null", stderr: "piped" }).output(),
    );
    const outcome = Promise.all(racers);
    let running = true;
    outcome.finally(() => running = false);
    const store = createFileMetadataStore(`${folder}/trust`);
    let highest = 0;
    const seen = new Set<number>();
    while (running) {
      const versions = versionsOf(await store.read(GUN));
      assert.ok(versions.size <= 1, `a copy mixed of the versions ${[...versions]}`);
      const [version = 0] = versions as Set<number>;
      assert.ok(version >= highest, `version ${version} after ${highest}`);
      seen.add(highest = version);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    for (const { code, stderr } of await outcome) assert.equal(code, 0, new TextDecoder().decode(stderr));
    assert.deepEqual([...versionsOf(await store.read(GUN))], [MOMENTS]);
    assert.ok(seen.size > 2, "the race was watched");
    const server = new MemoryTrustServer(await buildFiles(moment(MOMENTS + 1)));
    await readRepository({ server, gun: GUN, at: AT, store });
    assert.deepEqual([...versionsOf(await store.read(GUN))], [MOMENTS + 1]);
  }));

Deno.test("processes: a reading that was overtaken by a newer one is judged against that, and reads again", async () => {
  const [first, second, third] = await Promise.all([1, 2, 3].map((version) => buildFiles(moment(version))));
  const store = createMemoryMetadataStore();
  await store.write(GUN, first!);
  const server = new MemoryTrustServer(second);
  let overtaken = false;
  const write = store.write;
  store.write = async (gun, files, before) => {
    if (!overtaken) {
      overtaken = true;
      await write(gun, third!);
      server.show(third!);
    }
    return await write(gun, files, before);
  };
  const { repository } = await readRepository({ server, gun: GUN, at: AT, store });
  assert.equal(repository.timestamp.version, 3);
  assert.deepEqual([...versionsOf(await store.read(GUN))], [3]);
});

Deno.test("processes: overtaken by what the server does not show any more is a rollback, and moves nothing", async () => {
  const [first, second, third] = await Promise.all([1, 2, 3].map((version) => buildFiles(moment(version))));
  const store = createMemoryMetadataStore();
  await store.write(GUN, first!);
  const write = store.write;
  store.write = async (gun, files, before) => {
    await write(gun, third!);
    return await write(gun, files, before);
  };
  await failsWith(
    readRepository({ server: new MemoryTrustServer(second), gun: GUN, at: AT, store }),
    "trust-invalid",
    "(rollback)",
  );
  assert.deepEqual([...versionsOf(await store.read(GUN))], [3]);
});

Deno.test("store: what was verified against another copy is not written", () =>
  withFolder(async (folder) => {
    const [a, b, c] = ["a", "b", "c"].map((text) => new Map<RoleName, Bytes>([["root", utf8(text)]]));
    for (const store of [createFileMetadataStore(folder), createMemoryMetadataStore()]) {
      assert.equal(await store.write(GUN, a!, new Map()), true);
      assert.equal(await store.write(GUN, b!, new Map()), false, "it was not there yet");
      assert.equal(await store.write(GUN, b!, c!), false, "it was another one");
      assert.deepEqual(await store.read(GUN), a);
      assert.equal(await store.write(GUN, b!, a!), true);
      assert.deepEqual(await store.read(GUN), b);
      const more = new Map<RoleName, Bytes | undefined>([["targets/x", utf8("x")]]);
      assert.equal(await store.write(GUN, more, b!), true);
      assert.equal((await store.read(GUN)).size, 2);
      assert.equal(await store.write(GUN, new Map([["targets/x", undefined]]), await store.read(GUN)), true);
      assert.deepEqual(await store.read(GUN), b, "a file without content is dropped");
    }
  }));

Deno.test("store: reading leaves no trace, and writing what is there already neither", () =>
  withFolder(async (folder) => {
    const store = createFileMetadataStore(`${folder}/trust`);
    const none = new Map<RoleName, Bytes>();
    assert.equal((await store.read(GUN)).size, 0);
    assert.equal(await store.write(GUN, none, none), true);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), []);
  }));

Deno.test("store: the copy of a delegation that its parent does not list any more is forgotten", async () => {
  const store = createMemoryMetadataStore();
  const nested = { "targets/releases/beta": { keys: DELEGATIONS["targets/releases"]!.keys! } };
  const delegations = { ...DELEGATIONS, ...nested };
  const read = async (plan: Plan) =>
    await readRepository({ server: new MemoryTrustServer(await buildFiles(plan)), gun: GUN, at: AT, store });
  await read({ delegations });
  const { "targets/alice": alice } = DELEGATIONS;
  const next = (version: number) => ({ timestamp: { version }, snapshot: { version }, targets: { version } });
  await read({ ...next(2), delegations: { "targets/alice": alice! } });
  const left = ["root", "snapshot", "targets", "targets/alice", "timestamp"];
  assert.deepEqual([...(await store.read(GUN)).keys()].sort(), left);
  // Made anew and not published yet: that is no vanished role.
  const { repository } = await read({
    ...next(3),
    delegations: {
      "targets/alice": alice!,
      "targets/releases": { ...DELEGATIONS["targets/releases"], published: false },
    },
  });
  assert.equal(repository.delegations.get("targets/releases")!.kind, "unpublished");
});

Deno.test("locks: a writer is alone, readers share, and a lock ends with an error", () =>
  withFolder(async (folder) => {
    const path = `${folder}/deep/.lock`;
    let inside = 0, most = 0;
    const work = async () => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 20));
      inside--;
    };
    await Promise.all([1, 2, 3].map(() => withLock(path, "exclusive", work)));
    assert.equal(most, 1);
    const all = Promise.withResolvers<void>();
    const together = async () => {
      if (++inside === 3) all.resolve();
      await all.promise; // nobody leaves before all are in
    };
    await Promise.all([1, 2, 3].map(() => withLock(path, "shared", together)));
    await assert.rejects(withLock(path, "exclusive", () => Promise.reject(new Error("oh"))), /oh/);
    assert.equal(await withLock(path, "exclusive", () => Promise.resolve(7)), 7);
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    await failsWith(withLock(`${path}/below`, "exclusive", work), "bad-input", "cannot be locked");
  }));
