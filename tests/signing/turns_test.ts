/** One after another, and nobody for ever. */
import assert from "node:assert/strict";
import { Turns } from "../../lib/signing/turns.ts";

Deno.test("turns come one after another, in the order in which they were asked for", async () => {
  const turns = new Turns();
  const seen: string[] = [];
  const work = async (name: string) => {
    using _turn = await turns.next();
    seen.push(`${name} begins`);
    await new Promise((resolve) => setTimeout(resolve, 1));
    seen.push(`${name} ends`);
  };
  await Promise.all(["a", "b", "c"].map(work));
  assert.deepEqual(seen, ["a", "b", "c"].flatMap((name) => [`${name} begins`, `${name} ends`]));
  await work("later");
  assert.equal(seen.length, 8);
});

Deno.test("whoever has waited long enough goes on beside one that hangs, and is waited for itself", async () => {
  const turns = new Turns();
  const hangs = await turns.next();
  const second = await turns.next(1);
  let third = false;
  const waiting = turns.next().then((turn) => {
    third = true;
    return turn;
  });
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(third, false);
  second[Symbol.dispose]();
  (await waiting)[Symbol.dispose]();
  hangs[Symbol.dispose]();
  (await turns.next())[Symbol.dispose]();
});

Deno.test("ten seconds are long enough, and a turn that came earlier leaves no timer behind", async () => {
  const open = new Set<unknown>();
  const asked: number[] = [];
  const { timeout } = AbortSignal;
  AbortSignal.timeout = (ms) => {
    asked.push(ms);
    const { signal } = new AbortController();
    signal.addEventListener = (_: string, listener: unknown) => void open.add(listener);
    signal.removeEventListener = (_: string, listener: unknown) => void open.delete(listener);
    return signal;
  };
  try {
    const turns = new Turns();
    const first = await turns.next();
    const second = turns.next();
    assert.equal(open.size, 1);
    first[Symbol.dispose]();
    (await second)[Symbol.dispose]();
  } finally {
    AbortSignal.timeout = timeout;
  }
  assert.deepEqual([asked, open.size], [[10_000, 10_000], 0]);
});
