/** Work on many things at a time: bounded, in order, and nothing under way when it ends. */
import assert from "node:assert/strict";
import { mapAtOnce } from "../../lib/signing/at_once.ts";

const soon = (ms = 1) => new Promise<void>((resolve) => setTimeout(resolve, ms));

Deno.test("results come in the order of the items, whoever is done first", async () => {
  const items = [30, 1, 20, 5];
  const results = await mapAtOnce(items, 4, async (ms, i) => {
    await soon(ms);
    return `${i}:${ms}`;
  });
  assert.deepEqual(results, ["0:30", "1:1", "2:20", "3:5"]);
});

Deno.test("never more than so many at a time, and as many as there may be", async () => {
  for (const [count, atOnce, most] of [[20, 8, 8], [3, 8, 3], [5, 1, 1], [0, 8, 0]] as const) {
    let underWay = 0, peak = 0, done = 0;
    const results = await mapAtOnce(Array.from({ length: count }, (_, i) => i), atOnce, async (i) => {
      peak = Math.max(peak, ++underWay);
      await soon();
      underWay--;
      done++;
      return i * 2;
    });
    assert.deepEqual([peak, done, underWay], [most, count, 0]);
    assert.deepEqual(results, Array.from({ length: count }, (_, i) => i * 2));
  }
});

Deno.test("after a failure nothing more is begun, and what was begun is waited for", async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const attempt = mapAtOnce(Array.from({ length: 10 }, (_, i) => i), 3, async (i) => {
    begun.push(i);
    await soon(i === 1 ? 1 : 15);
    if (i === 1) throw new Error("the second fails");
    ended.push(i);
  });
  await assert.rejects(attempt, /the second fails/);
  assert.deepEqual(begun, [0, 1, 2]);
  assert.deepEqual(ended, [0, 2], "the others were waited for");
});

Deno.test("of several failures the first worker's is told, and none is left unhandled", async () => {
  const attempt = mapAtOnce([1, 2, 3], 3, async (i) => {
    await soon(4 - i);
    throw new Error(`failure ${i}`);
  });
  await assert.rejects(attempt, /failure 1/);
});

Deno.test("work that throws at once, before it returns a promise, fails as well", async () => {
  const attempt = mapAtOnce([1], 2, () => {
    throw new Error("at once");
  });
  await assert.rejects(attempt, /at once/);
});
