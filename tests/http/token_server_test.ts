/** What a token server is asked, and what its answers mean. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import type { Call } from "../../lib/http/send.ts";
import { requestToken } from "../../lib/http/token_server.ts";
import { failsWith } from "../support/failures.ts";

const REALM = "https://auth.test/token";
const SCOPE = { repository: "acme/app", actions: "pull" } as const;
const ANNA = { username: "anna", password: "s3cret-pass" };
const IDENTITY = { identityToken: "s3cret-token" };

/** Asks, where the server answers so; says what it was asked as well. */
function asked(
  status: number,
  body: unknown,
  credentials?: typeof ANNA | typeof IDENTITY,
  { audience, headers = {} }: { audience?: string; headers?: Record<string, string> } = {},
) {
  const calls: Call[] = [];
  const ask = (call: Call) => {
    calls.push(call);
    return Promise.resolve({ status, headers: new Headers(headers), bytes: utf8(JSON.stringify(body)) });
  };
  const outcome = requestToken(ask, { realm: new URL(REALM), audience, service: "registry" }, SCOPE, credentials);
  return { outcome, call: calls[0]! };
}

Deno.test("a token server is asked for one scope, by GET, or by POST with an identity token, and named as it named itself", async () => {
  const token = { token: "T1" };
  const query = (call: Call) => Object.fromEntries(call.url.searchParams);
  const scope = "repository:acme/app:pull";

  const anonymous = asked(200, token);
  assert.deepEqual(await anonymous.outcome, token);
  assert.deepEqual([query(anonymous.call), anonymous.call.withinOrigin], [{ scope }, false]);
  assert.deepEqual(anonymous.call.headers, { accept: "application/json" });

  const { call } = asked(200, token, ANNA, { audience: "reg" });
  assert.deepEqual([query(call), call.withinOrigin], [{ service: "reg", scope }, true]);
  assert.deepEqual(call.headers, { accept: "application/json", authorization: `Basic ${btoa("anna:s3cret-pass")}` });
  assert.deepEqual([call.timeoutMs, call.maxBytes, call.redirects], [30_000, 262_144, 3]);

  for (const audience of ["reg", undefined]) {
    const { call: { method, url, headers, body } } = asked(200, token, IDENTITY, audience ? { audience } : {});
    assert.deepEqual([method, url.href, headers], ["POST", REALM, { accept: "application/json" }]);
    assert.deepEqual(Object.fromEntries(body as URLSearchParams), {
      grant_type: "refresh_token",
      service: audience ?? "",
      client_id: "tagseal",
      scope,
      refresh_token: "s3cret-token",
    });
  }
});

Deno.test("who is refused is told so; what is neither that nor a token makes the server unavailable", async (t) => {
  const refusals: [status: number, credentials: typeof ANNA | typeof IDENTITY | undefined, words: RegExp][] = [
    [401, undefined, /^its token server answers 401: "not you"$/],
    [403, ANNA, /^its token server answers 403: "not you"$/],
    [400, IDENTITY, /^its token server answers 400: "not you"$/],
    [404, IDENTITY, /^its token server takes no identity tokens \(status 404\)$/],
    [405, IDENTITY, /^its token server takes no identity tokens \(status 405\)$/],
  ];
  for (const [status, credentials, words] of refusals) {
    await t.step(`refused with ${status}`, async () => {
      const answer = await asked(status, { error_description: "not you" }, credentials).outcome;
      assert.match("refusal" in answer ? answer.refusal : "a token", words);
    });
  }
  const later = "Try again later; if it stays so, ask the operator of the token server";
  const failures: [status: number, body: unknown, words: string, remedy: string, user?: typeof IDENTITY][] = [
    [400, { token: "T1" }, "gave status 400", later],
    [404, { token: "T1" }, "gave status 404", later],
    [405, {}, "gave status 405", later],
    [300, { token: "T1" }, "gave status 300", later],
    [429, {}, "gave status 429; it may be asked again in 7 s", "Wait, then run the command again", IDENTITY],
    [503, { error_description: "too busy" }, 'gave status 503: "too busy"', later],
    [200, { token: 7 }, "gave an answer that holds no usable token", later],
    [429, {}, "gave status 429; it may be asked again in 7 s", "Wait, then run the command again"],
  ];
  for (const [status, body, words, remedy, user = ANNA] of failures) {
    await t.step(`unavailable with ${status}`, async () => {
      const { outcome } = asked(status, body, user, { headers: { "retry-after": "7" } });
      const error = await failsWith(outcome, "unavailable", `The token server "${REALM}" of the registry gave`);
      assert.ok(error.message.endsWith(words), error.message);
      assert.deepEqual([error.remedy, error.call], [remedy, { status }]);
    });
  }
});
