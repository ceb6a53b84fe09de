/** What the embedded Notary server keeps: rising versions, all or nothing, through restarts and between processes. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import { inTransaction, openDatabase } from "../../lib/local/database.ts";
import { createNotaryStore } from "../../lib/local/notary_sqlite.ts";
import type { StoredFile } from "../../lib/local/notary_store.ts";
import type { RoleName } from "../../lib/tuf/roles.ts";
import { failsWith } from "../support/failures.ts";

const GUN = "localhost:5000/team/app";
const ADDED = new Date("2026-03-01T12:00:00.123Z");

function file(role: RoleName, version: number, content = `${role} ${version}`): StoredFile {
  const bytes = utf8(content);
  return { role, version, bytes, sha256: sha256Hex(bytes), added: ADDED };
}

async function inFolder(use: (path: string) => Promise<void> | void): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-store-" });
  try {
    await use(`${folder}/stack.db`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a file is found as the newest, by its version and by its hash", () => {
  using database = openDatabase(":memory:");
  const store = createNotaryStore(database);
  const [one, three] = [file("targets", 1), file("targets", 3)];
  assert.equal(store.find(GUN, "targets"), undefined);
  assert.deepEqual(store.roles(GUN), []);
  assert.equal(store.add(GUN, [one, file("root", 1)]), true);
  assert.equal(store.add(GUN, [three]), true);
  assert.deepEqual(store.find(GUN, "targets"), three);
  assert.deepEqual(store.find(GUN, "targets", { version: 1 }), one);
  assert.deepEqual(store.find(GUN, "targets", { sha256: one.sha256 }), one);
  assert.equal(store.find(GUN, "targets", { version: 2 }), undefined);
  assert.equal(store.find(GUN, "root", { sha256: one.sha256 }), undefined);
  assert.equal(store.find("localhost:5000/team", "targets"), undefined);
  assert.deepEqual(store.roles(GUN).sort(), ["root", "targets"]);
});

Deno.test("versions only rise, and one stale file keeps all of an update out", () => {
  using database = openDatabase(":memory:");
  const store = createNotaryStore(database);
  assert.equal(store.add(GUN, [file("targets", 2)]), true);
  for (const version of [1, 2]) assert.equal(store.add(GUN, [file("targets", version, "other")]), false);
  assert.equal(store.add(GUN, [file("root", 1), file("targets", 2, "other"), file("snapshot", 1)]), false);
  assert.equal(store.add(GUN, [file("root", 1), file("root", 1, "other")]), false);
  assert.deepEqual(store.roles(GUN), ["targets"]);
  assert.deepEqual(store.find(GUN, "targets"), file("targets", 2));
  assert.equal(store.add("other", [file("targets", 1)]), true, "each repository has versions of its own");
});

Deno.test("a failure in the middle undoes what was written, and the store goes on", () => {
  using database = openDatabase(":memory:");
  const store = createNotaryStore(database);
  const wrong = { ...file("targets", 1), bytes: "text" as unknown as Bytes };
  assert.throws(() => store.add(GUN, [file("root", 1), wrong]), /cannot store TEXT value in BLOB column/);
  assert.deepEqual(store.roles(GUN), []);
  assert.equal(store.add(GUN, [file("root", 1)]), true);
  assert.throws(() => inTransaction(database, () => inTransaction(database, () => true)), /within a transaction/);
  assert.equal(store.add(GUN, [file("root", 2)]), true);
});

Deno.test("a removed repository keeps its keys, each role's in the order they were made", () => {
  using database = openDatabase(":memory:");
  const store = createNotaryStore(database);
  const [a, b, c] = [utf8("a"), utf8("b"), utf8("c")];
  for (const key of [b, a]) store.addKey(GUN, "snapshot", key);
  store.addKey(GUN, "timestamp", c);
  store.add(GUN, [file("root", 1)]);
  store.add("other", [file("root", 1)]);
  store.remove(GUN);
  assert.deepEqual([store.find(GUN, "root"), store.roles(GUN)], [undefined, []]);
  assert.deepEqual(store.keys(GUN, "snapshot"), [b, a]);
  assert.deepEqual(store.keys(GUN, "timestamp"), [c]);
  assert.deepEqual(store.keys("other", "timestamp"), []);
  assert.equal(store.add(GUN, [file("root", 1, "anew")]), true);
  assert.deepEqual(store.find("other", "root"), file("root", 1));
});

Deno.test("a file that is opened again has everything, bytes that are no text too", () =>
  inFolder((path) => {
    const bytes = new Uint8Array(100_000).map((_, i) => i * i).subarray(7);
    const large = { ...file("targets/releases", 5), bytes, sha256: sha256Hex(bytes) };
    {
      using database = openDatabase(path);
      const store = createNotaryStore(database);
      store.add(GUN, [file("root", 1), large]);
      store.add(GUN, [file("root", 2)]);
      store.addKey(GUN, "timestamp", utf8("key"));
    }
    using database = openDatabase(path);
    const store = createNotaryStore(database);
    assert.deepEqual(store.find(GUN, "targets/releases", { sha256: large.sha256 }), large);
    assert.deepEqual(store.find(GUN, "root", { version: 1 }), file("root", 1));
    assert.deepEqual(store.find(GUN, "root"), file("root", 2));
    assert.deepEqual(store.keys(GUN, "timestamp"), [utf8("key")]);
  }));

Deno.test("of two connections that add one version, one wins", () =>
  inFolder((path) => {
    using left = openDatabase(path);
    using right = openDatabase(path);
    const stores = [createNotaryStore(left), createNotaryStore(right)];
    assert.deepEqual(stores.map((store, i) => store.add(GUN, [file("targets", 1, `by ${i}`)])), [true, false]);
    assert.deepEqual(stores.map((store) => store.find(GUN, "targets")), Array(2).fill(file("targets", 1, "by 0")));
    assert.equal(stores[1]!.add(GUN, [file("targets", 2)]), true);
    assert.equal(stores[0]!.add(GUN, [file("root", 1), file("targets", 2)]), false);
    assert.equal(stores[1]!.find(GUN, "root"), undefined);
  }));

Deno.test("two processes add the same versions at once: each is taken from one of them, and none is lost", () =>
  inFolder(async (path) => {
    openDatabase(path).close();
    const from = (name: string) => JSON.stringify(new URL(`../../lib/local/${name}`, import.meta.url).href);
    const code = `
      import { openDatabase } from ${from("database.ts")};
      import { createNotaryStore } from ${from("notary_sqlite.ts")};
      const [path, name] = Deno.args;
      const store = createNotaryStore(openDatabase(path));
      await Deno.stdin.readable.getReader().read();
      const won = [];
      for (let version = 1; version <= 200; version++) {
        const one = (role) => ({ role, version, bytes: new TextEncoder().encode(name + version), sha256: name, added: new Date() });
        if (store.add("gun", [one("targets"), one("snapshot")])) won.push(version);
      }
      console.log(JSON.stringify(won));`;
    const script = `${path}.ts`;
    await Deno.writeTextFile(script, code);
    const run = async (name: string) => {
      const args = ["run", "--quiet", "--no-check", "--no-lock", "--no-config", "-A", script, path, name];
      const child = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped" }).spawn();
      await new Promise((resolve) => setTimeout(resolve, 300)); // so that both begin together
      const stdin = child.stdin.getWriter();
      await stdin.write(utf8("go\n"));
      await stdin.close();
      const { code, stdout } = await child.output();
      assert.equal(code, 0);
      return JSON.parse(new TextDecoder().decode(stdout)) as number[];
    };
    const [a, b] = await Promise.all([run("a"), run("b")]) as [number[], number[]];
    assert.deepEqual([...a, ...b].sort((x, y) => x - y), Array.from({ length: 200 }, (_, i) => i + 1));
    using database = openDatabase(path);
    const store = createNotaryStore(database);
    for (const [name, won] of [["a", a], ["b", b]] as const) {
      for (const version of won) {
        for (const role of ["targets", "snapshot"] as const) {
          assert.deepEqual(store.find("gun", role, { version })?.bytes, utf8(`${name}${version}`));
        }
      }
    }
  }));

Deno.test("what is no database of ours is said to be that, and left alone", async (t) => {
  const rows: [string, (path: string) => void, string][] = [
    ["text", (path) => Deno.writeTextFileSync(path, "not a database ".repeat(100)), "file is not a database"],
    ["another program's", (path) => withOther(path, "CREATE TABLE theirs (a)"), "it belongs to another program"],
    [
      "a later version's",
      (path) => withOther(path, "PRAGMA user_version = 2", true),
      "another version of tagseal wrote it",
    ],
    ["a folder", (path) => Deno.mkdirSync(path), "unable to open database file"],
    ["a torn page", tear, "it is damaged ("],
  ];
  for (const [name, make, words] of rows) {
    await t.step(name, () =>
      inFolder(async (path) => {
        make(path);
        const before = name === "a folder" ? undefined : await Deno.readFile(path);
        const error = await failsWith(() => openDatabase(path), "bad-input", words);
        assert.match(error.message, new RegExp(`^"${path}" cannot be used as a database: `));
        assert.match(error.remedy, /Move the file away/);
        if (before) assert.deepEqual(await Deno.readFile(path), before);
      }));
  }
});

function withOther(path: string, sql: string, ours = false): void {
  if (ours) createNotaryStore(openDatabase(path));
  using database = new DatabaseSync(path);
  database.exec(sql);
}

/** Overwrites a page in the middle, as a bad disk would. */
function tear(path: string): void {
  const database = openDatabase(path);
  const store = createNotaryStore(database);
  for (let version = 1; version < 300; version++) store.add(GUN, [file("targets", version, "x".repeat(500))]);
  database.close();
  using opened = Deno.openSync(path, { write: true, read: true });
  opened.seekSync(8 * 4096, Deno.SeekMode.Start);
  opened.writeSync(new Uint8Array(4096).fill(0xaa));
}
