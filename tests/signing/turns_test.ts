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
