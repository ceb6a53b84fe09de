import assert from "node:assert/strict";
import { type Bytes, concat, utf8 } from "../../lib/bytes/bytes.ts";
import { TagsealError } from "../../lib/errors.ts";
import { createMemoryMetadataStore, type MetadataStore } from "../../lib/notary/metadata_store.ts";
import { connecting } from "../../lib/notary/first_round.ts";
import { filesOf, type ReadOptions, readRepository } from "../../lib/notary/update.ts";
import type { RoleName } from "../../lib/tuf/roles.ts";
import { failsWith } from "../support/failures.ts";
import { MemoryTrustServer } from "../support/memory_trust_server.ts";
import {
  AT,
  buildFiles,
  certified,
  DELEGATIONS,
  DIGEST,
  GUN,
  KEYS,
  newKey,
  type Plan,
} from "../support/trust_builder.ts";

const FIRST = await buildFiles();

/** All roles at version `version`, with one more tag. */
function moment(version: number): Plan {
  return {
    timestamp: { version },
    snapshot: { version },
    targets: { version, tags: { [`t${version}`]: DIGEST } },
    delegations: { ...DELEGATIONS, "targets/releases": { ...DELEGATIONS["targets/releases"], version } },
  };
}
const LATER = await buildFiles(moment(2));

function reading(
  server: MemoryTrustServer,
  store: MetadataStore = createMemoryMetadataStore(),
  more: Partial<ReadOptions> = {},
) {
  return readRepository({ server, gun: GUN, at: AT, store, ...more });
}

/** A store that holds `files`, as if they had been read before. */
async function storeOf(files: ReadonlyMap<RoleName, Bytes>): Promise<MetadataStore> {
  const store = createMemoryMetadataStore();
  await store.write(GUN, files);
  return store;
}

Deno.test("read: all files in one parallel round, and all are kept", async () => {
  const server = new MemoryTrustServer(FIRST);
  const store = createMemoryMetadataStore();
  const { repository, firstUse } = await reading(server, store, { expected: ["targets/alice"] });
  assert.deepEqual(server.reads, ["root", "timestamp", "snapshot", "targets", "targets/releases", "targets/alice"]);
  assert.equal(server.rounds, 1);
  assert.equal(firstUse, true);
  assert.equal(repository.delegations.get("targets/alice")!.kind, "trusted");
  assert.deepEqual(new Map([...await store.read(GUN)].sort()), new Map([...FIRST].sort()));
  assert.deepEqual(new Map([...filesOf(repository)].sort()), new Map([...FIRST].sort()));
});

Deno.test("read: what keeps the processor busy begins once the connections have begun, or all is answered", async () => {
  const seen: string[] = [];
  const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 0));
  const { promise: answers, resolve: answer } = Promise.withResolvers<void>();
  const reading = (async () => {
    for (let i = 0; i < 50; i++) await undefined; // what stands before the request
    seen.push("asked");
    for (let i = 0; i < 2; i++) await turn(); // the name is looked up, then connected to
    seen.push("connected");
    await answers;
  })();
  await connecting(reading);
  assert.deepEqual(seen, ["asked", "connected"]);
  answer();
  await reading;
  const later = new Promise<string>((resolve) => setTimeout(() => resolve("waited"), 1));
  assert.equal(await Promise.race([connecting(reading).then(() => "at once"), later]), "at once");
  const failed = Promise.reject(new Error("it failed"));
  assert.equal(await connecting(failed).then(() => "told elsewhere"), "told elsewhere");
  await assert.rejects(failed);
  await later;
});

Deno.test("read: a delegation nobody expected is fetched by its hash, in a second round; the third time it is known", async () => {
  const server = new MemoryTrustServer(FIRST);
  const store = createMemoryMetadataStore();
  await reading(server, store);
  assert.equal(server.rounds, 2);
  assert.match(server.reads.at(-1)!, /^targets\/alice\.[0-9a-f]{64}$/);
  server.reads.length = server.rounds = 0;
  const { firstUse } = await reading(server, store);
  assert.equal(firstUse, false);
  assert.equal(server.rounds, 1);
  assert.equal(server.reads.at(-1), "targets/alice");
});

Deno.test("read: nested delegations are followed, those of one level together", async () => {
  const server = new MemoryTrustServer(
    await buildFiles({
      delegations: {
        ...DELEGATIONS,
        "targets/bob": { keys: [KEYS.alice] },
        "targets/bob/x": { keys: [KEYS.alice] },
        "targets/bob/y": { keys: [KEYS.alice], published: false },
      },
    }),
  );
  const { repository } = await reading(server);
  assert.equal(server.rounds, 3);
  assert.deepEqual([...repository.delegations].map(([name, { kind }]) => [name, kind]), [
    ["targets/releases", "trusted"],
    ["targets/alice", "trusted"],
    ["targets/bob", "trusted"],
    ["targets/bob/x", "trusted"],
    ["targets/bob/y", "unpublished"],
  ]);
});

Deno.test("read: what was read before sets the floor, for every role", async () => {
  const store = await storeOf(LATER);
  const server = new MemoryTrustServer(FIRST);
  await failsWith(
    reading(server, store),
    "trust-invalid",
    'The trust data of "timestamp" is not acceptable: it has version 1, and version 2',
  );
  for (const role of ["snapshot", "targets", "targets/releases"] as const) {
    const rolledBack = await buildFiles({
      ...moment(2),
      timestamp: { version: 3 },
      snapshot: { version: 3 },
      ...(role === "targets/releases" ? { delegations: DELEGATIONS } : { [role]: { version: 1 } }),
    });
    await failsWith(
      reading(new MemoryTrustServer(rolledBack), store),
      "trust-invalid",
      `The trust data of "${role}" is not acceptable: it has version 1, and version 2 was trusted before (rollback)`,
    );
  }
  assert.deepEqual(await store.read(GUN), LATER);
  await reading(new MemoryTrustServer(LATER), store);
});

Deno.test("read: a file that its publisher made larger than the kept one moves no floor", async () => {
  const store = await storeOf(
    new Map([...LATER, ["targets", concat(LATER.get("targets")!, utf8(" ".repeat(100_000)))]]),
  );
  const rolledBack = await buildFiles({ ...moment(3), targets: { version: 1 } });
  await failsWith(reading(new MemoryTrustServer(rolledBack), store), "trust-invalid", '"targets"', "(rollback)");
});

Deno.test("read: a vanished delegation is told from one that was never published", async () => {
  const plan: Plan = {
    timestamp: { version: 2 },
    snapshot: { version: 2 },
    delegations: { ...DELEGATIONS, "targets/alice": { ...DELEGATIONS["targets/alice"], published: false } },
  };
  const server = new MemoryTrustServer(await buildFiles(plan));
  await failsWith(
    reading(server, await storeOf(FIRST)),
    "trust-invalid",
    'The trust data of "targets/alice" is not acceptable: it was published before',
  );
  await reading(server);
});

Deno.test("read: a rejected update moves nothing that is kept", async () => {
  const bad: readonly Plan[] = [
    { ...moment(2), timestamp: { version: 2, signers: [KEYS.stranger] } },
    { ...moment(2), snapshot: { version: 2, expires: "2026-01-01T00:00:00Z" } },
    { ...moment(2), targets: { version: 2, signers: [KEYS.stranger] } },
    { ...moment(2), delegations: { ...DELEGATIONS, "targets/alice": { keys: [KEYS.alice], signers: [] } } },
    { ...moment(2), root: { version: 2, signers: [KEYS.stranger] } },
  ];
  for (const plan of bad) {
    const store = await storeOf(FIRST);
    await failsWith(
      reading(new MemoryTrustServer(await buildFiles(plan)), store),
      "trust-invalid",
      "The trust data of",
    );
    assert.deepEqual(await store.read(GUN), FIRST);
    const empty = createMemoryMetadataStore();
    await failsWith(
      reading(new MemoryTrustServer(await buildFiles({ ...plan, root: { signers: [KEYS.stranger] } })), empty),
      "trust-invalid",
      '"root"',
    );
    assert.equal((await empty.read(GUN)).size, 0);
  }
  const good = await storeOf(FIRST);
  await reading(new MemoryTrustServer(LATER), good);
  assert.deepEqual(await good.read(GUN), LATER);
});

Deno.test("read: a skipped delegation is not kept, and the copy from before stays its floor", async () => {
  const store = await storeOf(LATER);
  const alice = DELEGATIONS["targets/alice"]!;
  const skipping = await buildFiles({
    ...moment(3),
    delegations: {
      "targets/releases": { keys: [KEYS.releases], version: 3, signers: [KEYS.stranger] },
      "targets/alice": alice,
    },
  });
  const { repository } = await reading(new MemoryTrustServer(skipping), store);
  assert.equal(repository.delegations.get("targets/releases")!.kind, "skipped");
  assert.deepEqual((await store.read(GUN)).get("targets/releases"), LATER.get("targets/releases"));
  const back = await buildFiles({
    ...moment(4),
    delegations: { "targets/releases": { keys: [KEYS.releases], version: 1 }, "targets/alice": alice },
  });
  await failsWith(reading(new MemoryTrustServer(back), store), "trust-invalid", '"targets/releases"', "(rollback)");
});

Deno.test("read: a damaged copy is replaced; a damaged root is fatal", async () => {
  for (const role of ["timestamp", "snapshot", "targets", "targets/releases"] as const) {
    const store = await storeOf(new Map([...FIRST, [role, utf8("{")]]));
    await reading(new MemoryTrustServer(LATER), store);
    assert.deepEqual(await store.read(GUN), LATER);
  }
  const store = await storeOf(new Map([...FIRST, ["root", utf8("{")]]));
  await failsWith(
    reading(new MemoryTrustServer(LATER), store),
    "trust-invalid",
    'The trust data of "root" is malformed',
  );
  assert.deepEqual((await store.read(GUN)).get("root"), utf8("{"));
});

// Somebody publishes in the middle of a reading

/** Shows `LATER` as soon as `name` is asked for; what was answered before is of `FIRST`. */
function movingOn(name: string, after: boolean): MemoryTrustServer {
  const server = new MemoryTrustServer(FIRST);
  let asked = false;
  server.onRead = (read) => {
    if (asked && after || read === name && !after) server.show(LATER);
    asked ||= read === name;
  };
  return server;
}

Deno.test("read: a snapshot that moved on after timestamp was read is fetched by its hash", async () => {
  const server = movingOn("timestamp", true);
  const { repository } = await reading(server);
  assert.equal(repository.snapshot.version, 1);
  assert.equal(repository.targets.version, 1);
  const [snapshot, targets, ...delegations] = server.reads.slice(5).map((name) =>
    name.replace(/\.[0-9a-f]{64}$/, ".HASH")
  );
  assert.deepEqual([snapshot, targets], ["snapshot.HASH", "targets.HASH"]);
  // Side by side: which of them is found not to fit first is nobody's matter.
  assert.deepEqual(delegations.sort(), ["targets/alice.HASH", "targets/releases.HASH"]);
});

Deno.test("read: targets that moved on after snapshot are fetched by their hash", async () => {
  const { repository } = await reading(movingOn("snapshot", true));
  assert.deepEqual([repository.snapshot.version, repository.targets.version], [1, 1]);
});

Deno.test("read: a delegation that the server has lost by its hash is fatal", async () => {
  const server = movingOn("snapshot", true);
  server.onRead = ((before) => (name: string) => {
    before(name);
    if (/^targets\/releases\./.test(name)) server.lose(name);
  })(server.onRead);
  // The repository moved on, so the reading starts over; then all fits.
  const { repository } = await reading(server);
  assert.equal(repository.snapshot.version, 2);
});

Deno.test("read: a server that fails for delegations it does not have is read, and one that fails for others is not", async () => {
  const fails = (name: string) => {
    throw new TagsealError("unavailable", `There is no ${name}`, { remedy: "Wait", call: { status: 500 } });
  };
  const bare = new MemoryTrustServer(await buildFiles({ delegations: {} }));
  bare.onRead = (name) => name.startsWith("targets/") && fails(name);
  assert.equal((await reading(bare)).repository.delegations.size, 0);
  const server = new MemoryTrustServer(FIRST);
  server.onRead = (name) => name === "targets/releases" && fails(name);
  assert.equal((await reading(server)).repository.delegations.get("targets/releases")!.kind, "trusted");
  for (const failing of [/^targets$/, /^targets\/releases/]) {
    server.onRead = (name) => failing.test(name) && fails(name);
    await failsWith(reading(server), "unavailable", "There is no targets");
  }
});

Deno.test("read: root that moved on before timestamp makes the reading start over", async () => {
  const second = await buildFiles({ root: { version: 2, expires: "2028-01-01T00:00:00Z" }, ...moment(2) });
  const server = new MemoryTrustServer(FIRST);
  const shown = [FIRST.get("root")!, second.get("root")!];
  let reads = 0;
  server.onRead = (name) => {
    if (name === "root" && reads++ === 0) server.show(new Map([["root", shown[1]!]])); // the rest is of before
    else if (name === "timestamp" && server.reads.length > 5) server.show(second);
  };
  const { repository } = await reading(server);
  assert.deepEqual([repository.root.version, repository.timestamp.version], [2, 2]);
  assert.deepEqual(server.reads.filter((name) => name === "timestamp").length, 3, "read, compared, read again");
});

Deno.test("read: a repository that is wrong and stays so is asked once more only", async () => {
  const server = new MemoryTrustServer(await buildFiles({ targets: { signers: [KEYS.stranger] } }));
  await failsWith(
    reading(server),
    "trust-invalid",
    'The trust data of "targets" is not signed by the key that root names',
  );
  assert.deepEqual(server.reads.slice(5), ["root", "timestamp"]);
});

Deno.test("read: a repository that never holds still is given up", async () => {
  let version = 10;
  const server = new MemoryTrustServer(await buildFiles({ targets: { signers: [KEYS.stranger] } }));
  const moving = await Promise.all(
    Array.from(
      { length: 8 },
      (_, i) => buildFiles({ timestamp: { version: version + i }, targets: { signers: [KEYS.stranger] } }),
    ),
  );
  server.onRead = (name) => {
    if (name === "timestamp") server.show(moving[version++ - 10]!);
  };
  await failsWith(reading(server), "trust-invalid", '"');
  assert.equal(server.reads.filter((name) => name === "targets").length, 3);
});

Deno.test("read: more delegations than anybody has are not followed", async () => {
  const names = (parent: string, count: number) =>
    Array.from({ length: count }, (_, i) => [`${parent}/d${i}`, { keys: [KEYS.alice], published: false }] as const);
  const repository = (nested: number) =>
    buildFiles({
      delegations: {
        "targets/releases": { keys: [KEYS.releases] },
        ...Object.fromEntries([...names("targets", 900), ...names("targets/releases", nested)]),
      },
    });
  const { repository: full } = await reading(new MemoryTrustServer(await repository(99)));
  assert.equal(full.delegations.size, 1000);
  await failsWith(
    reading(new MemoryTrustServer(await repository(100))),
    "trust-invalid",
    `The repository "${GUN}" has more than 1000 delegations`,
  );
});

// What is missing

Deno.test("read: without root there is no repository", async () => {
  const error = await failsWith(
    reading(new MemoryTrustServer()),
    "not-found",
    `The Notary server "https://notary.test" has no trust data for "${GUN}"`,
  );
  assert.equal(error.details["repository"], GUN);
});

for (const role of ["timestamp", "snapshot", "targets", "targets/releases"] as const) {
  Deno.test(`read: without ${role} the repository is damaged, not empty`, async () => {
    const server = new MemoryTrustServer(FIRST);
    server.onRead = (name) => {
      if (name.startsWith(role)) server.lose(name);
    };
    const words = role === "targets/releases"
      ? ['"targets/releases"', "the server does not have it"]
      : [`The Notary server does not have "${role}", though it must exist`];
    await failsWith(reading(server), "trust-invalid", ...words);
    assert.equal(server.reads.filter((name) => name === "targets").length, 1, "nothing has moved: no second try");
  });
}

// Roots

const [second, third] = [await certified(newKey()), await certified(newKey())];
const ROOTS = [
  FIRST,
  await buildFiles({
    ...moment(2),
    keys: { root: [second] },
    root: { version: 2, signers: [KEYS.root, second], expires: "2026-01-01T00:00:00Z" },
  }),
  await buildFiles({ ...moment(3), keys: { root: [third] }, root: { version: 3, signers: [second, third] } }),
];

Deno.test("roots: those between the kept one and the newest are walked, expired or not", async () => {
  const server = new MemoryTrustServer();
  for (const files of ROOTS) server.show(files);
  const store = await storeOf(FIRST);
  const { repository, firstUse } = await reading(server, store);
  assert.equal(repository.root.version, 3);
  assert.equal(firstUse, false);
  assert.ok(server.reads.includes("2.root"));
  assert.ok(!server.reads.includes("1.root") && !server.reads.includes("3.root"));
  assert.deepEqual((await store.read(GUN)).get("root"), ROOTS[2]!.get("root"));
});

Deno.test("roots: where one between is missing, the newest must be signed by the kept one's keys", async () => {
  const server = new MemoryTrustServer(ROOTS[2]);
  await failsWith(
    reading(server, await storeOf(FIRST)),
    "trust-invalid",
    'The trust data of "root" is not signed by the keys of the root trusted so far: 0 of 1 needed signatures are good',
  );
  const jumped = await buildFiles({
    ...moment(3),
    keys: { root: [third] },
    root: { version: 3, signers: [KEYS.root, third] },
  });
  assert.equal((await reading(new MemoryTrustServer(jumped), await storeOf(FIRST))).repository.root.version, 3);
});

Deno.test("roots: one between that is forged is fatal", async () => {
  const server = new MemoryTrustServer(ROOTS[2]);
  const forged = await buildFiles({ keys: { root: [second] }, root: { version: 2, signers: [second] } });
  server.show(new Map([["root", forged.get("root")!]]));
  server.show(ROOTS[2]!);
  await failsWith(
    reading(server, await storeOf(FIRST)),
    "trust-invalid",
    "is not signed by the keys of the root trusted so far",
  );
});

Deno.test("roots: a server that is ahead beyond reason is not followed", async () => {
  const ahead = (version: number) => buildFiles({ ...moment(2), root: { version } });
  const server = new MemoryTrustServer(await ahead(259));
  await failsWith(
    reading(server, await storeOf(FIRST)),
    "trust-invalid",
    `The root of "${GUN}" is 257 versions ahead of the trusted one`,
  );
  assert.ok(server.reads.length < 10, "nothing of it is even asked for");
  assert.equal(
    (await reading(new MemoryTrustServer(await ahead(258)), await storeOf(FIRST))).repository.root.version,
    258,
  );
});

Deno.test("roots: an older one than the kept is a rollback", async () => {
  await failsWith(
    reading(new MemoryTrustServer(FIRST), await storeOf(ROOTS[2]!)),
    "trust-invalid",
    'The trust data of "root" is not acceptable: it has version 1, and version 3 was trusted before (rollback)',
  );
});

// Pins

Deno.test("pins: the first root is held to the pin, and is no first use then", async () => {
  const pin = { keyId: KEYS.root.publicKey.canonicalId };
  const { firstUse } = await reading(new MemoryTrustServer(FIRST), createMemoryMetadataStore(), { pin });
  assert.equal(firstUse, false);
  const store = createMemoryMetadataStore();
  await failsWith(
    reading(new MemoryTrustServer(FIRST), store, { pin: { keyId: KEYS.stranger.publicKey.id } }),
    "trust-invalid",
    `The root of "${GUN}" is not the pinned one`,
  );
  assert.equal((await store.read(GUN)).size, 0);
});

Deno.test("pins: a root that was trusted without one is held to it, too", async () => {
  const store = await storeOf(FIRST);
  await failsWith(
    reading(new MemoryTrustServer(LATER), store, { pin: { keyId: KEYS.stranger.publicKey.id } }),
    "trust-invalid",
    "is not the pinned one",
  );
  assert.deepEqual(await store.read(GUN), FIRST);
  await reading(new MemoryTrustServer(LATER), store, { pin: { keyId: KEYS.root.publicKey.canonicalId } });
});

Deno.test("pins: a root that was trusted on first use and only names the pinned key is refused", async () => {
  const evil = await certified(newKey());
  const forged = await buildFiles({ keys: { root: [KEYS.root, evil] }, root: { signers: [evil] } });
  const store = await storeOf(forged);
  await failsWith(
    reading(new MemoryTrustServer(forged), store, { pin: { keyId: KEYS.root.publicKey.canonicalId } }),
    "trust-invalid",
    "is not signed by the pinned key",
  );
});

Deno.test("read: a damaged copy of root says what to do, and stays", async () => {
  const forged = await buildFiles({ root: { signers: [KEYS.stranger] } });
  for (const root of [utf8(""), utf8("{}"), FIRST.get("root")!.slice(0, 100), forged.get("root")!]) {
    const store = await storeOf(new Map([...FIRST, ["root", root]]));
    const error = await failsWith(
      reading(new MemoryTrustServer(LATER), store),
      "trust-invalid",
      `The local copy of the root of "${GUN}" is damaged: The trust data of "root"`,
    );
    assert.match(error.remedy, /move the copy away, and pin that certificate$/);
    assert.deepEqual(error.next, { do: "restore-root", folder: undefined });
    assert.deepEqual((await store.read(GUN)).get("root"), root);
  }
});

Deno.test("read: a big file that has not changed is looked at once", async () => {
  const tags = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`v${i}`, DIGEST]));
  const files = await buildFiles({ targets: { tags } });
  const store = await storeOf(files);
  const parsed: number[] = [];
  const decode = TextDecoder.prototype.decode;
  TextDecoder.prototype.decode = function (input, ...more) {
    const { byteLength } = input as Bytes;
    if (byteLength > 1_000_000) parsed.push(byteLength);
    return decode.call(this, input, ...more);
  };
  try {
    await reading(new MemoryTrustServer(new Map([...files].map(([role, bytes]) => [role, bytes.slice()]))), store);
  } finally {
    TextDecoder.prototype.decode = decode;
  }
  assert.equal(parsed.length, 2, "once by each reader, as it is not canonical: the fast one, then the strict one");
});
