/** SignPath's refusals: what they mean, in its own words as far as they say something. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import type { NextStep, TagsealErrorCode } from "../../lib/errors.ts";
import { garbled, refusal } from "../../lib/signpath/problem.ts";
import { SIGNPATH_TIMES_S, transferTimes } from "../../lib/signpath/times.ts";

const ASKED = { action: "looking", origin: "https://sp.test", token: "secret-token" };

function told(status: number, body: unknown, type = "application/problem+json") {
  const bytes = utf8(typeof body === "string" ? body : JSON.stringify(body));
  return refusal({ status, headers: new Headers({ "content-type": type }), bytes }, ASKED);
}

/** What is said behind the status. */
const wordsOf = (body: unknown, type?: string) =>
  told(400, body, type).message.replace(/^SignPath at "https:\/\/sp\.test" answered 400 to looking(?:: )?/, "");

Deno.test("a refusal's class and next step follow from its status, and it is about no request unless one is named", () => {
  const check = (what: string) => ({ do: `check-signpath-${what}` }) as NextStep;
  const rows: [status: number, code: TagsealErrorCode, next: NextStep | undefined][] = [
    [400, "bad-input", undefined],
    [401, "unauthenticated", check("token")],
    [403, "forbidden", undefined],
    [404, "not-found", check("names")],
    [407, "bad-input", undefined],
    [408, "unavailable", check("service")],
    [409, "bad-input", undefined],
    [428, "bad-input", undefined],
    [429, "unavailable", check("service")],
    [499, "bad-input", undefined],
    [500, "unavailable", check("service")],
    [304, "unavailable", check("service")],
  ];
  for (const [status, code, next] of rows) {
    const error = told(status, {});
    assert.deepEqual([error.code, error.next, error.request], [code, next, undefined], `${status}`);
    assert.deepEqual(error.details, { httpStatus: status });
  }
  const odd = garbled(ASKED, "it is odd");
  assert.deepEqual([odd.next, odd.request], [check("address"), undefined]);
  assert.deepEqual(garbled({ ...ASKED, signingRequestId: "a" }, "it is odd").request, { id: "a", goesOn: true });
});

Deno.test("its own words are told, as deep as three lists lie in each other, and twenty of each", () => {
  const many = Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`f${i}`, "x"]));
  const rows: [body: unknown, words: string][] = [
    [{ title: "Bad", detail: "worse", errors: { slug: ["none", "odd"] } }, "Bad; worse; slug: none; slug: odd"],
    [{ title: "", detail: "", errors: { slug: "" } }, "slug:"],
    [{ title: 7, detail: null, errors: null }, ""],
    [{ errors: { a: { b: { c: "deep" } } } }, "a: b: c: deep"],
    [{ errors: { a: { b: { c: { d: "deeper" } } } } }, ""],
    [{ errors: { a: null, b: 7, c: "said" } }, "c: said"],
    [{ errors: many }, Object.keys(many).slice(0, 20).map((name) => `${name}: x`).join("; ")],
    ['"Not you"', "Not you"],
    ["7", ""],
    ["null", ""],
  ];
  for (const [body, words] of rows) assert.equal(wordsOf(body), words, JSON.stringify(body));
});

Deno.test("what is neither JSON nor plain text is not told", () => {
  assert.equal(wordsOf("Not you", "text/plain; charset=utf-8"), "Not you");
  for (const type of ["text/html", "x-text/plain", "text/plainer", ""]) {
    assert.equal(wordsOf("Not you", type), "", type);
  }
});

Deno.test("a transfer has a minute, or a fifth of its time, and what its length takes on a slow line", () => {
  const times = (limitMs: number, sent: number) => transferTimes(limitMs, sent).timeoutMs;
  assert.deepEqual(transferTimes(300_000, 0), { timeoutMs: 60_000, bytesPerSecond: 16_384, longestMs: 300_000 });
  assert.deepEqual([times(50_000, 0), times(600_000, 0), times(100_000, 655_360)], [50_000, 120_000, 70_000]);
  assert.deepEqual(SIGNPATH_TIMES_S, { unavailable: 600, transfer: 300, completion: 600 });
});
