/** Timers: when they act, and that who no longer needs one keeps no process waiting for it. */
import assert from "node:assert/strict";
import { after } from "../../lib/http/timer.ts";

Deno.test("timer: it acts once, after its time, or never where it was called off", async () => {
  const begun = performance.now();
  const acted = await new Promise<number>((resolve) => after(20.5, () => resolve(performance.now() - begun)));
  assert.ok(acted >= 20, `${acted} ms`);
  let late = 0;
  const callOff = after(5, () => late++);
  callOff();
  await new Promise<void>((resolve) => after(30, resolve));
  assert.equal(late, 0);
  await new Promise<void>((resolve) => after(-1, resolve));
});
