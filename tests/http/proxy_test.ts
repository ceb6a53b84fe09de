import assert from "node:assert/strict";
import { PROXY_VARIABLES, readProxies } from "../../lib/http/proxy.ts";
import { isTagsealError } from "../../lib/errors.ts";

/** Whether `url` goes through the proxy where NO_PROXY is `noProxy`. */
function isProxied(url: string, noProxy: string): boolean {
  const variables: Record<string, string> = { ALL_PROXY: "http://proxy.test:3128", NO_PROXY: noProxy };
  return readProxies((name) => variables[name])!(new URL(url)) !== undefined;
}

Deno.test("proxy: NO_PROXY is read as Go reads it", () => {
  // The list and most rows are those of golang.org/x/net/http/httpproxy's own test.
  const noProxy = "foobar.com, .barbaz.net, *.wild.net, 192.168.1.1, 192.168.1.2:81, 192.168.1.3:80, 10.0.0.0/30, " +
    "2001:db8::52:0:1, [2001:db8::52:0:2]:443, [2001:db8::52:0:3]:80, 2002:db8:a::45/64, 2003:DB8:0:0::1, 10.1.0.0/33";
  const rows: [host: string, isProxied: boolean][] = [
    ["localhost", false],
    ["127.0.0.1", false],
    ["127.0.0.2", false],
    ["[::1]", false],
    ["[::2]", true],
    ["192.168.1.1", false],
    ["192.168.1.2", true],
    ["192.168.1.3", false],
    ["10.0.0.2", false],
    ["10.0.0.4", true],
    ["10.1.0.0", true],
    ["[2001:db8::52:0:1]", false],
    ["[2001:db8::52:0:2]", true],
    ["[2001:db8::52:0:3]", false],
    ["[2002:db8:a::123]", false],
    ["[2002:db8:a:1::123]", true],
    ["[2003:db8::1]", false],
    ["[fe80::424b:c8be:1643:a1b6]", true],
    ["barbaz.net", true],
    ["www.barbaz.net", false],
    ["foobar.com", false],
    ["www.foobar.com", false],
    ["foofoobar.com", true],
    ["www.wild.net", false],
    ["wild.net", true],
    ["baz.com", true],
    ["localhost.net", true],
    ["local.localhost", true],
  ];
  for (const [host, expected] of rows) assert.equal(isProxied(`http://${host}/`, noProxy), expected, host);
  assert.equal(isProxied("https://[fd12::1]/", "fd00::/8"), false);
  assert.equal(isProxied("https://[fc12::1]/", "fd00::/8"), true);
  assert.equal(isProxied("https://10.0.0.1/", "::/0"), true);
  assert.equal(isProxied("https://10.0.0.1/", "0.0.0.0/0"), false);
});

Deno.test("proxy: what an entry of NO_PROXY is for, and what is none", () => {
  const excepted: [url: string, noProxy: string][] = [
    ["http://a.test/", "x, *"],
    ["https://[2001:db8::2]/", "[2001:db8::2]:443"],
    ["http://192.168.1.2:81/", "192.168.1.2:81"],
    ["https://a.test/", "a.test:443"],
    ["http://200.1.2.3/", "0.0.0.0/0"],
    ["http://[1:2:3:4:5:6:7:8]/", "1:2:3:4::/64"],
    ["http://[10ff::1]/", "1000::/8"],
    ["http://[::ff]/", "::f0/124"],
  ];
  for (const [url, noProxy] of excepted) assert.equal(isProxied(url, noProxy), false, `${url} ${noProxy}`);
  const proxied: [url: string, noProxy: string][] = [
    ["https://a.test/", "a.test:80"],
    ["http://a.test:8080/", "a.test:80"],
    ["http://a.test/", "a.test:80x"],
    ["http://a.b.net/", "a*.b.net"],
    ["http://a.test./", ","],
    ["http://[a::2]/", "a[::2]"],
    ["http://[::2a]/", "[::2]a"],
    ["http://[::2]/", "::2]#"],
    ["http://[::2]/", "::2]#a"],
    ["http://[fe00::1]/", "fd00::/16"],
    ["http://[::f1]/", "::f2"],
    ["http://[::2]/", "::::"],
    ["http://10.0.0.1/", "10.0.0.0/-8"],
    ["http://10.0.0.1/", "10.0.0.1/8x"],
    ["http://10.0.0.1/", "10.0.0.1/32/1"],
    ["http://10.0.0.1/", "x10.0.0.1"],
    ["http://10.0.0.1/", "10.0.0.1x"],
    ["http://10.0.0.1/", "10.0.0.300/0"],
    ["http://[::ff]/", "::7f"],
  ];
  for (const [url, noProxy] of proxied) assert.equal(isProxied(url, noProxy), true, `${url} ${noProxy}`);
});

Deno.test("proxy: nothing but the variables that are named is read, in capitals and in small letters", () => {
  const read = new Set<string>();
  assert.equal(readProxies((name) => void read.add(name)), undefined);
  readProxies((name) => (read.add(name), name === "ALL_PROXY" ? "http://proxy.test" : undefined));
  assert.deepEqual([...read].sort(), PROXY_VARIABLES.flatMap((name) => [name, name.toLowerCase()]).sort());
});

Deno.test("proxy: each protocol has its variable, and ALL_PROXY is for those that have none", () => {
  const reading = (variables: Record<string, string>) => {
    const proxyOf = readProxies((name) => variables[name]);
    return ["https://a.test", "http://a.test"].map((url) => proxyOf?.(new URL(url))?.url);
  };
  assert.equal(readProxies((name) => name === "NO_PROXY" ? "a.test" : undefined), undefined);
  assert.deepEqual(reading({ HTTP_PROXY: "one.test" }), [undefined, "http://one.test"]);
  assert.deepEqual(reading({ HTTPS_PROXY: "one.test" }), ["http://one.test", undefined]);
  assert.deepEqual(reading({ ALL_PROXY: "one.test", HTTP_PROXY: "two.test" }), ["http://one.test", "http://two.test"]);
});

Deno.test("proxy: what is taken for a proxy's address, and whom it names", () => {
  const read = (value: string) => readProxies((name) => name === "https_proxy" ? value : undefined)!;
  const rows: [value: string, url: string, username?: string, password?: string][] = [
    ["http://proxy.test:3128", "http://proxy.test:3128"],
    ["proxy.test:3128", "http://proxy.test:3128"],
    ["http://u:p'w%40x@proxy.test:1", "http://proxy.test:1", "u", "p'w@x"],
    ["u:p:w@proxy.test:1", "http://proxy.test:1", "u", "p:w"],
    ["https://proxy.test:3128", "https://proxy.test:3128"],
    ["socks5://proxy.test:1080", "socks5://proxy.test:1080"],
    ["socks5h://proxy.test:1080", "socks5h://proxy.test:1080"],
    ["http://u@proxy.test:1", "http://proxy.test:1", "u", ""],
    ["http://:p@proxy.test:1", "http://proxy.test:1", "", "p"],
  ];
  for (const [value, url, username, password] of rows) {
    assert.deepEqual(read(value)(new URL("https://a.test")), {
      url,
      ...(username === undefined ? {} : { basicAuth: { username, password } }),
    });
    assert.equal(read(value)(new URL("http://a.test")), undefined, "HTTPS_PROXY is for https alone");
  }
  for (
    const value of [
      '"http://proxy.test:3128"',
      "'proxy.test'",
      "'proxy.test:3128'",
      "http://",
      "ftp://proxy.test",
      "a b",
      " http://proxy.test",
      "socks5://",
    ]
  ) {
    assert.throws(
      () => read(value)(new URL("https://a.test")),
      (error) =>
        isTagsealError(error, "usage") && error.message.includes("https_proxy") && !error.message.includes("test"),
      value,
    );
  }
});
