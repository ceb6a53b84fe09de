import assert from "node:assert/strict";
import { isTagsealError, TagsealError } from "../../lib/errors.ts";
import type { Send } from "../../lib/http/send.ts";
import { always, connect, json, refused, serve, submission } from "../support/signpath_world.ts";

/** A service with one request that waits. */
async function waiting() {
  const service = serve();
  const { signingRequestId: id } = await connect(service.handle).submit(
    await submission({ signingPolicySlug: "manual" }),
  );
  return { service, id };
}

Deno.test("a waiting request is cancelled", async () => {
  const { service, id } = await waiting();
  await connect(service.handle).cancel(id);
  assert.equal(service.requests()[0]!.workflowStatus, "Canceled");
});

Deno.test("what has ended cannot be cancelled, and it is told how it ended", async (t) => {
  const rows: [string, (service: ReturnType<typeof serve>, id: string) => unknown, string, RegExp][] = [
    ["twice", (service, id) => connect(service.handle).cancel(id), "Canceled", /^Nothing is left to be done/],
    ["approved", (service, id) => service.approve(id), "Completed", /what is not pushed is not published$/],
    ["denied", (service, id) => service.deny(id), "Denied", /^Nothing is left to be done/],
  ];
  for (const [name, end, status, remedy] of rows) {
    await t.step(name, async () => {
      const { service, id } = await waiting();
      await end(service, id);
      const outcome = connect(service.handle).cancel(id);
      await refused(outcome, "bad-input", /./, remedy);
      await assert.rejects(outcome, (error) => {
        assert.ok(isTagsealError(error));
        assert.equal(error.message, `Signing request "${id}" cannot be cancelled: it has ended as "${status}"`);
        assert.equal(error.details["status"], status);
        assert.deepEqual([error.request?.id, error.request?.goesOn], [id, false]);
        return true;
      });
    });
  }
});

Deno.test("who says that it is cancelled is not believed: that is read back", async (t) => {
  const page = () => new Response("<!doctype html><title>Log in</title>", { headers: { "content-type": "text/html" } });
  await t.step("somebody else has answered", async () => {
    const { service, id } = await waiting();
    const send: Send = (request) => request.method === "POST" ? Promise.resolve(page()) : service.handle(request);
    const words = /^Whether signing request ".*" is cancelled is not known, .*: it is shown as "WaitingForApproval"$/;
    await refused(connect(send, { sleep: () => Promise.resolve() }).cancel(id), "unavailable", words, /web UI/);
  });
  await t.step("what answers cannot be read", async () => {
    await refused(connect(always(page).send).cancel("x"), "unavailable", /^Whether .* is not known/, /web UI/);
  });
  await t.step("a moment later it is", async () => {
    const { service, id } = await waiting();
    let pauses = 0;
    let held: Request | undefined;
    const send: Send = (request) => {
      if (request.method !== "POST") return service.handle(request);
      held = request;
      return Promise.resolve(new Response(null, { status: 202 }));
    };
    const sleep = async () => void (++pauses === 2 && await service.handle(held!));
    await connect(send, { sleep }).cancel(id);
    assert.equal(pauses, 2);
  });
});

Deno.test("other refusals are told as they are", async (t) => {
  await t.step(
    "unknown",
    () => refused(connect(serve().handle).cancel("x"), "not-found", /cancelling .*"x": .*no sig/),
  );
  await t.step("no id", () => refused(connect(serve().handle).cancel("../x"), "usage", /not a signing request id/));
  await t.step("forbidden", async () => {
    const network = always(() => json(403, { title: "Not yours" }));
    await refused(connect(network.send).cancel("x"), "forbidden", /answered 403 to cancelling .*: Not yours$/);
    assert.equal(network.requests.length, 1);
  });
  await t.step("refused while it is processed", async () => {
    const send: Send = (request) =>
      Promise.resolve(
        request.method === "POST"
          ? json(409, { title: "Too late" })
          : json(200, { status: "InProgress", isFinalStatus: false }),
      );
    await refused(connect(send).cancel("x"), "bad-input", /answered 409 to cancelling .*: Too late$/);
  });
});

Deno.test("a server that cannot cancel is told from a request that is not there", async () => {
  const service = serve({ older: true });
  const { signingRequestId: id } = await connect(service.handle).submit(
    await submission({ signingPolicySlug: "manual" }),
  );
  const outcome = connect(service.handle).cancel(id);
  await refused(outcome, "bad-input", /this SignPath has no such call$/, /^Cancel it in SignPath's web UI$/);
  await assert.rejects(outcome, (error) => isTagsealError(error) && error.request?.goesOn === true);
  await refused(connect(service.handle).cancel("x"), "not-found", /cancelling .*"x"/);
});

Deno.test("a cancellation whose answer is lost is looked up, not taken for a failure", async (t) => {
  const reset = new TypeError("fetch failed", { cause: new Error("connection reset by peer") });
  /** Loses the first answer to a POST, after the service did (or did not do) its work. */
  const losing = (service: ReturnType<typeof serve>, done: boolean, loss: () => Response | Error): Send => {
    let lost = false;
    return async (request) => {
      if (request.method !== "POST" || lost) return await service.handle(request);
      lost = true;
      if (done) await (await service.handle(request)).body?.cancel();
      const outcome = loss();
      if (outcome instanceof Error) throw outcome;
      return outcome;
    };
  };
  for (const [name, loss] of [["reset", () => reset], ["500", () => json(500, {})]] as const) {
    await t.step(`${name}, cancelled`, async () => {
      const { service, id } = await waiting();
      await connect(losing(service, true, loss)).cancel(id);
      assert.equal(service.requests()[0]!.workflowStatus, "Canceled");
    });
  }
  await t.step("500, not cancelled", async () => {
    const { service, id } = await waiting();
    await refused(connect(losing(service, false, () => json(500, {}))).cancel(id), "unavailable", /answered 500/);
    assert.equal(service.requests()[0]!.workflowStatus, "WaitingForApproval");
  });
  await t.step("reset, not cancelled: repeated", async () => {
    const { service, id } = await waiting();
    await connect(losing(service, false, () => reset)).cancel(id);
    assert.equal(service.requests()[0]!.workflowStatus, "Canceled");
  });
  await t.step("504, cancelled, repeated and refused", async () => {
    const { service, id } = await waiting();
    await connect(losing(service, true, () => json(504, {}))).cancel(id);
    assert.equal(service.requests()[0]!.workflowStatus, "Canceled");
  });
  await t.step("503, repeated", async () => {
    const { service, id } = await waiting();
    await connect(losing(service, false, () => json(503, {}))).cancel(id);
    assert.equal(service.requests()[0]!.workflowStatus, "Canceled");
  });
});

/** A client of a service that answers cancelling and asking so, and what it was asked. */
function answering(cancel: readonly (Response | Error)[], status: () => Response) {
  const asked: string[] = [];
  const open = [...cancel];
  const client = connect(async (request) => {
    await request.bytes();
    asked.push(request.url.split("/").at(-1)!);
    if (request.method !== "POST") return status();
    const outcome = open.length > 1 ? open.shift()! : open[0]!;
    if (outcome instanceof Error) throw outcome;
    return outcome.clone();
  });
  return { client, asked };
}

const now = (status: string, isFinalStatus = true) => () => json(200, { status, isFinalStatus });

Deno.test("what a 2xx says is done is looked at once, and is no refusal", async () => {
  for (const status of [200, 202, 299]) {
    const { client, asked } = answering([json(status, {})], now("Canceled"));
    await client.cancel("x");
    assert.deepEqual(asked, ["Cancel", "Status"]);
    let looks = 0;
    const later = answering([json(status, {})], () => now(++looks > 1 ? "Canceled" : "InProgress", looks > 1)());
    await later.client.cancel("x");
    assert.deepEqual(later.asked, ["Cancel", "Status", "Status"]);
  }
});

Deno.test("what is said to be cancelled is looked at for three and a half seconds, or until it has ended otherwise", async () => {
  const pauses: number[] = [];
  const send = (status: string, isFinalStatus: boolean): Send => (request) =>
    Promise.resolve(request.method === "POST" ? json(200, {}) : now(status, isFinalStatus)());
  const sleep = (ms: number) => Promise.resolve(void pauses.push(ms));
  await refused(connect(send("InProgress", false), { sleep }).cancel("x"), "unavailable", /is shown as "InProgress"$/);
  assert.deepEqual(pauses, [500, 1000, 2000]);
  await refused(connect(send("Denied", true), { sleep }).cancel("x"), "bad-input", /it has ended as "Denied"$/);
  assert.equal(pauses.length, 3, "nothing is waited for then");
});

Deno.test("why it cannot be looked at stays the reason, where it is the caller's own matter", async () => {
  for (const [status, code] of [[401, "unauthenticated"], [403, "forbidden"], [400, "unavailable"]] as const) {
    const { client } = answering([json(200, {})], () => json(status, {}));
    await refused(client.cancel("x"), code, /^Whether .* is cancelled is not known/, /web UI/);
  }
  const controller = new AbortController();
  const { client } = answering([json(200, {})], () => {
    controller.abort(new TagsealError("interrupted", "Interrupted", { remedy: "Run it again" }));
    return json(503, {});
  });
  await refused(client.cancel("x", { signal: controller.signal }), "interrupted", /^Whether/, /web UI/);
});

Deno.test("a cancellation whose answer is lost is looked for in ten seconds at most", async () => {
  const limits: number[] = [];
  const { timeout } = AbortSignal;
  const { now: time } = performance;
  performance.now = () => 0; // however slow the machine is
  AbortSignal.timeout = (ms) => (limits.push(ms), timeout.call(AbortSignal, ms));
  try {
    const { client } = answering([json(500, {})], now("Canceled"));
    await client.cancel("x");
    assert.deepEqual(limits, [30_000, 10_000]);
  } finally {
    AbortSignal.timeout = timeout;
    performance.now = time;
  }
});

Deno.test("a refusal after a try that may have got through is looked up", async () => {
  for (const status of [403, 409]) {
    const { client, asked } = answering([json(503, {}), json(status, {})], now("Canceled"));
    await client.cancel("x");
    assert.deepEqual(asked, ["Cancel", "Cancel", "Status"]);
  }
  const { client } = answering([json(409, {})], now("Canceled"));
  await refused(client.cancel("x"), "bad-input", /it has ended as "Canceled"$/);
});

Deno.test("a call that never left is not looked up; one whose answer is lost is, once", async () => {
  const refusal = new TypeError("tcp connect error: Connection refused (os error 111)");
  const nobody = answering([refusal], now("Canceled"));
  await refused(nobody.client.cancel("x"), "unavailable", /nobody answers on that port/);
  assert.ok(!nobody.asked.includes("Status"));
  const tooLong = answering([json(200, " ".repeat(2_000_000))], now("Canceled"));
  await tooLong.client.cancel("x");
  assert.deepEqual(tooLong.asked, ["Cancel", "Status"]);
  const silent = answering([json(500, {})], () => json(503, {}));
  await refused(silent.client.cancel("x"), "unavailable", /answered 500/);
  assert.deepEqual(silent.asked, ["Cancel", "Status"]);
});

Deno.test("an answer that is lost and cannot be looked up is told, and nobody waits long for looking", async () => {
  const tooLong = answering([json(200, " ".repeat(2_000_000))], now("InProgress", false));
  await refused(tooLong.client.cancel("x"), "unavailable", /its answer is too long/);
  const told: string[] = [];
  const silent = connect(async (request) => {
    await request.bytes();
    if (request.method === "POST") return json(503, {});
    return await new Promise((_, reject) =>
      request.signal.addEventListener("abort", () => reject(request.signal.reason))
    );
  }, { serviceUnavailableTimeoutMs: 400, onWait: ({ why }) => void told.push(why) });
  await refused(silent.cancel("x", { answerTimeoutMs: 100 }), "unavailable", /answered 503 to cancelling/);
  assert.deepEqual([...new Set(told)], ['SignPath at "https://sp.test" answers 503']);
});

Deno.test("a server that knows no such request or call: how the request ended is told, where it is known", async () => {
  const done = answering([json(404, {})], now("Denied"));
  await refused(done.client.cancel("x"), "bad-input", /it has ended as "Denied"$/);
  const silent = answering([json(404, {})], () => json(503, {}));
  await refused(silent.client.cancel("x"), "not-found", /answered 404 to cancelling/);
  assert.deepEqual(silent.asked, ["Cancel", "Status"]);
});
