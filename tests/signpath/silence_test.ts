/** A SignPath that takes connections and never answers: nobody is held up for more than a minute and a half. */
import assert from "node:assert/strict";
import { isTagsealError } from "../../lib/errors.ts";
import type { Send } from "../../lib/http/send.ts";
import type { SignPathClient } from "../../lib/signpath/client.ts";
import { waitForCompletion, type WaitOptions } from "../../lib/signpath/wait.ts";
import { connect } from "../support/signpath_world.ts";

const ID = "11111111-1111-1111-1111-111111111111";

/** Never answers. */
const silent: Send = ({ signal }) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

/** The milliseconds after which `use` fails, where every timer is over at once, and only the clock knows how long it was. */
async function takes(use: (client: SignPathClient, options: WaitOptions) => Promise<unknown>): Promise<number> {
  const real = { setTimeout: globalThis.setTimeout, now: performance.now };
  let clock = 0;
  const now = () => new Date(clock);
  const sleep = (ms: number) => Promise.resolve(void (clock += ms));
  performance.now = () => clock;
  globalThis.setTimeout = ((then: () => void, ms = 0) =>
    real.setTimeout(() => {
      clock += ms;
      then();
    }, 0)) as typeof setTimeout;
  try {
    const client = connect(silent, { sleep, now, serviceUnavailableTimeoutMs: 600_000 });
    await assert.rejects(use(client, { timeoutMs: 600_000, sleep, now }), (error) => {
      assert.ok(isTagsealError(error, "unavailable"));
      assert.match(error.message, /no complete answer within \d+ s/);
      return true;
    });
    return clock;
  } finally {
    performance.now = real.now;
    globalThis.setTimeout = real.setTimeout;
  }
}

Deno.test("a silent service: waiting, cancelling and asking end within 90 s, and were tried twice", async () => {
  const all = {
    wait: await takes((client, options) => waitForCompletion(client, ID, options)),
    cancel: await takes((client) => client.cancel(ID)),
    status: await takes((client) => client.status(ID)),
  };
  for (const [what, ms] of Object.entries(all)) assert.ok(ms > 60_000 && ms <= 90_000, `${what}: ${ms} ms`);
});
