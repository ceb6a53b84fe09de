/** A SignPath that takes connections and never answers: nobody is held up for more than a minute and a half. */
import assert from "node:assert/strict";
import { isTagsealError } from "../../lib/errors.ts";
import { sleep } from "../../lib/http/retry.ts";
import type { Send } from "../../lib/http/send.ts";
import type { SignPathClient } from "../../lib/signpath/client.ts";
import { waitForCompletion, type WaitOptions } from "../../lib/signpath/wait.ts";
import { SIGNPATH_TIMES_S } from "../../lib/signpath/times.ts";
import { JumpingTime } from "../support/jumping_time.ts";
import { connect, submission } from "../support/signpath_world.ts";

const ID = "11111111-1111-1111-1111-111111111111";

/** Never answers. */
const silent: Send = ({ signal }) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

/** Sends 64 KiB of an answer each second, without an end. */
const moving: Send = ({ signal }) => {
  const pull = (controller: ReadableStreamDefaultController<Uint8Array>) =>
    new Promise<void>((resolve) =>
      setTimeout(() => {
        if (signal.aborted) controller.error(signal.reason);
        else controller.enqueue(new Uint8Array(64 * 1024));
        resolve();
      }, 1000)
    );
  return Promise.resolve(new Response(new ReadableStream({ pull }, { highWaterMark: 0 })));
};

/** The milliseconds after which `use` fails, by a clock that jumps. */
async function takes(
  use: (client: SignPathClient, options: WaitOptions) => Promise<unknown>,
  send: Send = silent,
  transferTimeoutMs = SIGNPATH_TIMES_S.transfer * 1000,
): Promise<number> {
  using time = new JumpingTime(() => true);
  const { date: now } = time;
  const client = connect(send, { sleep, now, serviceUnavailableTimeoutMs: 600_000, transferTimeoutMs });
  const started = time.now();
  await assert.rejects(use(client, { timeoutMs: 600_000, sleep, now }), (error) => {
    assert.ok(isTagsealError(error, "unavailable"));
    assert.match(error.message, /no complete answer within \d+ s/);
    return true;
  });
  return time.now() - started;
}

Deno.test("a silent service: waiting, cancelling and asking end within 90 s, and were tried twice", async () => {
  const all = {
    wait: await takes((client, options) => waitForCompletion(client, ID, options)),
    cancel: await takes((client) => client.cancel(ID)),
    status: await takes((client) => client.status(ID)),
  };
  for (const [what, ms] of Object.entries(all)) assert.ok(ms > 60_000 && ms <= 90_000, `${what}: ${ms} ms`);
});

Deno.test("a transfer on which nothing moves ends within 90 s, and one that moves has all of its time", async () => {
  const short = await submission();
  const long = await submission({ artifact: new Uint8Array(8 * 1024 * 1024) });
  const download = (client: SignPathClient) => client.downloadSigned(ID);
  const submit = (client: SignPathClient) => client.submit(short);
  const all = {
    upload: await takes(submit),
    download: await takes(download),
    "long upload": await takes((client) => client.submit(long)),
    "moving download": await takes(download, moving, 90_000),
    "upload with more time": await takes(submit, silent, 600_000),
    "upload with little time": await takes(submit, silent, 10_000),
  };
  const near = (ms: number, seconds: number) => assert.ok(Math.abs(ms - seconds * 1000) < 1500, `${ms} ms`);
  near(all.upload, 60);
  near(all.download, 60);
  near(all["long upload"], 60 + 128);
  near(all["moving download"], 90);
  near(all["upload with more time"], 120);
  near(all["upload with little time"], 10);
});
