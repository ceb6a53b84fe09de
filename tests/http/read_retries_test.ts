/** How reads are repeated, and what is told of it. */
import assert from "node:assert/strict";
import { readRetries } from "../../lib/http/read_retries.ts";

Deno.test("reads are repeated for ten seconds, twenty where a server is out of order; each reason is told once", async () => {
  const told: string[] = [];
  const now = () => new Date(7);
  const sleep = () => Promise.resolve();
  const { onWait, ...rule } = readRetries({ sleep, now, onRetry: (why) => told.push(why) });
  const outages = { budgetMs: 20_000, maxTries: 7, since: new Map() };
  assert.deepEqual(rule, { budgetMs: 10_000, maxTries: 3, outages, sleep, now });
  for (const why of ["it is away", "it is full", "it is away"]) onWait!({ why, ms: 1, leftMs: 1 });
  assert.deepEqual(told, ["it is away", "it is full"]);
  await sleep();
});
