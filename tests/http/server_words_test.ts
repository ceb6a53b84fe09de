/** What a server says of a refusal, and when it may be asked again. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { inItsWords, retryAfterWords, serverWords } from "../../lib/http/server_words.ts";

const read = (body: unknown) => serverWords(utf8(JSON.stringify(body)));

Deno.test("a refusal's code is the registry's or OAuth2's, and its words are the first that say something", () => {
  assert.deepEqual(read({ errors: [{ code: "DENIED", message: "not you", detail: 7 }] }), {
    code: "DENIED",
    words: "not you",
    detail: 7,
  });
  assert.deepEqual(read({ error: "invalid_grant" }), {
    code: "invalid_grant",
    words: "invalid_grant",
    detail: undefined,
  });
  assert.deepEqual(read({ error: "invalid_grant", error_description: " \n" }).words, "invalid_grant");
  assert.deepEqual(read({ error: 7, details: "in detail", message: "in short" }).words, "in detail");
  assert.deepEqual(read({ error: 7, message: 'no "user"' }).words, "no 'user'");
  for (const nothing of [{}, [], 7, null, { errors: {} }, { error: " " }, { error: { code: "x" } }, { error: 7 }]) {
    assert.deepEqual(read(nothing), { code: "", words: undefined, detail: undefined }, JSON.stringify(nothing));
  }
  assert.equal(inItsWords(utf8('{"error":"Unauthorized"}')), "");
  for (const words of ["Unauthorized here", "Still unauthorized"]) {
    assert.equal(inItsWords(utf8(JSON.stringify({ error: words }))), `: "${words}"`);
  }
});

Deno.test("when a server may be asked again is said in the unit that people count in", () => {
  const rows: [value: string, words: string][] = [
    ["", ""],
    ["0", "in 0 s"],
    ["119", "in 119 s"],
    ["120", "in 2 min"],
    ["121", "in 3 min"],
    ["7199", "in 120 min"],
    ["7200", "in 2 h"],
    ["7201", "in 3 h"],
    ["x7", 'after "x7"'],
    ["7x", 'after "7x"'],
  ];
  for (const [value, words] of rows) {
    const told = words && `; it may be asked again ${words}`;
    assert.equal(retryAfterWords(new Headers({ "retry-after": value })), told, value);
  }
  assert.equal(retryAfterWords(new Headers()), "");
});
