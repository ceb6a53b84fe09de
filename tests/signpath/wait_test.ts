import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { writeZip } from "../../lib/bytes/zip.ts";
import { isTagsealError, TagsealError } from "../../lib/errors.ts";
import { sleep } from "../../lib/http/retry.ts";
import { fileSigningKey } from "../../lib/local/signpath_keys.ts";
import { createSignPathService } from "../../lib/local/signpath_service.ts";
import { createSignPathClient } from "../../lib/signpath/client.ts";
import type { CallLimits, SigningRequestStatus } from "../../lib/signpath/types.ts";
import { waitForCompletion, type WaitOptions } from "../../lib/signpath/wait.ts";

const WAITING: SigningRequestStatus = {
  status: "WaitingForApproval",
  workflowStatus: "WaitingForApproval",
  isFinalStatus: false,
  webLink: "https://sp.test/Web/id-1",
};
const COMPLETED: SigningRequestStatus = { status: "Completed", workflowStatus: "Completed", isFinalStatus: true };
const DOWN = new TagsealError("unavailable", "SignPath cannot be used: connection reset", { remedy: "Run it again" });

/** A client that goes through `states` (the last one for ever), and a clock that only sleeping moves. */
function setUp(...states: (SigningRequestStatus | Error)[]) {
  let now = 0;
  const slept: number[] = [];
  const budgets: (number | undefined)[] = [];
  const client = {
    status: (id: string, limits?: CallLimits) => {
      assert.equal(id, "id-1");
      budgets.push(limits?.unavailableTimeoutMs);
      const state = states[Math.min(budgets.length - 1, states.length - 1)]!;
      return state instanceof Error ? Promise.reject(state) : Promise.resolve(state);
    },
  };
  const options: WaitOptions = {
    timeoutMs: 60_000,
    now: () => new Date(now),
    sleep: (ms) => {
      slept.push(ms);
      now += ms;
      return Promise.resolve();
    },
  };
  return { client, options, slept, budgets };
}

Deno.test("the first poll comes at once, then waits grow to the polling interval", async () => {
  const { client, options, slept, budgets } = setUp(WAITING, WAITING, WAITING, WAITING, WAITING, WAITING, COMPLETED);
  assert.deepEqual(await waitForCompletion(client, "id-1", options), COMPLETED);
  assert.deepEqual(slept, [500, 1000, 2000, 5000, 5000, 5000]);
  assert.deepEqual(budgets.slice(0, 2), [60_000, 59_500], "repeating a poll may not outlast the wait");
});

Deno.test("a request that is completed already is not waited for", async () => {
  const { client, options, slept } = setUp(COMPLETED);
  assert.deepEqual(await waitForCompletion(client, "id-1", options), COMPLETED);
  assert.deepEqual(slept, []);
});

Deno.test("a shorter polling interval shortens the first waits as well", async () => {
  const { client, options, slept } = setUp(WAITING, WAITING, WAITING, COMPLETED);
  await waitForCompletion(client, "id-1", { ...options, pollMs: 700 });
  assert.deepEqual(slept, [500, 700, 700]);
});

Deno.test("changes are told once each; values of tomorrow and an early Completed do not end the wait", async () => {
  const odd = { ...WAITING, status: "Pondering" };
  const later = { ...odd, workflowStatus: "PonderingOn" };
  const early = { ...COMPLETED, isFinalStatus: false };
  const { client, options } = setUp(WAITING, WAITING, odd, odd, later, early, COMPLETED);
  const told: string[] = [];
  await waitForCompletion(client, "id-1", { ...options, onStatus: ({ status }) => told.push(status) });
  assert.deepEqual(told, ["WaitingForApproval", "Pondering", "Pondering", "Completed"]);
});

Deno.test("a request that ends otherwise is an error with id, status and link", async (t) => {
  const rows: [string, string, RegExp][] = [
    ["Denied", "Denied", /^Signing request "id-1" ended as "Denied"$/],
    ["Canceled", "Canceled", /ended as "Canceled"$/],
    ["Failed", "MalwareDetected", /ended as "Failed" \("MalwareDetected"\)$/],
    ["Vanished", "Vanished", /ended as "Vanished"$/],
  ];
  for (const [status, workflowStatus, words] of rows) {
    await t.step(status, async () => {
      const { client, options } = setUp(WAITING, { ...WAITING, status, workflowStatus, isFinalStatus: true });
      await assert.rejects(waitForCompletion(client, "id-1", options), (error) => {
        assert.ok(isTagsealError(error, "signing-request-failed"));
        assert.match(error.message, words);
        assert.match(error.remedy, /See "https:\/\/sp\.test\/Web\/id-1" for the reason/);
        assert.deepEqual(error.request, { id: "id-1", webLink: "https://sp.test/Web/id-1", goesOn: false });
        assert.deepEqual(error.details, {
          signingRequestId: "id-1",
          status,
          workflowStatus,
          webLink: "https://sp.test/Web/id-1",
        });
        return true;
      });
    });
  }
});

Deno.test("at its time-out the wait polls once more, then says that the request goes on and how to resume", async () => {
  const { client, options, slept, budgets } = setUp(WAITING);
  await assert.rejects(waitForCompletion(client, "id-1", { ...options, timeoutMs: 10_000 }), (error) => {
    assert.ok(isTagsealError(error, "timed-out"));
    assert.match(
      error.message,
      /^Signing request "id-1" did not end within 10 s \(its status is "WaitingForApproval"\); it goes on at SignPath$/,
    );
    assert.match(error.remedy, /^Do not submit again: download the signed file of this request, and publish it$/);
    assert.deepEqual(error.request, { id: "id-1", webLink: "https://sp.test/Web/id-1", goesOn: true });
    assert.equal(error.details["signingRequestId"], "id-1");
    assert.equal(error.details["webLink"], "https://sp.test/Web/id-1");
    return true;
  });
  assert.deepEqual(slept, [500, 1000, 2000, 5000, 1500]);
  assert.equal(budgets.length, 6);
});

Deno.test("a time-out of 0 polls once", async () => {
  const { client, options, budgets } = setUp(WAITING);
  await assert.rejects(
    waitForCompletion(client, "id-1", { ...options, timeoutMs: 0 }),
    /was not waited for \(its status/,
  );
  assert.equal(budgets.length, 1);
});

Deno.test("single failures are survived, however often", async () => {
  const { client, options } = setUp(WAITING, DOWN, WAITING, DOWN, COMPLETED);
  assert.deepEqual(await waitForCompletion(client, "id-1", options), COMPLETED);
});

Deno.test("two failures in a row at the time-out are a time-out", async () => {
  const { client, options, budgets } = setUp(DOWN, DOWN);
  const waiting = waitForCompletion(client, "id-1", { ...options, timeoutMs: 500 });
  await assert.rejects(waiting, (error) => isTagsealError(error, "timed-out"));
  assert.equal(budgets.length, 2);
});

Deno.test("what is no failure of the service, and an id that cannot be one, are told as they are", async () => {
  const usage = new TagsealError("usage", "That is no id", { remedy: "Copy it" });
  for (const odd of [new TypeError("odd"), usage]) {
    const { client, options } = setUp(WAITING, odd);
    await assert.rejects(waitForCompletion(client, "id-1", options), (error) => error === odd);
  }
});

Deno.test("two failures in a row end the wait, with how to resume", async () => {
  const { client, options } = setUp(WAITING, DOWN, DOWN);
  await assert.rejects(waitForCompletion(client, "id-1", options), (error) => {
    assert.ok(isTagsealError(error, "unavailable"));
    assert.match(
      error.message,
      /^While waiting for signing request "id-1": SignPath cannot be used: connection reset$/,
    );
    assert.match(error.remedy, /^Do not submit again/);
    assert.deepEqual([error.request?.id, error.request?.goesOn], ["id-1", true]);
    assert.equal(error.details["signingRequestId"], "id-1");
    return true;
  });
});

Deno.test("a call is given as long as the wait lasts, one after a failure as long as two may take together", async (t) => {
  type Call = readonly [took: number, state: SigningRequestStatus | Error];
  type Limits = readonly (readonly [repeated: number, answered: number])[];
  const rows: [name: string, timeoutMs: number, calls: readonly Call[], given: Limits][] = [
    ["no time-out to speak of", 0, [[0, COMPLETED]], [[0, 1000]]],
    ["less than a second", 400, [[0, COMPLETED]], [[400, 1000]]],
    ["nothing fails", 60_000, [[3000, WAITING], [0, COMPLETED]], [[60_000, 60_000], [56_500, 56_500]]],
    ["one fails at once", 600_000, [[0, DOWN], [0, COMPLETED]], [[600_000, 600_000], [75_000, 75_000]]],
    ["one fails late", 600_000, [[70_000, DOWN], [0, COMPLETED]], [[600_000, 600_000], [5000, 10_000]]],
    ["one fails very late", 600_000, [[80_000, DOWN], [0, COMPLETED]], [[600_000, 600_000], [0, 10_000]]],
    ["one fails near the end", 80_000, [[75_500, DOWN], [0, COMPLETED]], [[80_000, 80_000], [0, 4000]]],
    ["it goes on after a failure", 600_000, [[70_000, DOWN], [0, WAITING], [0, COMPLETED]], [
      [600_000, 600_000],
      [5000, 10_000],
      [528_500, 528_500],
    ]],
  ];
  for (const [name, timeoutMs, calls, given] of rows) {
    await t.step(name, async () => {
      let now = 1_000_000;
      const open = [...calls];
      const limits: unknown[] = [];
      const client = {
        status: (_id: string, { unavailableTimeoutMs, answerTimeoutMs }: CallLimits = {}) => {
          limits.push([unavailableTimeoutMs, answerTimeoutMs]);
          const [took, state] = open.shift()!;
          now += took;
          return state instanceof Error ? Promise.reject(state) : Promise.resolve(state);
        },
      };
      const sleep = (ms: number) => Promise.resolve(void (now += ms));
      await waitForCompletion(client, "id-1", { timeoutMs, sleep, now: () => new Date(now) });
      assert.deepEqual(limits, given);
    });
  }
});

Deno.test("what is known of a request is told when it ends otherwise, or the wait does", async () => {
  const denied = { status: "Denied", workflowStatus: "DeniedByApprover", isFinalStatus: true };
  await assert.rejects(waitForCompletion(setUp(denied).client, "id-1", setUp().options), (error) => {
    assert.ok(isTagsealError(error, "signing-request-failed"));
    assert.equal(error.remedy, "See SignPath's web UI for the reason; then submit a new one");
    return true;
  });
  const { client, options } = setUp(WAITING);
  await assert.rejects(waitForCompletion(client, "id-1", { ...options, timeoutMs: 0 }), (error) => {
    assert.ok(isTagsealError(error, "timed-out"));
    const { status, workflowStatus } = error.details;
    assert.deepEqual([status, workflowStatus], ["WaitingForApproval", "WaitingForApproval"]);
    return true;
  });
});

Deno.test("a failure at the time-out is a time-out", async () => {
  const { client, options } = setUp(DOWN);
  await assert.rejects(waitForCompletion(client, "id-1", { ...options, timeoutMs: 0 }), (error) => {
    assert.ok(isTagsealError(error, "timed-out"));
    assert.match(error.message, /nothing could be learned about it/);
    assert.equal(error.cause, DOWN);
    return true;
  });
});

Deno.test("other refusals end the wait at once, with the id", async () => {
  const expired = new TagsealError("unauthenticated", "The token is not valid", { remedy: "Check the API token" });
  const { client, options, budgets } = setUp(WAITING, expired);
  await assert.rejects(waitForCompletion(client, "id-1", options), (error) => {
    assert.ok(isTagsealError(error, "unauthenticated"));
    assert.match(error.message, /"id-1": The token is not valid/);
    assert.equal(
      error.remedy,
      "Check the API token. The signing request goes on",
    );
    const steps = ["Check the API token", "The signing request goes on"].map((remedy) => ({ do: "as-told", remedy }));
    assert.deepEqual(error.next, { do: "in-turn", steps });
    return true;
  });
  assert.equal(budgets.length, 2);
});

Deno.test("a request that was never there has nothing to resume; one that was there before has", async (t) => {
  const gone = new TagsealError("not-found", "SignPath answered 404", { remedy: "Check the ids" });
  await t.step("never there", async () => {
    const { client, options } = setUp(gone);
    await assert.rejects(waitForCompletion(client, "id-1", options), (error) => error === gone);
  });
  await t.step("there before", async () => {
    const { client, options } = setUp(WAITING, gone);
    await assert.rejects(waitForCompletion(client, "id-1", options), (error) => {
      assert.ok(isTagsealError(error, "not-found"));
      assert.equal(
        error.remedy,
        "Check the ids. The signing request goes on",
      );
      assert.equal(error.details["signingRequestId"], "id-1");
      return true;
    });
  });
});

Deno.test("answers that cannot be understood end the wait with how to resume, never with submitting again", async (t) => {
  const rows: [string, number, string, RegExp][] = [
    ["not a status", 200, "<html>Sign in</html>", /cannot be understood: the status of signing request "id-1" is not/],
    ["500", 500, "<html>Oops</html>", /answered 500 to asking for the status/],
    ["too long", 200, " ".repeat(2_000_000), /its answer is too long/],
  ];
  for (const [name, status, body, words] of rows) {
    await t.step(name, async () => {
      const { options } = setUp();
      const client = createSignPathClient({
        ...options,
        send: () => Promise.resolve(new Response(body, { status, headers: { "content-type": "text/html" } })),
        apiUrl: new URL("https://sp.test"),
        organizationId: "org-1",
        token: "token",
        serviceUnavailableTimeoutMs: 1000,
        transferTimeoutMs: 1000,
      });
      await assert.rejects(waitForCompletion(client, "id-1", options), (error) => {
        assert.ok(isTagsealError(error, "unavailable"));
        assert.match(error.message, words);
        assert.match(error.remedy, /^Do not submit again/);
        assert.deepEqual([error.request?.id, error.request?.goesOn], ["id-1", true]);
        return true;
      });
    });
  }
});

Deno.test("a clock that stands still does not prolong the wait", async () => {
  const { client, options, slept } = setUp(WAITING);
  await assert.rejects(
    waitForCompletion(client, "id-1", { ...options, now: () => new Date(0), timeoutMs: 10_000 }),
    (e) => isTagsealError(e, "timed-out"),
  );
  assert.equal(slept.reduce((a, b) => a + b), 10_000);
});

Deno.test("the signal ends the wait with its reason", async () => {
  const reason = new TagsealError("interrupted", "Interrupted", { remedy: "Run it again" });
  const stop = new AbortController();
  const { client, options } = setUp(WAITING);
  const result = waitForCompletion(client, "id-1", { ...options, sleep, signal: stop.signal });
  setTimeout(() => stop.abort(reason), 20);
  await assert.rejects(result, (error) => error === reason);
  const aborted = setUp(reason);
  const limits = { ...aborted.options, signal: stop.signal };
  await assert.rejects(waitForCompletion(aborted.client, "id-1", limits), (error) => error === reason);
});

Deno.test("against the embedded service: approved, denied, cancelled for want of approval", async (t) => {
  for (const outcome of ["Completed", "Denied", "Canceled"] as const) {
    await t.step(outcome, async () => {
      let now = 0;
      const clock = { now: () => new Date(now), sleep: (ms: number) => Promise.resolve(void (now += ms)) };
      const key = fileSigningKey(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey);
      const policy = { slug: "manual", key, certificate: utf8("certificate"), approval: "manual" } as const;
      const service = createSignPathService({
        organizationId: "org-1",
        token: "token",
        now: clock.now,
        projects: [{ slug: "project", policies: [policy] }],
      });
      const client = createSignPathClient({
        ...clock,
        send: service.handle,
        apiUrl: new URL("https://sp.test"),
        organizationId: "org-1",
        token: "token",
        serviceUnavailableTimeoutMs: 1000,
        transferTimeoutMs: 1000,
      });
      const { signingRequestId } = await client.submit({
        projectSlug: "project",
        signingPolicySlug: "manual",
        artifact: await writeZip([{ name: "payload/0001.json", bytes: utf8("{}") }]),
        fileName: "data.zip",
        cancellationTimeoutInSeconds: 30,
      });
      const states: string[] = [];
      const result = waitForCompletion(client, signingRequestId, {
        ...clock,
        timeoutMs: 60_000,
        onStatus: ({ status }) => states.push(status),
        sleep: async (ms) => {
          await clock.sleep(ms);
          if (now < 10_000) return;
          if (outcome === "Completed") await service.approve(signingRequestId);
          if (outcome === "Denied") service.deny(signingRequestId);
        },
      });
      if (outcome === "Completed") assert.equal((await result).status, "Completed");
      else {await assert.rejects(result, (e) =>
          isTagsealError(e, "signing-request-failed") && e.details["status"] === outcome);}
      assert.deepEqual(states, ["WaitingForApproval", outcome]);
      assert.equal(now, outcome === "Canceled" ? 33_500 : 13_500);
    });
  }
});

Deno.test("a status call that hangs does not outlast the wait", async () => {
  const hanging = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const connections: Deno.TcpConn[] = [];
  const accepting = (async () => {
    for await (const connection of hanging) connections.push(connection);
  })();
  const client = createSignPathClient({
    send: fetch,
    apiUrl: new URL(`http://127.0.0.1:${hanging.addr.port}/API`),
    organizationId: "org",
    token: "t",
    serviceUnavailableTimeoutMs: 600_000,
    transferTimeoutMs: 300_000,
    sleep,
    now: () => new Date(),
  });
  const started = performance.now();
  const waiting = waitForCompletion(client, "id-1", { timeoutMs: 1500, sleep, now: () => new Date() });
  await assert.rejects(waiting, (error) => isTagsealError(error, "timed-out"));
  const ms = performance.now() - started;
  assert.ok(ms >= 1400 && ms < 30_000, `${ms} ms`);
  connections.forEach((connection) => connection.close());
  hanging.close();
  await accepting;
});
