/** So many at a time, first come, first served: few to begin with, more as a server answers promptly. */
import assert from "node:assert/strict";
import { atMost } from "../../lib/http/at_most.ts";

const turn = () => new Promise<void>((resolve) => setTimeout(resolve));

/** A gate on a clock of its own, with work that goes on until it is told how it ends. */
function world(first: number, most: number) {
  let now = 0;
  const gate = atMost({ first, most }, () => now);
  const began: number[] = [];
  const ends = new Map<number, (failed: boolean) => void>();
  const begin = (n: number) =>
    gate(() => {
      began.push(n);
      return new Promise<number>((resolve, reject) => {
        ends.set(n, (failed) => failed ? reject(new Error(`${n} fails`)) : resolve(n));
      });
    }).catch(() => "failed");
  const end = async (n: number, ms: number, failed = false) => {
    now += ms;
    ends.get(n)!(failed);
    await turn();
  };
  return { began, begin, end };
}

Deno.test("calls go on in the order in which they came; each that was prompt lets one more go on, up to the most", async () => {
  const { began, begin, end } = world(2, 4);
  const all = Array.from({ length: 12 }, (_, n) => begin(n));
  await turn();
  assert.deepEqual(began, [0, 1]);
  await end(0, 40);
  assert.deepEqual(began, [0, 1, 2, 3]);
  await end(1, 0);
  assert.deepEqual(began, [0, 1, 2, 3, 4, 5]);
  await end(2, 0);
  assert.deepEqual(began, [0, 1, 2, 3, 4, 5, 6], "four at a time are the most");
  for (const n of [3, 4, 5, 6, 7, 8, 9, 10, 11]) await end(n, 0);
  assert.deepEqual(await Promise.all(all), Array.from({ length: 12 }, (_, n) => n));
  assert.deepEqual(began, Array.from({ length: 12 }, (_, n) => n));
});

Deno.test("a call is slow at three times the fastest and 100 ms more, or 400 ms: then it is as in the beginning", async () => {
  for (
    const [fastest, ms, isSlow] of [[40, 220, false], [40, 221, true], [90, 370, false], [90, 371, true]].concat([
      [150, 400, false],
      [150, 401, true],
      [5000, 5000, true],
    ]) as [number, number, boolean][]
  ) {
    const { began, begin, end } = world(1, 9);
    const all = [begin(0)];
    await turn();
    await end(0, fastest);
    const before = fastest > 400 ? 1 : 2;
    for (let n = 1; n < 9; n++) all.push(begin(n));
    await turn();
    assert.equal(began.length, 1 + before, `${fastest}`);
    await end(1, ms);
    assert.equal(began.length, 2 + (isSlow ? 1 : 3), `${fastest}, then ${ms}`);
    for (let n = 2; n < 9; n++) await end(n, 0);
    await Promise.all(all);
  }
});

Deno.test("where a call fails nobody waits for room any more, and what failed makes room", async () => {
  const { began, begin, end } = world(1, 3);
  const all = [0, 1, 2, 3, 4].map(begin);
  await turn();
  await end(0, 30_000, true);
  assert.deepEqual(began, [0, 1, 2, 3]);
  await end(1, 0, true);
  for (const n of [2, 3, 4]) await end(n, 0);
  assert.deepEqual(await Promise.all(all), ["failed", "failed", 2, 3, 4]);
});
