/**
 * A sample of the table of faults: each fault at least once, each command at least once, and where it writes rather than
 * where it reads. `deno task faults` runs all of it.
 */
import assert from "node:assert/strict";
import { FAULTS } from "./faults.ts";
import { withTable } from "./grounds.ts";
import { killsOf, runKill } from "./kills.ts";
import { SCENES } from "./scenes.ts";

Deno.test("faults: nothing is lost, nothing half published, nothing filed twice, and what failed can be done again", async () => {
  await withTable(async (table) => {
    assert.ok(FAULTS.length >= SCENES.length, "each command has a fault");
    for (const [i, fault] of FAULTS.entries()) {
      const scene = SCENES[i % SCENES.length]!;
      const { met } = await table.known(scene);
      const writes = met.filter(({ kind }) => !kind.startsWith("GET"));
      const chosen = writes.length > 0 && i % 3 > 0 ? writes : met;
      const cell = table.cell(scene, chosen[i % chosen.length]!, fault, fault.times[i % fault.times.length]!);
      const { wrong, code } = await table.run(cell);
      assert.deepEqual(
        wrong,
        [],
        `${scene.name}, ${cell.where}, ${cell.name}: ${code}`,
      );
    }
  });
});

/** Where a sample kills: in the midst of keys, of the copy of trust data, of results. */
const KILLED: Readonly<Record<string, readonly string[]>> = {
  init: ["linkSync", "renameSync", "writeSync"],
  "rotate-key root": ["syncSync"],
};

Deno.test({
  name: "faults: killed as it changes files, a command loses nothing, and is repaired by running it again",
  ignore: Deno.build.os === "windows",
  async fn() {
    await withTable(async (table) => {
      for (const [name, calls] of Object.entries(KILLED)) {
        const kills = await killsOf(table, SCENES.find((scene) => scene.name === name)!);
        for (const call of calls) {
          const kill = kills.findLast((each) => each.call === call);
          assert.ok(kill, `${name} calls ${call}`);
          assert.deepEqual((await runKill(table, kill)).wrong, [], `${name}, ${call} (${kill.nth})`);
        }
      }
    });
  },
});
