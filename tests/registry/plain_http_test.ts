/** Plain http, found out by asking: where it is taken, where it never is, and what goes over it. */
import assert from "node:assert/strict";
import { authorize, type CredentialsSource } from "../../lib/http/auth.ts";
import { createSend } from "../../lib/http/network.ts";
import { exchange, type Send } from "../../lib/http/send.ts";
import { createLocalCa } from "../../lib/local/certificates.ts";
import { orPlainHttp } from "../../lib/registry/plain_http.ts";
import { failsWith } from "../support/failures.ts";

const LIMITS = { service: "Registry", maxBytes: 1000, timeoutMs: 10_000 };

/** A network that is written down, a warning that is kept, and one way to ask. */
function client(inner: Send, allowHttp = false) {
  const asked: string[] = [];
  const warnings: string[] = [];
  const send: Send = (request) => {
    asked.push(request.url);
    return inner(request);
  };
  const options = { known: new Set<string>(), allowHttp, warn: (line: string) => void warnings.push(line) };
  const ask = (url: URL) => exchange(send, { ...LIMITS, url: new URL("/v2/", url) });
  const get = (address: string) => orPlainHttp(new URL(address), options, ask).then(({ status }) => status);
  return { get, asked, warnings, options };
}

/** A server in memory: https ends as the runtime ends it where the server speaks plain http. */
const PLAIN: Send = ({ url }) => {
  if (url.startsWith("http:")) return Promise.resolve(new Response("fine"));
  const cause = new Error(
    `error sending request for url (${url}): client error (Connect): received corrupt message of type InvalidContentType`,
  );
  return Promise.reject(new TypeError("fetch failed", { cause }));
};

Deno.test("plain http: a real server is asked again in plain http, and the user is told once", async () => {
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => new Response("fine"));
  const { send, close } = createSend();
  const { get, asked, warnings, options } = client(send);
  const host = `127.0.0.1:${server.addr.port}`;
  try {
    const answers = await Promise.all(Array.from({ length: 20 }, () => get(`https://${host}`)));
    assert.deepEqual(new Set(answers), new Set([200]));
    assert.deepEqual(warnings, [`the registry "${host}" does not speak TLS; plain http is used`]);
    asked.length = 0;
    assert.equal(await get(`https://${host}`), 200);
    assert.deepEqual(asked, [`http://${host}/v2/`], "TLS is not tried again");
    // Another repository of the same command: another service, another question, the same network.
    assert.equal(
      await orPlainHttp(new URL(`https://${host}`), options, (url) => Promise.resolve(url.href)),
      `http://${host}/`,
    );
    assert.equal(warnings.length, 1);
    const next = client(send);
    assert.equal(await next.get(`https://${host}`), 200);
    assert.equal(next.warnings.length, 1, "another command finds out for itself");
  } finally {
    close();
  }
});

Deno.test("plain http: on loopback, or where it is allowed", async (t) => {
  for (const host of ["localhost:5000", "127.0.0.1:5000", "127.8.9.10:5000", "[::1]:5000"]) {
    await t.step(host, async () => {
      const { get, asked, warnings } = client(PLAIN);
      assert.equal(await get(`https://${host}`), 200);
      assert.deepEqual(asked, [`https://${host}/v2/`, `http://${host}/v2/`]);
      assert.deepEqual(warnings, [`the registry "${host}" does not speak TLS; plain http is used`]);
    });
  }
  const others = [
    "r.example:5000",
    "128.0.0.1:5000",
    "10.0.0.1:5000",
    "[::2]:5000",
    "127.0.0.1.example:5000",
    "reg.localhost:5000",
  ];
  for (const host of [...others, "localhost.example:5000", "notlocalhost:5000"]) {
    await t.step(host, async () => {
      const { get, asked, warnings } = client(PLAIN);
      await failsWith(get(`https://${host}`), "unavailable", `"https://${host}"`, "it does not speak TLS");
      assert.deepEqual([asked, warnings], [[`https://${host}/v2/`], []]);
      const allowed = client(PLAIN, true);
      assert.equal(await allowed.get(`https://${host}`), 200);
      assert.equal(allowed.warnings.length, 1);
    });
  }
  await t.step("the port that was asked, where https leaves it unsaid", async () => {
    const { get, asked } = client(PLAIN);
    assert.equal(await get("https://localhost"), 200);
    assert.equal(asked[1], "http://localhost:443/v2/");
  });
  await t.step("one host says nothing of another", async () => {
    const { get, warnings, asked } = client(PLAIN);
    await get("https://localhost:5000");
    await get("https://localhost:5001");
    assert.equal(warnings.length, 2);
    assert.deepEqual(asked.map((url) => url.slice(0, 6)), ["https:", "http:/", "https:", "http:/"]);
  });
});

Deno.test("plain http: never because of anything else", async (t) => {
  const fails = async (address: string, send: Send, words: string) => {
    const { get, asked, warnings } = client(send, true);
    await failsWith(get(address), "unavailable", words);
    assert.deepEqual(asked, [`${address}/v2/`]);
    assert.deepEqual(warnings, []);
  };
  const { send, close } = createSend();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = `https://127.0.0.1:${listener.addr.port}`;
  const hangingUp = (async () => {
    for await (const connection of listener) connection.close();
  })();
  try {
    await t.step("a certificate that is not trusted", async () => {
      const { certPem: cert, keyPem: key } = await (await createLocalCa(new Date(), "unknown")).issue(["127.0.0.1"]);
      const tls = { hostname: "127.0.0.1", port: 0, cert, key, onListen() {} };
      await using server = Deno.serve(tls, () => new Response("fine"));
      await fails(`https://127.0.0.1:${server.addr.port}`, send, "no known CA has issued it");
    });
    await t.step(
      "a connection that is cut",
      () => fails(address, send, "the connection was cut before TLS was agreed on"),
    );
    listener.close();
    await hangingUp;
    await t.step("a connection that is refused", () => fails(address, send, "nobody answers on that port"));
  } finally {
    close();
  }
  const saying = (words: string): Send => () =>
    Promise.reject(new TypeError("fetch failed", { cause: new Error(words) }));
  const names = 'DnsName("it does not speak TLS InvalidContentType")';
  const messages: readonly [words: string, shown: string][] = [
    [
      `invalid peer certificate: certificate not valid for name "x"; certificate is only valid for ${names}`,
      "is not for",
    ],
    ["invalid peer certificate: UnknownIssuer", "no known CA"],
    ["received fatal alert: HandshakeFailure", "no TLS connection"],
    ["client error (Connect): operation timed out", "it does not answer"],
    ["client error (Connect): tunnel error: unsuccessful", "the proxy does not let"],
  ];
  for (const [words, shown] of messages) {
    await t.step(shown, () => fails("https://localhost:5000", saying(words), shown));
  }
  await t.step("somebody else's lack of TLS", async () => {
    const { options, warnings } = client(PLAIN, true);
    const attempt = orPlainHttp(
      new URL("https://localhost:5000"),
      options,
      () => exchange(PLAIN, { ...LIMITS, service: "Token server", url: new URL("https://localhost:5001/token") }),
    );
    await failsWith(attempt, "unavailable", "Token server", "it does not speak TLS");
    assert.deepEqual(warnings, []);
  });
  await t.step("what is thrown besides", async () => {
    const thrown = new Error("it does not speak TLS");
    const attempt = orPlainHttp(new URL("https://localhost:5000"), client(PLAIN).options, () => Promise.reject(thrown));
    await assert.rejects(attempt, (error) => error === thrown);
  });
});

Deno.test("plain http: a password goes to this machine and to no other", async (t) => {
  const credentials: CredentialsSource = () => Promise.resolve({ username: "ci", password: "s3cret" });
  const attempt = (address: string) => {
    const proofs: (string | null)[] = [];
    const send: Send = (request) => {
      const proof = request.headers.get("authorization");
      if (request.url.startsWith("http:")) proofs.push(proof);
      const challenge = { "www-authenticate": 'Basic realm="r"' };
      return request.url.startsWith("https:") || proof ? PLAIN(request) : Promise.resolve(
        new Response(null, { status: 401, headers: challenge }),
      );
    };
    const service = authorize(send, {
      service: "registry",
      allowHttp: true,
      credentials,
      remedy: "Check REGISTRY_AUTH",
    });
    const answer = orPlainHttp(
      new URL(address),
      { known: new Set(), allowHttp: true, warn() {} },
      (url) => service.request({ ...LIMITS, url: new URL("/v2/", url) }, { repository: "x/y", actions: "pull" }),
    );
    return { answer, proofs };
  };
  await t.step("loopback", async () => {
    const { answer, proofs } = attempt("https://localhost:5000");
    assert.equal((await answer).status, 200);
    assert.deepEqual(proofs, [null, `Basic ${btoa("ci:s3cret")}`]);
  });
  await t.step("another machine", async () => {
    const { answer, proofs } = attempt("https://r.example:5000");
    const error = await failsWith(answer, "unauthenticated", '"http://r.example:5000"', "so the password was not sent");
    assert.match(error.remedy, /REGISTRY_AUTH/);
    assert.deepEqual(proofs, [null]);
  });
});
