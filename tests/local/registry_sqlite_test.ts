/** What the embedded registry keeps: blobs in parts, manifests and tags, through restarts. */
import assert from "node:assert/strict";
import { concat, utf8 } from "../../lib/bytes/bytes.ts";
import { openDatabase } from "../../lib/local/database.ts";
import { createRegistryStore } from "../../lib/local/registry_sqlite.ts";
import { ENTRY_BYTES } from "../../lib/local/registry_store.ts";

const MEDIA_TYPE = "application/vnd.oci.image.manifest.v1+json";
const manifest = (content: string) => ({ mediaType: MEDIA_TYPE, bytes: utf8(content) });

Deno.test("any range of a blob is read, wherever its parts meet", () => {
  using database = openDatabase(":memory:");
  const store = createRegistryStore(database);
  const parts = ["0", "", "1234", "56", "789", ""].map(utf8);
  store.addBlob("x", "sha256:a", parts);
  const whole = utf8("0123456789");
  assert.equal(store.blobSize("x", "sha256:a"), 10);
  for (let first = 0; first <= 10; first++) {
    for (let end = first; end <= 10; end++) {
      assert.deepEqual(concat(...store.blob("sha256:a", first, end)), whole.slice(first, end), `${first}-${end}`);
    }
  }
  store.addBlob("x", "sha256:empty", []);
  assert.equal(store.blobSize("x", "sha256:empty"), 0);
  assert.deepEqual([...store.blob("sha256:empty", 0, 0)], []);
});

Deno.test("a blob is kept once, and only those repositories have it that it was given to", () => {
  using database = openDatabase(":memory:");
  const store = createRegistryStore(database);
  assert.equal(store.held(), 0);
  store.addBlob("one", "sha256:a", [utf8("data")]);
  store.addBlob("two", "sha256:a", [utf8("data")]);
  assert.equal(store.held(), 4 + 3 * ENTRY_BYTES);
  store.linkBlob("three", "sha256:a");
  store.linkBlob("three", "sha256:a");
  assert.equal(store.held(), 4 + 4 * ENTRY_BYTES);
  for (const name of ["one", "two", "three"]) assert.equal(store.blobSize(name, "sha256:a"), 4);
  assert.deepEqual([store.blobSize("four", "sha256:a"), store.knows("four"), store.knows("three")], [
    undefined,
    false,
    true,
  ]);
  assert.throws(() => store.linkBlob("one", "sha256:nothing"), /FOREIGN KEY constraint failed/);
});

Deno.test("everything is there after the file is opened again, and what is held is counted anew", async () => {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-registry-" });
  try {
    let held = 0;
    {
      using database = openDatabase(`${folder}/stack.db`);
      const store = createRegistryStore(database);
      store.addBlob("team/app", "sha256:blob", [utf8("la"), utf8("yer")]);
      store.putManifest("team/app", "sha256:one", manifest("one"), "v1");
      store.putManifest("team/app", "sha256:two", manifest("two"), "v2");
      store.putManifest("team/app", "sha256:two", manifest("two"), "v1");
      store.putManifest("team/app", "sha256:three", manifest("three"));
      held = store.held();
    }
    using database = openDatabase(`${folder}/stack.db`);
    const store = createRegistryStore(database);
    assert.equal(store.held(), held);
    assert.equal(held, 5 + 3 + 3 + 5 + 7 * ENTRY_BYTES);
    assert.deepEqual(store.tags("team/app"), ["v1", "v2"]);
    assert.deepEqual([store.tag("team/app", "v1"), store.tag("team/app", "v3")], ["sha256:two", undefined]);
    assert.deepEqual({ ...store.manifest("team/app", "sha256:one") }, manifest("one"));
    assert.equal(store.manifest("team/other", "sha256:one"), undefined);
    assert.deepEqual(concat(...store.blob("sha256:blob", 1, 4)), utf8("aye"));
    store.removeTag("team/app", "v2");
    assert.deepEqual(store.tags("team/app"), ["v1"]);
    store.removeManifest("team/app", "sha256:two");
    assert.deepEqual([store.tags("team/app"), store.tag("team/app", "v1")], [[], undefined]);
    assert.equal(store.knows("team/app"), true);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("what refers to a manifest is found in a file of before there were such lists, too", async () => {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-registry-" });
  try {
    const subject = `sha256:${"a".repeat(64)}`;
    const attached = manifest(JSON.stringify({ subject: { digest: subject } }));
    {
      using database = openDatabase(`${folder}/registry.db`);
      const store = createRegistryStore(database);
      store.putManifest("x", "sha256:1", attached);
      store.putManifest("x", "sha256:2", manifest(`{"subject":{"digest":"sha256:other"}}`));
      store.putManifest("x", "sha256:3", manifest("[".repeat(2000) + "]".repeat(2000))); // deeper than SQLite reads
      store.putManifest("y", "sha256:1", attached);
      database.exec("DROP INDEX registry_manifests_by_subject");
    }
    using database = openDatabase(`${folder}/registry.db`);
    const store = createRegistryStore(database);
    assert.deepEqual(store.referrers("x", subject).map(({ digest }) => digest), ["sha256:1"]);
    const plan = database.prepare(
      "SELECT count(*) AS n FROM sqlite_master WHERE name = 'registry_manifests_by_subject'",
    );
    assert.equal(plan.get()!["n"], 1);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
