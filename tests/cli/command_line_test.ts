/** Command lines that are printed are those that a shell understands. */
import assert from "node:assert/strict";
import { shellWord } from "../../lib/cli/command_line.ts";

Deno.test("command lines: words that a shell would read otherwise stand in its quotes", () => {
  const rows: [word: string, sh: string, powershell: string][] = [
    ["v1", "v1", "v1"],
    ["registry:5000/team/app", "registry:5000/team/app", "registry:5000/team/app"],
    ["v1,v2", "v1,v2", "'v1,v2'"],
    ["app@sha256:0", "app@sha256:0", "'app@sha256:0'"],
    ["C:\\keys\\a.pem", "'C:\\keys\\a.pem'", "C:\\keys\\a.pem"],
    ["it's", "'it'\\''s'", "'it''s'"],
    ["\u2018typographic\u2019", "'\u2018typographic\u2019'", "'\u2018\u2018typographic\u2019\u2019'"],
    ["$(id)", "'$(id)'", "'$(id)'"],
    ["", "''", "''"],
  ];
  for (const [word, sh, powershell] of rows) {
    assert.equal(shellWord(word, "sh"), sh);
    assert.equal(shellWord(word, "powershell"), powershell);
  }
});

Deno.test({
  name: "command lines: sh reads each word as it was",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const words = ["it's", "a b", "$HOME `id` \\", "\u2018x\u2019", "*", "!x", ""];
    const line = words.map((word) => shellWord(word, "sh")).join(" ");
    const { stdout } = await new Deno.Command("sh", { args: ["-c", `printf '%s\\n' ${line}`] }).output();
    assert.deepEqual(new TextDecoder().decode(stdout).split("\n").slice(0, -1), words);
  },
});
