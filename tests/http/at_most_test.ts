/** So many at a time, first come, first served: few to begin with, more as a server answers promptly. */
import assert from "node:assert/strict";
import { atMost, type Outcome } from "../../lib/http/at_most.ts";

const turn = () => new Promise<void>((resolve) => setTimeout(resolve));

/** A gate on a clock of its own, with calls that go on until it is told how they end. */
function world(first: number, most: number) {
  let now = 0;
  const gate = atMost<Outcome>({ first, most }, (outcome) => outcome, () => now);
  const began: number[] = [];
  const ends = new Map<number, (how: Outcome | Error) => void>();
  const begin = (n: number) =>
    gate(() => {
      began.push(n);
      return new Promise((resolve, reject) => {
        ends.set(n, (how) => how instanceof Error ? reject(how) : resolve(how));
      });
    }).then((outcome) => `${n} ${outcome}`, ({ message }: Error) => `${n} ${message}`);
  const end = async (n: number, ms: number, how: Outcome | Error = "served") => {
    now += ms;
    ends.get(n)!(how);
    await turn();
  };
  return { began, begin, end };
}

Deno.test("calls go on in the order in which they came; each that was prompt lets one more go on, up to the most", async () => {
  const { began, begin, end } = world(2, 4);
  const all = Array.from({ length: 12 }, (_, n) => begin(n));
  assert.deepEqual(began, [0, 1], "at once");
  await end(0, 40);
  assert.deepEqual(began, [0, 1, 2, 3]);
  await end(1, 0);
  assert.deepEqual(began, [0, 1, 2, 3, 4, 5]);
  await end(2, 0);
  assert.deepEqual(began, [0, 1, 2, 3, 4, 5, 6], "four at a time are the most");
  for (const n of [3, 4, 5, 6, 7, 8, 9, 10, 11]) await end(n, 0);
  assert.deepEqual(await Promise.all(all), Array.from({ length: 12 }, (_, n) => `${n} served`));
  assert.deepEqual(began, Array.from({ length: 12 }, (_, n) => n));
});

Deno.test("an answer is slow after three times the fastest and 100 ms, or a second: then it is as in the beginning", async () => {
  const rows: [fastest: number, ms: number, isSlow: boolean][] = [
    [40, 220, false],
    [40, 221, true],
    [290, 970, false],
    [290, 971, true],
    [350, 1000, false],
    [350, 1001, true],
  ];
  for (const [fastest, ms, isSlow] of rows) {
    const { began, begin, end } = world(1, 9);
    const all = [begin(0)];
    await turn();
    await end(0, fastest);
    for (let n = 1; n < 9; n++) all.push(begin(n));
    await turn();
    assert.equal(began.length, 3);
    await end(1, ms);
    assert.equal(began.length, isSlow ? 3 : 5, `${fastest}, then ${ms}`);
    for (let n = 2; n < 9; n++) await end(n, 0);
    await Promise.all(all);
  }
});

Deno.test("a refusal, however fast, tells nothing of how fast a server is", async () => {
  const { began, begin, end } = world(2, 9);
  const all = Array.from({ length: 9 }, (_, n) => begin(n));
  await turn();
  await end(0, 1, "other");
  assert.equal(began.length, 3);
  await end(1, 300);
  assert.equal(began.length, 5, "prompt");
  for (let n = 2; n < 9; n++) await end(n, 0);
  await Promise.all(all);
});

Deno.test("where a call fails nobody waits for room any more, be it an answer or none", async () => {
  for (const how of ["failed", new Error("cut")] as const) {
    const { began, begin, end } = world(1, 3);
    const all = [0, 1, 2, 3, 4].map(begin);
    await turn();
    await end(0, 30_000, how);
    assert.deepEqual(began, [0, 1, 2, 3]);
    await end(1, 0, how);
    for (const n of [2, 3, 4]) await end(n, 0);
    const failed = how instanceof Error ? "cut" : how;
    assert.deepEqual(await Promise.all(all), [`0 ${failed}`, `1 ${failed}`, "2 served", "3 served", "4 served"]);
  }
});
