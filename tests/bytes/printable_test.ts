import assert from "node:assert/strict";
import { jsonLine, printable, sentence, shown, word } from "../../lib/bytes/printable.ts";

/** What could steer a terminal, is not seen, or is seen as something else. */
const UNSEEN = [
  ..."\u0000\u0007\b\t\n\v\f\r\u001b\u007f\u0085\u009b\u00a0\u00ad\u034f\u061c\u115f\u1160\u17b4\u180e\u2000\u200b\u200d",
  ..."\u200f\u2028\u2029\u202e\u2060\u2062\u2069\u2800\u3000\u3164\ufe0f\ufeff\uffa0\ufff9\ue000",
  ...["\u{1d159}", "\u{1d173}", "\u{e0041}", "\u{e0100}", "\u{10ffff}", "\ud800"],
];

Deno.test("printable: what cannot be seen is shown as JSON writes it, letters of the world stay", () => {
  for (const char of UNSEEN) {
    const line = printable(`a${char}b`);
    assert.match(line, /^a(\\u[0-9a-f]{4})+b$/, JSON.stringify(char));
    assert.equal(JSON.parse(`"${line}"`), `a${char}b`);
    assert.equal(printable(line), line);
  }
  assert.equal(printable("Grüße, 日本語 … ✔"), "Grüße, 日本語 … ✔");
});

Deno.test("printable: no marks of CI commands are left, whatever stands between them", () => {
  const rows: [line: string, want: string][] = [
    ["##vso[task.x]", "\\u0023#vso[task.x]"],
    ["a ##[group]", "a \\u0023#[group]"],
    ["###[x]", "\\u0023\\u0023#[x]"],
    ["#\u00ad#vso[x]", "\\u0023\\u00ad#vso[x]"],
    ["#ä#[x]", "\\u0023ä#[x]"],
    ["# a #1 C#", "# a #1 C#"],
    ["::error::x", "\\u003a:error::x"],
    ["   ::error::x", "   \\u003a:error::x"],
    ["\u3000::error::x", "\\u3000::error::x"],
    ["a ::error::x [::1]", "a ::error::x [::1]"],
  ];
  for (const [line, want] of rows) assert.equal(printable(line), want);
});

Deno.test("jsonLine: ASCII that means the same, without marks", () => {
  const value = { [`##vso[k]${UNSEEN.join("")}`]: ["##[x]", "#ä#", "Grüße \\u0023 \u{1f600}", 1.5, null] };
  const line = jsonLine(JSON.stringify(value));
  assert.match(line, /^[ -~]+$/);
  assert.doesNotMatch(line, /##/);
  assert.deepEqual(JSON.parse(line), value);
});

Deno.test("shown: a foreign name is short, on one line, and cannot leave its quotes", () => {
  const rows: [name: string, max: number | undefined, want: string][] = [
    ["", undefined, ""],
    ["team/app:v1 ~!", undefined, "team/app:v1 ~!"],
    ['a"b\\', undefined, 'a\\"b\\\\'],
    ["a\u001b[2J\r\n\u0000b", undefined, "a\\u001b[2J\\u000d\\u000a\\u0000b"],
    ["ä\u202e\u{1f600}", undefined, "\\u00e4\\u202e\\ud83d\\ude00"],
    ["x".repeat(100), undefined, "x".repeat(100)],
    ["x".repeat(101), undefined, `${"x".repeat(100)}…`],
    ["x".repeat(1_000_000), 3, "xxx…"],
  ];
  for (const [name, max, want] of rows) assert.equal(shown(name, max), want);
});

Deno.test("word: names that could be read as something else stand in quotes, and never look alike", () => {
  for (const name of ["v1", "1.2-rc_3", "registry.example.com:5000/team/app", "targets/releases", "_"]) {
    assert.equal(word(name), name);
  }
  const odd = [
    "",
    "::error::x",
    "##[x]",
    "-f",
    ".",
    "a b",
    'v1"',
    "v\u200b1",
    "v1\u00ad",
    "v\\u200b1",
    '"v1"',
    "#",
    "ａ",
  ];
  for (const name of odd) {
    assert.match(word(name), /^"[ -~]*"$/);
    assert.equal(JSON.parse(word(name)), name);
  }
  assert.equal(new Set(odd.map(word)).size, odd.length);
});

Deno.test("sentence: a stranger's words are one short line without a half word at its end", () => {
  const rows: [words: unknown, max: number, want: string][] = [
    [undefined, 300, ""],
    [17, 300, "17"],
    [" Too\r\n\u001b\u200bmany\t requests. ", 300, "Too many requests"],
    ["Grüße aus 東京", 300, "Grüße aus 東京"],
    ["The token abcdefghijkl is bad", 20, "The token…"],
    ["The token abcdefghi", 19, "The token abcdefghi"],
    ["x".repeat(301), 300, "…"],
    ["東".repeat(301), 300, `${"東".repeat(299)}…`],
    [" ".repeat(1_000_000) + "secret", 300, "…"],
  ];
  for (const [words, max, want] of rows) assert.equal(sentence(words, max), want);
});
