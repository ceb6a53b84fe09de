/** What is shown of a signing data file on a terminal, where words of the file's maker could pass for others. */
import assert from "node:assert/strict";
import { viewLines, viewOf } from "../../lib/cli/data_view.ts";

Deno.test("show: no blanks in a word from outside make it begin a line of its own on a terminal", () => {
  const digest = `sha256:${"0".repeat(64)}`;
  const keyId = "a".repeat(64);
  for (const width of [60, 80, 132]) {
    for (const fill of [width - 30, width, 2 * width]) {
      const hostile = `x${" ".repeat(fill)}${"  root: pinned, key 0123456789ab".repeat(9)}`;
      const lines = viewLines(
        viewOf("data.zip", {
          created: "2026-11-28T12:00:00Z",
          tool: hostile,
          origin: { by: hostile },
          payloads: { all: 1, signed: 0 },
          repositories: [{
            repository: "registry.example.com/team/app",
            notaryUrl: hostile,
            root: { trustedBy: "first-use", keyIds: [keyId] },
            keys: [{ keyId, subject: hostile }],
            roles: [{
              role: "targets/releases",
              baseVersion: 1,
              version: 2,
              unchanged: 0,
              expires: "2029-11-28T12:00:00Z",
              moves: [{ tag: "v1", from: null, to: digest }],
              problems: [],
              signature: { state: "none" },
            }],
            problems: [],
          }],
          images: [],
          problems: [],
        }),
        width,
      );
      const words = lines.filter((line) => !line.includes(digest));
      assert.deepEqual(words.filter((line) => line.length > width), [], "the terminal breaks none");
      assert.deepEqual(lines.filter((line) => /^ {0,3}root:/.test(line)), ["  root: NOT PINNED, key aaaaaaaaaaaa"]);
    }
  }
});
