/** Which of the ways in that a service offers is taken, and where secrets may go. */
import assert from "node:assert/strict";
import { parseChallenges } from "../../lib/http/challenge.ts";
import { chooseWay, isConfidential, sameWay, type Way } from "../../lib/http/way.ts";

const FROM = new URL("https://reg.example/v2/");
const KNOWN = "Bearer with a realm and Basic are known";

Deno.test("way: Bearer with a usable realm, else Basic, else what is wrong", () => {
  const bearer = (realm: string, service: string | undefined) => ({ scheme: "bearer", realm: new URL(realm), service });
  const fault = (name: string, why: string) => ({ badRealm: `"${name}", ${why}` });
  const inAddress = "with a user and password in the address";
  const none = (names: string) => ({ wrong: `it offers no usable way to authenticate (it names ${names}; ${KNOWN})` });
  const rows: readonly (readonly [header: string, way: unknown])[] = [
    ['Bearer realm="https://a.example/t",service="reg"', bearer("https://a.example/t", "reg")],
    ['Basic realm="https://a.example/", Bearer realm="https://b.example/"', bearer("https://b.example/", undefined)],
    ['Basic realm="https://a.example/"', { scheme: "basic", realm: "https://a.example/" }],
    ["Basic", { scheme: "basic", realm: "" }],
    ['Bearer realm="nonsense", Bearer realm="https://b.example/"', bearer("https://b.example/", undefined)],
    ['Bearer realm="nonsense", Basic', { scheme: "basic", realm: "" }],
    ['Bearer realm="nonsense"', fault("nonsense", "which is no address")],
    ['Bearer realm="https://anna@a.example/t"', fault("https://a.example/t", inAddress)],
    ['Bearer realm="https://:pw@a.example/t"', fault("https://a.example/t", inAddress)],
    ['Bearer realm="ftp://a.example/t"', fault("ftp://a.example/t", "which is no https address")],
    ['Bearer realm="http://a.example/t"', fault("http://a.example/t", "which is not encrypted")],
    ['Bearer service="reg"', none('"bearer"')],
    ["", none("none")],
    ["A, B, C, D, E, F", none('"a", "b", "c", "d", "e"')],
  ];
  for (const [header, way] of rows) assert.deepEqual(chooseWay(parseChallenges(header), FROM, false), way, header);
  const plain = parseChallenges('Bearer realm="http://a.example/t"');
  assert.deepEqual(chooseWay(plain, FROM, true), bearer("http://a.example/t", undefined));
});

Deno.test("way: two challenges ask for the same where scheme, realm and service do", () => {
  const bearer = (realm: string, service: string): Way => ({ scheme: "bearer", realm: new URL(realm), service });
  const ways: readonly Way[] = [
    bearer("https://a.example/", "one"),
    bearer("https://a.example/", "two"),
    bearer("https://b.example/", "one"),
    { scheme: "basic", realm: "one" },
  ];
  for (const a of ways) {
    for (const b of ways) assert.equal(sameWay(a, copyOf(b)), a === b);
  }
  assert.ok(sameWay({ scheme: "basic", realm: "one" }, { scheme: "basic", realm: "two" }));
});

function copyOf(way: Way): Way {
  return way.scheme === "bearer" ? { ...way, realm: new URL(way.realm) } : { ...way };
}

Deno.test("way: what is confidential is encrypted, or stays on this machine at this machine's own word", () => {
  const rows = [
    ["https://a.example", "http://b.example", true],
    ["http://localhost", "http://127.0.0.1", true],
    ["http://localhost", "https://a.example", false],
    ["http://a.example", "http://localhost", false],
    ["http://a.example", "https://a.example", false],
  ] as const;
  for (const [url, namedBy, is] of rows) assert.equal(isConfidential(new URL(url), new URL(namedBy)), is, url);
});
