import assert from "node:assert/strict";
import { isTagsealError } from "../../lib/errors.ts";
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
        return true;
      });
    });
  }
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
