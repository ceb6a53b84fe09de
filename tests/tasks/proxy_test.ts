/** HTTPS_PROXY and NO_PROXY: the program as a process, with a proxy on loopback that notes whom it is asked for. */
import assert from "node:assert/strict";
import { createLocalCa } from "../../lib/local/certificates.ts";
import { runProgram } from "../support/program.ts";

/** A CONNECT proxy that leads every host to `port` on this machine. */
class Proxy implements AsyncDisposable {
  /** Whom it was asked for. */
  readonly asked = new Set<string>();
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #work: Promise<unknown>[] = [];
  readonly #accepting: Promise<void>;

  constructor(readonly port: number, readonly greeting = "HTTP/1.1 200 Connection established\r\n\r\n") {
    this.#accepting = this.#accept();
  }

  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) this.#work.push(this.#serve(connection).catch(() => {}));
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    let head = "";
    for (const buffer = new Uint8Array(4096); !head.includes("\r\n\r\n");) {
      const n = await client.read(buffer);
      if (n === null) return client.close();
      head += new TextDecoder().decode(buffer.subarray(0, n));
    }
    this.asked.add(head.slice(0, head.indexOf(" HTTP/")));
    await client.write(new TextEncoder().encode(this.greeting));
    if (!this.greeting.includes(" 200 ")) return client.close();
    const server = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
    await Promise.allSettled([client.readable.pipeTo(server.writable), server.readable.pipeTo(client.writable)]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting.catch(() => {});
    await Promise.all(this.#work);
  }
}

const NAMES = ["notary.test", "auth.test", "registry.test", "signpath.test", "localhost"];

Deno.test("HTTPS_PROXY is used for all services, and NO_PROXY is heeded", async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-proxy-" });
  const ca = await createLocalCa(new Date(), "tests");
  const { certPem: cert, keyPem: key } = await ca.issue(NAMES);
  const reached = new Set<string>();
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, cert, key, onListen() {} }, (request) => {
    const { hostname } = new URL(request.url);
    reached.add(hostname);
    if (hostname === "auth.test") return Response.json({ token: "T" });
    if (hostname === "signpath.test") return new Response(null, { status: 401 });
    const challenge = { "www-authenticate": 'Bearer realm="https://auth.test/token"' };
    const known = request.headers.get("authorization") === "Bearer T" || hostname === "localhost";
    return new Response(null, known ? { status: 404 } : { status: 401, headers: challenge });
  });
  await using proxy = new Proxy(server.addr.port);
  await Deno.writeTextFile(`${folder}/ca.pem`, ca.caPem);
  const run = async (set: string, args: readonly string[], env: Record<string, string>) => {
    proxy.asked.clear();
    reached.clear();
    return await runProgram(set, [...args, "--ca", "ca.pem"], folder, env);
  };
  const env = { HTTPS_PROXY: proxy.url };
  const list = ["list", "-r", "registry.test/demo/app", "--notary-url", "https://notary.test"];
  try {
    await t.step("Notary server and its token server", async () => {
      const { code, stderr } = await run("list", list, env);
      assert.equal(code, 2, stderr);
      assert.deepEqual(proxy.asked, new Set(["CONNECT notary.test:443", "CONNECT auth.test:443"]));
      assert.deepEqual(reached, new Set(["notary.test", "auth.test"]));
    });
    await t.step("registry", async () => {
      const args = ["signing-data", ...list.slice(1), "-t", "v1", "--output-artifact-path", "x.zip"];
      const { code, stderr } = await run("signing-data", args, env);
      assert.equal(code, 2, stderr);
      assert.ok(proxy.asked.has("CONNECT registry.test:443"), [...proxy.asked].join());
    });
    await t.step("SignPath", async () => {
      const { code, stderr } = await run("download", ["download", crypto.randomUUID()], {
        ...env,
        SIGNPATH_API_URL: "https://signpath.test/API",
        SIGNPATH_API_TOKEN: "t",
        SIGNPATH_ORGANIZATION_ID: crypto.randomUUID(),
      });
      assert.equal(code, 4, stderr);
      assert.deepEqual(proxy.asked, new Set(["CONNECT signpath.test:443"]));
    });
    const local = ["list", "-r", `localhost:${server.addr.port}/demo/app`];
    await t.step("this machine is never asked for through a proxy", async () => {
      for (const variables of [env, { ...env, HTTP_PROXY: proxy.url }, { ALL_PROXY: proxy.url }]) {
        assert.equal((await run("list", local, variables)).code, 2);
        assert.deepEqual([proxy.asked, reached], [new Set(), new Set(["localhost"])]);
      }
    });
    await t.step("NO_PROXY, as Go reads it", async () => {
      const asked = async (noProxy: string) => {
        await run("list", list, { ...env, NO_PROXY: noProxy });
        return proxy.asked.size > 0;
      };
      for (const noProxy of ["example.com,notary.test", "NOTARY.Test", "*", "notary.test:443", ".test", "test"]) {
        assert.equal(await asked(noProxy), false, noProxy);
      }
      assert.equal(await asked("notary.test:80,other.test"), true);
    });
    await t.step("a proxy that is not there is what is named, without its password", async () => {
      for (
        const [address, words] of [
          [
            "http://u:s3cret@proxy.invalid:3128",
            'the proxy "http://proxy.invalid:3128" cannot be reached: the host "proxy.invalid" is unknown',
          ],
          ["http://127.0.0.1:2", 'the proxy "http://127.0.0.1:2" cannot be reached: nobody answers on that port'],
          ["u@127.0.0.1:2", 'the proxy "http://127.0.0.1:2" cannot be reached: nobody answers on that port'],
        ] as const
      ) {
        const { code, stderr } = await run("list", list, { HTTPS_PROXY: address });
        assert.equal(code, 5);
        assert.ok(stderr.includes(`Notary server at "https://notary.test" cannot be used: ${words}`), stderr);
        assert.ok(!stderr.includes("s3cret"));
        assert.match(stderr, /next: Check HTTPS_PROXY/);
      }
    });
    await t.step("a value that is no proxy's address is said, and not shown", async () => {
      for (const value of ["'http://u:s3cret@proxy:3128'", "ftp://proxy:21", "http://"]) {
        const { code, stderr } = await run("list", list, { HTTPS_PROXY: value });
        assert.equal(code, 2);
        assert.match(stderr, /error: The variable HTTPS_PROXY holds no proxy's address\n/);
        assert.ok(!stderr.includes("s3cret"));
      }
    });
    await t.step("a proxy that refuses, or wants a password, is named as what stands in the way", async () => {
      for (
        const [status, words] of [
          ["403 Forbidden", "does not let the connection through (unsuccessful tunnel)"],
          ["407 Proxy Authentication Required", "wants a user name and password"],
        ] as const
      ) {
        await using refusing = new Proxy(0, `HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n`);
        const { code, stderr } = await run("list", list, { HTTPS_PROXY: refusing.url });
        assert.equal(code, 5);
        assert.ok(
          stderr.includes(
            `Notary server at "https://notary.test" cannot be used: the proxy "${refusing.url}" ${words}`,
          ),
          stderr,
        );
        assert.deepEqual(refusing.asked, new Set(["CONNECT notary.test:443"]));
      }
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
