/** One report of several repositories. */
import assert from "node:assert/strict";
import { TagsealError } from "../../lib/errors.ts";
import { joinOutcomes, type Outcome, settled } from "../../lib/signing/outcomes.ts";
import type { PushResult } from "../../lib/schemes/notary_v1/push_trust_data.ts";

const result = (repository: string): PushResult => ({ repository, outcome: "published", tags: [], roles: [] });
const good = (repository: string): Outcome => ({ repository, result: result(repository) });
const bad = (repository: string, error: unknown): Outcome => ({ repository, error });
const failure = new TagsealError("not-found", "There is no such tag", { remedy: "Push it" });
const interruption = new TagsealError("interrupted", "Interrupted", { remedy: "Look at what is there" });

Deno.test("what was done and what failed, each in the order of the work", () => {
  const outcomes = [bad("x", failure), good("a"), bad("y", new Error("odd")), good("b")];
  const { repositories, failed, signingRequestId } = joinOutcomes(outcomes, "request-1");
  assert.deepEqual(repositories.map(({ repository }) => repository), ["a", "b"]);
  assert.deepEqual(failed.map(({ repository }) => repository), ["x", "y"]);
  assert.equal(failed[0]!.error, failure);
  assert.equal(signingRequestId, "request-1");
});

Deno.test("one failure of several jobs of a repository is told once; another one of it as well", () => {
  const other = new TagsealError("bad-input", "It cannot be added to", { remedy: "Ask" });
  const outcomes = [bad("x", failure), bad("y", failure), bad("x", other), bad("x", failure), good("a")];
  assert.deepEqual(joinOutcomes(outcomes, null).failed, [bad("x", failure), bad("y", failure), bad("x", other)]);
});

Deno.test("nothing to do is no failure", () => {
  assert.deepEqual(joinOutcomes([], null), {
    repositories: [],
    failed: [],
    signingRequestId: null,
    unclearRequests: 0,
  });
});

Deno.test("the failure of the only repository is the command's failure, whatever it is", () => {
  for (const error of [failure, new Error("odd"), "a text", undefined]) {
    let thrown: unknown = "nothing was thrown";
    try {
      joinOutcomes([bad("x", error)], null);
    } catch (reason) {
      thrown = reason;
    }
    assert.equal(thrown, error);
  }
});

Deno.test("an interruption ends the command, also where others were done", () => {
  assert.throws(() => joinOutcomes([good("a"), bad("x", failure), bad("y", interruption)], null), interruption);
});

Deno.test("settled keeps a failure, and does not catch what is none", async () => {
  assert.deepEqual(await settled("a", () => Promise.resolve(result("a"))), good("a"));
  assert.deepEqual(await settled("a", () => Promise.reject(failure)), bad("a", failure));
  const atOnce = await settled("a", () => {
    throw failure;
  });
  assert.deepEqual(atOnce, bad("a", failure));
});
