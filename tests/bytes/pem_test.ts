import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { formatPem, parsePem } from "../../lib/bytes/pem.ts";
import { below, bytesFrom, damaged, random } from "../support/random.ts";

const HI = "-----BEGIN A-----\naGk=\n-----END A-----\n";

Deno.test("pem: writes what Go's encoder writes", () => {
  assert.equal(formatPem("A", utf8("hi")), HI);
  assert.equal(
    formatPem("B C", new Uint8Array(49), new Map([["role", "targets"], ["gun", "r.test/a"]])),
    `-----BEGIN B C-----\ngun: r.test/a\nrole: targets\n\n${"A".repeat(64)}\nAA==\n-----END B C-----\n`,
  );
  assert.equal(formatPem("A", new Uint8Array(48)), `-----BEGIN A-----\n${"A".repeat(64)}\n-----END A-----\n`);
  assert.equal(formatPem("A", new Uint8Array()), "-----BEGIN A-----\n-----END A-----\n");
});

const ACCEPTED: readonly [name: string, text: string, blocks: readonly [string, Record<string, string>, string][]][] = [
  ["one block", HI, [["A", {}, "hi"]]],
  ["nothing", "", []],
  ["text without a block", "hello\n-----BEGIN A----\n", []],
  ["text around blocks, in order", `before\n${HI}between\n${HI.replaceAll("A-", "B-")}after`, [["A", {}, "hi"], [
    "B",
    {},
    "hi",
  ]]],
  ["CRLF", HI.replaceAll("\n", "\r\n"), [["A", {}, "hi"]]],
  ["no line end after it", HI.trimEnd(), [["A", {}, "hi"]]],
  ["headers", HI.replace("aGk=", "role: root\nx-y: a: b\n\naGk="), [["A", { role: "root", "x-y": "a: b" }, "hi"]]],
  [
    "a repository whose name has dashes",
    HI.replace("aGk=", "gun: r.test/a-----END-b\n\naGk="),
    [["A", { gun: "r.test/a-----END-b" }, "hi"]],
  ],
  ["a block that another one cuts off", `-----BEGIN A-----\naGk=\n${HI}`, [["A", {}, "hi"]]],
  ["an end of another label", "-----BEGIN A-----\naGk=\n-----END B-----\n", []],
  ["a begin inside of a line", `x${HI}`, []],
];

for (const [name, text, blocks] of ACCEPTED) {
  Deno.test(`pem: reads ${name}`, () => {
    const read = parsePem(text).map(({ label, headers, bytes }) => [
      label,
      Object.fromEntries(headers),
      new TextDecoder().decode(bytes),
    ]);
    assert.deepEqual(read, blocks);
  });
}

const REFUSED: readonly [name: string, body: string, words: RegExp][] = [
  ["a header that stands there twice", "role: root\nrole: targets\n\naGk=", /the PEM header "role" stands there twice/],
  ["headers without their blank line", "role: root\naGk=", /the blank line after the PEM headers is missing/],
  ["missing padding", "aGk", /base64|character|padding/i],
  ["bits beyond the end", "aGl=", /base64|character|padding/i],
  ["other characters", "aG*=", /base64|character|padding/i],
  ["base64url", "_-8=", /base64|character|padding/i],
  ["something after the padding", "aGk=aGk=", /base64|character|padding/i],
];

for (const [name, body, words] of REFUSED) {
  Deno.test(`pem: refuses ${name}`, () => {
    assert.throws(
      () => parsePem(HI.replace("aGk=", body)),
      (error) => error instanceof SyntaxError && words.test(error.message),
    );
  });
}

Deno.test("pem: what is written is read back, and damage is a SyntaxError or another block, never anything else", () => {
  const next = random(4);
  for (let i = 0; i < 3000; i++) {
    const bytes = bytesFrom(next, below(next, 200));
    const headers = new Map(i % 2 ? [["role", "targets"], ["gun", "r.test/a"]] : []);
    const pem = formatPem("ENCRYPTED PRIVATE KEY", bytes, headers);
    assert.deepEqual(parsePem(pem), [{ label: "ENCRYPTED PRIVATE KEY", headers, bytes }]);
    try {
      parsePem(new TextDecoder().decode(damaged(next, utf8(pem))));
    } catch (error) {
      assert.ok(error instanceof SyntaxError, String(error));
    }
  }
});

Deno.test("pem: hostile text is read in linear time", () => {
  const start = performance.now();
  for (const line of ["-----BEGIN A-----\n", "x-----BEGIN A-----\n", "-----BEGIN A-----\nx\n", "-----", "\n"]) {
    assert.deepEqual(parsePem(line.repeat(100_000)), []);
  }
  assert.ok(performance.now() - start < 2000, "quadratic search takes minutes");
});
