/** What a wrong clock of this machine brings about is told as that, as far as servers have said what time it is. */
import assert from "node:assert/strict";
import { withClock } from "../../lib/cli/clock_advice.ts";
import { remedyOf } from "../../lib/cli/hints.ts";
import { type ErrorFacts, isTagsealError, TagsealError, type TagsealErrorCode } from "../../lib/errors.ts";

const NOW = new Date("2026-11-28T12:00:00Z");
const REMEDY = "Ask the administrator";
const SET = "Set this machine's clock (timedatectl set-ntp true), and run the command again";

/** The advice after a failure, where each server was heard to be so many minutes ahead. */
function advice(
  ahead: Record<string, number>,
  facts: Partial<ErrorFacts>,
  { code = "trust-invalid", headers = {} }: { code?: TagsealErrorCode; headers?: Record<string, string> } = {},
): string {
  const heard = new Map(
    Object.entries(ahead).map(([server, minutes]) => {
      const date = new Date(NOW.getTime() + minutes * 60_000).toUTCString();
      return [server, { headers: new Headers({ date, ...headers }), at: performance.now() }];
    }),
  );
  const error = withClock(new TagsealError<TagsealErrorCode>(code, "It ended", { remedy: REMEDY, ...facts }), {
    heard: () => heard,
    now: () => NOW,
  });
  assert.ok(isTagsealError(error, code));
  assert.equal(error.message, "It ended");
  return remedyOf(error);
}

Deno.test("clock: what is over for a clock that is ahead of the server's, or early for one that is behind, names the clock", () => {
  assert.equal(
    advice({ "https://n": -4320 }, { byClock: "over" }),
    `This machine's clock is 3 days ahead of that of https://n. ${SET}`,
  );
  assert.equal(
    advice({ "https://n": 6, "https://r": 600 }, { byClock: "early" }, { code: "bad-input" }),
    `This machine's clock is 6 min behind that of https://n, https://r. ${SET}`,
  );
});

Deno.test("clock: data that was refused for another reason keeps its advice behind that on the clock", () => {
  const words = `This machine's clock is 3 h ahead of that of https://n. ${SET}. If the same is said then: ${REMEDY}`;
  assert.equal(advice({ "https://n": -180 }, {}), words);
  assert.equal(advice({ "https://n": -180 }, {}, { code: "bad-input" }), REMEDY, "time has no part in that");
});

Deno.test("clock: it is not blamed where a server agrees, where it is off the other way, or where nobody tells the time", () => {
  assert.equal(advice({}, { byClock: "over" }), REMEDY);
  assert.equal(advice({ "https://n": -5 }, { byClock: "over" }), REMEDY);
  assert.equal(advice({ "https://n": -600, "https://r": 0 }, { byClock: "over" }), REMEDY);
  assert.equal(advice({ "https://n": 600 }, { byClock: "over" }), REMEDY);
  assert.equal(advice({ "https://n": -600 }, { byClock: "early" }), REMEDY);
  assert.equal(advice({ "https://n": -600 }, { byClock: "over" }, { headers: { age: "9" } }), REMEDY, "a cache's");
});

Deno.test("clock: where something may be published already, that is looked at first", () => {
  for (const published of ["maybe", "yes"] as const) {
    assert.equal(advice({ "https://n": -600 }, { byClock: "over", published }), REMEDY);
  }
});
