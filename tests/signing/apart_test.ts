/** How long whoever was overtaken waits, where chance lets it wait as long as can be. */
import assert from "node:assert/strict";
import { pauses } from "../../lib/signing/apart.ts";

type Kind = Parameters<typeof pauses>[0]["holder"]["kind"];

function drawn(kind: Kind, windows: readonly number[], { isBroad = false, chance = 1 } = {}): number[] {
  const holder = kind === "keys" ? { kind, atHand: () => Promise.resolve(new Set<never>()) } : { kind };
  const pause = pauses({ holder, spread: 8 }, isBroad);
  const { random } = Math;
  Math.random = () => chance;
  try {
    return windows.map(pause);
  } finally {
    Math.random = random;
  }
}

Deno.test("a pause is drawn from a time that grows with the time in which others can be faster", () => {
  for (const kind of ["keys", "service"] as const) {
    assert.deepEqual(drawn(kind, [200, 400, 100]), [1600, 3200, 800], kind);
    assert.deepEqual(drawn(kind, [200, 400], { chance: 0.25 }), [400, 800], kind);
    assert.deepEqual(drawn(kind, [200], { chance: 0 }), [0], kind);
  }
});

Deno.test("keys: agents that sign in several repositories keep twice as far apart", () => {
  assert.deepEqual(drawn("keys", [200, 400], { isBroad: true }), [3200, 6400]);
});

Deno.test("keys: what took much longer than the attempt before tells nothing of others: a server had failed", () => {
  assert.deepEqual(drawn("keys", [200, 3500, 300, 300]), [1600, 4800, 2400, 2400]);
  assert.deepEqual(drawn("keys", [100, 301, 600]), [800, 2400, 4800]);
  assert.deepEqual(drawn("keys", [100, 900, 900]), [800, 2400, 7200], "unless it goes on so");
  assert.deepEqual(drawn("service", [200, 3500]), [1600, 28_000], "an approval takes as long as it takes");
});

Deno.test("a pause is two minutes at most; with keys five seconds, more with each attempt, and half a minute at most", () => {
  assert.deepEqual(drawn("service", [15_000, 15_001, 1e9]), [120_000, 120_000, 120_000]);
  const most = [5, 10, 15, 20, 25, 30, 30].map((seconds) => seconds * 1000);
  assert.deepEqual(drawn("keys", most.map(() => 60_000)), most);
  assert.deepEqual(drawn("keys", most.map(() => 60_000), { isBroad: true }), most);
});
