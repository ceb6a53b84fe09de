/** Secrets of a run: out of words in any form, out of results where nothing is equal by chance. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { TagsealError } from "../../lib/errors.ts";
import { createRedactor } from "../../lib/bytes/redaction.ts";

const LONG = "s3cret/token+of=some length";
const SHORT = "s3cret";
const base64 = (text: string) => utf8(text).toBase64();

function hiding(...secrets: string[]) {
  const redactor = createRedactor();
  secrets.forEach(redactor.hide);
  return redactor;
}

Deno.test("redaction: a long secret is nowhere, plain, in an address, or in base64 at any place", () => {
  const { words, result, json } = hiding(LONG);
  const forms = [LONG, encodeURIComponent(LONG), base64(LONG), base64(`u:${LONG}`), base64(`us:${LONG}`)];
  const around = [
    ...forms,
    base64(`user:${LONG} and more`),
    base64(`x${LONG}`).replaceAll("+", "-").replaceAll("/", "_"),
  ];
  for (const form of around) {
    for (const text of [words(`a ${form} b`), result(`a ${form} b`), json({ a: [`x${form}`] })]) {
      assert.match(text, /\*\*\*/, form);
      for (const part of [LONG, encodeURIComponent(LONG), base64(LONG).slice(4, 20)]) {
        assert.ok(!text.includes(part), text);
      }
    }
  }
  assert.equal(words(`Bearer ${LONG}, ${LONG}`), "Bearer ***, ***");
});

Deno.test("redaction: a short secret is taken out of words by itself alone, never out of results", () => {
  const { words, result, json } = hiding(SHORT, "1234", "error");
  assert.equal(words("password s3cret, pin 1234"), "password ***, pin ***");
  assert.equal(words("v1 sha256:ab1234cd s3crets"), "v1 sha256:ab1234cd s3crets");
  assert.equal(words(`Basic ${base64("user:s3cret")}`), "Basic dXNlcjp***Q=");
  assert.equal(result("s3cret 1234"), "s3cret 1234");
  const failed = {
    error: { message: "pin 1234", remedy: "no s3cret", details: { said: "1234" } },
    length: 1234,
    tag: "1234",
  };
  assert.deepEqual(JSON.parse(json(failed)), {
    error: { message: "pin ***", remedy: "no ***", details: { said: "***" } },
    length: 1234,
    tag: "1234",
  });
});

Deno.test("redaction: the beginning of a secret that was cut is none of anybody's business either", () => {
  const { words } = hiding(LONG, SHORT);
  assert.equal(
    words(`realm "x ${LONG.slice(0, 20)}…", ${encodeURIComponent(LONG).slice(0, 15)}…`),
    'realm "x ***…", ***…',
  );
  assert.equal(words("s3cre… abc… …"), "***… abc… …");
  assert.equal(hiding('pass"word').words('realm "pass\\"word"'), 'realm "***"');
  const { result, json } = hiding(LONG, SHORT);
  assert.equal(result(`v1 https://x.example/${LONG.slice(0, 10)}…`), "v1 https://x.example/***…");
  assert.equal(json([`${encodeURIComponent(LONG).slice(0, 20)}…`]), '["***…"]');
  assert.equal(result("sha256:0123… s3cre… s3cret/…"), "sha256:0123… s3cre… s3cret/…", "it may be so by chance");
  const many = "…".repeat(1000);
  assert.equal(words(many), many);
});

Deno.test("redaction: as it stands in JSON, in pages, in forms and in hexadecimal", () => {
  const secret = 'it\'s "quoted" & <marked> as ü+1';
  const { words, result } = hiding(secret);
  const written = [
    "it's 'quoted' & <marked> as ü+1",
    'it\'s \\"quoted\\" & <marked> as ü+1',
    'it\'s \\"quoted\\" & <marked> as \\u00fc+1',
    'it\'s "quoted" &amp; &lt;marked&gt; as ü+1',
    "it's &quot;quoted&quot; &amp; &lt;marked&gt; as ü+1",
    "it&#39;s &#34;quoted&#34; &amp; &lt;marked&gt; as ü+1",
    "it&#39;s &#34;quoted&#34; &#38; &#60;marked&#62; as ü+1",
    "it%27s+%22quoted%22+%26+%3Cmarked%3E+as+%C3%BC%2B1",
    utf8(secret).toHex(),
    utf8(secret).toHex().toUpperCase(),
  ];
  for (const form of written) assert.deepEqual([words(`x ${form} y`), result(`x${form}y`)], ["x *** y", "x***y"], form);
});

Deno.test("redaction: a failure that repeats a secret keeps its class, its remedy and its facts", () => {
  const redactor = hiding(SHORT);
  const cause = new Error("why");
  const facts = { remedy: "Do it", reason: "scope", cause } as const;
  const said = new TagsealError("forbidden", "no s3cret", { ...facts, details: { realm: "a s3cret", scope: "x" } });
  const told = redactor.failure(said) as TagsealError;
  assert.deepEqual([told.code, told.message, told.remedy, told.reason], ["forbidden", "no ***", "Do it", "scope"]);
  assert.deepEqual(told.details, { realm: "a ***", scope: "x" });
  assert.equal(told.cause, cause, "not the one that repeats it");
  const clean = new TagsealError("forbidden", "no", facts);
  assert.equal(redactor.failure(clean), clean);
  assert.equal(redactor.failure(cause), cause);
});

Deno.test("redaction: JSON escapes of a secret do not keep it", () => {
  const secret = 'quote " and back\\slash ä';
  const { json } = hiding(secret);
  assert.deepEqual(JSON.parse(json({ [secret]: `x ${secret} y` })), { [secret]: "x *** y" });
});

Deno.test("redaction: too short to be taken out, and the longest first", () => {
  assert.equal(hiding("abc", "").words("abc"), "abc");
  assert.equal(
    hiding("a long secret value", "a long secret value and more").words("a long secret value and more"),
    "***",
  );
  assert.equal(hiding("(.*) [a-z]+ regexp").words("x (.*) [a-z]+ regexp x"), "x *** x");
});

Deno.test("redaction: a long secret as the host of an address is not shown in lower case either, a short one is a word", () => {
  const secret = "Token-Of-Sixteen.And-More";
  const { words, result } = hiding(secret, "Password");
  for (const text of [secret, utf8(secret).toBase64(), utf8(`Bearer ${secret}`).toBase64().replaceAll("=", "")]) {
    const { host } = new URL(`https://${text}`);
    assert.equal(host, text.toLowerCase());
    for (const told of [words(`it names ${host}`), result(`it names ${host}`)]) {
      assert.match(told, /^it names [a-z0-9]{0,12}\*\*\*[a-z0-9=]{0,4}$/);
    }
  }
  assert.equal(words("the password is Password"), "the password is ***");
});
