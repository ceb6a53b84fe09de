/** From failures to exit codes and to what is printed. */
import assert from "node:assert/strict";
import { exitCodeOf } from "../../lib/cli/exit_codes.ts";
import { errorJson, errorLines, jsonLine, printable } from "../../lib/cli/report.ts";
import { TagsealError, type TagsealErrorCode } from "../../lib/errors.ts";

Deno.test("every class of failure has the exit code that cli.md gives it", () => {
  const codes: Record<TagsealErrorCode, number> = {
    "unexpected": 1,
    "usage": 2,
    "bad-input": 2,
    "not-found": 2,
    "trust-invalid": 3,
    "not-signed": 3,
    "unauthenticated": 4,
    "forbidden": 4,
    "unavailable": 5,
    "exists": 6,
    "stale": 6,
    "signing-request-failed": 7,
    "timed-out": 8,
    "interrupted": 130,
  };
  for (const [code, expected] of Object.entries(codes)) {
    assert.equal(exitCodeOf(new TagsealError(code as TagsealErrorCode, "M", { remedy: "R" })), expected, code);
  }
  for (const thrown of [new Error("x"), "x", undefined, null]) assert.equal(exitCodeOf(thrown), 1);
});

Deno.test("failures as JSON have four members, and no marks of our own", () => {
  const details = { url: "u", sent: false, skippable: true, tags: ["a"] };
  const error = new TagsealError("stale", "Moved", { remedy: "Again", details, cause: new Error("inner") });
  assert.deepEqual(errorJson(error), {
    error: { code: "stale", message: "Moved", remedy: "Again", details: { url: "u", tags: ["a"] } },
  });
  assert.equal(errorJson("thrown text").error["message"], "Something unexpected happened: thrown text");
});

Deno.test("nothing that steers a terminal is printed", () => {
  const bad = [
    "\u0000",
    "\u0007",
    "\b",
    "\t",
    "\n",
    "\r",
    "\u001b",
    "\u007f",
    "\u009b",
    "\u2028",
    "\u200f",
    "\u202e",
    "\u2069",
  ];
  for (const char of bad) {
    assert.equal(printable(`a${char}b`), "a?b", JSON.stringify(char));
    const json = jsonLine({ [`k${char}`]: [`a${char}b`] });
    assert.match(json, /^[\x20-\x7e]+$/);
    assert.deepEqual(JSON.parse(json), { [`k${char}`]: [`a${char}b`] });
  }
  assert.equal(printable("a\nb\rc", true), "a\nb?c");
  assert.equal(printable("Grüße, 日本語 …"), "Grüße, 日本語 …");
  const error = new TagsealError("not-found", "No \u001b[2Jtag", { remedy: "Do\r\nthis" });
  assert.deepEqual(errorLines(error, false), ["tagseal: error: No ?[2Jtag", "tagseal: next: Do??this"]);
});
