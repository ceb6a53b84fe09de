/** One exchange and its limits, with servers that hang, drip and send what was not asked for. */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { exchangeWithRetry } from "../../lib/http/retry.ts";
import { TagsealError } from "../../lib/errors.ts";
import { type Call, exchange, isTooLong, neverSent, secureUrl, type Send } from "../../lib/http/send.ts";
import { ProxiedError } from "../../lib/http/proxy.ts";
import { failsWith } from "../support/failures.ts";

async function serving<T>(handler: () => Response, use: (call: Call) => Promise<T>): Promise<T> {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, handler);
  const url = new URL(`http://127.0.0.1:${server.addr.port}/`);
  return await use({ service: "Notary server", url, maxBytes: 2 ** 20, timeoutMs: 400 });
}

/** Sends `parts`, each `ms` milliseconds after the other. */
function dripping(parts: readonly Uint8Array[], ms: number, headers: Record<string, string> = {}): () => Response {
  return () => {
    const left = parts.values();
    return new Response(
      new ReadableStream({
        async pull(controller) {
          const { value, done } = left.next();
          if (done) return controller.close();
          await new Promise((resolve) => setTimeout(resolve, ms));
          controller.enqueue(value);
        },
      }),
      { headers },
    );
  };
}

/** `count` parts of `bytes` bytes. */
function partsOf(bytes: number, count: number): Uint8Array[] {
  return Array(count).fill(new Uint8Array(bytes));
}

Deno.test("exchange: time grows with what arrives, and drips do not prolong it", async (t) => {
  await t.step("one byte at a time", async () => {
    await serving(dripping(partsOf(1, 400), 50), async (call) => {
      const started = performance.now();
      await failsWith(exchange(fetch, { ...call, bytesPerSecond: 10_000 }), "unavailable", "no complete answer within");
      assert.ok(performance.now() - started < 8000);
    });
  });
  await t.step("a second for each so many bytes, as the failure says", async () => {
    const stalling = () => new Response(new ReadableStream({ start: (it) => it.enqueue(new Uint8Array(20)) }));
    await serving(stalling, async (call) => {
      const slow = exchange(fetch, { ...call, timeoutMs: 2000, bytesPerSecond: 10 });
      await failsWith(slow, "unavailable", "no complete answer within 4 s");
    });
  });
  await t.step("gzip, of which much comes out", async () => {
    const packed = new Uint8Array(gzipSync(new Uint8Array(20 * 2 ** 20)));
    const parts = Array.from({ length: 200 }, (_, i) => packed.subarray(i * 100, (i + 1) * 100));
    await serving(dripping(parts, 50, { "content-encoding": "gzip" }), async (call) => {
      const long = { ...call, maxBytes: 2 ** 26, bytesPerSecond: 100_000 };
      const started = performance.now();
      await failsWith(exchange(fetch, long), "unavailable", "no complete answer within");
      assert.ok(performance.now() - started < 8000);
    });
  });
  await t.step("a long answer on a slow line", async () => {
    // The first part has most of the limit to spare: a busy machine is late.
    const patient = (call: Call) => ({ ...call, timeoutMs: 2000 });
    await serving(dripping(partsOf(10_000, 8), 350), async (it) => {
      const call = patient(it);
      await failsWith(exchange(fetch, call), "unavailable", "no complete answer within 2 s");
      const answer = await exchange(fetch, { ...call, bytesPerSecond: 10_000 });
      assert.equal(answer.bytes.length, 80_000);
    });
    const packed = new Uint8Array(gzipSync(crypto.getRandomValues(new Uint8Array(60_000))));
    const parts = Array.from({ length: 6 }, (_, i) => packed.subarray(i * 10_010, (i + 1) * 10_010));
    await serving(dripping(parts, 350, { "content-encoding": "gzip" }), async (call) => {
      assert.equal((await exchange(fetch, { ...patient(call), bytesPerSecond: 10_000 })).bytes.length, 60_000);
    });
  });
});

Deno.test("exchange: nothing compressed is asked for; gzip is read all the same, within bounds", async () => {
  const asked: (string | null)[] = [];
  let [encoding, body] = ["gzip", new Uint8Array(gzipSync(new Uint8Array(900)))];
  const listen = { hostname: "127.0.0.1", port: 0, onListen() {} };
  await using server = Deno.serve(listen, (request) => {
    asked.push(request.headers.get("accept-encoding"));
    return new Response(body, { headers: { "content-encoding": encoding } });
  });
  const url = new URL(`http://127.0.0.1:${server.addr.port}/`);
  const call = { service: "Registry", url, maxBytes: 1000, timeoutMs: 5000 };
  assert.deepEqual((await exchange(fetch, call)).bytes, new Uint8Array(900));
  body = new Uint8Array(gzipSync(new Uint8Array(50 * 2 ** 20))).subarray(0, 900);
  await failsWith(exchange(fetch, call), "unavailable", "its answer is too long");
  body = new Uint8Array(gzipSync(new Uint8Array(900))).subarray(0, 10);
  await failsWith(exchange(fetch, call), "unavailable");
  encoding = "br";
  await failsWith(exchange(fetch, call), "unavailable", 'it answers in the encoding "br", which was not asked for');
  encoding = "gzip, gzip";
  await failsWith(exchange(fetch, call), "unavailable", 'it answers in the encoding "gzip", which was not asked for');
  body = new Uint8Array(900);
  encoding = "utf-8"; // no encoding of this header's, yet servers say so, and every other client passes over it
  assert.deepEqual((await exchange(fetch, call)).bytes, body);
  body = new Uint8Array(gzipSync(body));
  encoding = "x-gzip"; // RFC 9110, section 8.4.1.3
  assert.deepEqual((await exchange(fetch, call)).bytes, new Uint8Array(900));
  assert.deepEqual(new Set(asked), new Set(["identity"]));
});

Deno.test("exchange: several calls share what they may take together", async () => {
  const shared = { left: 150 };
  await serving(() => new Response(new Uint8Array(100)), async (call) => {
    assert.equal((await exchange(fetch, { ...call, shared })).bytes.length, 100);
    await failsWith(exchange(fetch, { ...call, shared }), "unavailable", "its answer is too long");
  });
});

Deno.test("exchange: where redirects may lead, and who is named when they lead nowhere", async (t) => {
  let location = "";
  const authorizations: (string | null)[] = [];
  const listen = { hostname: "127.0.0.1", port: 0, onListen() {} };
  await using server = Deno.serve(listen, (request) => {
    authorizations.push(request.headers.get("authorization"));
    return new URL(request.url).pathname === "/there" ? new Response("there") : Response.redirect(location);
  });
  const origin = `http://127.0.0.1:${server.addr.port}`;
  const call: Call = { service: "Registry", url: new URL(origin), maxBytes: 1000, timeoutMs: 5000, redirects: 3 };
  await t.step("plain http on another machine, from this one", async () => {
    location = "http://storage.invalid/there";
    await failsWith(exchange(fetch, call), "unavailable", 'it redirects to "http://storage.invalid", which is not');
  });
  await t.step("the host that fails is the one that is named", async () => {
    await failsWith(
      exchange(fetch, { ...call, allowHttp: true }),
      "unavailable",
      `Registry at "http://storage.invalid" (where "${origin}" redirects to) cannot be used: the host "storage.invalid"`,
    );
    location = "https://storage.invalid/there";
    await failsWith(exchange(fetch, call), "unavailable", 'the host "storage.invalid" is unknown');
  });
  await t.step("a user and a password in the address are not taken", async () => {
    location = `http://user:password@127.0.0.1:${server.addr.port}/there`;
    assert.equal(new TextDecoder().decode((await exchange(fetch, call)).bytes), "there");
    assert.deepEqual(new Set(authorizations), new Set([null]));
  });
  await t.step("what is no address is asked for once", async () => {
    location = "http://[there";
    let calls = 0;
    const once: Send = () => {
      calls++;
      return Promise.resolve(new Response(null, { status: 302, headers: { location } }));
    };
    const policy = { budgetMs: 10_000, sleep: () => Promise.resolve(), now: () => new Date() };
    await failsWith(exchangeWithRetry(once, call, policy), "unavailable", "it redirects to what is no address");
    assert.equal(calls, 1);
  });
});

/** Redirects in memory; `asked` is what was asked for, with the credentials that came. */
function redirecting(answer: (url: URL) => Response): { send: Send; asked: string[] } {
  const asked: string[] = [];
  const send: Send = (request) => {
    asked.push(`${request.url} ${request.headers.get("authorization") ?? "-"}`);
    return Promise.resolve(answer(new URL(request.url)));
  };
  return { send, asked };
}

function redirect(location: string, body?: BodyInit): Response {
  return new Response(body ?? null, { status: 307, headers: { location } });
}

Deno.test("exchange: how far redirects are followed, and what goes with them", async (t) => {
  const call: Call = {
    service: "Registry",
    url: new URL("https://reg.example/0"),
    headers: { authorization: "Bearer T" },
    maxBytes: 1000,
    timeoutMs: 5000,
    redirects: 2,
  };
  await t.step("as often as the call says, and no more", async () => {
    const { send, asked } = redirecting((url) => redirect(`/${Number(url.pathname.slice(1)) + 1}`));
    await failsWith(exchange(send, call), "unavailable", "it redirects in circles");
    assert.equal(asked.length, 3);
    const until2 = (url: URL) =>
      url.pathname === "/2" ? new Response("there") : redirect(url.pathname === "/0" ? "1" : "2");
    assert.equal((await exchange(redirecting(until2).send, call)).status, 200);
  });
  await t.step("by what statuses: all with GET, with other methods those that keep method and body", async () => {
    const moved = (status: number): Send => ({ url }) =>
      Promise.resolve(new Response(null, url.endsWith("/0") ? { status, headers: { location: "/1" } } : {}));
    for (const status of [201, 300, 301, 302, 303, 304, 307, 308]) {
      const get = await exchange(moved(status), call);
      assert.equal(get.status, [301, 302, 303, 307, 308].includes(status) ? 200 : status);
      const post = await exchange(moved(status), { ...call, method: "POST", body: "x" });
      assert.equal(post.status, [307, 308].includes(status) ? 200 : status);
    }
  });
  await t.step("not at all where the call says nothing of it, nor where no place is named", async () => {
    const { redirects: _redirects, ...plain } = call;
    const { send, asked } = redirecting(() => redirect("/1", "moved"));
    const { status, bytes } = await exchange(send, plain);
    assert.deepEqual([status, new TextDecoder().decode(bytes), asked.length], [307, "moved", 1]);
    const nowhere = redirecting(() => new Response("moved", { status: 307 }));
    assert.equal((await exchange(nowhere.send, call)).status, 307);
  });
  await t.step("the body of a redirect is not read", async () => {
    let cancelled = false;
    const body = new ReadableStream({ cancel: () => void (cancelled = true) });
    const { send } = redirecting((url) => url.pathname === "/0" ? redirect("/1", body) : new Response("there"));
    await exchange(send, call);
    assert.ok(cancelled);
  });
  await t.step("credentials stay with the origin they are for", async () => {
    const ways = ["https://reg.example/1", "https://reg.example:444/2"];
    const { send, asked } = redirecting(({ pathname }) => {
      const next = ways[Number(pathname.slice(1))];
      return next ? redirect(next) : new Response("there");
    });
    await exchange(send, call);
    assert.deepEqual(asked, [
      "https://reg.example/0 Bearer T",
      "https://reg.example/1 Bearer T",
      "https://reg.example:444/2 -",
    ]);
  });
  for (
    const [from, to, allowHttp, followed] of [
      ["https://reg.example", "https://cdn.example", false, true],
      ["https://reg.example", "http://reg.example", true, false],
      ["https://reg.example", "http://localhost", true, false],
      ["https://reg.example", "ftp://reg.example", true, false],
      ["http://localhost", "http://127.0.0.1", false, true],
      ["http://localhost", "http://reg.example", false, false],
      ["http://localhost", "http://reg.example", true, true],
      ["http://localhost", "ftp://localhost", true, false],
      ["http://reg.example", "http://cdn.example", false, true],
      ["http://reg.example", "https://cdn.example", false, true],
    ] as const
  ) {
    await t.step(`from ${from} to ${to}${allowHttp ? ", where plain http is allowed" : ""}`, async () => {
      const { send } = redirecting((url) => url.pathname === "/0" ? redirect(`${to}/1`) : new Response("there"));
      const asking = exchange(send, { ...call, url: new URL(`${from}/0`), allowHttp });
      if (followed) assert.equal((await asking).status, 200);
      else await failsWith(asking, "unavailable", "which is not encrypted");
    });
  }
});

Deno.test("exchange: an answer may be as long as the call says; one that is longer is left, and told apart", async (t) => {
  const call: Call = { service: "Registry", url: new URL("https://reg.example/"), maxBytes: 4, timeoutMs: 5000 };
  const answering = (response: Response): Send => () => Promise.resolve(response);
  /** A body that nobody has read to its end. */
  function body(): { stream: ReadableStream<Uint8Array>; left: () => boolean } {
    let left = false;
    const stream = new ReadableStream<Uint8Array>({
      pull: (it) => it.enqueue(new Uint8Array(3)),
      cancel: () => void (left = true),
    });
    return { stream, left: () => left };
  }
  await t.step("just as long", async () => {
    const send = answering(new Response("four", { headers: { "content-length": "4" } }));
    assert.equal(new TextDecoder().decode((await exchange(send, call)).bytes), "four");
    const two = new ReadableStream({
      start(it) {
        it.enqueue(new Uint8Array([1, 2]));
        it.enqueue(new Uint8Array([3, 4]));
        it.close();
      },
    });
    const shared = { left: 4 };
    assert.deepEqual((await exchange(answering(new Response(two)), { ...call, shared })).bytes.join(), "1,2,3,4");
    assert.equal(shared.left, 0);
  });
  await t.step("announced, and sent", async () => {
    for (const [headers, words] of [[{ "content-length": "5" }, "it announces 5"], [{}, "it sends more"]] as const) {
      const { stream, left } = body();
      const error = await failsWith(exchange(answering(new Response(stream, { headers })), call), "unavailable", words);
      assert.ok(isTooLong(error) && left());
    }
  });
  await t.step("in an encoding that is not read", async () => {
    for (
      const encoding of ["br", "compress", "deflate", "zstd", "gzip, identity", "identity, x-compress", "X-Gzip,a"]
    ) {
      const { stream, left } = body();
      const send = answering(new Response(stream, { headers: { "content-encoding": encoding } }));
      const error = await failsWith(exchange(send, call), "unavailable", "it answers in the encoding", "not asked for");
      assert.ok(!isTooLong(error) && left(), encoding);
    }
  });
  await t.step("other failures are not taken for it", () => {
    const tooLong = { remedy: "Wait", reason: "too-long" } as const;
    assert.ok(isTooLong(new TagsealError("unavailable", "A", tooLong)));
    assert.ok(!isTooLong(new TagsealError("unavailable", "A", { remedy: "Wait", reason: "no-answer" })));
    assert.ok(!isTooLong({ reason: "too-long" }) && !isTooLong(undefined));
  });
});

Deno.test("exchange: a call that is ended fails with the reason that it is ended for", async () => {
  const controller = new AbortController();
  const send: Send = ({ signal, headers }) => {
    assert.match(headers.get("user-agent")!, /^tagseal\/\d/);
    setTimeout(() => controller.abort(new Error("Ctrl-C")));
    return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  };
  const call = { service: "Registry", url: new URL("https://reg.example/"), maxBytes: 4, timeoutMs: 5000 };
  await assert.rejects(exchange(send, { ...call, signal: controller.signal }), /^Error: Ctrl-C$/);
});

Deno.test("exchange: a failure on the way through a proxy names it, be it of the line or of time", async () => {
  const proxy = { url: "http://proxy.test:3128" };
  const call = { service: "Registry", url: new URL("https://reg.example/x?y"), maxBytes: 4, timeoutMs: 100 };
  const refused = new TypeError("fetch failed", { cause: new Error("Connection refused (os error 111)") });
  const error = await failsWith(
    exchange(() => Promise.reject(new ProxiedError(proxy, refused)), call),
    "unavailable",
    'Registry at "https://reg.example" cannot be used: ',
  );
  assert.equal(error.details["proxy"], proxy.url);
  assert.equal(error.cause, refused);
  assert.equal(error.call?.url, "https://reg.example/x");
  const late: Send = ({ signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(new ProxiedError(proxy, signal.reason)));
    });
  const timeout = await failsWith(
    exchange(late, call),
    "unavailable",
    `no complete answer within 0 s through the proxy "${proxy.url}"`,
  );
  assert.deepEqual([timeout.reason, timeout.call?.sent], ["no-answer", true]);
  const direct = await failsWith(exchange(() => Promise.reject(refused), call), "unavailable");
  assert.equal("proxy" in direct.details, false);
});

Deno.test("secureUrl: https, plain http where it is allowed or stays here, and no credentials", async () => {
  const read = (address: string, allowHttp = false, example?: string) =>
    secureUrl(address, "address of SignPath", allowHttp, example).href;
  assert.equal(read("https://app.example/API"), "https://app.example/API");
  assert.equal(read("http://localhost:5000/"), "http://localhost:5000/");
  assert.equal(read("http://app.example/", true), "http://app.example/");
  for (
    const address of ["app.example", "ftp://app.example/", "https://anna@app.example/", "https://:pw@app.example/"]
  ) {
    const error = await failsWith(
      () => read(address, true),
      "bad-input",
      "The address of SignPath is not a plain https URL",
    );
    assert.equal(error.remedy, "Give it as https://host[:port], with credentials apart from it");
    assert.deepEqual(error.next, { do: "give-plain-address", like: undefined });
  }
  const error = await failsWith(() => read("nonsense", false, "https://one.example"), "bad-input");
  assert.match(error.remedy, /^Give it as https:\/\/host\[:port\], for example https:\/\/one\.example, with/);
  await failsWith(() => read("http://app.example/x?y"), "bad-input", '"http://app.example/x" is not encrypted');
});

Deno.test("exchange: the length that a HEAD tells is that of nothing that comes", async () => {
  const long = () => new Response(null, { headers: { "content-length": "5000000" } });
  await serving(long, async (call) => {
    const { status, headers, bytes } = await exchange(fetch, { ...call, method: "HEAD", maxBytes: 0 });
    assert.deepEqual([status, headers.get("content-length"), bytes.length], [200, "5000000", 0]);
  });
});

Deno.test("a failure of any kind may be asked whether it was sent", () => {
  for (const error of [undefined, null, "no", new Error("no"), { call: { sent: false } }]) assert.ok(!neverSent(error));
});
