import assert from "node:assert/strict";
import { parseChallenges } from "../../lib/http/challenge.ts";

const REALM = "https://auth.example/token";
const BEARER = `Bearer realm="${REALM}",service="reg.example",scope="registry:catalog:*"`;

Deno.test("parseChallenges follows RFC 9110", async (t) => {
  const rows: [string, string, [string, Record<string, string>][]][] = [
    ["one", BEARER, [["bearer", { realm: REALM, service: "reg.example", scope: "registry:catalog:*" }]]],
    ["scheme and names in any case", `bEARER REALM="a"`, [["bearer", { realm: "a" }]]],
    ["several", `Negotiate, Basic realm="x", Bearer realm="y",service=z`, [
      ["negotiate", {}],
      ["basic", { realm: "x" }],
      ["bearer", { realm: "y", service: "z" }],
    ]],
    ["token68", `NTLM TlRMTVNTUAA==, Basic realm="x"`, [["ntlm", {}], ["basic", { realm: "x" }]]],
    ["comma, equals sign and scheme in quotes", `Bearer realm="a, Basic realm=b"`, [
      ["bearer", { realm: "a, Basic realm=b" }],
    ]],
    ["escapes", String.raw`Basic realm="a \"b\" \\c"`, [["basic", { realm: String.raw`a "b" \c` }]]],
    ["white space and empty list items", `, ,Bearer  realm = "a" ,, service = b ,`, [
      ["bearer", { realm: "a", service: "b" }],
    ]],
    ["the first of two counts", `Bearer realm="a", realm="b"`, [["bearer", { realm: "a" }]]],
    ["an open quote ends it", `Basic realm="x", Bearer realm="abc`, [["basic", { realm: "x" }], ["bearer", {}]]],
    ["nothing", "", []],
    ["a parameter without a scheme", `realm="a"`, []],
    ["too long", `Bearer realm="${"a".repeat(9000)}"`, []],
  ];
  for (const [name, header, want] of rows) {
    await t.step(name, () => {
      const got = parseChallenges(header).map(({ scheme, params }) => [scheme, Object.fromEntries(params)]);
      // An unfinished parameter is left over as a scheme of its own at most; what matters is what came before.
      assert.deepEqual(got.slice(0, want.length), want);
      assert.ok(got.length === want.length || name.startsWith("an open quote"), JSON.stringify(got));
    });
  }
});

Deno.test("a header of 8 KiB is read, and nothing of a longer one", () => {
  const header = (length: number) => `Basic realm="${"x".repeat(length - 14)}"`;
  assert.equal(header(8192).length, 8192);
  assert.deepEqual(parseChallenges(header(8192)).map(({ scheme }) => scheme), ["basic"]);
  assert.deepEqual(parseChallenges(header(8193)), []);
});

Deno.test("parseChallenges takes linear time on hostile headers", () => {
  for (const piece of ["a ", `a="`, "=,", `\\"`, "a=b ", "Bearer ", `"`]) {
    const started = performance.now();
    parseChallenges(("Bearer " + piece.repeat(8000)).slice(0, 8192));
    assert.ok(performance.now() - started < 5000, piece);
  }
});
