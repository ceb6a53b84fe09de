/**
 * A sample of the table of faults: each fault at least once, each command at least once, and where it writes rather than
 * where it reads; a disk and a clock that are wrong, and kills. `deno task faults` runs all of it.
 */
import assert from "node:assert/strict";
import type { Cell, Table } from "./cells.ts";
import { ofMachine } from "./conditions.ts";
import { FAULTS } from "./faults.ts";
import { withTable } from "./grounds.ts";
import { killsOf, runKill } from "./kills.ts";
import { SCENES } from "./scenes.ts";
import { runUpdate, UPDATE_REQUESTS } from "./updates.ts";

const sceneOf = (wanted: string) => SCENES.find(({ name }) => name === wanted)!;

async function holds(table: Table, cell: Cell): Promise<void> {
  const { wrong, code } = await table.run(cell);
  assert.deepEqual(wrong, [], `${cell.scene.name}, ${cell.where}, ${cell.name}: ${code}`);
}

/** What takes little time has the faults that are left once each command has one. */
const SHORT = ["submit", "download", "cancel"];

/** Where a sample kills: in the midst of keys, of the copy of trust data, of results. */
const KILLED = ["linkSync", "renameSync", "writeSync"];

Deno.test("faults: nothing is lost, nothing half published, nothing filed twice, and what failed can be done again", async (t) => {
  await withTable(async (table) => {
    assert.ok(FAULTS.length >= SCENES.length, "each command has a fault");
    for (const [i, fault] of FAULTS.entries()) {
      const scene = SCENES[i] ?? sceneOf(SHORT[i % SHORT.length]!);
      const { met } = await table.known(scene);
      const writes = met.filter(({ kind }) => !kind.startsWith("GET"));
      const chosen = writes.length > 0 && i % 3 > 0 ? writes : met;
      await holds(table, table.cell(scene, chosen[i % chosen.length]!, fault, fault.times[i % fault.times.length]!));
    }
    await t.step("self-update: the program is the old one or the new one, and runs", async () => {
      for (const [i, fault] of FAULTS.entries()) {
        const path = UPDATE_REQUESTS.at(-1 - i % UPDATE_REQUESTS.length)!;
        const { wrong, code } = await runUpdate(table.grounds, path, fault, fault.times[0]!);
        assert.deepEqual(wrong, [], `${path}, ${fault.name}: ${code}`);
      }
    });
    await t.step("a disk that is full or read-only, and a clock that is wrong", async () => {
      const scene = sceneOf("init");
      const all = ofMachine(table.grounds, scene, await table.known(scene));
      const chosen = [...Map.groupBy(all, ({ name }) => name).values()].map((cells) => cells[cells.length >> 1]!);
      assert.equal(chosen.length, table.grounds.disk ? 3 : 1);
      for (const cell of chosen) await holds(table, cell);
    });
    await t.step({
      name: "a kill as it changes files",
      ignore: Deno.build.os === "windows",
      async fn() {
        const kills = await killsOf(table, sceneOf("rotate-key root"));
        for (const call of KILLED) {
          const kill = kills.findLast((each) => each.call === call);
          assert.ok(kill, call);
          assert.deepEqual((await runKill(table, kill)).wrong, [], `${call} (${kill.nth})`);
        }
      },
    });
  });
});
