import assert from "node:assert/strict";
import { isTagsealError, TagsealError } from "../../lib/errors.ts";
import { ProxiedError } from "../../lib/http/proxy.ts";
import { exchangeWithRetry, retryAfterMs, type RetryPolicy, sleep, type Wait } from "../../lib/http/retry.ts";
import type { Call, Send } from "../../lib/http/send.ts";
import { countedSignal } from "../support/listeners.ts";

const START = Date.UTC(2026, 0, 1);

/** A clock that only sleeping moves, and what was slept. */
function clock(budgetMs: number): { policy: RetryPolicy; slept: number[] } {
  const slept: number[] = [];
  let now = START;
  return {
    slept,
    policy: {
      budgetMs,
      now: () => new Date(now),
      sleep: (ms) => {
        slept.push(ms);
        now += ms;
        return Promise.resolve();
      },
    },
  };
}

function call(more: Partial<Call> = {}): Call {
  return { service: "SignPath", url: new URL("https://sp.test/x"), maxBytes: 100, timeoutMs: 1000, ...more };
}

/** Answers with each of `outcomes` in turn (the last one for ever): a status, a response or an error of the transport. */
function script(...outcomes: (number | (() => Response) | Error)[]): { send: Send; calls: number } {
  const state = {
    calls: 0,
    send: async (request: Request) => {
      await request.text();
      const outcome = outcomes[Math.min(state.calls++, outcomes.length - 1)]!;
      if (outcome instanceof Error) throw outcome;
      return typeof outcome === "number" ? new Response("x", { status: outcome }) : outcome();
    },
  };
  return state;
}

/** How the runtime words it. */
function transport(words: string): Error {
  return new TypeError("fetch failed", { cause: new Error(words) });
}
const REFUSED = transport("tcp connect error: Connection refused (os error 111)");
const RESET = transport("connection reset by peer");
const UNTRUSTED = transport("invalid peer certificate: UnknownIssuer");

Deno.test("only what asks to be tried later, or cannot have had an effect, is repeated", async (t) => {
  const rows: [string, Call["method"], number | Error, number][] = [
    ...[429, 502, 503, 504].flatMap((status) =>
      (["GET", "HEAD", "POST", "PUT", "DELETE"] as const).map((m): [string, Call["method"], number, number] => {
        // A gateway that gave up had passed the request on: nobody knows whether it took effect.
        const isLost = (status === 502 || status === 504) && m !== "GET" && m !== "HEAD";
        return [`${m} ${status}`, m, status, isLost ? 1 : 2];
      })
    ),
    ...[200, 400, 401, 403, 404, 408, 409, 500, 501].map((status) =>
      [`GET ${status}`, "GET", status, 1] as [string, Call["method"], number, number]
    ),
    ["POST 500", "POST", 500, 1],
    ["GET, never sent", "GET", REFUSED, 2],
    ["POST, never sent", "POST", REFUSED, 2],
    ["GET, reset", "GET", RESET, 2],
    ["POST, reset: it may have been sent", "POST", RESET, 1],
    ["PUT, reset: it may have been sent", "PUT", RESET, 1],
    ["POST, cut before TLS was agreed on", "POST", transport("client error (Connect): tls handshake eof"), 2],
    ["GET, untrusted certificate", "GET", UNTRUSTED, 1],
    ["GET, a client certificate is wanted", "GET", transport("received fatal alert: CertificateRequired"), 1],
    ["GET, no TLS", "GET", transport("received corrupt message of type InvalidContentType"), 1],
  ];
  for (const [name, method, outcome, calls] of rows) {
    await t.step(name, async () => {
      const network = script(outcome, 200);
      const body = method === "GET" || method === "HEAD" ? {} : { body: "x" };
      const result = exchangeWithRetry(
        network.send,
        call({ ...(method ? { method } : {}), ...body }),
        clock(5000).policy,
      );
      if (calls === 1 && outcome instanceof Error) {
        await assert.rejects(result, (e) => isTagsealError(e, "unavailable"));
      } else assert.equal((await result).status, calls === 2 ? 200 : outcome);
      assert.equal(network.calls, calls);
    });
  }
});

Deno.test("what has no more effect twice than once is repeated like a GET", async () => {
  for (const outcome of [429, 502, 503, 504, REFUSED, RESET]) {
    const network = script(outcome, 200);
    const policy = { ...clock(5000).policy, idempotent: true };
    assert.equal((await exchangeWithRetry(network.send, call({ method: "POST", body: "x" }), policy)).status, 200);
    assert.equal(network.calls, 2);
  }
});

Deno.test("what passes by itself at one service is repeated there, where repeating has no effect", async () => {
  for (const [idempotent, calls] of [[true, 2], [false, 1]] as const) {
    const { policy } = clock(10_000);
    const flaky = script(500, 200);
    await exchangeWithRetry(flaky.send, call({ method: "PUT", passing: [500] }), { ...policy, idempotent });
    assert.equal(flaky.calls, calls);
  }
});

Deno.test("an answer that is too long is not asked for again", async () => {
  const network = script(() => new Response("x".repeat(200)));
  await assert.rejects(exchangeWithRetry(network.send, call(), clock(5000).policy), /too long/);
  assert.equal(network.calls, 1);
});

Deno.test("waits double up to 30 s, each shortened at random by at most a half, and end with the budget", async () => {
  const { policy, slept } = clock(120_000);
  const answer = await exchangeWithRetry(script(503).send, call(), policy);
  assert.equal(answer.status, 503);
  const full = slept.map((_, i) => Math.min(30_000, 500 * 2 ** i));
  slept.slice(0, -1).forEach((ms, i) => assert.ok(ms >= full[i]! / 2 && ms <= full[i]!, `wait ${i}: ${ms}`));
  assert.ok(slept.some((ms, i) => ms !== full[i]), "no wait was shortened");
  assert.equal(Math.round(slept.reduce((a, b) => a + b)), 120_000);
});

Deno.test("what chance leaves of a wait is all of it, or half", async () => {
  const { random } = Math;
  try {
    for (const [chance, share] of [[0, 1], [0.5, 0.75]] as const) {
      Math.random = () => chance;
      const { policy, slept } = clock(100_000);
      await exchangeWithRetry(script(503).send, call(), { ...policy, maxTries: 9 });
      const full = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000];
      assert.deepEqual(slept, full.map((ms) => ms * share));
    }
  } finally {
    Math.random = random;
  }
});

Deno.test("when the budget is used up, the last error is thrown", async () => {
  const network = script(REFUSED);
  const { policy, slept } = clock(10_000);
  await assert.rejects(exchangeWithRetry(network.send, call({ method: "POST", body: "x" }), policy), (error) => {
    assert.ok(isTagsealError(error, "unavailable"));
    assert.match(error.message, /Connection refused/);
    return true;
  });
  assert.equal(network.calls, slept.length + 1);
});

Deno.test("a budget of 0 means one try", async () => {
  const network = script(503);
  assert.equal((await exchangeWithRetry(network.send, call(), clock(0).policy)).status, 503);
  assert.equal(network.calls, 1);
});

Deno.test("tries are counted, too", async () => {
  for (const maxTries of [1, 3]) {
    const network = script(503);
    const { policy, slept } = clock(60_000);
    assert.equal((await exchangeWithRetry(network.send, call(), { ...policy, maxTries })).status, 503);
    assert.deepEqual([network.calls, slept.length], [maxTries, maxTries - 1]);
  }
});

/** A policy with patience for outages, one for all calls to a server. */
function patient(now: () => number): RetryPolicy & { slept: number[] } {
  const { policy, slept } = clock(10_000);
  const outages = { budgetMs: 20_000, maxTries: 7, since: new Map<string, number>() };
  const passed = () => slept.reduce((a, b) => a + b, 0);
  return { ...policy, now: () => new Date(now() + passed()), maxTries: 3, outages, slept };
}

Deno.test("a server that says that it is out of order is waited for longer than one that cannot be reached", async () => {
  for (const [outcome, tries] of [[503, 7], [502, 7], [500, 7], [429, 3], [REFUSED, 3], [RESET, 3]] as const) {
    const network = script(outcome);
    const policy = patient(() => START);
    await exchangeWithRetry(network.send, call({ passing: [500] }), policy).catch(() => {});
    assert.equal(network.calls, tries, `${outcome}`);
    assert.ok(policy.slept.reduce((a, b) => a + b) <= 20_000);
  }
  const brief = script(503);
  await exchangeWithRetry(brief.send, call({ brief: true }), patient(() => START));
  assert.equal(brief.calls, 3, "something else is at hand");
  const back = script(500, 500, 503, 500, 500, 200);
  assert.equal((await exchangeWithRetry(back.send, call({ passing: [500] }), patient(() => START))).status, 200);
});

Deno.test("a command waits for a server's outage once, whatever it asks it for; one that comes back may fail again", async () => {
  let now = START;
  const policy = patient(() => now);
  const tries = async (...outcomes: number[]) => {
    const network = script(...outcomes);
    await exchangeWithRetry(network.send, call(), policy);
    return network.calls;
  };
  assert.equal(await tries(503), 7);
  now += 10_000;
  assert.equal(await tries(503), 3, "its time is used up: as with everybody");
  assert.equal(await tries(500), 1, "that is no outage, nor its end");
  assert.equal(await tries(503, 200), 2);
  assert.equal(await tries(500), 1);
  now += 30_000;
  assert.equal(await tries(503), 7, "another outage");
});

Deno.test("an outage ends with an answer that is none of its kind", async () => {
  const rows: [status: number, method: "GET" | "POST", isOver: boolean][] = [
    [200, "GET", true],
    [404, "GET", true],
    [500, "GET", false],
    [502, "POST", false],
  ];
  for (const [status, method, isOver] of rows) {
    const policy = patient(() => START);
    policy.outages!.since.set("https://sp.test", START).set("https://other.test", START);
    await exchangeWithRetry(script(status).send, call({ method }), policy);
    const left = isOver ? ["https://other.test"] : ["https://sp.test", "https://other.test"];
    assert.deepEqual([...policy.outages!.since.keys()], left, `${status}`);
  }
});

Deno.test("a clock that stands still or is set back does not prolong the budget", async () => {
  let now = START;
  let slept = 0;
  const policy: RetryPolicy = {
    budgetMs: 60_000,
    now: () => new Date(now -= 5000),
    sleep: (ms) => Promise.resolve(void (slept += ms)),
  };
  await exchangeWithRetry(script(503).send, call(), policy);
  assert.equal(Math.round(slept), 60_000);
});

Deno.test("Retry-After is honoured, within the budget, and never hammers", async (t) => {
  const rows: [string, string, number][] = [
    ["seconds", "7", 7000],
    ["HTTP date", new Date(START + 12_000).toUTCString(), 12_000],
    ["date in the past", new Date(START - 12_000).toUTCString(), 250],
    ["zero", "0", 250],
    ["all of the budget", "20", 20_000],
  ];
  for (const [name, value, expected] of rows) {
    await t.step(name, async () => {
      const later = () => new Response("x", { status: 503, headers: { "retry-after": value } });
      const { policy, slept } = clock(20_000);
      assert.equal((await exchangeWithRetry(script(later, 200).send, call(), policy)).status, 200);
      assert.deepEqual(slept, [expected]);
    });
  }
});

Deno.test("a Retry-After beyond the budget is an answer: nothing is waited for in vain", async () => {
  for (const value of ["21", "86400", new Date(START + 21_000).toUTCString()]) {
    const later = () => new Response("x", { status: 429, headers: { "retry-after": value } });
    const { policy, slept } = clock(20_000);
    assert.equal((await exchangeWithRetry(script(later, 200).send, call(), policy)).status, 429);
    assert.deepEqual(slept, []);
  }
});

Deno.test("an unreadable Retry-After is ignored", () => {
  for (const value of ["", "soon", "-1", "1.5", "2026-01-01", "99999999999999999999"]) {
    assert.equal(retryAfterMs(new Headers({ "retry-after": value }), new Date(START)), undefined, value);
  }
  assert.equal(retryAfterMs(new Headers(), new Date(START)), undefined);
  const past = new Date(START - 12_000).toUTCString();
  assert.equal(retryAfterMs(new Headers({ "retry-after": past }), new Date(START)), 0);
});

Deno.test("the signal ends waiting at once, with its reason", async () => {
  const stop = new AbortController();
  const reason = new TagsealError("interrupted", "Interrupted", { remedy: "Run it again" });
  const network = script(503);
  const policy: RetryPolicy = { budgetMs: 60_000, now: () => new Date(), sleep };
  const result = exchangeWithRetry(network.send, call({ signal: stop.signal }), policy);
  setTimeout(() => stop.abort(reason), 20);
  await assert.rejects(result, (error) => error === reason);
  assert.equal(network.calls, 1);
  await assert.rejects(exchangeWithRetry(network.send, call({ signal: stop.signal }), policy), (e) => e === reason);
  assert.equal(network.calls, 1, "nothing is sent once aborted");
});

Deno.test("sleep waits, until its signal ends that, and leaves nobody listening", async () => {
  const start = performance.now();
  const { controller, listeners } = countedSignal();
  await sleep(30, controller.signal);
  assert.ok(performance.now() - start >= 28);
  assert.equal(listeners(), 0);
  const reason = new Error("Ctrl-C");
  const sleeping = sleep(60_000, controller.signal);
  controller.abort(reason);
  await assert.rejects(sleeping, (error) => error === reason);
  await assert.rejects(sleep(60_000, controller.signal), (error) => error === reason);
});

Deno.test("each wait is told: why, how long, and how long it goes on", async () => {
  for (
    const [outcomes, why] of [
      [[503, 503, 200], 'SignPath at "https://sp.test" answers 503'],
      [
        [REFUSED, REFUSED, 200],
        'SignPath at "https://sp.test" cannot be used: nobody answers on that port ' +
        "(tcp connect error: Connection refused (os error 111))",
      ],
      [[200], ""],
    ] as const
  ) {
    const { policy, slept } = clock(60_000);
    const told: Wait[] = [];
    await exchangeWithRetry(script(...outcomes).send, call(), { ...policy, onWait: (wait) => void told.push(wait) });
    assert.deepEqual(told, slept.map((ms, i) => ({ why, ms, leftMs: i === 0 ? 60_000 : 60_000 - slept[0]! })));
    assert.equal(told.length, outcomes.length - 1);
  }
});

Deno.test("a service that never answered is not waited for as one that is restarting", async () => {
  const spent = async (contact: { reached: boolean } | undefined, failure: Error) => {
    const { policy, slept } = clock(600_000);
    await assert.rejects(exchangeWithRetry(script(...Array(200).fill(failure)).send, call(), { ...policy, contact }));
    return slept.reduce((sum, ms) => sum + ms, 0);
  };
  const unknown = new TypeError("dns error: failed to lookup address information: Name or service not known");
  const later = new TypeError("dns error: failed to lookup address information: Temporary failure in name resolution");
  for (const failure of [REFUSED, unknown]) {
    assert.equal(await spent({ reached: false }, failure), 5000);
    assert.equal(await spent({ reached: true }, failure), 600_000);
    assert.equal(await spent(undefined, failure), 600_000);
  }
  assert.equal(await spent({ reached: false }, later), 60_000);
  const proxy = new TypeError("unsuccessful tunnel");
  assert.equal(await spent({ reached: false }, new ProxiedError({ url: "http://proxy.test" }, proxy)), 5000);
  assert.equal(await spent({ reached: true }, new TypeError("Fetch failed: Requests to port 9 are blocked")), 0);
  const contact = { reached: false };
  await exchangeWithRetry(script(503, 200).send, call(), { ...clock(600_000).policy, contact });
  assert.deepEqual(contact, { reached: true });
});

Deno.test("a server that never answers is waited for by some, and then by nobody; one that has answered, always", async () => {
  const silence = (): Send => ({ signal }) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const { policy } = clock(0);
  const silences = new Map();
  const ask = (send: Send, url = "https://sp.test/x", timeoutMs = 60_000) =>
    exchangeWithRetry(send, call({ timeoutMs, url: new URL(url) }), { ...policy, silences });
  for (let i = 0; i < 4; i++) await assert.rejects(ask(silence(), undefined, 5), /no complete answer/);
  let asked = 0;
  const counted: Send = () => Promise.resolve(new Response(`${++asked}`));
  await assert.rejects(ask(counted), (error) => {
    assert.ok(isTagsealError(error, "unavailable"));
    assert.match(error.message, /^SignPath at "https:\/\/sp\.test" was not asked: it has answered nothing so far$/);
    assert.equal(error.reason, "no-answer");
    return true;
  });
  assert.equal(asked, 0);
  assert.equal((await ask(counted, "https://other.test/x")).status, 200);
  for (let i = 0; i < 5; i++) await assert.rejects(ask(silence(), "https://other.test/x", 5), /no complete answer/);
  assert.equal(silences.get("https://other.test"), "answers");
  assert.equal((await ask(counted, "https://other.test/x")).status, 200);
  // Where nobody listens, somebody says so.
  for (let i = 0; i < 5; i++) await assert.rejects(ask(script(REFUSED).send, "https://third.test/x"), /nobody answers/);
  assert.equal((await ask(counted, "https://third.test/x")).status, 200);
});
