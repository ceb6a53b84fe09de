/** Checks of `doctor` side by side: none hides, holds up or fails another. And clocks, by what servers say. */
import assert from "node:assert/strict";
import { TagsealError } from "../../lib/errors.ts";
import { aheadOf, judgeClock } from "../../lib/flows/doctor/clock.ts";
import { type Check, ok } from "../../lib/flows/doctor/finding.ts";
import { runChecks } from "../../lib/flows/doctor/run_checks.ts";
import { AT_ONCE } from "../../lib/signing/at_once.ts";

const signal = new AbortController().signal;
const failing = (error: unknown): Check["run"] => () => Promise.reject(error);

Deno.test("checks: each stands alone, in its order, and what several wait for is told once", async () => {
  const down = new TagsealError("unavailable", "Nobody answers", { remedy: "Wait" });
  const found = await runChecks([
    { name: "hangs", run: () => new Promise(() => {}) },
    { name: "server", server: "https://a.test", run: failing(down) },
    { name: "throws", run: failing(new RangeError("odd")) },
    { name: "two", run: () => [ok("one"), ok("other")] },
    { name: "waits", repository: "a.test/app", run: failing(down) },
    { name: "waits too", server: "https://a.test", run: failing(down) },
  ], { signal, timeoutMs: 30 });
  assert.deepEqual(found.map(({ name, state, found }) => `${name} ${state}: ${found}`), [
    "hangs error: Nothing was found out within 0 s",
    "server error: Nobody answers",
    "throws error: Something unexpected happened: odd",
    "two ok: one",
    "two ok: other",
    'waits skipped: Not looked at, since "server" of "https://a.test" failed',
    'waits too skipped: Not looked at, since "server" failed',
  ]);
});

Deno.test("checks: a check that is too late is told to end", async () => {
  let reason: unknown;
  const run: Check["run"] = (signal) =>
    new Promise(() => signal.addEventListener("abort", () => reason = signal.reason));
  const [late] = await runChecks([{ name: "late", run }], { signal, timeoutMs: 10 });
  assert.equal(late?.state, "error");
  assert.ok(reason instanceof TagsealError && reason.code === "unavailable");
});

Deno.test("checks: of many repositories some at a time, all of one at once, and nobody's time runs while it waits", async () => {
  let open = 0, most = 0;
  const run = async () => {
    most = Math.max(most, ++open);
    await new Promise((resolve) => setTimeout(resolve, 20));
    open--;
    return ok("well");
  };
  const checks = Array.from({ length: 40 }, (_, i) => [0, 1].map(() => ({ name: "x", repository: `r${i}`, run })))
    .flat();
  let done = 0;
  const found = await runChecks(checks, { signal, timeoutMs: 2000, onDone: (count) => done = count });
  assert.ok(found.every(({ state }) => state === "ok"));
  assert.deepEqual([found.length, done, most], [80, 80, 2 * AT_ONCE]);
});

Deno.test("checks: whoever interrupts waits for none", async () => {
  const control = new AbortController();
  const checks: Check[] = [{ name: "hangs", run: () => new Promise(() => {}) }];
  const running = runChecks(checks, { signal: control.signal, timeoutMs: 60_000 });
  control.abort(new TagsealError("interrupted", "Interrupted", { remedy: "Again" }));
  await assert.rejects(running, { code: "interrupted" });
});

Deno.test("clock: one server that agrees is enough, caches and seconds do not count", () => {
  const at = new Date("2026-11-28T12:00:00.900Z");
  const headers = (date: string, more = {}) => new Headers({ date, ...more });
  const same = "Sat, 28 Nov 2026 12:00:00 GMT";
  assert.equal(aheadOf(headers(same), at, at), 0);
  assert.equal(aheadOf(headers(same, { age: "300" }), at, at), undefined);
  assert.equal(aheadOf(headers("soon"), at, at), undefined);
  assert.equal(aheadOf(headers("Sat, 28 Nov 2026 11:00:00 GMT"), at, at), 3_599_900);
  assert.equal(aheadOf(headers("Sat, 28 Nov 2026 13:00:00 GMT"), at, at), -3_599_100);
  const judged = (...ahead: number[]) =>
    judgeClock(ahead.map((aheadMs, i) => ({ server: `s${i}`, aheadMs }))).map(({ state, found }) =>
      `${state}: ${found}`
    );
  assert.deepEqual(judged(0, 7_200_000), [
    "ok: Agrees with s0",
    "warning: The clock of s1 is 2 h behind this machine's",
  ]);
  assert.deepEqual(judged(-90_000, -100_000), ["warning: This machine's clock is 2 min behind that of s0, s1"]);
  assert.deepEqual(judged(3 * 86_400_000), ["error: This machine's clock is 3 days ahead of that of s0"]);
  assert.deepEqual(judged(), ["skipped: No server has said what time it is"]);
});
