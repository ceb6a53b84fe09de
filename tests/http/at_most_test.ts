/** So many at a time, first come, first served. */
import assert from "node:assert/strict";
import { atMost } from "../../lib/http/at_most.ts";

Deno.test("no more than so many go on at a time, in the order in which they came, also after a failure", async () => {
  for (const places of [1, 2]) {
    const gate = atMost(places);
    const began: number[] = [];
    let [underWay, peak] = [0, 0];
    const work = (n: number) => async () => {
      began.push(n);
      peak = Math.max(peak, ++underWay);
      await new Promise((resolve) => setTimeout(resolve, 1));
      underWay--;
      if (n === 0) throw new Error("it fails");
      return n;
    };
    const all = [0, 1, 2, 3, 4].map((n) => gate(work(n)));
    const ends = (await Promise.allSettled(all)).map((end) => end.status === "fulfilled" ? end.value : "failed");
    assert.deepEqual([ends, began, peak], [["failed", 1, 2, 3, 4], [0, 1, 2, 3, 4], places]);
    // Whoever has ended makes room for who comes later.
    assert.equal(await gate(work(5)), 5);
  }
});
