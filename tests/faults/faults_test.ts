/**
 * A sample of the table of faults: each fault at least once, each command at least once, and where it writes rather than
 * where it reads. `deno task faults` runs all of it.
 */
import assert from "node:assert/strict";
import type { Cell } from "./cells.ts";
import { FAULTS } from "./faults.ts";
import { withTable } from "./grounds.ts";
import { SCENES } from "./scenes.ts";

Deno.test("faults: nothing is lost, nothing half published, nothing filed twice, and what failed can be done again", async () => {
  await withTable(async (table) => {
    assert.ok(FAULTS.length >= SCENES.length, "each command has a fault");
    for (const [i, fault] of FAULTS.entries()) {
      const scene = SCENES[i % SCENES.length]!;
      const { met } = await table.clean(scene);
      const writes = met.filter(({ kind }) => !kind.startsWith("GET"));
      const chosen = writes.length > 0 && i % 3 > 0 ? writes : met;
      const cell: Cell = { scene, fault, at: chosen[i % chosen.length]!, times: fault.times[i % fault.times.length]! };
      const { wrong, code } = await table.run(cell);
      assert.deepEqual(
        wrong,
        [],
        `${scene.name}, ${cell.at.kind} ${cell.at.nth}, ${fault.name}, ${cell.times}: ${code}`,
      );
    }
  });
});
