import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { createTokenIssuer, type TokenIssuer, type TokenScope } from "./token_issuer.ts";

const start = Date.parse("2026-03-04T05:06:07Z");
let time = start;
const options = { issuer: "tests", service: "tests-service", user: "üser", password: "pass:word" };
const issuer = await createTokenIssuer({ ...options, now: () => new Date(time) });
const realm = "https://localhost:1/token";
const pull: TokenScope = { repository: "localhost:5000/team/app", actions: "pull" };
const push: TokenScope = { ...pull, actions: "push,pull" };

function basic(user: string, password: string): Record<string, string> {
  return { authorization: `Basic ${new TextEncoder().encode(`${user}:${password}`).toBase64()}` };
}
const known = basic(options.user, options.password);

function ask(query: string, headers: Record<string, string> = {}, method = "GET"): Promise<Response> {
  return issuer.handle(new Request(`${realm}${query}`, { method, headers }));
}

async function tokenFor(scope: string, headers = known, from: TokenIssuer = issuer): Promise<string> {
  const query = new URLSearchParams({ service: "tests-service", scope });
  const response = await from.handle(new Request(`${realm}?${query}`, { headers }));
  assert.equal(response.status, 200);
  const { token, access_token, expires_in, issued_at } = await response.json();
  assert.equal(access_token, token);
  assert.equal(expires_in, 300);
  assert.equal(issued_at, new Date(time).toISOString());
  return token;
}

function check(token: string | undefined, scope: TokenScope): Response | undefined {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return issuer.check(new Request("https://localhost:2/v2/", { headers }), scope, realm);
}

function partOf(token: string, index: 0 | 1): Record<string, unknown> {
  const bytes = Uint8Array.fromBase64(token.split(".")[index]!, { alphabet: "base64url" });
  return JSON.parse(new TextDecoder().decode(bytes));
}

Deno.test("token issuer: the user's token opens what was asked for, until it expires", async () => {
  const token = await tokenFor("repository:localhost:5000/team/app:pull,push repository:other:pull");
  assert.equal(check(token, pull), undefined);
  assert.equal(check(token, push), undefined);
  assert.equal(check(token, { repository: "other", actions: "pull" }), undefined);
  assert.equal(check(token, { repository: "other", actions: "push,pull" })?.status, 401);
  assert.equal(check(token, { repository: "localhost:5000/team", actions: "pull" })?.status, 401);

  const claims = partOf(token, 1);
  assert.deepEqual(
    { iss: claims["iss"], sub: claims["sub"], aud: claims["aud"] },
    { iss: "tests", sub: "üser", aud: "tests-service" },
  );
  const header = partOf(token, 0);
  assert.equal(header["alg"], "ES256");
  assert.deepEqual(header["x5c"], [new X509Certificate(issuer.certificatePem).raw.toString("base64")]);

  time = start + 299_000;
  assert.equal(check(token, pull), undefined);
  time = start + 300_000;
  assert.equal(check(token, pull)?.status, 401);
  time = start - 61_000;
  assert.equal(check(token, pull)?.status, 401);
  time = start;
});

Deno.test("token issuer: read access does not open writing, and * opens both", async () => {
  const reader = await tokenFor("repository:localhost:5000/team/app:pull");
  assert.equal(check(reader, pull), undefined);
  assert.equal(check(reader, push)?.status, 401);
  assert.equal(check(await tokenFor("repository:localhost:5000/team/app:*"), push), undefined);
});

Deno.test("token issuer: the refusal sends the caller to the realm with the scope it needs", async () => {
  const response = check(undefined, push)!;
  assert.equal(response.status, 401);
  assert.equal(
    response.headers.get("www-authenticate"),
    'Bearer realm="https://localhost:1/token",service="tests-service",' +
      'scope="repository:localhost:5000/team/app:push,pull"',
  );
  assert.equal((await response.json()).errors[0].code, "UNAUTHORIZED");
});

Deno.test("token issuer: anonymous callers get a token that opens nothing", async () => {
  const token = await tokenFor("repository:localhost:5000/team/app:pull", {});
  assert.deepEqual(partOf(token, 1)["access"], []);
  assert.equal(check(token, pull)?.status, 401);
});

Deno.test("token issuer: wrong credentials get no token", async () => {
  for (
    const headers of [
      basic("üser", "wrong"),
      basic("someone", "pass:word"),
      basic("", ""),
      { authorization: "Basic" },
      { authorization: "Bearer x" },
    ]
  ) {
    const response = await ask("?scope=repository:a:pull", headers);
    assert.equal(response.status, 401);
    assert.match(response.headers.get("www-authenticate")!, /^Basic realm=/);
    assert.equal((await response.json()).errors[0].message, "wrong user or password");
  }
});

Deno.test("token issuer: tokens that were tampered with or belong elsewhere are refused", async () => {
  const scope = "repository:localhost:5000/team/app:pull";
  const token = await tokenFor(scope);
  const [header, body] = token.split(".") as [string, string];
  const base64Url = (value: unknown) =>
    new TextEncoder().encode(JSON.stringify(value)).toBase64({ alphabet: "base64url", omitPadding: true });
  const narrow = await tokenFor("repository:other:pull");
  const stranger = await createTokenIssuer({ ...options, now: () => new Date(time) });
  const forged: Record<string, string> = {
    "more access than was signed": `${header}.${
      base64Url({ ...partOf(narrow, 1), access: [{ type: "repository", name: pull.repository, actions: ["*"] }] })
    }.${narrow.split(".")[2]}`,
    "no algorithm": `${base64Url({ typ: "JWT", alg: "none" })}.${body}.`,
    "another issuer's key": await tokenFor(scope, known, stranger),
    "no signature": `${header}.${body}`,
    "a part too many": `${token}.x`,
    "a signature that is no base64url": `${header}.${body}.****`,
    "a registry scope": await tokenFor("registry:localhost:5000/team/app:pull"),
    "not a token": "x",
    "too long": token + "A".repeat(20_000),
  };
  for (const [name, value] of Object.entries(forged)) assert.equal(check(value, pull)?.status, 401, name);
  assert.equal(check(token, pull), undefined);
});

Deno.test("token issuer: requests that are not understood are answered, not thrown", async () => {
  for (
    const [query, method, status] of [
      ["?scope=nonsense", "GET", 400],
      ["?scope=repository:a%22b:pull", "GET", 400],
      ["?scope=" + "repository:a:pull%20".repeat(17), "GET", 400],
      ["?service=elsewhere", "GET", 400],
      ["", "POST", 405],
      ["/more", "GET", 404],
    ] as const
  ) {
    const response = await ask(query, known, method);
    assert.equal(response.status, status, query);
    assert.equal((await response.json()).errors.length, 1);
  }
});
