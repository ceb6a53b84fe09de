/** What `fetch` is bound to: which settings each host gets, how often they are asked for, and what is said of unusable ones. */
import assert from "node:assert/strict";
import { createSend, type HostTls, type SendOptions } from "../../lib/http/network.ts";
import { ProxiedError, type Proxy } from "../../lib/http/proxy.ts";
import { createLocalCa } from "../../lib/local/certificates.ts";
import { failsWith } from "../support/failures.ts";

const CA = await createLocalCa(new Date(), "network tests");
const OTHER_CA = await createLocalCa(new Date(), "another CA");
const CLIENT = await CA.issue(["client.test"]);
const PLAIN = { caCerts: [], files: [] };

/** What the runtime is asked for, in place of the network. */
async function withRuntime(
  options: SendOptions,
  use: (get: (url: string) => Promise<Response>, made: Deno.CreateHttpClientOptions[]) => Promise<void>,
  answer: (client: Deno.HttpClient | undefined) => Promise<Response> = () => Promise.resolve(new Response("fine")),
): Promise<number> {
  const { fetch, Deno: { createHttpClient } } = globalThis;
  const made: Deno.CreateHttpClientOptions[] = [];
  let closed = 0;
  Deno.createHttpClient = (settings) => {
    const client = createHttpClient(settings);
    made.push(settings);
    const { close } = client;
    client.close = () => (closed++, close.call(client));
    return client;
  };
  globalThis.fetch = (_, init?: RequestInit & { readonly client?: Deno.HttpClient }) => answer(init?.client);
  const { send, close } = createSend(options);
  try {
    await use((url) => send(new Request(url)), made);
  } finally {
    close();
    Object.assign(globalThis, { fetch });
    Deno.createHttpClient = createHttpClient;
  }
  return closed;
}

Deno.test("network: without settings the runtime's own connections serve", async () => {
  const clients: (Deno.HttpClient | undefined)[] = [];
  const tlsOf = () => Promise.resolve({ ...PLAIN });
  await withRuntime({ tlsOf, proxyFor: () => undefined }, async (get, made) => {
    await get("https://a.test/");
    assert.deepEqual([made, clients], [[], [undefined]]);
  }, (client) => (clients.push(client), Promise.resolve(new Response())));
});

Deno.test("network: hosts of the same settings share connections, others have their own, and all are closed", async () => {
  const more: Record<string, HostTls> = {
    "a.test": { ...PLAIN, caCerts: [OTHER_CA.caPem] },
    "b.test:8443": { ...PLAIN, caCerts: [OTHER_CA.caPem] },
    "c.test": { ...PLAIN, client: { cert: CLIENT.certPem, key: CLIENT.keyPem } },
  };
  const asked: string[] = [];
  const tlsOf = (host: string) => (asked.push(host), Promise.resolve(more[host]));
  const clients: (Deno.HttpClient | undefined)[] = [];
  const closed = await withRuntime({ caCerts: [CA.caPem], tlsOf }, async (get, made) => {
    for (const path of ["a.test/", "a.test/again", "b.test:8443/", "c.test/", "d.test/"]) await get(`https://${path}`);
    await get("http://a.test/");
    assert.deepEqual(asked, ["a.test", "b.test:8443", "c.test", "d.test"], "once each, and where TLS is spoken");
    assert.deepEqual(made, [
      { caCerts: [CA.caPem, OTHER_CA.caPem] },
      { caCerts: [CA.caPem], cert: CLIENT.certPem, key: CLIENT.keyPem },
      { caCerts: [CA.caPem] },
    ]);
    const [a, again, b, c, d, plain] = clients;
    assert.ok(a && c && d);
    assert.deepEqual([again, b, plain], [a, a, d]);
    assert.equal(new Set([a, c, d]).size, 3);
  }, (client) => (clients.push(client), Promise.resolve(new Response())));
  assert.equal(closed, 3);
});

Deno.test("network: a proxy is taken where there is one for the address, and a failure there is told as its", async () => {
  const proxy: Proxy = { url: "http://proxy.test:3128/", basicAuth: { username: "u", password: "p" } };
  const options: SendOptions = { proxyFor: (url) => url.hostname === "far.test" ? proxy : undefined };
  const cut = new TypeError("cut");
  await withRuntime(options, async (get, made) => {
    const failure = await get("http://far.test/").then(() => undefined, (error: unknown) => error);
    assert.ok(failure instanceof ProxiedError);
    assert.deepEqual([failure.proxy, failure.cause], [proxy, cut]);
    assert.deepEqual(made, [{ caCerts: [], proxy }]);
    await assert.rejects(get("http://near.test/"), (error) => error === cut);
    assert.equal(made.length, 1);
  }, () => Promise.reject(cut));
});

Deno.test("network: of settings that cannot be used, the file is named that is at fault", async () => {
  const client = { cert: "no certificate", key: "no key" };
  const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  const rows: [options: SendOptions, words: string[], files: string[]][] = [
    [{ caCerts: [broken] }, ["A CA's certificate cannot be used: "], []],
    [
      { tlsOf: () => Promise.resolve({ ...PLAIN, caCerts: [broken], caFiles: ["x/ca.crt", "y/ca.crt"] }) },
      ['A CA\'s certificate cannot be used ("x/ca.crt", "y/ca.crt"): '],
      ["x/ca.crt", "y/ca.crt"],
    ],
    [
      { tlsOf: () => Promise.resolve({ ...PLAIN, client, files: ["x/client.cert", "x/client.key"] }) },
      ['The client certificate cannot be used ("x/client.cert", "x/client.key"): '],
      ["x/client.cert", "x/client.key"],
    ],
    [
      { tlsOf: () => Promise.resolve({ caCerts: [broken], caFiles: ["x/ca.crt"], client, files: ["x/client.cert"] }) },
      ['A CA\'s certificate cannot be used ("x/ca.crt"): '],
      ["x/ca.crt"],
    ],
  ];
  for (const [options, words, files] of rows) {
    const { send, close } = createSend(options);
    const error = await failsWith(send(new Request("https://a.test/")), "bad-input", ...words);
    assert.deepEqual(error.details, { files });
    assert.match(
      error.remedy,
      words[0]!.startsWith("The client") ? /unencrypted private key/ : /each CA's certificate whole/,
    );
    close();
  }
});
