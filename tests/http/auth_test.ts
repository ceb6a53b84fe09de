import assert from "node:assert/strict";
import { isTagsealError, TagsealError } from "../../lib/errors.ts";
import {
  authorize,
  type AuthorizedService,
  type Credentials,
  type CredentialsSource,
  type Scope,
} from "../../lib/http/auth.ts";
import type { Answer, Call, Send } from "../../lib/http/send.ts";
import { serverWords } from "../../lib/http/server_words.ts";
import { countedSignal } from "../support/listeners.ts";

const PULL: Scope = { repository: "acme/app", actions: "pull" };
const PUSH: Scope = { repository: "acme/app", actions: "push,pull" };
const REALM = "https://auth.example/token";
const BEARER = `Bearer realm="${REALM}",service="reg.example",scope="registry:catalog:*"`;
const ANNA = { username: "anna", password: "s3cret-pass" };
const REMEDY = "Set REGISTRY_AUTH";

function call(url = "https://reg.example/v2/x", more: Partial<Call> = {}): Call {
  return { service: "Registry", url: new URL(url), maxBytes: 1000, timeoutMs: 5000, ...more };
}

type Fake = { send: Send; log: string[]; tokenRequests: Request[]; revoke(): void };

/** A service at reg.example with a token server; tokens are named after their scope and numbered. */
function fake(
  options: { token?: (request: Request, n: number) => Response | Promise<Response>; status?: number } = {},
): Fake {
  let issued = 0;
  let floor = 0;
  const log: string[] = [];
  const tokenRequests: Request[] = [];
  const send: Send = async (request) => {
    const url = new URL(request.url);
    const authorization = request.headers.get("authorization");
    if (url.host === "auth.example") {
      tokenRequests.push(request);
      log.push(`token ${url.searchParams.get("scope")}`);
      const n = ++issued;
      await Promise.resolve();
      return options.token?.(request, n) ?? Response.json({ token: `T${n}` });
    }
    log.push(`${request.method} ${authorization ?? "-"}`);
    const n = Number(/^Bearer T(\d+)$/.exec(authorization ?? "")?.[1] ?? 0);
    if (n <= floor) return new Response("no", { status: 401, headers: { "www-authenticate": BEARER } });
    return new Response(await request.text() || "fine", { status: options.status ?? 200 });
  };
  return { send, log, tokenRequests, revoke: () => floor = issued };
}

function serviceOf(send: Send, credentials?: Credentials, allowHttp = false): AuthorizedService {
  return authorize(send, {
    service: "registry",
    credentials: () => Promise.resolve(credentials),
    allowHttp,
    remedy: REMEDY,
  });
}

async function failure(promise: Promise<Answer>): Promise<TagsealError> {
  const error = await promise.then(() => assert.fail("it should have failed"), (error) => error);
  assert.ok(isTagsealError(error), String(error));
  assert.ok(!JSON.stringify([error.message, error.remedy, error.details, String(error.cause)]).includes("s3cret"));
  return error;
}

Deno.test("authorize asks without a token first, then repeats once with one, then sends it at once", async () => {
  const { send, log, tokenRequests } = fake();
  const service = serviceOf(send, ANNA);
  const answer = await service.request(call(undefined, { method: "POST", body: "payload" }), PUSH);
  assert.equal(new TextDecoder().decode(answer.bytes), "payload");
  await service.request(call(), PULL);
  assert.deepEqual(log, ["POST -", "token repository:acme/app:push,pull", "POST Bearer T1", "GET Bearer T1"]);
  const url = new URL(tokenRequests[0]!.url);
  assert.deepEqual([...url.searchParams], [["service", "reg.example"], ["scope", "repository:acme/app:push,pull"]]);
  assert.equal(tokenRequests[0]!.headers.get("authorization"), `Basic ${btoa("anna:s3cret-pass")}`);
});

Deno.test("authorize asks anonymously where it has no credentials", async () => {
  const { send, tokenRequests } = fake();
  assert.equal((await serviceOf(send).request(call(), PULL)).status, 200);
  assert.equal(tokenRequests[0]!.headers.get("authorization"), null);
});

Deno.test("authorize sends credentials in UTF-8", async () => {
  const { send, tokenRequests } = fake();
  await serviceOf(send, { username: "jürgen", password: "pä:ß" }).request(call(), PULL);
  assert.equal(tokenRequests[0]!.headers.get("authorization"), "Basic asO8cmdlbjpww6Q6w58=");
});

Deno.test("authorize leaves a service alone that wants nothing", async () => {
  const log: (string | null)[] = [];
  const service = serviceOf((request) => {
    log.push(request.headers.get("authorization"));
    return Promise.resolve(new Response("fine"));
  }, ANNA);
  await service.request(call(), PULL);
  assert.deepEqual(log, [null]);
});

Deno.test("parallel calls share one token request", async () => {
  const { send, log } = fake();
  const service = serviceOf(send);
  await Promise.all([1, 2, 3, 4].map(() => service.request(call(), PULL)));
  assert.equal(log.filter((line) => line.startsWith("token")).length, 1);
});

Deno.test("a pull token does not serve a push, and a known service is asked for the token first", async () => {
  const { send, log } = fake();
  const service = serviceOf(send);
  await service.request(call(), PULL);
  await service.request(call(undefined, { method: "POST", body: "b" }), PUSH);
  assert.deepEqual(log.slice(2), ["GET Bearer T1", "token repository:acme/app:push,pull", "POST Bearer T2"]);
});

Deno.test("a token that has run out is replaced once, by one request for all parallel calls", async () => {
  const { send, log, revoke } = fake();
  const service = serviceOf(send);
  await service.request(call(), PULL);
  revoke();
  log.length = 0;
  await Promise.all([1, 2, 3].map(() => service.request(call(), PULL)));
  assert.deepEqual(log.toSorted(), [
    ...Array(3).fill("GET Bearer T1"),
    ...Array(3).fill("GET Bearer T2"),
    "token repository:acme/app:pull",
  ]);
});

Deno.test("a token is tried once only: still 401 is unauthenticated, and says what was tried", async () => {
  const { send, log } = fake({ token: () => Response.json({ access_token: "T0" }) });
  const error = await failure(serviceOf(send, ANNA).request(call(), PULL));
  assert.equal(error.code, "unauthenticated");
  assert.equal(
    error.message,
    `The registry at "https://reg.example" refuses access: it does not accept the token of its token server; ` +
      `tried as user "anna" with realm "${REALM}" and scope "repository:acme/app:pull"`,
  );
  assert.equal(error.remedy, REMEDY);
  assert.deepEqual(error.details, {
    service: "registry",
    url: "https://reg.example/v2/x",
    realm: REALM,
    scope: "repository:acme/app:pull",
    user: "anna",
  });
  assert.deepEqual(log, ["GET -", "token repository:acme/app:pull", "GET Bearer T0"]);
});

Deno.test("a 401 that names no way in is unauthenticated: no realm, and nobody was tried", async () => {
  const { code, message, details } = await failure(
    serviceOf(() => Promise.resolve(new Response(null, { status: 401 }))).request(call(), PULL),
  );
  assert.equal(code, "unauthenticated");
  assert.match(message, /tried anonymously without a realm and scope/);
  assert.deepEqual([details["realm"], details["user"]], [null, null]);
});

Deno.test("a refused token is not kept, and one that was obtained for the call is not asked for twice", async () => {
  const { send, log } = fake({ token: () => Response.json({ token: "T0" }) });
  const service = serviceOf(send);
  await failure(service.request(call(), PULL));
  log.length = 0;
  assert.equal((await failure(service.request(call(), PULL))).code, "unauthenticated");
  assert.deepEqual(log, ["token repository:acme/app:pull", "GET Bearer T0"]);
});

Deno.test("a realm that changes is followed", async () => {
  let realm = "https://one.example/t";
  const asked: string[] = [];
  const send: Send = (request) => {
    const { host } = new URL(request.url);
    if (host !== "reg.example") return Promise.resolve(Response.json({ token: `${asked.push(host)}-${host}` }));
    const fine = request.headers.get("authorization")?.endsWith(new URL(realm).host);
    const headers = { "www-authenticate": `Bearer realm="${realm}"` };
    return Promise.resolve(new Response(null, fine ? {} : { status: 401, headers }));
  };
  const service = serviceOf(send);
  await service.request(call(), PULL);
  realm = "https://two.example/t";
  await service.request(call(), PUSH);
  assert.deepEqual(asked, ["one.example", "one.example", "two.example"]);
});

Deno.test("a realm that changes each time is followed three times at most", async () => {
  let [calls, tokens] = [0, 0];
  const send: Send = (request) => {
    if (new URL(request.url).host !== "reg.example") return Promise.resolve(Response.json({ token: `T${++tokens}` }));
    const headers = { "www-authenticate": `Bearer realm="https://auth${++calls}.example/t"` };
    return Promise.resolve(new Response(null, { status: 401, headers }));
  };
  const service = serviceOf(send);
  assert.equal((await failure(service.request(call(), PULL))).code, "unauthenticated");
  assert.deepEqual([calls, tokens], [4, 3]);
  await failure(service.request(call(), PULL));
  assert.deepEqual([calls, tokens], [8, 7], "the last one is refused as well: the next call asks for another");
});

Deno.test("a token server that refuses is unauthenticated, and is asked again by the next call", async () => {
  for (const status of [401, 403]) {
    const { send, log } = fake({
      token: (_, n) => n === 1 ? new Response("s3cret", { status }) : Response.json({ token: "T9" }),
    });
    const service = serviceOf(send);
    const error = await failure(service.request(call(), PULL));
    assert.equal(error.code, "unauthenticated");
    assert.match(error.message, new RegExp(`its token server answers ${status}; tried anonymously with realm`));
    assert.equal((await service.request(call(), PULL)).status, 200);
    assert.equal(log.length, 5);
  }
});

Deno.test("a 403 of the service is forbidden; other statuses are answers", async () => {
  const error = await failure(serviceOf(fake({ status: 403 }).send, ANNA).request(call(), PUSH));
  assert.equal(error.code, "forbidden");
  assert.match(error.message, /it answers 403; tried as user "anna" .* scope "repository:acme\/app:push,pull"$/);
  assert.equal((await serviceOf(fake({ status: 404 }).send).request(call(), PULL)).status, 404);
  assert.equal((await serviceOf(fake({ status: 500 }).send).request(call(), PULL)).status, 500);
});

Deno.test("what is no token makes the token server unavailable, without quoting its answer", async () => {
  const bodies: [string, Response][] = [
    ["status 502", new Response("s3cret", { status: 502 })],
    ["redirects to", new Response(null, { status: 302, headers: { location: "https://evil.example/" } })],
    ["status 304", new Response(null, { status: 304 })],
    ["no usable token", new Response("s3cret: not JSON")],
    ["no usable token", Response.json(null)],
    ["no usable token", Response.json({ token: 7 })],
    ["no usable token", Response.json({ token: "" })],
    ["no usable token", Response.json({ token: "s3cret\r\nx-evil: 1" })],
    ["no usable token", Response.json({ token: "x".repeat(40_000) })],
    ["too long", Response.json({ token: "x".repeat(300_000) })],
  ];
  for (const [words, body] of bodies) {
    const error = await failure(serviceOf(fake({ token: () => body }).send, ANNA).request(call(), PULL));
    assert.equal(error.code, "unavailable");
    assert.ok(error.message.includes(words), error.message);
  }
});

Deno.test("an empty token is made up for by access_token", async () => {
  const { send } = fake({ token: () => Response.json({ token: "", access_token: "T7" }) });
  assert.equal((await serviceOf(send).request(call(), PULL)).status, 200);
});

Deno.test("credentials never go to an unencrypted realm", async (t) => {
  const rows: [string, string, boolean, boolean, string, RegExp][] = [
    ["refused", "http://auth.test/token", false, true, "unavailable", /names the token server .* is not encrypted$/],
    [
      "on loopback",
      "http://127.0.0.1:9/token",
      false,
      true,
      "unavailable",
      /names the token server .* is not encrypted$/,
    ],
    [
      "on loopback, anonymously",
      "http://[::1]/token",
      false,
      false,
      "unavailable",
      /token server .* is not encrypted$/,
    ],
    ["on loopback, allowed", "http://localhost:9/token", true, true, "unauthenticated", /password was not sent/],
    ["loopback by name only", "http://evil.localhost/token", false, false, "unavailable", /is not encrypted$/],
    [
      "no password even with --allow-http",
      "http://auth.test/token",
      true,
      true,
      "unauthenticated",
      /password was not sent/,
    ],
    [
      "user and password in the realm",
      "https://a:s3cret@auth.test/t",
      false,
      true,
      "unavailable",
      /names the token server "https:\/\/auth\.test\/t", with a user and password in the address$/,
    ],
    [
      "another scheme",
      "ftp://auth.test/",
      false,
      false,
      "unavailable",
      /"ftp:\/\/auth\.test\/", which is no https address$/,
    ],
    [
      "a file",
      "file:///etc/passwd",
      false,
      false,
      "unavailable",
      /"file:\/\/\/etc\/passwd", which is no https address$/,
    ],
    ["not a URL", "auth.test", false, false, "unavailable", /"auth\.test", which is no address$/],
    ["relative", "/token", false, false, "unavailable", /names the token server "\/token", which is no address$/],
  ];
  for (const [name, realm, allowHttp, known, code, words] of rows) {
    await t.step(name, async () => {
      const hosts: string[] = [];
      const send: Send = (request) => {
        hosts.push(new URL(request.url).host);
        const headers = { "www-authenticate": `Bearer realm="${realm}"` };
        return Promise.resolve(new Response(null, { status: 401, headers }));
      };
      const error = await failure(serviceOf(send, known ? ANNA : undefined, allowHttp).request(call(), PULL));
      assert.equal(error.code, code);
      assert.match(error.message, words);
      if (code === "unavailable") assert.match(error.remedy, /^Have the operator of the registry name one/);
      assert.deepEqual(hosts, ["reg.example"]);
    });
  }
});

Deno.test("an anonymous token may come from an unencrypted realm where that is allowed; on loopback so may all", async () => {
  const rows = [
    ["http://auth.test/t", true, "https://reg.example/v2/x", undefined],
    ["http://127.0.0.1:99/t", false, "http://localhost:5000/v2/x", ANNA],
    ["http://localhost:99/t", false, "https://localhost:5000/v2/x", ANNA],
  ] as const;
  for (const [realm, allowHttp, url, user] of rows) {
    const send: Send = (request) =>
      Promise.resolve(
        request.url.startsWith(realm)
          ? Response.json({ token: "tok" })
          : request.headers.has("authorization")
          ? new Response("fine")
          : new Response(null, { status: 401, headers: { "www-authenticate": `Bearer realm="${realm}"` } }),
      );
    assert.equal((await serviceOf(send, user, allowHttp).request(call(url), PULL)).status, 200);
  }
});

Deno.test("Basic: the call is repeated with the password, and later calls carry it at once", async (t) => {
  const basic = (log: (string | null)[], password = "s3cret-pass"): Send => (request) => {
    const authorization = request.headers.get("authorization");
    log.push(authorization);
    if (authorization === `Basic ${btoa(`anna:${password}`)}`) return Promise.resolve(new Response("fine"));
    const headers = { "www-authenticate": `BASIC realm="Reg \u00e9 1"` };
    return Promise.resolve(new Response(null, { status: 401, headers }));
  };
  const right = `Basic ${btoa("anna:s3cret-pass")}`;
  for (const url of ["https://reg.example/", "http://localhost:5000/", "http://[::1]:5000/"]) {
    await t.step(url, async () => {
      const log: (string | null)[] = [];
      const service = serviceOf(basic(log), ANNA);
      await service.request(call(url), PULL);
      await service.request(call(url), PUSH);
      assert.deepEqual(log, [null, right, right]);
    });
  }
  await t.step("wrong password, twice: each call tries it once", async () => {
    const log: (string | null)[] = [];
    const service = serviceOf(basic(log, "other"), ANNA);
    const error = await failure(service.request(call(), PULL));
    assert.equal(error.code, "unauthenticated");
    assert.match(
      error.message,
      /does not accept the user name and password; tried as user "anna" with realm "Reg \\u00e9 1"/,
    );
    await failure(service.request(call(), PULL));
    assert.deepEqual(log, [null, right, right]);
  });
  await t.step("no credentials", async () => {
    const log: (string | null)[] = [];
    const error = await failure(serviceOf(basic(log)).request(call(), PULL));
    assert.equal(error.code, "unauthenticated");
    assert.match(error.message, /it wants a user name and password; tried anonymously/);
    assert.deepEqual(log, [null]);
  });
  await t.step("never over plain http to another machine", async () => {
    const log: (string | null)[] = [];
    const error = await failure(serviceOf(basic(log), ANNA, true).request(call("http://reg.example/"), PULL));
    assert.equal(error.code, "unauthenticated");
    assert.match(error.message, /it is not encrypted, so the password was not sent/);
    assert.deepEqual(log, [null]);
  });
});

Deno.test("Bearer is preferred to Basic; an unknown scheme is said", async () => {
  const { send, log } = fake();
  const both: Send = async (request) => {
    const response = await send(request);
    if (response.status === 401) response.headers.set("www-authenticate", `Basic realm="x", ${BEARER}`);
    return response;
  };
  await serviceOf(both, ANNA).request(call(), PULL);
  assert.deepEqual(log, ["GET -", "token repository:acme/app:pull", "GET Bearer T1"]);
  for (const [header, words] of [[`Negotiate, "x`, `it names "negotiate";`], ["", "it names none;"]] as const) {
    const headers = { "www-authenticate": header };
    const error = await failure(
      serviceOf(() => Promise.resolve(new Response(null, { status: 401, headers })), ANNA).request(call(), PULL),
    );
    assert.equal(error.code, "unauthenticated");
    assert.ok(error.message.includes(words), error.message);
    assert.ok(error.message.endsWith(`tried anonymously without a realm and scope "repository:acme/app:pull"`));
  }
});

Deno.test("a 401 from where a redirect leads is not answered with credentials", async () => {
  const asked: string[] = [];
  const send: Send = (request) => {
    asked.push(request.url);
    if (request.url.startsWith("https://reg.example/")) {
      return Promise.resolve(new Response(null, { status: 307, headers: { location: "https://evil.example/x" } }));
    }
    const headers = { "www-authenticate": `Bearer realm="https://evil.example/token"` };
    return Promise.resolve(new Response(null, { status: 401, headers }));
  };
  const error = await failure(serviceOf(send, ANNA).request(call(undefined, { redirects: 2 }), PULL));
  assert.equal(error.code, "unauthenticated");
  assert.match(error.message, /it redirects to "https:\/\/evil.example", which wants credentials of its own/);
  assert.deepEqual(asked, ["https://reg.example/v2/x", "https://evil.example/x"]);
});

Deno.test("one caller's abort does not end the token request that others share", async () => {
  const gate = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const { send } = fake({
    token: async () => {
      asked.resolve();
      await gate.promise;
      return Response.json({ token: "T1" });
    },
  });
  const service = serviceOf(send);
  const stop = new AbortController();
  const first = service.request(call(undefined, { signal: stop.signal }), PULL);
  const second = service.request(call(), PULL);
  await asked.promise;
  stop.abort(new Error("enough"));
  await assert.rejects(first, /enough/);
  gate.resolve();
  assert.equal((await second).status, 200);
});

Deno.test("a call that has ended before it began does not wait for a token", async () => {
  const gate = Promise.withResolvers<void>();
  const { send } = fake({
    token: (_, n) => (n === 1 ? Promise.resolve() : gate.promise).then(() => Response.json({ token: `T${n}` })),
  });
  const service = serviceOf(send);
  await service.request(call(), PULL);
  const signal = AbortSignal.abort(new Error("enough"));
  await assert.rejects(service.request(call(undefined, { signal }), PUSH), /enough/);
  gate.resolve();
  assert.equal((await service.request(call(), PUSH)).status, 200);
});

Deno.test("a call that has ended sends no credentials, and a signal of many calls gathers no listeners", async () => {
  const { controller, listeners } = countedSignal();
  const { signal } = controller;
  const { send, log } = fake();
  const ending: Send = async (request) => {
    const answer = await send(request);
    if (log.length > 3) controller.abort(new Error("Ctrl-C"));
    return answer;
  };
  const service = serviceOf(ending, ANNA);
  await service.request(call(undefined, { signal }), PULL);
  assert.deepEqual([log.length, listeners()], [3, 0]);
  log.push("later");
  await assert.rejects(service.request(call(undefined, { signal }), PUSH), /Ctrl-C/);
  assert.deepEqual(log.slice(4), ["token repository:acme/app:push,pull"]);
});

Deno.test("a stream as body is refused, since it cannot be sent twice", async () => {
  const body = new Blob(["x"]).stream();
  const error = await failure(serviceOf(fake().send).request(call(undefined, { method: "POST", body }), PUSH));
  assert.equal(error.code, "unexpected");
  await body.cancel();
});

Deno.test("a token server may redirect within its origin; whatever it gives with a 2xx counts", async (t) => {
  const redirecting = (status: number, location: string, after?: () => Response) => {
    const asked: string[] = [];
    const { send } = fake({
      token: async (request) => {
        asked.push(`${request.method} ${request.url} ${request.headers.get("authorization") ?? await request.text()}`);
        if (asked.length > 1) return after?.() ?? Response.json({ token: "T1" });
        return new Response(null, { status, headers: { location } });
      },
    });
    return { send, asked };
  };
  const moved = "https://auth.example/moved?scope=x";
  for (const status of [301, 302, 303, 307, 308]) {
    await t.step(`${status}, with the password`, async () => {
      const { send, asked } = redirecting(status, "/moved?scope=x");
      assert.equal((await serviceOf(send, ANNA).request(call(), PULL)).status, 200);
      assert.deepEqual(asked[1], `GET ${moved} Basic ${btoa("anna:s3cret-pass")}`);
    });
  }
  for (const status of [307, 308]) {
    await t.step(`${status}, with an identity token in the body`, async () => {
      const { send, asked } = redirecting(status, "/moved?scope=x");
      assert.equal((await serviceOf(send, { identityToken: "idt" }).request(call(), PULL)).status, 200);
      assert.match(asked[1]!, /^POST https:\/\/auth\.example\/moved\?scope=x grant_type=.*&refresh_token=idt$/);
    });
  }
  for (const status of [301, 302, 303]) {
    await t.step(`${status}: a body is not sent again`, async () => {
      const { send, asked } = redirecting(status, "/moved");
      const error = await failure(serviceOf(send, { identityToken: "idt" }).request(call(), PULL));
      assert.match(error.message, new RegExp(`gave status ${status}$`));
      assert.equal(asked.length, 1);
    });
  }
  for (const to of ["https://evil.example/t", "https://auth.example:444/t", "//evil.example/t"]) {
    for (const credentials of [ANNA, { identityToken: "idt" }]) {
      await t.step(`${to} gets nothing of ${Object.keys(credentials)[0]}`, async () => {
        const { send, asked } = redirecting(307, to);
        const error = await failure(serviceOf(send, credentials).request(call(), PULL));
        assert.equal(error.code, "unavailable");
        assert.match(
          error.message,
          /^Token server of the registry at .* redirects to "https:.*", where nothing of this/,
        );
        assert.equal(asked.length, 1);
      });
    }
  }
  await t.step("anonymously also elsewhere, over https", async () => {
    const asked: string[] = [];
    const { send } = fake({
      token: () => new Response(null, { status: 302, headers: { location: "https://other.example/t" } }),
    });
    const both: Send = (request) => {
      if (!request.url.startsWith("https://other.example")) return send(request);
      asked.push(request.headers.get("authorization") ?? "-");
      return Promise.resolve(Response.json({ token: "T1" }));
    };
    assert.equal((await serviceOf(both).request(call(), PULL)).status, 200);
    assert.deepEqual(asked, ["-"]);
  });
  await t.step("in circles", async () => {
    const { send } = fake({ token: () => new Response(null, { status: 302, headers: { location: "/token" } }) });
    assert.match((await failure(serviceOf(send).request(call(), PULL))).message, /it redirects in circles$/);
  });
  await t.step("201", async () => {
    const { send } = fake({ token: () => Response.json({ token: "T1" }, { status: 201 }) });
    assert.equal((await serviceOf(send).request(call(), PULL)).status, 200);
  });
});

Deno.test("a server's own words are shown: cut, harmless and without secrets", async (t) => {
  const denied = { errors: [{ code: "DENIED", message: "requested access to the resource is denied" }] };
  const rows: [name: string, body: unknown, words: string][] = [
    ["a registry's", denied, ': "requested access to the resource is denied";'],
    ["Docker Hub's token server", { details: "incorrect username or password" }, ': "incorrect username or password";'],
    ["OAuth2's", { error: "invalid_grant", error_description: "expired" }, ': "expired";'],
    ["a code alone", { errors: [{ code: "DENIED_BY_POLICY" }] }, ': "DENIED_BY_POLICY";'],
    ["an error alone", { error: "access_denied" }, ': "access_denied";'],
    ["a message", { message: "bad credentials" }, ': "bad credentials";'],
    ["of several lines", { message: ' a\r\n\u001b[2Jb "c" ' }, ": \"a [2Jb 'c'\";"],
    ["long ones", { message: "no ".repeat(200) }, `: "${"no ".repeat(98)}no…";`],
    ["nothing new", { errors: [{ code: "UNAUTHORIZED", message: "authentication required" }] }, "; tried"],
    ["no words", { errors: [{ message: 7 }] }, "; tried"],
    ["no list", { errors: { message: "x" } }, "; tried"],
    ["no JSON", "<html>", "; tried"],
    ["null", null, "; tried"],
    ["the password", { message: "no s3cret-pass" }, ': "no ***";'],
    ["the header", { message: `no Basic ${btoa("anna:s3cret-pass")}` }, ': "no Basic ***";'],
  ];
  for (const [name, body, words] of rows) {
    await t.step(`${name}, of a token server`, async () => {
      const answer = () => new Response(typeof body === "string" ? body : JSON.stringify(body), { status: 401 });
      const error = await failure(serviceOf(fake({ token: answer }).send, ANNA).request(call(), PULL));
      assert.ok(error.message.includes(`its token server answers 401${words}`), error.message);
    });
    await t.step(`${name}, of the service`, async () => {
      const answer = () => new Response(typeof body === "string" ? body : JSON.stringify(body), { status: 403 });
      const send: Send = (request) =>
        Promise.resolve(
          request.headers.has("authorization")
            ? answer()
            : new Response(null, { status: 401, headers: { "www-authenticate": "Basic" } }),
        );
      const error = await failure(serviceOf(send, ANNA).request(call(), PULL));
      assert.ok(error.message.includes(`it answers 403${words}`), error.message);
    });
  }
  await t.step("a token server that is out of order", async () => {
    const answer = () => Response.json({ errors: [{ message: "database s3cret-pass is down" }] }, { status: 500 });
    const error = await failure(serviceOf(fake({ token: answer }).send, ANNA).request(call(), PULL));
    assert.match(error.message, /gave status 500: "database \*\*\* is down"$/);
  });
  await t.step("answers that are handed on hold no secret either, be it in JSON or base64", async () => {
    const password = 's3cret "line"\nline';
    const send: Send = (request) => {
      const authorization = request.headers.get("authorization");
      if (!authorization) {
        return Promise.resolve(new Response(null, { status: 401, headers: { "www-authenticate": "Basic" } }));
      }
      return Promise.resolve(Response.json([authorization, password, btoa(password)], { status: 400 }));
    };
    const { bytes } = await serviceOf(send, { username: "anna", password }).request(call(), PULL);
    assert.equal(new TextDecoder().decode(bytes), '["Basic ***","***","***"]');
  });
  await t.step("what is no refusal is handed on as it is, and a token in a refusal is not quoted", async () => {
    for (const [status, handedOn] of [[200, '{ "token": "T-of-a-call" }'], [400, '{"token":"***"}']] as const) {
      const { send } = fake({ token: () => Response.json({ token: "T-of-a-call" }) });
      const saying: Send = async (request) =>
        request.headers.get("authorization") === "Bearer T-of-a-call"
          ? new Response('{ "token": "T-of-a-call" }', { status })
          : await send(request);
      const { bytes } = await serviceOf(saying).request(call(), PULL);
      assert.equal(new TextDecoder().decode(bytes), handedOn);
    }
  });
  await t.step("a password that is a part of other words leaves an answer readable", async () => {
    for (const password of ["e", "rro", "code", "error"]) {
      const send: Send = (request) =>
        Promise.resolve(
          request.headers.has("authorization")
            ? Response.json({ errors: [{ code: "VERSION", message: "an error" }] }, { status: 400 })
            : new Response(null, { status: 401, headers: { "www-authenticate": "Basic" } }),
        );
      const { bytes } = await serviceOf(send, { username: "anna", password }).request(call(), PULL);
      assert.equal(serverWords(bytes).code, "VERSION", password);
    }
  });
});

Deno.test("a user who was let in and may not do this is told so, not to check the password", async (t) => {
  const scoped = (error: string, body: unknown = null): Send => {
    const { send } = fake();
    return async (request) => {
      if (!request.headers.get("authorization")?.startsWith("Bearer ")) return await send(request);
      return Response.json(body, { status: 401, headers: { "www-authenticate": `${BEARER},error="${error}"` } });
    };
  };
  await t.step("a token that does not suffice", async () => {
    const body = { errors: [{ code: "DENIED", message: "AcrImageSigner role is missing" }] };
    const error = await failure(serviceOf(scoped("insufficient_scope", body), ANNA).request(call(), PUSH));
    assert.deepEqual([error.code, error.reason], ["forbidden", "scope"]);
    assert.match(
      error.message,
      /refuses access: that user may not push to it: "AcrImageSigner role is missing"; tried as/,
    );
    assert.match(error.remedy, /^Have the administrator of the repository give that user the right to push to it, or/);
  });
  await t.step("a token that does not suffice, beside another way in", async () => {
    const error = await failure(serviceOf(scoped('insufficient_scope",Basic realm="reg'), ANNA).request(call(), PUSH));
    assert.equal(error.code, "forbidden");
  });
  await t.step("a 403", async () => {
    const error = await failure(serviceOf(fake({ status: 403 }).send, ANNA).request(call(), PULL));
    assert.match(error.remedy, /the right to pull from it/);
  });
  await t.step("nobody was let in", async () => {
    for (
      const [send, code] of [
        [scoped("insufficient_scope"), "unauthenticated"],
        [fake({ status: 403 }).send, "forbidden"],
      ] as const
    ) {
      const error = await failure(serviceOf(send).request(call(), PULL));
      assert.deepEqual([error.code, error.remedy], [code, REMEDY]);
    }
  });
  await t.step("a token that is not accepted", async () => {
    const error = await failure(serviceOf(scoped("invalid_token"), ANNA).request(call(), PULL));
    assert.deepEqual([error.code, error.remedy], ["unauthenticated", REMEDY]);
  });
});

Deno.test("who asks too often is told to log in or to wait, and for how long", async () => {
  const body = { errors: [{ code: "TOOMANYREQUESTS", message: "You have reached your pull rate limit" }] };
  const rows: [after: string | undefined, words: string][] = [
    ["21600", "; it may be asked again in 6 h"],
    ["90", "; it may be asked again in 90 s"],
    ["5400", "; it may be asked again in 90 min"],
    ["Wed, 21 Oct 2026 07:28:00 GMT", '; it may be asked again after "Wed, 21 Oct 2026 07:28:00 GMT"'],
    [undefined, ""],
  ];
  for (const [after, words] of rows) {
    const answer = () => Response.json(body, { status: 429, headers: after ? { "retry-after": after } : {} });
    const error = await failure(serviceOf(() => Promise.resolve(answer())).request(call(), PULL));
    assert.equal(error.code, "unavailable");
    assert.equal(
      error.message,
      `The registry at "https://reg.example" takes no more requests for now: "You have reached your pull rate limit"${words}`,
    );
    assert.match(error.remedy, /^Wait, or log in, .*: set REGISTRY_AUTH$/);
    assert.equal(error.details["status"], 429);
    const atToken = await failure(serviceOf(fake({ token: answer }).send, ANNA).request(call(), PULL));
    assert.ok(atToken.message.endsWith(`gave status 429: "You have reached your pull rate limit"${words}`));
    assert.match(atToken.remedy, /^Wait, /);
  }
  const known = fake({ status: 429 });
  assert.equal(
    (await failure(serviceOf(known.send, ANNA).request(call(), PULL))).remedy,
    "Wait, then run the command again",
  );
});

const GUARDED: Call = call();

Deno.test("credentials are asked for once, and only where the service wants some", async (t) => {
  let asked = 0;
  const withSource = (send: Send, source: CredentialsSource) =>
    authorize(send, {
      service: "registry",
      credentials: () => (asked++, source()),
      allowHttp: false,
      remedy: REMEDY,
    });
  await t.step("nothing is wanted", async () => {
    await withSource(() => Promise.resolve(new Response("fine")), () => Promise.resolve(ANNA)).request(call(), PULL);
    assert.equal(asked, 0);
  });
  await t.step("several scopes, calls side by side, a token that runs out", async () => {
    const { send, revoke, log } = fake();
    const service = withSource(send, () => Promise.resolve(ANNA));
    await Promise.all([PULL, PUSH, PULL].map((scope) => service.request(call(), scope)));
    revoke();
    await service.request(call(), PULL);
    assert.equal(asked, 1);
    assert.equal(log.filter((line) => line.startsWith("token")).length, 3);
  });
  await t.step("credentials out of reach: anonymous, and said where that is refused", async () => {
    const outOfReach = new TagsealError("unauthenticated", "The helper is locked", {
      remedy: "Unlock it",
      details: { a: 1 },
    });
    const { send, tokenRequests } = fake();
    assert.equal((await withSource(send, () => Promise.resolve({ outOfReach })).request(call(), PULL)).status, 200);
    assert.equal(tokenRequests[0]!.headers.get("authorization"), null);
    const refusing = fake({ token: () => new Response(null, { status: 401 }) }).send;
    const error = await failure(withSource(refusing, () => Promise.resolve({ outOfReach })).request(call(), PULL));
    assert.match(error.message, /its token server answers 401; tried anonymously .*:pull"\. The helper is locked$/);
    assert.deepEqual([error.code, error.remedy, error.details["a"]], ["unauthenticated", "Unlock it", 1]);
    asked = 1;
  });
  await t.step("what the source throws is thrown", async () => {
    const error = new Error("the helper is locked");
    const service = withSource(fake().send, () => Promise.reject(error));
    await assert.rejects(service.request(GUARDED, PULL), (thrown) => thrown === error);
    await assert.rejects(service.request(GUARDED, PULL), (thrown) => thrown === error);
    assert.equal(asked, 2);
  });
});

Deno.test("an identity token is exchanged by POST, in the body, and never goes elsewhere", async () => {
  const bodies: URLSearchParams[] = [];
  const { send, log, tokenRequests } = fake({
    token: async (request, n) => {
      bodies.push(new URLSearchParams(await request.text()));
      return Response.json({ access_token: `T${n}` });
    },
  });
  const service = serviceOf(send, { identityToken: "s3cret-identity" });
  assert.equal((await service.request(call(), PULL)).status, 200);
  await service.request(call(), PULL);
  assert.deepEqual(log, ["GET -", "token null", "GET Bearer T1", "GET Bearer T1"]);
  assert.deepEqual([tokenRequests[0]!.method, tokenRequests[0]!.url], ["POST", REALM]);
  assert.equal(tokenRequests[0]!.headers.get("authorization"), null);
  assert.match(tokenRequests[0]!.headers.get("content-type")!, /^application\/x-www-form-urlencoded/);
  assert.deepEqual(Object.fromEntries(bodies[0]!), {
    grant_type: "refresh_token",
    service: "reg.example",
    client_id: "tagseal",
    scope: "repository:acme/app:pull",
    refresh_token: "s3cret-identity",
  });
});

Deno.test("an identity token that is refused, or cannot be used, is never quoted", async (t) => {
  const token = { identityToken: "s3cret-identity" };
  for (
    const [status, words] of [
      [400, 'its token server answers 400: "invalid_grant: ***"; tried with the identity token with realm'],
      [401, 'its token server answers 401: "invalid_grant: ***"; tried with the identity token'],
      [404, "its token server takes no identity tokens (status 404)"],
    ] as const
  ) {
    await t.step(`status ${status}`, async () => {
      const body = () => Response.json({ error: "invalid_grant: s3cret-identity" }, { status });
      const error = await failure(serviceOf(fake({ token: body }).send, token).request(call(), PULL));
      assert.equal(error.code, "unauthenticated");
      assert.ok(error.message.includes(words), error.message);
      assert.equal(error.details["user"], null);
    });
  }
  await t.step("Basic wants a password", async () => {
    const headers = { "www-authenticate": "Basic" };
    const send: Send = () => Promise.resolve(new Response(null, { status: 401, headers }));
    const error = await failure(serviceOf(send, token).request(call(), PULL));
    assert.match(error.message, /wants a user name and password; tried with the identity token/);
  });
  await t.step("a realm that is not encrypted", async () => {
    const headers = { "www-authenticate": 'Bearer realm="http://auth.test/token"' };
    const hosts: string[] = [];
    const send: Send = (request) => {
      hosts.push(new URL(request.url).host);
      return Promise.resolve(new Response(null, { status: 401, headers }));
    };
    const error = await failure(serviceOf(send, token, true).request(call(), PULL));
    assert.match(error.message, /its realm is not encrypted, so the identity token was not sent/);
    assert.deepEqual(hosts, ["reg.example"]);
  });
});

Deno.test("a registry token goes to the service as it is, and to no token server", async () => {
  const { send, log, tokenRequests } = fake();
  assert.equal((await serviceOf(send, { registryToken: "T7" }).request(call(), PULL)).status, 200);
  assert.deepEqual(log, ["GET -", "GET Bearer T7"]);
  assert.equal(tokenRequests.length, 0);
  const error = await failure(serviceOf(fake().send, { registryToken: "s3cret" }).request(call(), PULL));
  assert.match(error.message, /does not accept the registry token; tried with the registry token with realm/);
  const plain = fake();
  const unsent = await failure(
    serviceOf(plain.send, { registryToken: "T7" }, true).request(call("http://reg.example/v2/x"), PULL),
  );
  assert.match(unsent.message, /: it is not encrypted, so the registry token was not sent; tried/);
  assert.deepEqual(plain.log, ["GET -"]);
});

Deno.test("the token for everything serves nothing else, and none of the others serves it", async () => {
  const { send, log } = fake();
  const service = serviceOf(send);
  const all: Scope = { repository: "acme/app", actions: "*" };
  for (const scope of [PUSH, all, PULL, all, PUSH]) await service.request(call(), scope);
  assert.deepEqual(log, [
    "GET -",
    "token repository:acme/app:push,pull",
    "GET Bearer T1",
    "token repository:acme/app:*",
    "GET Bearer T2",
    "GET Bearer T1",
    "GET Bearer T2",
    "GET Bearer T1",
  ]);
});

Deno.test("reads are repeated while a service is not available, its token server too; nothing else is", async (t) => {
  const slept: number[] = [];
  const retryReads = {
    budgetMs: 10_000,
    maxTries: 3,
    now: () => new Date(0),
    sleep: (ms: number) => Promise.resolve(void slept.push(ms)),
  };
  const trying = (answers: (() => Response)[], token: () => Response = () => Response.json({ token: "T1" })) => {
    const asked: string[] = [];
    const send: Send = (request) => {
      const atToken = request.url.startsWith(REALM);
      asked.push(`${request.method} ${atToken ? "token" : "service"}`);
      return Promise.resolve().then(atToken ? token : answers.shift() ?? (() => new Response("fine")));
    };
    const options = { service: "registry", allowHttp: false, remedy: REMEDY, retryReads };
    return { asked, service: authorize(send, options) };
  };
  const busy = () => new Response(null, { status: 503 });
  const later = () => new Response(null, { status: 429, headers: { "retry-after": "2" } });
  const cut = () => {
    throw new TypeError("connection reset by peer");
  };
  const untrusted = () => {
    throw new TypeError("x", { cause: new Error("invalid peer certificate: UnknownIssuer") });
  };
  const wanted = () => new Response(null, { status: 401, headers: { "www-authenticate": BEARER } });
  await t.step("twice in vain, then an answer", async () => {
    const { asked, service } = trying([later, cut]);
    assert.equal((await service.request(call(), PULL)).status, 200);
    assert.equal(asked.length, 3);
    assert.equal(slept[0], 2000);
  });
  await t.step("a write that may be made twice, as its call says", async () => {
    for (const [idempotent, status] of [[true, 200], [false, 503]] as const) {
      const { service } = trying([busy]);
      assert.equal((await service.request(call(undefined, { method: "PUT", idempotent }), PUSH)).status, status);
    }
  });
  await t.step("three times in vain", async () => {
    const { asked, service } = trying([busy, busy, busy]);
    assert.equal((await service.request(call(), PULL)).status, 503);
    assert.equal(asked.length, 3);
    const cuts = trying([cut, cut, cut]);
    assert.match((await failure(cuts.service.request(call(), PULL))).message, /the connection was cut/);
    assert.equal(cuts.asked.length, 3);
  });
  await t.step("a token server", async () => {
    let tries = 0;
    const { asked, service } = trying([wanted], () => ++tries < 3 ? busy() : Response.json({ token: "T1" }));
    assert.equal((await service.request(call(), PULL)).status, 200);
    assert.deepEqual(asked, ["GET service", "GET token", "GET token", "GET token", "GET service"]);
  });
  for (const [name, answer] of [["busy", busy], ["cut", cut], ["refused", () => cut()]] as const) {
    await t.step(`POST, ${name}`, async () => {
      const { asked, service } = trying([answer]);
      const posted = service.request(call(undefined, { method: "POST", body: "b" }), PUSH);
      if (answer === busy) assert.equal((await posted).status, 503);
      else assert.equal((await failure(posted)).code, "unavailable");
      assert.deepEqual(asked, ["POST service"]);
    });
  }
  await t.step("a certificate that is not trusted", async () => {
    const { asked, service } = trying([untrusted]);
    assert.match((await failure(service.request(call(), PULL))).message, /not trusted: no known CA has issued it/);
    assert.equal(asked.length, 1);
  });
});

Deno.test("seven calls go on at once to begin with, more as soon as some are answered, and all where a server fails", async () => {
  const rows: [status: number, then: number][] = [[200, 9], [299, 9], [302, 8], [404, 8], [500, 20], [503, 20], [
    429,
    20,
  ]];
  for (const [status, then] of rows) {
    const answers: (() => void)[] = [];
    const send: Send = () => new Promise((resolve) => answers.push(() => resolve(new Response("ok", { status }))));
    const service = authorize(send, { service: "Registry", allowHttp: false, remedy: REMEDY });
    const all = Array.from({ length: 20 }, () => service.request(call(), PULL).catch(() => {}));
    const turn = () => new Promise((resolve) => setTimeout(resolve));
    await turn();
    assert.equal(answers.length, 7);
    answers[0]!();
    await turn();
    assert.equal(answers.length, then, `${status}`);
    for (let n = 1; n < 20; n++) {
      answers[n]!();
      await turn();
    }
    await Promise.all(all);
  }
});
