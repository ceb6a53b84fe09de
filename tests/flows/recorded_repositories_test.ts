/** Repositories that the real notary client made are read as that client reads them, also years later. */
import assert from "node:assert/strict";
import { type Bytes, text } from "../../lib/bytes/bytes.ts";
import { parseRoot } from "../../lib/tuf/parse.ts";
import type { RoleName } from "../../lib/tuf/roles.ts";
import { openRepository, type Trust } from "../../lib/notary/repository.ts";
import { listTags } from "../../lib/schemes/notary_v1/verify_tags.ts";
import { createMemoryMetadataStore, type MetadataStore } from "../../lib/notary/metadata_store.ts";
import { failsWith } from "../support/failures.ts";
import { MemoryTrustServer } from "../support/memory_trust_server.ts";
import type { ListedTag } from "../support/notary_owner.ts";
import { metadataOf, recording, recordings, rootsOf } from "../support/recorded.ts";

const ROTATED = "notary-root-rotated";

/** Somebody who reads a recording at its time. */
function reader(name: string, server: MemoryTrustServer, store: MetadataStore = createMemoryMetadataStore()): Trust {
  const at = new Date(recording(name).at);
  return { server, store, now: () => at, sleep: () => Promise.reject(new Error("nothing to wait for")) };
}

/** The copy of a client that has not looked since before the rotation. */
async function storeFromBefore(name: string): Promise<MetadataStore> {
  const store = createMemoryMetadataStore();
  await store.write(recording(name).gun, metadataOf(name, "before"));
  return store;
}

/** A server with these root versions; the last one is the newest. */
function serverWith(name: string, roots: readonly Bytes[]): MemoryTrustServer {
  const server = new MemoryTrustServer(metadataOf(name));
  for (const root of roots) server.show(new Map([["root", root]]));
  return server;
}

/** Our list of `role` and below, in the words of `notary list`. */
async function listed(trust: Trust, gun: string, role?: string): Promise<ListedTag[]> {
  const { tags, skipped } = await listTags(trust, gun, { role });
  assert.deepEqual(skipped, []);
  return tags.map(({ tag, sha256, length, role }) => ({ tag, sha256, length, role }));
}

for (const name of recordings()) {
  Deno.test(`recorded ${name}: the list is the one that notary printed`, async () => {
    const { gun, listed: expected, before } = recording(name);
    const server = new MemoryTrustServer(metadataOf(name));
    assert.ok(expected.length > 0);
    assert.deepEqual(await listed(reader(name, server), gun, "targets"), expected);
    if (!before) return;
    const past = new MemoryTrustServer(metadataOf(name, "before"));
    assert.deepEqual(await listed(reader(name, past), gun, "targets"), before);
  });

  Deno.test(`recorded ${name}: any bit that is flipped in any file is noticed`, async () => {
    const { gun } = recording(name);
    const files = metadataOf(name);
    for (const [role, bytes] of files) {
      if (role === "targets/bob") continue; // nobody lists it any more
      for (let i = 0; i < 8; i++) {
        const at = Math.floor((i + 0.5) * bytes.length / 8);
        const flipped = bytes.with(at, bytes[at]! ^ 1) as Bytes;
        const server = new MemoryTrustServer(files);
        server.show(new Map([[role, flipped]]));
        const words = `byte ${at} of ${role}`;
        if (role !== "root" && role !== "timestamp") {
          // Its parent names it by its hash, and so the true file is found.
          assert.ok((await listed(reader(name, server), gun)).length > 0, words);
          assert.ok(server.reads.some((read) => read.startsWith(`${role}.`)), words);
        } else {
          await failsWith(openRepository(reader(name, server), gun), "trust-invalid");
        }
      }
    }
  });
}

Deno.test("recorded notary-nested: roles, paths, the tag's other image, and custom data that is kept", async () => {
  const { gun } = recording("notary-nested");
  const trust = reader("notary-nested", new MemoryTrustServer(metadataOf("notary-nested")));
  const { repository } = await openRepository(trust, gun);
  const seen = [...repository.delegations.values()].map((
    { kind, delegation },
  ) => [delegation.name, kind, delegation.paths]);
  assert.deepEqual(seen.sort(), [
    ["targets/alice", "trusted", [""]],
    ["targets/releases", "trusted", [""]],
    ["targets/releases/nested", "trusted", ["rel-", "v"]],
  ]);
  const [one, other] = ["0f".repeat(32), "1b".repeat(32)];
  assert.deepEqual(
    (await listTags(trust, gun)).tags.map(({ tag, sha256, role, signers }) => [tag, sha256, role, signers]),
    [
      ["v1", one, "targets/releases", ["alice"]],
      ["v2", "1c".repeat(32), "targets", ["Repo Admin"]],
    ],
  );
  const all = (await listTags(trust, gun, { all: true })).tags.filter(({ tag }) => tag === "v1");
  assert.deepEqual(all.map(({ role, sha256, differs }) => [role, sha256, differs]), [
    ["targets", other, true],
    ["targets/releases", one, true],
    ["targets/alice", one, true],
  ]);
  const nested = repository.delegations.get("targets/releases/nested");
  assert.ok(nested?.kind === "trusted");
  const custom = { built: { by: "ci", run: 17 }, notes: ['a "quoted" word', "é", null] };
  assert.match(text(nested.file.envelope.payload), /"rel-1":\{"custom":\{"built"/);
  assert.deepEqual(JSON.parse(text(nested.file.envelope.payload)).targets["rel-1"].custom, custom);
});

Deno.test("recorded notary-curves: keys on P-384 and P-521 count", async () => {
  const { gun } = recording("notary-curves");
  const trust = reader("notary-curves", new MemoryTrustServer(metadataOf("notary-curves")));
  const { repository } = await openRepository(trust, gun);
  const lengths = ["targets/releases", "targets/alice"].map((role) => {
    const state = repository.delegations.get(role as RoleName & `targets/${string}`);
    assert.ok(state?.kind === "trusted");
    return state.file.envelope.signatures.map(({ method, bytes }) => [method, bytes.length]);
  });
  assert.deepEqual(lengths, [[["ecdsa", 96]], [["ecdsa", 132]]]);
  assert.deepEqual((await listTags(trust, gun)).tags[0]!.signers, ["alice"]);
});

Deno.test(`recorded ${ROTATED}: there is what the tests below stand on`, () => {
  const roots = rootsOf(ROTATED).map(parseRoot);
  assert.deepEqual(roots.map(({ version }) => version), [1, 2, 3, 4]);
  const keys = roots.map(({ roles }) => [...roles.root.keys.keys()]);
  assert.equal(new Set(keys.flat()).size, 4, "each version has a key of its own");
  const signers = roots.map(({ envelope }) =>
    envelope.signatures.map(({ keyId }) => keys.flat().indexOf(keyId) + 1).sort()
  );
  assert.deepEqual(signers, [[1], [1, 2], [2, 3], [1, 2, 3, 4]]);
});

Deno.test(`recorded ${ROTATED}: a client with root version 1 walks to version 4, and keeps it`, async () => {
  const { gun, listed: expected } = recording(ROTATED);
  const server = serverWith(ROTATED, rootsOf(ROTATED));
  const store = await storeFromBefore(ROTATED);
  assert.deepEqual(await listed(reader(ROTATED, server, store), gun, "targets"), expected);
  assert.deepEqual(server.reads.filter((name) => name.endsWith(".root")).sort(), ["2.root", "3.root"]);
  assert.deepEqual((await store.read(gun)).get("root"), rootsOf(ROTATED)[3]);
  server.reads.length = 0;
  await listed(reader(ROTATED, server, store), gun);
  assert.deepEqual(server.reads.filter((name) => name.endsWith(".root")), [], "there is nothing left to walk");
});

Deno.test(`recorded ${ROTATED}: a jump needs the signature of a key that is known`, async (t) => {
  const { gun, listed: expected } = recording(ROTATED);
  const roots = rootsOf(ROTATED);
  await t.step("from 1 to 4, as the key of 1 has signed 4", async () => {
    const server = serverWith(ROTATED, [roots[0]!, roots[3]!]);
    assert.deepEqual(await listed(reader(ROTATED, server, await storeFromBefore(ROTATED)), gun, "targets"), expected);
  });
  await t.step("not from 1 to 3 without 2, and what was trusted stays", async () => {
    const store = await storeFromBefore(ROTATED);
    const kept = await store.read(gun);
    const server = serverWith(ROTATED, [roots[0]!, roots[2]!]);
    const attempt = openRepository(reader(ROTATED, server, store), gun);
    await failsWith(attempt, "trust-invalid", '"root" is not signed by the keys of the root trusted so far');
    assert.deepEqual(await store.read(gun), kept);
  });
});

Deno.test(`recorded ${ROTATED}: a client with version 4 does not go back`, async () => {
  const { gun } = recording(ROTATED);
  const [first, , , newest] = rootsOf(ROTATED);
  const store = createMemoryMetadataStore();
  await listed(reader(ROTATED, serverWith(ROTATED, [newest!]), store), gun);
  const before = new MemoryTrustServer(metadataOf(ROTATED, "before"));
  await failsWith(openRepository(reader(ROTATED, before, store), gun), "trust-invalid", "rollback");
  assert.deepEqual(parseRoot(first!).version, 1);
  assert.deepEqual((await store.read(gun)).get("root"), newest);
});

Deno.test("recorded notary-targets-rotated: a client from before goes along, and back is a rollback", async () => {
  const name = "notary-targets-rotated";
  const { gun, listed: expected } = recording(name);
  const store = await storeFromBefore(name);
  const trust = reader(name, new MemoryTrustServer(metadataOf(name)), store);
  assert.deepEqual(await listed(trust, gun, "targets"), expected);
  const { repository } = await openRepository(trust, gun);
  assert.deepEqual([...repository.delegations.keys()], ["targets/releases"]);
  await failsWith(listTags(trust, gun, { role: "targets/bob" }), "not-found", "targets/bob");
  const [before, after] = [metadataOf(name, "before"), metadataOf(name)]
    .map((files) => [...parseRoot(files.get("root")!).roles.targets.keys.keys()]);
  assert.notDeepEqual(before, after, "the targets key is a new one");
  const past = reader(name, new MemoryTrustServer(metadataOf(name, "before")), store);
  await failsWith(openRepository(past, gun), "trust-invalid", "rollback");
});
