/** What exports keep of repositories that are not as they should be. */
import assert from "node:assert/strict";
import { exportedServer, readExport, writeExport } from "../../lib/flows/export_file.ts";
import { exportRepository } from "../../lib/flows/export_repository.ts";
import { listTags } from "../../lib/schemes/notary_v1/verify_tags.ts";
import { createMemoryMetadataStore } from "../../lib/notary/metadata_store.ts";
import { failsWith } from "../support/failures.ts";
import { MemoryTrustServer } from "../support/memory_trust_server.ts";
import { AT, buildFiles, certified, DIGEST, GUN, KEYS, newKey, type Plan } from "../support/trust_builder.ts";

const ABOUT = { created: AT.toISOString(), tool: "tests" };

function trustIn(server: MemoryTrustServer) {
  return { server, store: createMemoryMetadataStore(), now: () => AT, sleep: () => Promise.resolve() };
}

async function serverWith(...plans: Plan[]): Promise<MemoryTrustServer> {
  const server = new MemoryTrustServer();
  for (const plan of plans) server.show(await buildFiles(plan));
  return server;
}

Deno.test("export: the same repository gives the same bytes", async () => {
  const server = await serverWith({});
  const [first, second] = await Promise.all(
    [1, 2].map(async () => await writeExport([await exportRepository(trustIn(server), GUN)], ABOUT)),
  );
  assert.deepEqual(first, second);
});

Deno.test("export: what is not trusted is kept, and offline it is not trusted either", async () => {
  const server = await serverWith({
    delegations: {
      "targets/releases": { keys: [KEYS.releases], tags: { v1: DIGEST } },
      "targets/alice": { keys: [KEYS.alice], signers: [KEYS.stranger], tags: { v2: DIGEST } },
    },
  });
  const exported = await exportRepository(trustIn(server), GUN);
  assert.deepEqual(exported.skipped.map(({ role }) => role), ["targets/alice"]);
  const [read] = await readExport(await writeExport([exported], ABOUT));
  assert.ok(read!.files.has("targets/alice"));
  const list = await listTags({ ...trustIn(server), server: exportedServer(read!) }, GUN);
  assert.deepEqual([list.tags.map(({ tag }) => tag), list.skipped], [["v1"], exported.skipped]);
});

Deno.test("export: roots", async (t) => {
  const rotated = await certified(newKey());
  const cases: [string, Plan[], string[], number | null, string[]][] = [
    ["one", [{}], [], 1, ["1.root"]],
    ["three", [{}, { root: { version: 2 } }, { root: { version: 3 } }], [], 1, ["1.root", "2.root", "3.root"]],
    ["the server lost the old ones", [{}, { root: { version: 2 } }], ["1.root"], 2, ["2.root"]],
    [
      "rotated: the new root is signed by the old key, too",
      [{}, { keys: { root: [rotated] }, root: { version: 2, signers: [KEYS.root, rotated] } }],
      [],
      1,
      ["1.root", "2.root"],
    ],
    ["no way from the old one", [{}, { keys: { root: [rotated] }, root: { version: 2 } }], [], null, [
      "1.root",
      "2.root",
    ]],
  ];
  for (const [name, plans, lost, from, names] of cases) {
    await t.step(name, async () => {
      const server = await serverWith(...plans);
      for (const file of lost) server.lose(file);
      const { verified, files } = await exportRepository(trustIn(server), GUN);
      assert.equal(verified.rootsFrom, from);
      assert.deepEqual(files.map((file) => file.name).filter((file) => file.endsWith(".root")), names);
    });
  }
});

Deno.test("export: what has expired or is forged is not exported", async () => {
  const expired = await serverWith({ targets: { expires: "2026-05-01T00:00:00Z" } });
  await failsWith(exportRepository(trustIn(expired), GUN), "trust-invalid", '"targets" expired');
  const forged = await serverWith({ targets: { signers: [KEYS.stranger] } });
  await failsWith(exportRepository(trustIn(forged), GUN), "trust-invalid", '"targets" is not signed');
});

Deno.test("an export answers for its own repository, and never as a server does", async () => {
  const [read] = await readExport(
    await writeExport([await exportRepository(trustIn(await serverWith({})), GUN)], ABOUT),
  );
  const server = exportedServer(read!);
  assert.equal(await server.read("registry.test/other", "root"), undefined);
  await failsWith(server.publish(GUN, new Map()), "usage", "was read from a file");
  await failsWith(server.managedKey(GUN, "snapshot"), "usage", "was read from a file");
});

Deno.test("export: what could not be read again is not written", async () => {
  const exported = await exportRepository(trustIn(await serverWith({})), GUN);
  const [file] = exported.files;
  const many = { ...exported, files: Array.from({ length: 100_000 }, (_, i) => ({ ...file!, name: `${i}.root` })) };
  const error = await failsWith(writeExport([many], ABOUT), "bad-input", "100001 files, of 100000");
  assert.match(error.remedy, /fewer repositories/);
});
