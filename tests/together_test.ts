/** `deno task test` runs every test file, and none twice. */
import assert from "node:assert/strict";
import { LONG, shares, testFiles, TESTS } from "./together.ts";

Deno.test("tests run together: each file in one module, those that take long first, none forgotten", () => {
  const files = testFiles(TESTS);
  const { first, measured } = shares(files);
  assert.deepEqual([...first, ...measured].flat().toSorted(), files.toSorted());
  assert.deepEqual(LONG.filter((path) => !files.includes(path)), [], "which no longer exist");
  const { length } = first.filter((module) => LONG.includes(module[0]!));
  assert.deepEqual(first.slice(0, length).map(([path]) => path), LONG.slice(0, length));
  assert.ok(measured.flat().every((path) => !path.startsWith("peers/")));
});
