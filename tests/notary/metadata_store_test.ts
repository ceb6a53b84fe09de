import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { createFileMetadataStore, createMemoryMetadataStore } from "../../lib/notary/metadata_store.ts";
import type { RoleName } from "../../lib/tuf/roles.ts";
import { RECORDED, recordedFiles } from "../support/recorded.ts";
import { GUN } from "../support/trust_builder.ts";

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-store-" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const sorted = (files: ReadonlyMap<RoleName, Bytes>) => new Map([...files].sort(([a], [b]) => a < b ? -1 : 1));
const mode = async (path: string) => (await Deno.stat(path)).mode! & 0o777;

Deno.test("metadata store: the files of the notary client are found", async () => {
  const folder = new URL("../../fixtures/notary-basic", import.meta.url).pathname;
  assert.deepEqual(sorted(await createFileMetadataStore(folder).read(RECORDED.gun)), sorted(recordedFiles()));
});

Deno.test("metadata store: what is kept is read again, nested delegations included; others see nothing", () =>
  withFolder(async (folder) => {
    const store = createFileMetadataStore(`${folder}/trust`);
    assert.equal((await store.read(GUN)).size, 0);
    const files = new Map<RoleName, Bytes>([
      ["root", utf8("r")],
      ["timestamp", utf8("ts")],
      ["snapshot", utf8("s")],
      ["targets", utf8("t")],
      ["targets/releases", utf8("tr")],
      ["targets/releases/beta", utf8("trb")],
    ]);
    await store.write(GUN, files);
    assert.deepEqual(sorted(await store.read(GUN)), sorted(files));
    const base = `${folder}/trust/tuf/${GUN}/metadata`;
    assert.equal(await Deno.readTextFile(`${base}/targets/releases/beta.json`), "trb");
    assert.equal(await mode(`${base}/root.json`), 0o600);
    assert.equal(await mode(base), 0o700);
    await store.write(GUN, new Map([["targets", utf8("t2")]]));
    assert.deepEqual(sorted(await store.read(GUN)), sorted(new Map([...files, ["targets", utf8("t2")]])));
    assert.equal((await store.read("registry.test/acme/other")).size, 0);
  }));

Deno.test("metadata store: a file that is the same is left alone, and nothing lies about after a write", () =>
  withFolder(async (folder) => {
    const store = createFileMetadataStore(folder);
    await store.write(GUN, new Map([["root", utf8("r")], ["targets", utf8("t")]]));
    const path = `${folder}/tuf/${GUN}/metadata/root.json`;
    const { ino } = await Deno.stat(path);
    await store.write(GUN, new Map([["root", utf8("r")], ["targets", utf8("t2")]]));
    assert.equal((await Deno.stat(path)).ino, ino);
    assert.deepEqual(
      (await Array.fromAsync(Deno.readDir(`${folder}/tuf/${GUN}/metadata`))).map(({ name }) => name).sort(),
      ["root.json", "targets.json"],
    );
  }));

Deno.test("metadata store: files that no role can have are passed over", () =>
  withFolder(async (folder) => {
    const targets = `${folder}/tuf/${GUN}/metadata/targets`;
    await Deno.mkdir(`${targets}/UP`, { recursive: true });
    for (const name of ["a.json", "B.json", "c.txt", ".json", "d.json.tmp", "UP/e.json"]) {
      await Deno.writeTextFile(`${targets}/${name}`, "x");
    }
    assert.deepEqual([...(await createFileMetadataStore(folder).read(GUN)).keys()], ["targets/a"]);
  }));

Deno.test("metadata store: the memory store keeps what it is given, and hands out copies of its list", async () => {
  const store = createMemoryMetadataStore();
  await store.write(GUN, new Map([["root", utf8("r")]]));
  (await store.read(GUN) as Map<RoleName, Bytes>).clear();
  await store.write(GUN, new Map([["targets", utf8("t")]]));
  assert.deepEqual(await store.read(GUN), new Map([["root", utf8("r")], ["targets", utf8("t")]]));
});
