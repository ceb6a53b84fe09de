/** What may have been filed is counted at the service, and what is told is held against that. */
import assert from "node:assert/strict";
import { isTagsealError, TagsealError } from "../../lib/errors.ts";
import type { Send } from "../../lib/http/send.ts";
import type { SignPathClient } from "../../lib/signpath/client.ts";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { hash } from "../../lib/crypto/hash.ts";
import { connect, json, KEY, serve, submission } from "../support/signpath_world.ts";

const HASH = {
  projectSlug: "hashes",
  signingPolicySlug: "auto",
  digest: hash("sha256", utf8("{}")),
  rules: { hash: "sha256", rsaPadding: "pkcs1" } as const,
  key: KEY.publicKey,
  metadata: { repository: "r.test/app", subject: "targets/releases, version 2", facts: {}, tags: [], removedTags: [] },
};

type File = (client: SignPathClient, original: string) => Promise<{ readonly unclearRequests?: number }>;
const FILE: Readonly<Record<"submit" | "resubmit" | "hash", File>> = {
  submit: async (client) => await client.submit(await submission()),
  resubmit: (client, originalSigningRequestId) =>
    client.resubmit({ originalSigningRequestId, signingPolicySlug: "auto" }),
  hash: (client) => client.signHash(HASH),
};
const NAMES = Object.keys(FILE) as (keyof typeof FILE)[];

/** A try that is answered with a status: before the service sees it, or after it did its work. */
type Fault = number | `${number} after`;

/** A service whose n-th answer is replaced by the n-th fault; the last one stays where `forEver`. */
async function faulty(file: File, faults: readonly Fault[], { older = false, forEver = false } = {}) {
  const service = serve({ older });
  const { signingRequestId } = await connect(service.handle).submit(await submission());
  const calls: string[] = [];
  const told: string[] = [];
  const client = connect(async (request) => {
    calls.push(new URL(request.url).pathname.split("/").slice(4).join("/"));
    const fault = faults[forEver ? Math.min(calls.length, faults.length) - 1 : calls.length - 1];
    if (fault === undefined) return await service.handle(request);
    if (typeof fault === "string") await (await service.handle(request)).body?.cancel();
    else await request.body?.cancel();
    return json(parseInt(String(fault)), {});
  }, { onWait: ({ why }) => void told.push(why) });
  const outcome = await file(client, signingRequestId).then((result) => ({ result }), (error) => {
    assert.ok(isTagsealError(error), String(error));
    return { error };
  });
  return { outcome, calls, told, filed: service.requests().length - 1 };
}

/** Asserts that an error says how many requests may be there. */
function tellsOf(error: TagsealError, requests: number): void {
  assert.match(error.message, new RegExp(`at most ${requests} signing requests? may be there$`));
  assert.equal(error.filed, "maybe");
  assert.deepEqual([error.details["mayBeFiled"], error.details["unclearRequests"]], [true, requests]);
}

Deno.test("502 and 504 are lost answers: nothing is sent again, on no route", async (t) => {
  for (const what of NAMES) {
    for (const fault of ["502 after", "504 after", "500 after", 502, 504] as const) {
      await t.step(`${what}: ${fault}`, async () => {
        const { outcome, calls, told, filed } = await faulty(FILE[what], [fault], { forEver: true });
        assert.ok("error" in outcome);
        assert.equal(outcome.error.code, "unavailable");
        const words = what === "hash" ? /^The hash may or may not/ : /^The signing request may or may not/;
        assert.match(outcome.error.message, words);
        tellsOf(outcome.error, 1);
        assert.deepEqual([calls.length, told, filed], [1, [], typeof fault === "string" ? 1 : 0]);
      });
    }
  }
});

Deno.test("429 and 503 are sent again, each time said, and all that may be there are counted", async (t) => {
  for (const what of NAMES) {
    for (const status of [429, 503]) {
      await t.step(`${what}: twice ${status} though it was filed, then good`, async () => {
        const { outcome, calls, told, filed } = await faulty(FILE[what], [`${status} after`, `${status} after`]);
        assert.ok("result" in outcome);
        assert.deepEqual([calls.length, filed, outcome.result.unclearRequests], [3, 3, 2]);
        assert.deepEqual(
          told,
          [1, 2].map((n) =>
            `SignPath at "https://sp.test" answers ${status}; at most ${n} signing request${
              n > 1 ? "s" : ""
            } may be there`
          ),
        );
      });
      await t.step(`${what}: ${status} for ever, though it was filed`, async () => {
        const { outcome, calls, told, filed } = await faulty(FILE[what], [`${status} after`], { forEver: true });
        assert.ok("error" in outcome);
        tellsOf(outcome.error, filed);
        assert.deepEqual([filed, told.length], [calls.length, calls.length - 1]);
        assert.ok(filed > 3);
      });
      await t.step(`${what}: ${status} though it was filed, then refused`, async () => {
        const { outcome, filed } = await faulty(FILE[what], [`${status} after`, 403]);
        assert.ok("error" in outcome);
        assert.equal(outcome.error.code, "forbidden");
        tellsOf(outcome.error, 1);
        assert.match(outcome.error.remedy, /Look in SignPath's web UI for requests that were filed all the same$/);
        const { next, filed: told } = outcome.error;
        assert.ok(next?.do === "in-turn" && told === "maybe");
        const look = "Look in SignPath's web UI for requests that were filed all the same";
        assert.deepEqual(next.steps.slice(1), [{ do: "as-told", remedy: look }]);
        assert.equal(filed, 1);
      });
      await t.step(`${what}: ${status}, then a lost answer`, async () => {
        const { outcome, calls, filed } = await faulty(FILE[what], [status, "504 after"]);
        assert.ok("error" in outcome);
        tellsOf(outcome.error, 2);
        assert.deepEqual([calls.length, filed], [2, 1]);
      });
    }
  }
});

Deno.test("a connection that never was is no request", async () => {
  let tries = 0;
  const service = serve();
  const client = connect((request) => {
    if (++tries > 2) return service.handle(request);
    return Promise.reject(
      new TypeError("fetch failed", { cause: new Error("tcp connect error: Connection refused") }),
    );
  });
  assert.equal((await client.submit(await submission())).unclearRequests, undefined);
  assert.equal(service.requests().length, 1);
});

Deno.test("a route that a server does not know leads to the older one", async (t) => {
  const rows: [string, Fault[], number][] = [["404", [404], 0], ["503, 404", [503, 404], 1], ["429, 503, 405", [
    429,
    503,
    405,
  ], 2]];
  for (const [name, faults, unclear] of rows) {
    for (const what of ["submit", "hash"] as const) {
      await t.step(`${what}: ${name}`, async () => {
        const { outcome, calls, filed } = await faulty(FILE[what], faults, { older: true });
        assert.ok("result" in outcome);
        assert.equal(outcome.result.unclearRequests ?? 0, unclear);
        const first = what === "hash" ? "SignHash" : "SubmitWithArtifact";
        const next = what === "hash" ? ["SubmitWithArtifact", ""] : [""];
        const routes = [...faults.map(() => first), ...next];
        assert.deepEqual(calls, routes.map((route) => route === "" ? "SigningRequests" : `SigningRequests/${route}`));
        assert.equal(filed, 1);
      });
    }
  }
});

Deno.test("what a submission may have left behind is told while it waits and when it fails, and nothing where it never left", async (t) => {
  const refused = () => new TypeError("fetch failed", { cause: new Error("tcp connect error: Connection refused") });
  const reset = () => new TypeError("fetch failed", { cause: new Error("connection reset by peer") });
  const rows: [name: string, answers: readonly (number | (() => Error))[], told: readonly number[], left: number][] = [
    ["never sent", [refused], [0, 0], 0],
    ["refused", [403], [], 0],
    ["asked to come back, then refused", [503, 403], [1], 1],
    ["asked to come back twice, then refused", [429, 503, 400], [1, 2], 2],
    ["asked to come back, then cut", [503, reset], [1], 2],
    ["asked to come back, then never sent", [503, refused, 403], [1, 1], 1],
    ["no route is known", [404, 405], [], 0],
  ];
  for (const [name, answers, told, left] of rows) {
    await t.step(name, async () => {
      const words: string[] = [];
      let calls = 0;
      const client = connect(async (request) => {
        await request.body?.cancel();
        const answer = answers[Math.min(calls++, answers.length - 1)]!;
        if (typeof answer === "function") throw answer();
        return json(answer, { title: `Answer ${calls}` });
      }, { onWait: ({ why }) => void words.push(why) });
      const error = await client.submit(await submission()).then(() => undefined, (error) => error);
      assert.ok(isTagsealError(error), String(error));
      assert.deepEqual(
        words.slice(0, 2).map((why) => Number(/; at most (\d+) signing requests? may be there$/.exec(why)?.[1] ?? 0)),
        told,
      );
      assert.deepEqual([error.filed, error.details["unclearRequests"] ?? 0], [left > 0 ? "maybe" : undefined, left]);
      if (left > 0) {
        assert.ok(error.message.endsWith(`at most ${left} signing request${left > 1 ? "s" : ""} may be there`));
      }
      if (left > 0 && error.code !== "unavailable") {
        const remedy = "Look in SignPath's web UI for requests that were filed all the same";
        assert.ok(error.next?.do === "in-turn");
        assert.deepEqual(error.next.steps.at(-1), { do: "as-told", remedy });
      }
      if (name === "no route is known") assert.match(error.message, /answered 404 .*: Answer 1$/);
    });
  }
});

Deno.test("a run that is ended while it waits, or before, has filed no more than it was told", async () => {
  const interrupted = new TagsealError("interrupted", "Interrupted", { remedy: "Run it again" });
  const ending = async (send: Send, reason: unknown, signal?: AbortSignal) => {
    const told: string[] = [];
    const sleep = () => Promise.reject(reason);
    const client = connect(send, { sleep, onWait: ({ why }) => void told.push(why) });
    const error: unknown = await client.submit(await submission(), signal ? { signal } : {}).catch((error) => error);
    return { error, told };
  };
  const busy: Send = async (request) => (await request.body?.cancel(), json(503, {}));
  const after = await ending(busy, interrupted);
  assert.ok(isTagsealError(after.error, "interrupted"));
  tellsOf(after.error, 1);
  assert.deepEqual(after.told, ['SignPath at "https://sp.test" answers 503; at most 1 signing request may be there']);
  const odd = new Error("odd");
  assert.equal((await ending(busy, odd)).error, odd);
  const refused: Send = async (request) => {
    await request.body?.cancel();
    throw new TypeError("tcp connect error: Connection refused (os error 111)");
  };
  const never = await ending(refused, interrupted);
  assert.equal(never.error, interrupted);
  assert.match(never.told[0]!, /os error 111\)\)$/);
  assert.equal((await ending(busy, odd, AbortSignal.abort(interrupted))).error, interrupted);
  // Of an answer whose end is lost the status was heard: it is one request, not two.
  const cut: Send = async (request) => {
    await request.body?.cancel();
    const body = new ReadableStream({ pull: (controller) => controller.error(new TypeError("connection reset")) });
    return new Response(body, { status: 503 });
  };
  const half = await ending(cut, interrupted);
  assert.ok(isTagsealError(half.error, "unavailable"));
  tellsOf(half.error, 1);
});
