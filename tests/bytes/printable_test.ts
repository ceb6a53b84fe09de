import assert from "node:assert/strict";
import { shown } from "../../lib/bytes/printable.ts";

Deno.test("shown: a foreign name is short, on one line, and cannot leave its quotes", () => {
  const rows: [name: string, max: number | undefined, want: string][] = [
    ["", undefined, ""],
    ["team/app:v1 ~!", undefined, "team/app:v1 ~!"],
    ['a"b', undefined, "a?b"],
    ["a\u001b[2J\r\n\t\u0000\u007fb", undefined, "a?[2J?????b"],
    ["ä\u202e\u2028\u{1f600}", undefined, "?????"],
    ["x".repeat(100), undefined, "x".repeat(100)],
    ["x".repeat(101), undefined, `${"x".repeat(100)}…`],
    ["x".repeat(1_000_000), 3, "xxx…"],
  ];
  for (const [name, max, want] of rows) assert.equal(shown(name, max), want);
});
