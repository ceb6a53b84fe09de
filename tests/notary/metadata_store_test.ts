import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { TagsealError } from "../../lib/errors.ts";
import { forgivingStore } from "../../lib/notary/forgiving_store.ts";
import { createFileMetadataStore, keptRoots } from "../../lib/notary/file_metadata_store.ts";
import { createMemoryMetadataStore } from "../../lib/notary/metadata_store.ts";
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

Deno.test("metadata store: what a killed process left half-written goes with the next write, and nothing else", () =>
  withFolder(async (folder) => {
    const store = createFileMetadataStore(folder);
    await store.write(GUN, new Map([["root", utf8("r")], ["targets/a/b", utf8("b")]]));
    const base = `${folder}/tuf/${GUN}/metadata`;
    const left = ["root.json.0123abcd.tmp", "targets/a.json.0123abcd.tmp", "targets/a/b.json.89abcdef.tmp"];
    const kept = ["notes.tmp", "root.json.bak.tmp", "targets/a/mine.0123abcd.tmp"];
    for (const name of [...left, ...kept]) await Deno.writeTextFile(`${base}/${name}`, "{");
    await store.write(GUN, new Map([["targets", utf8("t")], ["targets/c", utf8("c")]]));
    for (const name of left) await assert.rejects(Deno.stat(`${base}/${name}`), Deno.errors.NotFound);
    for (const name of kept) assert.ok((await Deno.stat(`${base}/${name}`)).isFile);
  }));

Deno.test("metadata store: on Windows no name holds what it does not take, and no two names become one", () =>
  withFolder(async (folder) => {
    const guns = [
      "localhost:5000/app",
      "localhost%3A5000/app",
      "docker.io/library/aux",
      "docker.io/a/con.b",
      "a/com1/x",
    ];
    const roles: RoleName[] = ["root", "targets/nul", "targets/nul/lpt1", "targets/console"];
    const store = createFileMetadataStore(folder, { os: "windows" });
    const filesOf = (gun: string) => new Map(roles.map((role) => [role, utf8(`${gun} ${role}`)]));
    for (const gun of guns) await store.write(gun, filesOf(gun), new Map());
    for (const gun of guns) assert.deepEqual(sorted(await store.read(gun)), sorted(filesOf(gun)), gun);
    const walk = async (path: string): Promise<string[]> => {
      const entries = await Array.fromAsync(Deno.readDir(path));
      const below = entries.map(async (
        { name, isDirectory },
      ) => [name, ...isDirectory ? await walk(`${path}/${name}`) : []]);
      return (await Promise.all(below)).flat();
    };
    const names = await walk(folder);
    assert.ok(names.includes("localhost%3A5000"));
    for (const name of names) {
      assert.doesNotMatch(name, /[<>:"|?*\\]|[. ]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i);
    }
    // Elsewhere names are Docker's own, as they always were.
    const plain = createFileMetadataStore(folder, { os: "linux" });
    await plain.write(guns[0]!, new Map([["root", utf8("plain")]]));
    assert.equal(await Deno.readTextFile(`${folder}/tuf/localhost:5000/app/metadata/root.json`), "plain");
  }));

Deno.test("metadata store: the roots that are kept are found, on Windows too, and odd folders passed over", () =>
  withFolder(async (folder) => {
    assert.equal((await keptRoots(`${folder}/nothing`)).size, 0);
    const guns = ["docker.io/a/b", "docker.io/a/b/c", "localhost:5000/metadata/x", "docker.io/aux"];
    for (const os of ["linux", "windows"]) {
      const trust = `${folder}/${os}`;
      const store = createFileMetadataStore(trust, { os });
      for (const gun of guns) await store.write(gun, new Map([["root", utf8(gun)], ["targets/x", utf8("x")]]));
      await Deno.mkdir(`${trust}/tuf/docker.io/odd/metadata/root.json`, { recursive: true });
      await Deno.writeTextFile(`${trust}/tuf/docker.io/file`, "x");
      const found = await keptRoots(trust, os);
      assert.deepEqual(new Map([...found].sort()), new Map(guns.map((gun) => [gun, utf8(gun)] as const).sort()), os);
    }
  }));

Deno.test("metadata store: what cannot be kept is remembered within the command, with all that was there before", () =>
  withFolder(async (folder) => {
    const store = createFileMetadataStore(folder);
    await store.write(GUN, new Map([["root", utf8("r1")], ["targets", utf8("t1")]]));
    const told: string[] = [];
    const failing = {
      ...store,
      write: () => Promise.reject(new TagsealError("bad-input", "No room", { remedy: "x" })),
    };
    const forgiving = forgivingStore(failing, () => false, ({ message }) => void told.push(message));
    const before = await forgiving.read(GUN);
    assert.equal(await forgiving.write(GUN, new Map([["root", utf8("r2")]]), before), true);
    const now = new Map<RoleName, Bytes>([["root", utf8("r2")], ["targets", utf8("t1")]]);
    assert.deepEqual(sorted(await forgiving.read(GUN)), sorted(now));
    assert.equal(
      await forgiving.write(GUN, new Map([["root", utf8("r1")]]), before),
      false,
      "an older copy is no base",
    );
    assert.deepEqual(sorted(await forgiving.read(GUN)), sorted(now));
    assert.deepEqual(told, ["No room"]);
    assert.deepEqual(sorted(await store.read(GUN)), sorted(before));
  }));

Deno.test("metadata store: a copy that cannot be read is done without where the caller may forget, damage never", () =>
  withFolder(async (folder) => {
    const denied = new TagsealError("bad-input", "No right", {
      remedy: "x",
      reason: "denied",
    });
    const damaged = new TagsealError("bad-input", "A pipe", { remedy: "x", cause: new Error("it is not a file") });
    const store = (error: Error) => ({ ...createFileMetadataStore(folder), read: () => Promise.reject(error) });
    await assert.rejects(forgivingStore(store(denied), () => false, () => {}).read(GUN), denied);
    await assert.rejects(forgivingStore(store(damaged), () => true, () => {}).read(GUN), damaged);
    const told: string[] = [];
    const forgiving = forgivingStore(store(denied), () => true, ({ message }) => void told.push(message));
    assert.equal((await forgiving.read(GUN)).size, 0);
    await forgiving.write(GUN, new Map([["root", utf8("r")]]), new Map());
    assert.deepEqual(await forgiving.read(GUN), new Map([["root", utf8("r")]]));
    assert.deepEqual(told, ["No right"]);
  }));
