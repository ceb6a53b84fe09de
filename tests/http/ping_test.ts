/** Who answers at an address, and what it asks its callers for. */
import assert from "node:assert/strict";
import { ping, type Pinged } from "../../lib/http/ping.ts";
import type { Send } from "../../lib/http/send.ts";

const asked: string[] = [];

async function pinged(
  answer: (url: string) => Response,
  { url = "https://reg.test", allowHttp = false } = {},
): Promise<Pinged> {
  const send: Send = (request) => {
    assert.equal(request.headers.get("authorization"), null);
    asked.push(request.url);
    return Promise.resolve(answer(request.url));
  };
  const { signal } = new AbortController();
  return await ping(send, { service: "Registry", url: new URL(url), allowHttp, timeoutMs: 5000, signal });
}

const wanting = (challenge?: string) => () =>
  new Response(null, { status: 401, headers: challenge === undefined ? {} : { "www-authenticate": challenge } });

Deno.test("a ping tells the way in that a server names", async (t) => {
  const rows: [name: string, challenge: string | undefined, asks: Pinged["asks"], realm: RegExp][] = [
    [
      "a token server",
      'Bearer realm="https://auth.test/token?x=1",service="reg"',
      "token",
      /^https:\/\/auth\.test\/token$/,
    ],
    ["a password", 'Basic realm="the registry"', "password", /^the registry$/],
    [
      "an unencrypted token server",
      'Bearer realm="http://auth.test/token"',
      "unknown",
      /^it names .*http:\/\/auth\.test/,
    ],
    ["a way that is not known", "Negotiate", "unknown", /negotiate/i],
    ["none at all", undefined, "unknown", /./],
  ];
  for (const [name, challenge, asks, realm] of rows) {
    await t.step(name, async () => {
      const told = await pinged(wanting(challenge));
      assert.deepEqual([told.status, told.asks, told.software], [401, asks, undefined]);
      assert.match(told.realm!, realm);
    });
  }
});

Deno.test("whatever else a server answers asks for nothing; what it calls itself is told, cut", async () => {
  for (const status of [200, 404, 503]) {
    const answer = () => new Response("x", { status, headers: { server: "s".repeat(70) } });
    assert.deepEqual(await pinged(answer), { status, software: "s".repeat(60), asks: "none", realm: undefined });
  }
  const nameless = () => new Response("x", { headers: { server: "" } });
  assert.deepEqual(await pinged(nameless), { status: 200, software: undefined, asks: "none", realm: undefined });
});

Deno.test("it is /v2/ below the address that is asked for, also where three redirects lead there, and no more", async () => {
  for (
    const [url, first] of [["https://reg.test", "https://reg.test/v2/"], [
      "https://reg.test/a//b//",
      "https://reg.test/a//b/v2/",
    ]]
  ) {
    asked.length = 0;
    await pinged(() => new Response("x"), { url: url! });
    assert.deepEqual(asked, [first]);
  }
  const redirecting = (times: number) => (url: string) => {
    const hop = Number(new URL(url).searchParams.get("hop"));
    return hop === times
      ? new Response("x")
      : new Response(null, { status: 307, headers: { location: `?hop=${hop + 1}` } });
  };
  assert.equal((await pinged(redirecting(3))).status, 200);
  await assert.rejects(pinged(redirecting(4)), /redirects in circles/);
});
