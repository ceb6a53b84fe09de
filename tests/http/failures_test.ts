/** What went wrong on the way, said plainly: with real TLS servers, and with what the runtime was seen to say. */
import assert from "node:assert/strict";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { explainFailure, isTlsFailure } from "../../lib/http/failures.ts";
import { createSend, type SendOptions } from "../../lib/http/network.ts";
import { exchange, neverSent } from "../../lib/http/send.ts";
import { createLocalCa, type TlsIdentity } from "../../lib/local/certificates.ts";
import { failsWith } from "../support/failures.ts";

const DAY = 86_400_000;

async function serving<T>(identity: TlsIdentity, use: (port: number) => Promise<T>): Promise<T> {
  const tls = { hostname: "127.0.0.1", port: 0, cert: identity.certPem, key: identity.keyPem, onListen() {} };
  const server = Deno.serve(tls, () => new Response("fine"));
  try {
    return await use(server.addr.port);
  } finally {
    await server.shutdown();
  }
}

async function get(url: string, options: SendOptions = {}, timeoutMs = 10_000): Promise<string> {
  const { send, close } = createSend(options);
  try {
    const call = { service: "Notary server", url: new URL(url), maxBytes: 1000, timeoutMs };
    return new TextDecoder().decode((await exchange(send, call)).bytes);
  } finally {
    close();
  }
}

Deno.test("TLS: what is wrong with the server's certificate", async (t) => {
  const ca = await createLocalCa(new Date(), "tests");
  const caCerts = [ca.caPem];
  const refusal = (attempt: Promise<unknown>, ...words: string[]) =>
    failsWith(attempt, "unavailable", "shows a TLS certificate that is not trusted: ", ...words).then((error) => {
      assert.ok(isTlsFailure(error) && neverSent(error));
      assert.doesNotMatch(error.message + error.remedy, /offline|skip|insecure/i);
      return error;
    });
  await t.step("nothing", async () => {
    const good = await ca.issue(["localhost"]);
    assert.equal(await serving(good, (port) => get(`https://localhost:${port}/`, { caCerts })), "fine");
  });
  await t.step("no known CA", async () => {
    const identity = await ca.issue(["localhost"]);
    const error = await serving(identity, (port) =>
      refusal(
        get(`https://localhost:${port}/`),
        `Notary server at "https://localhost:${port}"`,
        "no known CA has issued it",
        "UnknownIssuer",
      ));
    assert.match(error.remedy, /private CA, name that CA's certificate/);
    assert.deepEqual(error.next, { do: "trust-ca" });
  });
  await t.step("another name, and which", async () => {
    const identity = await ca.issue(["a.example", "b.example", "c.example", "d.example", "e.example", "f.example"]);
    await serving(identity, (port) =>
      refusal(
        get(`https://localhost:${port}/`, { caCerts }),
        'it is not for "localhost", but for "a.example", "b.example", "c.example", "d.example", "e.example" and 1 more',
      ));
  });
  await t.step("expired, and when", async () => {
    const old = await createLocalCa(new Date(Date.now() - 60 * DAY), "old");
    const identity = await old.issue(["localhost"]);
    const day = new Date(Date.now() - 30 * DAY).toISOString().slice(0, 10);
    const error = await serving(
      identity,
      (port) => refusal(get(`https://localhost:${port}/`, { caCerts: [old.caPem] }), `it expired on ${day}`),
    );
    assert.match(error.remedy, /clock/);
  });
  await t.step("not valid yet", async () => {
    const young = await createLocalCa(new Date(Date.now() + 5 * DAY), "young");
    const identity = await young.issue(["localhost"]);
    const day = new Date(Date.now() + 5 * DAY - DAY / 24).toISOString().slice(0, 10);
    await serving(
      identity,
      (port) => refusal(get(`https://localhost:${port}/`, { caCerts: [young.caPem] }), `it is not valid before ${day}`),
    );
  });
});

Deno.test("TLS with a client certificate: for its host alone, and said where it is missing", async (t) => {
  const ca = await createLocalCa(new Date(), "tests");
  const stranger = await (await createLocalCa(new Date(), "others")).issue(["client"]);
  const { certPem: cert, keyPem: key } = await ca.issue(["localhost", "127.0.0.1"]);
  const server = createServer(
    { cert, key, ca: ca.caPem, requestCert: true, rejectUnauthorized: true },
    (_, response) => response.end("hello"),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const asked: string[] = [];
  const tlsOf = (identity?: TlsIdentity): SendOptions["tlsOf"] => (host) => {
    asked.push(host);
    const client = identity && { cert: identity.certPem, key: identity.keyPem };
    return Promise.resolve(
      host.startsWith("localhost") ? { caCerts: [ca.caPem], client, files: ["/c/client.cert"] } : undefined,
    );
  };
  try {
    const client = await ca.issue(["client"]);
    await t.step("the right one", async () => {
      assert.equal(await get(`https://localhost:${port}/`, { tlsOf: tlsOf(client)! }), "hello");
      assert.deepEqual(asked, [`localhost:${port}`]);
    });
    await t.step("another host gets neither the CA nor the certificate", async () => {
      const attempt = get(`https://127.0.0.1:${port}/`, { tlsOf: tlsOf(client)! });
      await failsWith(attempt, "unavailable", "no known CA has issued it");
      const trusting = get(`https://127.0.0.1:${port}/`, { tlsOf: tlsOf(client)!, caCerts: [ca.caPem] });
      await failsWith(trusting, "unavailable", "it wants a client certificate");
    });
    await t.step("none", async () => {
      const error = await failsWith(
        get(`https://localhost:${port}/`, { tlsOf: tlsOf()! }),
        "unavailable",
        "it wants a client certificate (received fatal alert: CertificateRequired)",
      );
      assert.ok(error.remedy.includes(`~/.docker/tls/localhost:${port}/client.cert`), error.remedy);
      assert.ok(isTlsFailure(error));
    });
    await t.step("one of another CA", async () => {
      // This server hangs up without an alert; what it means is not for us to guess.
      await failsWith(
        get(`https://localhost:${port}/`, { tlsOf: tlsOf(stranger)! }),
        "unavailable",
        "the connection was cut (peer closed connection without sending TLS close_notify)",
      );
    });
    await t.step("a key that is none", async () => {
      const broken = {
        certPem: client.certPem,
        keyPem: "-----BEGIN PRIVATE KEY-----\nczNjcmV0\n-----END PRIVATE KEY-----",
      };
      const error = await failsWith(
        get(`https://localhost:${port}/`, { tlsOf: tlsOf(broken)! }),
        "bad-input",
        'The client certificate cannot be used ("/c/client.cert")',
      );
      assert.ok(!error.message.includes("czNjcmV0"));
    });
    await t.step("a CA that is none is not blamed on the client certificate", async () => {
      const damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
      const at = `https://localhost:${port}/`;
      const both = {
        caCerts: [damaged],
        client: { cert: client.certPem, key: client.keyPem },
        caFiles: ["/c/ca.crt"],
        files: ["/c/client.cert"],
      };
      const tlsOf = () => Promise.resolve(both);
      await failsWith(get(at, { tlsOf }), "bad-input", `A CA's certificate cannot be used ("/c/ca.crt"): `);
      await failsWith(get(at, { caCerts: [damaged] }), "bad-input", "A CA's certificate cannot be used: ");
    });
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

Deno.test("one client for each distinct set, and none for plain http", async () => {
  const ca = await createLocalCa(new Date(), "tests");
  const identity = await ca.issue(["localhost", "127.0.0.1"]);
  const asked: string[] = [];
  const { send, close } = createSend({
    tlsOf: (host) => Promise.resolve(void asked.push(host)).then(() => ({ caCerts: [ca.caPem], files: [] })),
  });
  await serving(identity, async (port) => {
    for (const host of ["localhost", "localhost", "127.0.0.1"]) {
      assert.equal(await (await send(new Request(`https://${host}:${port}/`))).text(), "fine");
    }
    assert.deepEqual(asked, [`localhost:${port}`, `127.0.0.1:${port}`]);
    await assert.rejects(send(new Request(`http://localhost:${port}/`)));
    assert.equal(asked.length, 2);
    close(); // the resource sanitizer finds a second client
  });
});

Deno.test("no connection: which host, and what became of it", async (t) => {
  await t.step("unknown host", async () => {
    const error = await failsWith(
      get("https://no-such-host.invalid/"),
      "unavailable",
      'the host "no-such-host.invalid" is unknown (dns error: ',
    );
    assert.ok(neverSent(error) && !isTlsFailure(error));
    assert.match(error.remedy, /DNS/);
  });
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  await t.step("no answer", async () => {
    const attempt = get(`http://127.0.0.1:${port}/`, {}, 100);
    const error = await failsWith(attempt, "unavailable", "no complete answer within 0 s");
    assert.ok(!neverSent(error), "the server may have heard it");
  });
  listener.close();
  await t.step("refused", async () => {
    const attempt = get(`https://127.0.0.1:${port}/`);
    assert.ok(neverSent(await failsWith(attempt, "unavailable", "nobody answers on that port (tcp connect error")));
  });
  await t.step("a port that the runtime never asks", async () => {
    const error = await failsWith(get("https://localhost:9/"), "unavailable", "port 9 is one that", "nothing was sent");
    assert.ok(neverSent(error));
  });
  await t.step("no TLS", async () => {
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => new Response());
    const error = await failsWith(
      get(`https://127.0.0.1:${server.addr.port}/`),
      "unavailable",
      "it does not speak TLS (received corrupt message of type InvalidContentType)",
    );
    assert.ok(isTlsFailure(error));
    await server.shutdown();
  });
  await t.step("cut", async () => {
    const cutting = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const closed = cutting.accept().then((connection) => connection.close());
    const error = await failsWith(
      get(`http://127.0.0.1:${cutting.addr.port}/`),
      "unavailable",
      "the connection was cut (",
    );
    assert.ok(!neverSent(error));
    await closed;
    cutting.close();
  });
});

Deno.test("what the runtime says, in plain words", () => {
  const rows: [string, string, string][] = [
    ["proxy authentication required", "proxy", "the proxy wants a user name and password"],
    ["unsuccessful tunnel", "proxy", "the proxy does not let the connection through"],
    ["unexpected eof while tunneling", "proxy", "the proxy does not let the connection through"],
    ["tcp connect error: No route to host (os error 113)", "no-answer", "it does not answer"],
    ["tcp connect error: Connection timed out (os error 110)", "no-answer", "it does not answer"],
    ["tls handshake eof", "cut", "the connection was cut before TLS was agreed on"],
    ["received fatal alert: UnknownCA", "tls", "it does not accept the client certificate"],
    ["received fatal alert: BadCertificate", "tls", "it does not accept the client certificate"],
    ["received fatal alert: HandshakeFailure", "tls", "no TLS connection could be agreed on"],
    ["invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))", "tls", "it is a CA's own certificate"],
    ["invalid peer certificate: BadEncoding", "tls", "it is not valid"],
    ["connection closed before message completed", "cut", "the connection was cut"],
    ["dns error: Temporary failure in name resolution", "no-answer", 'the name "notary.test" cannot be looked up now'],
    ["something new", "other", "something new"],
  ];
  const url = new URL("https://notary.test/v2/?token=s3cret");
  for (const [said, reason, words] of rows) {
    const cause = new Error(`error sending request for url (${url}): client error (Connect): ${said}`);
    const failure = explainFailure(new TypeError("fetch failed", { cause }), url);
    assert.equal(failure.reason, reason, said);
    assert.ok(failure.words.startsWith(words), failure.words);
    assert.ok(!failure.words.includes("s3cret"));
    assert.equal(failure.sent, false);
  }
});

Deno.test("what is decided by is told apart more finely than what is shown", () => {
  const rows: [string, string, string][] = [
    ["connection closed before message completed", "cut", "hung-up"],
    ["Connection reset by peer (os error 104)", "cut", "hung-up"],
    ["error reading a body from connection", "cut", "cut"],
    ["broken pipe", "cut", "cut"],
    ["received corrupt message of type InvalidContentType", "tls", "no-tls"],
    ["received fatal alert: HandshakeFailure", "tls", "tls"],
    ["tls handshake eof, connection closed before message completed", "cut", "cut"],
    ["tcp connect error: Connection refused (os error 111)", "refused", "refused"],
  ];
  for (const [said, reason, exactly] of rows) {
    const failure = explainFailure(new TypeError(said), new URL("https://notary.test/"));
    assert.deepEqual([failure.reason, failure.exactly], [reason, exactly], said);
  }
});

Deno.test("what fails on the way to a proxy is not blamed on the server", () => {
  const rows: [string, string][] = [
    [
      "dns error: Name or service not known",
      'the proxy "http://proxy.test:3128" cannot be reached: the host "proxy.test" is unknown',
    ],
    [
      "tcp connect error: Connection refused (os error 111)",
      'the proxy "http://proxy.test:3128" cannot be reached: nobody answers on that port',
    ],
    ["unsuccessful tunnel", 'the proxy "http://proxy.test:3128" does not let the connection through'],
    // SOCKS proxies speak of the server, with the words for what happens to whoever connects.
    [
      "Connection refused",
      'the proxy "http://proxy.test:3128" does not let the connection through (Connection refused)',
    ],
    ["Host unreachable", 'the proxy "http://proxy.test:3128" does not let the connection through (Host unreachable)'],
    ["No acceptable auth methods", 'the proxy "http://proxy.test:3128" wants a user name and password'],
    ["Proxy server unreachable", 'the proxy "http://proxy.test:3128" cannot be reached: it does not answer'],
    [
      "connection closed before message completed",
      'the connection was cut (connection closed before message completed), through the proxy "http://proxy.test:3128"',
    ],
  ];
  for (const [said, words] of rows) {
    const failure = explainFailure(new TypeError(said), new URL("https://notary.test/"), "http://proxy.test:3128");
    assert.ok(failure.words.startsWith(words), failure.words);
  }
});

Deno.test("what the runtime says of certificates and of what nobody knows, word for word", () => {
  const url = new URL("https://reg.example:8443/v2/");
  const explain = (words: string, proxy?: string) =>
    explainFailure(new TypeError("fetch failed", { cause: new Error(words) }), url, proxy);
  const invalid = "invalid peer certificate: ";
  const only = (...names: string[]) =>
    `${invalid}certificate not valid for name "a.example"; certificate is only valid for ${
      names.map((name) => `DnsName("${name}")`).join(", ")
    }`;
  const rows: [said: string, words: string][] = [
    [`${invalid}certificate not valid for name "a.example"`, 'it is not for "a.example"'],
    [only("b.example"), 'it is not for "a.example", but for "b.example"'],
    [only(..."bcdef"), 'it is not for "a.example", but for "b", "c", "d", "e", "f"'],
    [only(..."bcdefg"), 'it is not for "a.example", but for "b", "c", "d", "e", "f" and 1 more'],
    [`${invalid}certificate expired`, "it has expired"],
    [`${invalid}certificate expired: it was not valid after 1767225600`, "it expired on 2026-01-01"],
    [`${invalid}certificate not valid yet`, "it is not valid yet"],
    [`${invalid}certificate not valid yet: not valid before 1767225600`, "it is not valid before 2026-01-01"],
    [`${invalid}UnknownIssuer`, `no known CA has issued it (${invalid}UnknownIssuer)`],
    [`${invalid}Other`, `it is not valid (${invalid}Other)`],
  ];
  for (const [said, words] of rows) {
    const failure = explain(said);
    assert.deepEqual([failure.words, failure.reason, failure.certificate, failure.sent], [words, "tls", true, false]);
  }
  const ofCa = explain("CaUsedAsEndEntity");
  assert.deepEqual([ofCa.certificate, ofCa.next], [true, { do: "replace-ca-as-server-certificate" }]);
  const odd = explain("error sending request for url (https://reg.example/): client error (SendRequest): it is odd");
  assert.deepEqual([odd.words, odd.reason, odd.exactly, odd.certificate, odd.sent], [
    ...["it is odd", "other", "other", false, true],
  ]);
  assert.equal(explain("it is odd", "http://proxy.test:1").words, 'it is odd, through the proxy "http://proxy.test:1"');
  const proxied = (words: string) => explain(words, "http://proxy.test:1");
  assert.equal(proxied("Connection refused").reason, "proxy");
  assert.equal(proxied("Connection refused (os error 111)").reason, "refused");
  const lookup = "dns error: failed to lookup address information: Temporary failure in name resolution";
  assert.match(proxied(lookup).words, /^the proxy "http:\/\/proxy\.test:1" cannot be reached: the name "proxy\.test" /);
  assert.equal(
    explain("Requests to port 9 are blocked").words,
    "port 9 is one that this program's runtime never asks, so that nothing was sent",
  );
  assert.equal(explain("no error sending request for a: b").words, "no error sending request for a: b");
  assert.equal(explain("x".repeat(400)).words, "x".repeat(300));
  assert.equal(explainFailure(null, url).words, "null");
  const refused = explain("tcp connect error: Connection refused (os error 111)", "http://proxy.test:1");
  assert.match(refused.words, /^the proxy "http:\/\/proxy\.test:1" cannot be reached: /);
  assert.match(refused.remedy, /^Check HTTPS_PROXY/);
  assert.ok(!isTlsFailure({ reason: "tls" }) && !isTlsFailure(null));
});
