/** What is at hand is not asked for where it is large or changes seldom: it must be what the snapshot names, however it does. */
import assert from "node:assert/strict";
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { createMemoryMetadataStore, type MetadataStore } from "../../lib/notary/metadata_store.ts";
import { LARGE_FILE_BYTES } from "../../lib/notary/first_round.ts";
import { openRepository, publish, type Trust } from "../../lib/notary/repository.ts";
import { filesOf, readRepository } from "../../lib/notary/update.ts";
import { RELEASES, type RoleName } from "../../lib/tuf/roles.ts";
import { failsWith } from "../support/failures.ts";
import { MemoryTrustServer } from "../support/memory_trust_server.ts";
import { AT, buildFiles, type Change, DIGEST, GUN, KEYS } from "../support/trust_builder.ts";

const HASHES = ["sha256", "sha512"] as const;
type HashName = typeof HASHES[number];

const names = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`tag-${n}`, DIGEST]));
/** Makes a role larger than what is asked for anyway, and one that is not. */
const LARGE = names(900), SMALL = names(1);

/** All roles at a version, but root at one of its own; the snapshot names `targets/releases` by `hashes` alone. */
function moment(version: number, tags: Readonly<Record<string, string>>, hashes: readonly HashName[], root = 1) {
  const set = HASHES.filter((name) => !hashes.includes(name))
    .map((name): Change => [["meta", RELEASES, "hashes", name], undefined]);
  return buildFiles({
    root: { version: root },
    timestamp: { version },
    snapshot: { version, set },
    targets: { version },
    delegations: { [RELEASES]: { keys: [KEYS.releases], version, tags } },
  });
}

async function storeOf(files: ReadonlyMap<RoleName, Bytes>): Promise<MetadataStore> {
  const store = createMemoryMetadataStore();
  await store.write(GUN, files);
  return store;
}

async function read(server: MemoryTrustServer, store: MetadataStore, atHand?: ReadonlyMap<RoleName, Bytes>) {
  const { repository } = await readRepository({ server, gun: GUN, at: AT, store, atHand });
  const state = repository.delegations.get(RELEASES)!;
  assert.ok(state.kind === "trusted");
  assert.deepEqual((await store.read(GUN)).get(RELEASES), state.file.envelope.bytes, "what was read is kept");
  return state.file;
}

for (const hashes of [["sha512"], ["sha256"], ["sha256", "sha512"]] as const) {
  const named = `named by ${hashes.join(" and ")}`;

  Deno.test(`probable files: a large role that is kept and has changed since is read, ${named}`, async () => {
    const before = await moment(1, LARGE, hashes);
    assert.ok(before.get(RELEASES)!.length > LARGE_FILE_BYTES);
    const server = new MemoryTrustServer(await moment(2, { ...LARGE, new: DIGEST }, hashes));
    const file = await read(server, await storeOf(before));
    assert.deepEqual([file.version, file.targets.has("new")], [2, true]);
  });

  Deno.test(`probable files: a large role that has become small is read, and the other way round, ${named}`, async () => {
    for (const [first, then] of [[LARGE, SMALL], [SMALL, LARGE]] as const) {
      const store = await storeOf(await moment(1, first, hashes));
      const file = await read(new MemoryTrustServer(await moment(2, then, hashes)), store);
      assert.deepEqual([file.version, file.targets.size], [2, Object.keys(then).length]);
    }
  });

  Deno.test(`probable files: a large role that has not changed is not asked for, ${named}`, async () => {
    const files = await moment(1, LARGE, hashes);
    const server = new MemoryTrustServer(files);
    assert.equal((await read(server, await storeOf(files))).version, 1);
    assert.deepEqual(server.reads.filter((name) => name.startsWith(RELEASES)), []);
  });

  Deno.test(`probable files: a large role right after publishing is the posted one, or what others made of it, ${named}`, async () => {
    const before = await moment(1, LARGE, hashes);
    const ours = await moment(2, { ...LARGE, ours: DIGEST }, hashes);
    const theirs = await moment(3, { ...LARGE, ours: DIGEST, theirs: DIGEST }, hashes);
    const posted = new Map<RoleName, Bytes>([[RELEASES, ours.get(RELEASES)!]]);
    for (const [shown, version] of [[ours, 2], [theirs, 3]] as const) {
      const server = new MemoryTrustServer(before);
      server.show(shown);
      const file = await read(server, await storeOf(before), posted);
      assert.deepEqual([file.version, file.targets.has("ours")], [version, true]);
      if (version === 2) assert.deepEqual(server.reads.filter((name) => name.startsWith(RELEASES)), []);
    }
  });

  Deno.test(`probable files: a server that took a large role and does not show it shows what was there, ${named}`, async () => {
    const before = await moment(1, LARGE, hashes);
    const ours = await moment(2, { ...LARGE, ours: DIGEST }, hashes);
    const server = new MemoryTrustServer(before);
    const file = await read(server, await storeOf(before), new Map([[RELEASES, ours.get(RELEASES)!]]));
    assert.deepEqual([file.version, file.targets.has("ours")], [1, false]);
  });

  Deno.test(`probable files: a server without the large role that its snapshot names is refused, ${named}`, async () => {
    const after = await moment(2, { ...LARGE, new: DIGEST }, hashes);
    const server = new MemoryTrustServer(after);
    for (const name of [RELEASES, `${RELEASES}.${(await sha256(after.get(RELEASES)!)).toHex()}`]) server.lose(name);
    const before = await moment(1, LARGE, hashes);
    const store = await storeOf(before);
    await failsWith(read(server, store), "trust-invalid", `"${RELEASES}"`, "the server does not have it");
    assert.deepEqual((await store.read(GUN)).get(RELEASES), before.get(RELEASES), "the copy stays");
  });
}

/** What a reading asked a server that shows `now` for, when `kept` had been read before. */
async function askedFor(
  kept: ReadonlyMap<RoleName, Bytes>,
  now: ReadonlyMap<RoleName, Bytes>,
  atHand?: ReadonlyMap<RoleName, Bytes>,
): Promise<string[]> {
  const server = new MemoryTrustServer(kept);
  server.show(now);
  const store = await storeOf(kept);
  const { repository } = await readRepository({ server, gun: GUN, at: AT, store, atHand });
  assert.deepEqual(filesOf(repository), now, "whatever is asked for, this is read");
  assert.deepEqual(await store.read(GUN), now, "and kept");
  return server.reads.map((name) => name.replace(/[0-9a-f]{64}/, "<hash>"));
}

Deno.test("probable files: targets, which seldom changes where tags go to delegations, is not asked for where it is kept", async () => {
  const first = await moment(1, SMALL, HASHES);
  const others = ["root", "timestamp", "snapshot", RELEASES];
  assert.deepEqual(await askedFor(first, first), others);
  assert.deepEqual(await askedFor(first, await moment(2, SMALL, HASHES)), [...others, "targets.<hash>"]);
});

Deno.test("probable files: targets that holds the tags itself is asked for with the rest", async () => {
  const files = (version: number) =>
    buildFiles({ timestamp: { version }, snapshot: { version }, targets: { version }, delegations: {} });
  const all = ["root", "timestamp", "snapshot", "targets", RELEASES];
  assert.deepEqual(await askedFor(await files(1), await files(2)), all);
});

Deno.test("probable files: root that was read a moment ago is not asked for, unless the snapshot names another", async () => {
  const first = await moment(1, SMALL, HASHES);
  assert.deepEqual(await askedFor(first, first, new Map([["root", first.get("root")!]])), [
    "timestamp",
    "snapshot",
    "targets",
    RELEASES,
  ]);
  const rotated = await moment(2, SMALL, HASHES, 2);
  const asked = await askedFor(first, rotated, first);
  assert.deepEqual(asked.slice(0, 2), ["timestamp", "snapshot"]);
  assert.ok(asked.includes("root") && asked.indexOf("root") > 1, "it is asked for once that is known");
  assert.ok(asked.length < 12, "and not again and again");
});

/** A server that shows `before`, and `next` once anything was posted; and who trusts nothing yet. */
function publishing(
  before: ReadonlyMap<RoleName, Bytes>,
  next: ReadonlyMap<RoleName, Bytes>,
  recent: Pick<Trust, "recent">,
): { readonly server: MemoryTrustServer; readonly trust: Trust } {
  const server = new MemoryTrustServer(before);
  server.onPublish = () => server.show(next);
  const store = createMemoryMetadataStore();
  return { server, trust: { server, store, now: () => AT, sleep: () => Promise.resolve(), ...recent } };
}

Deno.test("probable files: right after publishing, the server is asked for what was posted and what names it", async () => {
  const before = await buildFiles({ delegations: { [RELEASES]: { keys: [KEYS.releases], tags: SMALL } } });
  const next = await buildFiles({
    snapshot: { version: 2 },
    timestamp: { version: 2 },
    delegations: { [RELEASES]: { keys: [KEYS.releases], version: 2, tags: { ...SMALL, new: DIGEST } } },
  });
  const { server, trust } = publishing(before, next, { recent: new Map() });
  await openRepository(trust, GUN);
  server.reads.length = 0;
  const { outcome } = await publish(trust, GUN, [RELEASES], { attempts: 1 }, {
    make: () => Promise.resolve(new Map([[RELEASES, next.get(RELEASES)!]])),
    isThere: ({ snapshot }) => snapshot.version === 2,
  });
  assert.deepEqual([outcome, server.reads], ["published", ["timestamp", "snapshot", RELEASES]]);
});

Deno.test("probable files: right after targets was published, no role below it is fetched again, however it was read before", async () => {
  for (const recent of [{}, { recent: new Map() }]) {
    const releases = { keys: [KEYS.releases], tags: LARGE };
    const before = await buildFiles({ delegations: { [RELEASES]: releases } });
    const next = await buildFiles({
      snapshot: { version: 2 },
      timestamp: { version: 2 },
      targets: { version: 2 },
      delegations: { [RELEASES]: releases },
    });
    const { server, trust } = publishing(before, next, recent);
    const { outcome } = await publish(trust, GUN, [RELEASES], { attempts: 1 }, {
      make: () => {
        server.reads.length = 0;
        return Promise.resolve(new Map([["targets", next.get("targets")!]]));
      },
      isThere: ({ targets }) => targets.version === 2,
    });
    assert.deepEqual([outcome, server.reads], ["published", ["timestamp", "snapshot", "targets"]]);
  }
});

Deno.test("probable files: root at hand that is older than what another process has kept meanwhile is asked for anew", async () => {
  const first = await moment(1, SMALL, HASHES);
  const rotated = await moment(2, SMALL, HASHES, 2);
  const server = new MemoryTrustServer(first);
  server.show(rotated);
  const { repository } = await readRepository({
    server,
    gun: GUN,
    at: AT,
    store: await storeOf(rotated),
    atHand: first,
  });
  assert.equal(repository.root.version, 2);
  server.show(first);
  await failsWith(
    readRepository({ server, gun: GUN, at: AT, store: await storeOf(rotated), atHand: first }),
    "trust-invalid",
    '"root"',
  );
});

Deno.test("probable files: an older large role under the newest name is no answer, named by sha512", async () => {
  const [before, after] = [await moment(1, LARGE, ["sha512"]), await moment(2, { ...LARGE, new: DIGEST }, ["sha512"])];
  const server = new MemoryTrustServer(after);
  server.show(new Map([[RELEASES, before.get(RELEASES)!]]));
  await failsWith(
    read(server, await storeOf(before)),
    "trust-invalid",
    `"${RELEASES}"`,
    "not the file that the snapshot",
  );
});

async function sha256(bytes: Bytes): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}
