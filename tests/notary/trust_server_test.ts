import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { authorize } from "../../lib/http/auth.ts";
import { readRetries } from "../../lib/http/read_retries.ts";
import type { RetryPolicy } from "../../lib/http/retry.ts";
import type { Call, Send } from "../../lib/http/send.ts";
import { mayStillArrive } from "../../lib/notary/doubt.ts";
import { createTrustServer } from "../../lib/notary/trust_server.ts";
import type { RoleName } from "../../lib/tuf/roles.ts";
import { failsWith } from "../support/failures.ts";
import { recordedFiles } from "../support/recorded.ts";
import { GUN, KEYS } from "../support/trust_builder.ts";

/** A server that answers with `response`, and what it was asked. */
function bench(response: () => Response, address = "https://notary.test", retryReads?: RetryPolicy) {
  const asked: Request[] = [];
  const send: Send = (request) => {
    asked.push(request.clone());
    return Promise.resolve(response());
  };
  const service = authorize(send, { service: "Notary server", allowHttp: false, remedy: "Log in", retryReads });
  return { server: createTrustServer({ url: new URL(address), service, access: "pull" }), asked };
}

const failure = (status: number, error: unknown) => () => Response.json({ errors: [error] }, { status });

Deno.test("trust server: what fails while its database restarts is read again, but for what fails for ever", async () => {
  const sleep = () => Promise.resolve();
  for (
    const [name, requests] of [["root", 7], [`targets/releases.${"0f".repeat(32)}`, 7], [
      "targets/releases",
      1,
    ]] as const
  ) {
    const policy = readRetries({ sleep, now: () => new Date(), onRetry() {} });
    const { server, asked } = bench(failure(500, {}), undefined, policy);
    await failsWith(server.read(GUN, name), "unavailable", "(status 500)");
    assert.equal(asked.length, requests, name);
  }
});

Deno.test("trust server: the addresses of files", async () => {
  const cases: [address: string, name: string, url: string][] = [
    ["https://notary.test", "root", `https://notary.test/v2/${GUN}/_trust/tuf/root.json`],
    ["https://notary.test/", "targets/releases", `https://notary.test/v2/${GUN}/_trust/tuf/targets/releases.json`],
    ["https://notary.test:4443/prefix/", "2.root", `https://notary.test:4443/prefix/v2/${GUN}/_trust/tuf/2.root.json`],
    ["https://notary.test", "snapshot.0f0f", `https://notary.test/v2/${GUN}/_trust/tuf/snapshot.0f0f.json`],
  ];
  for (const [address, name, url] of cases) {
    const { server, asked } = bench(() => new Response("{}"), address);
    assert.deepEqual(await server.read(GUN, name), utf8("{}"));
    assert.deepEqual(asked.map((request) => [request.method, request.url]), [["GET", url]]);
  }
  const { server, asked } = bench(() => new Response("{}"));
  await server.read("localhost:5000/a/b", "root");
  assert.equal(asked[0]!.url, "https://notary.test/v2/localhost:5000/a/b/_trust/tuf/root.json");
});

Deno.test("trust server: bytes come through as they are, and 404 is nothing", async () => {
  const bytes = new Uint8Array([0xef, 0xbb, 0xbf, 0, 255]);
  assert.deepEqual(await bench(() => new Response(bytes)).server.read(GUN, "root"), bytes);
  assert.equal(await bench(failure(404, { code: "METADATA_NOT_FOUND" })).server.read(GUN, "root"), undefined);
});

Deno.test("trust server: no redirect is followed", async () => {
  const { server, asked } = bench(() =>
    new Response(null, { status: 302, headers: { location: "https://evil.test/" } })
  );
  const error = await failsWith(
    server.read(GUN, "root"),
    "unavailable",
    `failed to read "root" of "${GUN}" (status 302): it redirects to "https://evil.test/"`,
  );
  assert.match(error.remedy, /^Nothing was sent there/);
  assert.equal(asked.length, 1);
});

Deno.test("trust server: a publish is one multipart request, a part named files for each role", async () => {
  const { server, asked } = bench(() => new Response());
  const files = new Map<RoleName, Uint8Array<ArrayBuffer>>([
    ["root", utf8("{1}")],
    ["targets", new Uint8Array([0, 13, 10, 255])],
    ["targets/releases", utf8("--x\r\n")],
  ]);
  await server.publish(GUN, files);
  assert.deepEqual(asked.map(({ method, url }) => [method, url]), [[
    "POST",
    `https://notary.test/v2/${GUN}/_trust/tuf/`,
  ]]);
  const raw = await asked[0]!.clone().bytes();
  const parts = (await asked[0]!.formData()).getAll("files") as File[];
  assert.deepEqual(
    await Promise.all(parts.map(async (part) => [part.name, await part.bytes()])),
    [...files].map(([n, b]) => [n, b]),
  );
  // Notary takes the role from the file name as it stands in the header.
  assert.ok(new TextDecoder().decode(raw).includes('; name="files"; filename="targets/releases"\r\n'));
});

Deno.test("trust server: a web page in answer to a publish is no word of a Notary server's", async () => {
  const { server } = bench(() =>
    new Response("<html>Log in", { headers: { "content-type": "text/html; charset=utf-8" } })
  );
  const error = await failsWith(server.publish(GUN, new Map([["root", utf8("{}")]])), "unavailable", "with a web page");
  assert.ok(mayStillArrive(error), "nobody knows what became of it");
});

Deno.test("trust server: the key of a managed role", async () => {
  const { server, asked } = bench(() => Response.json(KEYS.timestamp.publicKey.json));
  assert.deepEqual(await server.managedKey(GUN, "timestamp"), KEYS.timestamp.publicKey);
  assert.deepEqual(asked.map(({ method, url }) => [method, url]), [[
    "GET",
    `https://notary.test/v2/${GUN}/_trust/tuf/timestamp.key`,
  ]]);
  for (
    const [body, words] of [["{}", "a key is not an object with a keyval"], ["<html>", "not a JSON value"], [
      "",
      "unexpected end",
    ]]
  ) {
    await failsWith(
      bench(() => new Response(body)).server.managedKey(GUN, "snapshot"),
      "trust-invalid",
      `The Notary server's snapshot key is malformed: ${words}`,
    );
  }
  const lax = JSON.stringify(KEYS.timestamp.publicKey.json).replace(/("public":")/, "$1*");
  await failsWith(
    bench(() => new Response(lax)).server.managedKey(GUN, "snapshot"),
    "trust-invalid",
    "snapshot key is malformed",
  );
  await failsWith(
    bench(failure(404, {})).server.managedKey(GUN, "timestamp"),
    "bad-input",
    'There is no Notary server at "https://notary.test"',
  );
});

Deno.test("trust server: what refusals of a publish mean", async () => {
  const files = recordedFiles();
  const publish = (answer: () => Response) =>
    bench(answer).server.publish(GUN, new Map([["targets", files.get("targets")!]]));
  await failsWith(
    publish(failure(400, { code: "VERSION", message: "x", detail: {} })),
    "stale",
    `Somebody else has published to "${GUN}" in between`,
  );
  const invalid = {
    code: "INVALID_UPDATE",
    message: "Update sent by the client is invalid.",
    detail: { Name: "ErrBadTargets", Error: { Msg: "no key" } },
  };
  const error = await failsWith(
    publish(failure(400, invalid)),
    "trust-invalid",
    `The Notary server "https://notary.test" refused to publish targets of "${GUN}": no key`,
  );
  assert.deepEqual(error.details, {
    repository: GUN,
    url: "https://notary.test",
    status: 400,
    serverCode: "INVALID_UPDATE",
  });
  // What its database or its signer does to it, it reports as the client's fault, without naming one.
  for (const detail of [null, undefined, {}, { Name: "ErrValidation", Error: { Msg: "rpc error" } }]) {
    const unexplained = await failsWith(
      publish(failure(400, { ...invalid, detail })),
      "unavailable",
      "refused to publish",
    );
    assert.match(unexplained.remedy, /names nothing that is wrong with the data/);
  }
  await failsWith(publish(() => new Response("no", { status: 400 })), "unavailable", "it gives no reason");
  await failsWith(
    publish(failure(404, { code: "X", message: "not here" })),
    "not-found",
    "failed to publish targets",
    "(status 404): not here",
  );
  await failsWith(publish(failure(500, { code: "VERSION", message: "down" })), "unavailable", "(status 500): down");
  await failsWith(
    publish(() => new Response("<html>", { status: 502 })),
    "unavailable",
    "(status 502): it gives no reason",
  );
  await failsWith(publish(() => new Response(null, { status: 202 })), "unavailable", "(status 202)");
  await failsWith(publish(failure(401, { code: "UNAUTHORIZED", message: "who" })), "unauthenticated", "Notary server");
});

Deno.test("trust server: a server's words are put on one short plain line", async () => {
  const words = `a\n\u001b[31mred\u0000 ${"xyz ".repeat(1000)}`;
  const error = await failsWith(
    bench(failure(500, { code: `C\n${words}`, message: words })).server.read(GUN, "root"),
    "unavailable",
    "a [31mred xyz",
  );
  assert.ok(error.message.length < 500);
  assert.ok([...error.message + String(error.details["serverCode"])].every((char) => char >= " "));
  for (const odd of [null, 1, "x", [], { message: null }, { message: { a: 1 } }, { detail: null }]) {
    await failsWith(bench(failure(500, odd)).server.read(GUN, "root"), "unavailable", 'failed to read "root"');
  }
});

Deno.test("trust server: one end to all calls", async () => {
  const control = new AbortController();
  const send: Send = (request) =>
    new Promise((_, reject) => request.signal.addEventListener("abort", () => reject(request.signal.reason)));
  const service = authorize(send, { service: "Notary server", allowHttp: false, remedy: "Log in" });
  const server = createTrustServer({
    url: new URL("https://notary.test"),
    service,
    access: "pull",
    signal: control.signal,
  });
  const reading = server.read(GUN, "root");
  control.abort(new Error("Ctrl-C"));
  await assert.rejects(reading, { message: "Ctrl-C" });
});

Deno.test("trust server: a proxy's limit on sizes is named as that", async () => {
  const { server } = bench(() => new Response("<html>413</html>", { status: 413 }));
  const error = await failsWith(
    server.publish(GUN, new Map([["targets", utf8("x".repeat(3000))]])),
    "unavailable",
    "takes no request of this size",
    "has 3000 bytes to publish (status 413)",
  );
  assert.match(error.remedy, /client_max_body_size/);
});

Deno.test("trust server: no call is waited for longer than its size explains", async () => {
  const calls: Call[] = [];
  const service = {
    request(call: Call) {
      calls.push(call);
      return Promise.resolve({ status: 200, headers: new Headers(), bytes: utf8("{}") });
    },
  };
  const server = createTrustServer({ url: new URL("https://notary.test"), service, access: "push,pull" });
  await server.read(GUN, "root");
  await server.publish(GUN, new Map([["targets", utf8("{}")]]));
  await server.publish(GUN, new Map([["targets", new Uint8Array(50 * 2 ** 20)]]));
  const seconds = calls.map(({ timeoutMs }) => Math.round(timeoutMs / 1000));
  assert.deepEqual(seconds, [30, 45, 845]);
});
