/** How a folder is that trust data is kept in. */
import assert from "node:assert/strict";
import { lookAtFolder } from "../../lib/files/folder_health.ts";

Deno.test("folder health: is found out by writing, and leaves nothing behind", async (t) => {
  const root = await Deno.makeTempDir({ prefix: "tagseal-health-" });
  const now = new Date();
  const names = async () => (await Array.fromAsync(Deno.readDir(root))).map(({ name }) => name).sort();
  try {
    await t.step("a folder of one's own", async () => {
      const health = await lookAtFolder(root, 1000, now);
      assert.deepEqual(health, {
        path: root,
        exists: true,
        refusal: undefined,
        isOwn: true,
        isOpenToAll: false,
        leftovers: [],
      });
      assert.deepEqual(await names(), []);
    });
    await t.step("one that is not there yet is not made", async () => {
      const { exists, refusal, isOwn } = await lookAtFolder(`${root}/a/b`, 1000, now);
      assert.deepEqual([exists, refusal, isOwn], [false, undefined, true]);
      assert.deepEqual(await names(), []);
    });
    await t.step("half-written files of a while ago", async () => {
      await Deno.mkdir(`${root}/tuf/g`, { recursive: true });
      const [old, young, other] = ["root.json.0123abcd.tmp", "root.json.0123abce.tmp", "notes.tmp"];
      for (const name of [old, young, other]) await Deno.writeTextFile(`${root}/tuf/g/${name}`, "");
      for (const name of [old, other]) await Deno.utime(`${root}/tuf/g/${name}`, 0, 0);
      assert.deepEqual((await lookAtFolder(root, 0, now)).leftovers, [`${root}/tuf/g/${old}`]);
    });
    await t.step("where nothing can be written", async () => {
      const { refusal } = await lookAtFolder(`${root}/tuf/g/notes.tmp/trust`, 1000, now);
      assert.equal(refusal?.code, "bad-input");
      assert.match(refusal.message, /cannot be written: Not a directory/);
    });
    if (Deno.uid() === 0) {
      await t.step("one that belongs to somebody else", async () => {
        await Deno.chown(`${root}/tuf`, 65534, 65534);
        assert.equal((await lookAtFolder(`${root}/tuf`, 0, now)).isOwn, false);
      });
    }
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
