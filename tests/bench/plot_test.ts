/** The growth that the benchmark prints. */
import assert from "node:assert/strict";
import { beside, exponent, plot, short } from "./plot.ts";

const points = (...values: readonly number[]) => values.map((value, i) => ({ size: 10 ** (i + 1), value }));

Deno.test("growth is the steepest slope between neighbours", () => {
  assert.equal(exponent(points(5, 5, 5)), 0);
  assert.ok(Math.abs(exponent(points(1, 10, 100)) - 1) < 1e-9);
  assert.ok(Math.abs(exponent(points(1, 1, 100)) - 2) < 1e-9, "however flat the first part is");
});

Deno.test("a plot shows values beside linear growth, within its width", () => {
  const lines = plot("CPU s over tags", points(0.2, 0.3, 1.5), 39);
  assert.ok(lines.every((line) => line.length <= 39), lines.join("\n"));
  assert.equal(lines[0], "CPU s over tags");
  assert.match(lines[1]!, /^ {5}20 │ +· ·$/); // linear: a hundred times 0.2
  assert.equal(lines.join("").split("●").length - 1, 3);
  assert.match(lines.at(-1)!, /^ +10 +1,000$/);
  const both = beside(lines, lines, 40);
  assert.ok(both.every((line) => line.length <= 80) && both.length === lines.length);
  assert.deepEqual([0.123, 12.3, 12345, 2_345_678].map(short), ["0.12", "12", "12,345", "2.3M"]);
});
