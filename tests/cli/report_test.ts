/** From failures to exit codes and to what is printed. */
import assert from "node:assert/strict";
import { exitCodeOf } from "../../lib/cli/exit_codes.ts";
import { errorJson, errorLines } from "../../lib/cli/report.ts";
import { messageOf, TagsealError, type TagsealErrorCode } from "../../lib/errors.ts";

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
  const [details, call] = [{ tags: ["a"] }, { url: "u", sent: false }];
  const error = new TagsealError("stale", "Moved", { remedy: "Again", details, call, cause: new Error("inner") });
  assert.deepEqual(errorJson(error), {
    error: { code: "stale", message: "Moved", remedy: "Again", details: { url: "u", tags: ["a"] } },
  });
  assert.equal(errorJson("thrown text").error["message"], "Something unexpected happened: thrown text");
});

Deno.test("a failure is said with its next move; with its causes each on lines of its own", () => {
  const cause = new Error("inner\n::set-env name=x::1");
  cause.cause = cause;
  const error = new TagsealError("not-found", "No tag", { remedy: "Do this", cause });
  const short = ["tagseal: error: No tag", "tagseal: next: Do this"];
  assert.deepEqual(errorLines(error, false), short);
  const [first, second, ...lines] = errorLines(error, true);
  assert.deepEqual([first, second], short);
  assert.equal(lines[0], "  | TagsealError: No tag");
  assert.ok(lines.includes("  | ::set-env name=x::1"));
  for (const line of lines) assert.match(line, /^ {2}\| /);
  assert.ok(lines.length < 500, "a ring of causes ends");
});

Deno.test("the runtime's advice to allow all is nobody's next move", () => {
  const denied = new Error('Requires all access to "/proc/x", run again with the --allow-all flag');
  assert.equal(errorJson(denied).error["message"], 'Something unexpected happened: Requires all access to "/proc/x"');
  const text = errorLines(denied, true).join("\n");
  assert.match(text, /\| .*Requires all access to "\/proc\/x"\n/);
  assert.doesNotMatch(text, /--allow/);
  const compiled = "No access, specify the required permissions during compilation using `deno compile --allow-all`";
  assert.equal(messageOf(new Error(compiled)), "No access");
});
