/** A try that a proxy gave up on may have filed the request: whatever is answered to the next one, no other route is tried. */
import assert from "node:assert/strict";
import { isTagsealError } from "../../lib/errors.ts";
import type { SignPathClient } from "../../lib/signpath/client.ts";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { hash } from "../../lib/crypto/hash.ts";
import { HASH_ARTIFACT_NAME, hashArtifact } from "../../lib/signpath/hash_signing.ts";
import { connect, json, KEY, refused, serve, submission } from "../support/signpath_world.ts";

const SENT = hashArtifact(KEY.publicKey, hash("sha256", utf8("{}")), {
  repository: "r.test/app",
  role: "targets/releases",
  version: 2,
  tags: [],
  removedTags: [],
});
const HASH = { projectSlug: "hashes", signingPolicySlug: "auto", artifact: SENT, fileName: HASH_ARTIFACT_NAME };

type File = (client: SignPathClient, original: string) => Promise<unknown>;
const FILE: Readonly<Record<"submit" | "resubmit" | "hash", File>> = {
  submit: async (client) => await client.submit(await submission()),
  resubmit: (client, originalSigningRequestId) =>
    client.resubmit({ originalSigningRequestId, signingPolicySlug: "auto" }),
  hash: (client) => client.signHash(HASH),
};

/**
 * A service whose n-th answer is replaced by the n-th of `statuses`, where there is one. A proxy that gives up (502, 504)
 * has passed the request on; one that refuses (503, 404 …) has not. The request of step 0 is filed before any of this.
 */
async function behindProxy(file: File, statuses: readonly number[], older = false) {
  const service = serve({ older });
  const { signingRequestId } = await connect(service.handle).submit(await submission());
  const calls: string[] = [];
  const client = connect(async (request) => {
    calls.push(new URL(request.url).pathname.split("/").slice(4).join("/"));
    const status = statuses[calls.length - 1];
    if (status === undefined) return await service.handle(request);
    if (status === 502 || status === 504) await (await service.handle(request)).body?.cancel();
    else await request.body?.cancel();
    return json(status, {});
  });
  const outcome = file(client, signingRequestId);
  await outcome.catch(() => {});
  return { outcome, calls, filed: service.requests().length - 1 };
}

Deno.test("lost requests: after a proxy gave up, no answer leads to another route or hides that it may be filed", async (t) => {
  for (const gaveUp of [502, 504]) {
    for (const then of [400, 401, 403, 404, 405, 409, 410, 429, 500, 503]) {
      for (const [what, file] of Object.entries(FILE)) {
        await t.step(`${what}: ${gaveUp}, then ${then}`, async () => {
          // An answer that asks to try later is given until time is up.
          const { outcome, calls, filed } = await behindProxy(file, [gaveUp, ...Array(100).fill(then)]);
          const words = what === "hash"
            ? /^The hash may or may not have been signed/
            : /^The signing request may or may not/;
          await refused(outcome, "unavailable", words);
          await assert.rejects(outcome, (error) => isTagsealError(error) && error.details["mayBeFiled"] === true);
          assert.equal(filed, 1);
          assert.equal(new Set(calls).size, 1, "one route only");
          assert.ok(then === 429 || then === 503 ? calls.length > 2 : calls.length === 2, `${calls.length} calls`);
        });
      }
    }
  }
});

Deno.test("lost requests: a gateway that gave up is told also where waiting had begun before", async () => {
  const { outcome, calls, filed } = await behindProxy(FILE.submit, [503, 504, 503, 404, 404]);
  await refused(outcome, "unavailable", /^The signing request may or may not have been filed: .*404/);
  assert.deepEqual([new Set(calls).size, calls.length, filed], [1, 4, 1]);
});

Deno.test("lost requests: what surely was not taken goes to the older route", async (t) => {
  for (
    const [name, statuses] of [["404", [404]], ["503, 404", [503, 404]], ["429, 503, 405", [429, 503, 405]]] as const
  ) {
    for (const what of ["submit", "hash"] as const) {
      await t.step(`${what}: ${name}`, async () => {
        const { outcome, calls, filed } = await behindProxy(FILE[what], statuses, true);
        assert.match(JSON.stringify(await outcome), /signingRequestId/);
        const routes = statuses.map(() => "SigningRequests/SubmitWithArtifact");
        assert.deepEqual([calls, filed], [[...routes, "SigningRequests"], 1]);
      });
    }
  }
});

Deno.test("lost requests: refusals after a mere 503 are what they are", async () => {
  for (const [status, code] of [[400, "bad-input"], [401, "unauthenticated"], [403, "forbidden"]] as const) {
    const { outcome, filed } = await behindProxy(FILE.submit, [503, status]);
    await refused(outcome, code, new RegExp(`${status}`));
    await assert.rejects(outcome, (error) => isTagsealError(error) && error.details["mayBeFiled"] === undefined);
    assert.equal(filed, 0);
  }
});

Deno.test("lost requests: a proxy that gave up, and then a success: one more request is filed, and its id is told", async () => {
  // SignPath's documentation wants 502 and 504 repeated: there is no way to find out what became of the first try.
  const { outcome, filed } = await behindProxy(FILE.submit, [504]);
  assert.match(JSON.stringify(await outcome), /signingRequestId/);
  assert.equal(filed, 2);
});
