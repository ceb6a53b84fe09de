/** The only way out: harmless, without secrets, as wide as a terminal, and never an exception. */
import assert from "node:assert/strict";
import { createOutput } from "../../lib/cli/output.ts";

function outputOf(columns?: number, out: (text: string) => void = () => {}) {
  const written: string[] = [];
  const output = createOutput({
    out(text) {
      out(text);
      written.push(`1:${text}`);
    },
    err: (text) => void written.push(`2:${text}`),
    columns: () => columns,
  });
  return { output, written };
}

Deno.test("output: results, documents and words are harmless and without secrets", () => {
  const { output, written } = outputOf();
  output.hide("a secret that is long");
  output.result(["::error::x", "##vso[x] a secret that is long", "v1\u200b"]);
  output.document({ "##[a]": "a secret that is long \u001b" });
  output.say("::error::##[x]\r\na secret that is long");
  output.result([]);
  assert.deepEqual(written, [
    "1:\\u003a:error::x\n\\u0023#vso[x] ***\nv1\\u200b\n",
    '1:{"schemaVersion":1,"\\u0023#[a]":"*** \\u001b"}\n',
    "2:\\u003a:error::\\u0023#[x]\\u000d\\u000a***\n",
  ]);
});

Deno.test("output: stdout that fails is remembered, and the rest of the command is not disturbed", () => {
  const { output, written } = outputOf(undefined, () => {
    throw new Deno.errors.NotFound("No space left on device");
  });
  assert.equal(output.lost(), undefined);
  output.result(["v1"]);
  output.document({});
  output.say("on");
  assert.equal(output.lost(), "No space left on device");
  assert.deepEqual(written, ["2:v1\n", '2:{"schemaVersion":1}\n', "2:on\n"]);
});

Deno.test("output: on a terminal words are broken between words, results and what is set already are not", () => {
  const { output, written } = outputOf(40);
  const long = "tagseal: error: The registry at the end of the world does not answer";
  output.say(long);
  output.say(`  ${long}`);
  output.result([long]);
  output.say(
    "tagseal: next: Do not submit again, go on with: tagseal download 0123 --api-url https://signpath.example, then look",
  );
  output.say(`x ${"y".repeat(50)} z`);
  output.say("It says one two three four five six :::: ::error::now");
  assert.deepEqual(written, [
    "2:tagseal: error: The registry at the end\n  of the world does not answer\n",
    `2:  ${long}\n`,
    `1:${long}\n`,
    "2:tagseal: next: Do not submit again, go\n  on with:\n" +
    "  tagseal download 0123 --api-url https://signpath.example,\n  then look\n",
    `2:x\n  ${"y".repeat(50)}\n  z\n`,
    "2:It says one two three four five six\n  \\u003a::: ::error::now\n",
  ]);
  for (const line of written[0]!.slice(2).split("\n")) assert.ok(line.length < 40);
  assert.equal(
    output.question('PIN of the token "\u001b[2J##[x]" of a long name here:'),
    'PIN of the token\n  "\\u001b[2J\\u0023#[x]"\n  of a long name here:',
  );
  const piped = outputOf(undefined);
  piped.output.say(long);
  assert.deepEqual(piped.written, [`2:${long}\n`]);
});
