/** `deno task test` runs every test file, and none twice. */
import assert from "node:assert/strict";
import { shares } from "./together.ts";

Deno.test("tests run together: each file in one share, those with real servers first", () => {
  const room = (name: string, count: number) => Array.from({ length: count }, (_, i) => `${name}/${i}_test.ts`);
  const files = ["architecture_test.ts", ...room("bytes", 40), ...room("peers", 9), ...room("tasks", 8)];
  const dealt = shares(files);
  assert.deepEqual(dealt.flat().toSorted(), files.toSorted());
  assert.deepEqual(dealt.map((share) => share.length), [3, 3, 3, 8, 14, 14, 13]);
  assert.deepEqual(dealt.slice(0, 4).map(([path]) => path!.split("/")[0]), ["peers", "peers", "peers", "tasks"]);
});
