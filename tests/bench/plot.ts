/** Growth in plain text: how fast something grows, and a plot of it. @module */

/** A measured value at a size. */
export interface Point {
  /** How large the work was. */
  readonly size: number;
  /** What it took. */
  readonly value: number;
}

/**
 * The exponent of growth: the steepest slope of the log-log line between neighbours, 1 where twice the work takes twice as
 * much. Points are in the order of their sizes, two at least.
 */
export function exponent(points: readonly Point[]): number {
  const slopes = points.slice(1).map(({ size, value }, i) => {
    const before = points[i]!;
    return Math.log(value / before.value) / Math.log(size / before.size);
  });
  return Math.max(...slopes);
}

const HEIGHT = 7;
const AXIS = 9;

/**
 * Plots values over sizes, both logarithmic: `●` is a value, `·` what linear growth from the first one would come to. As
 * many lines each time, none longer than `width`.
 */
export function plot(title: string, points: readonly Point[], width: number): string[] {
  const columns = width - AXIS - 1;
  const [first, last] = [points[0]!, points.at(-1)!];
  const linear = (size: number) => first.value * size / first.size;
  const values = [...points.map(({ value }) => value), linear(last.size)];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const share = (value: number, from: number, to: number) =>
    to > from ? Math.log(value / from) / Math.log(to / from) : 0;
  const column = (size: number) => Math.round(share(size, first.size, last.size) * (columns - 1));
  const row = (value: number) => Math.round(share(value, low, high) * (HEIGHT - 1));
  const grid = Array.from({ length: HEIGHT }, () => Array.from({ length: columns }, () => " "));
  for (let i = 0; i < columns; i += 2) {
    const size = first.size * (last.size / first.size) ** (i / (columns - 1));
    grid[row(linear(size))]![i] = "·";
  }
  for (const { size, value } of points) grid[row(value)]![column(size)] = "●";
  const lines = grid.map((cells, i) => {
    const label = i === 0 ? short(low) : i === HEIGHT - 1 ? short(high) : "";
    return `${label.padStart(AXIS - 2)} │${cells.join("")}`.trimEnd();
  }).reverse();
  const end = short(last.size);
  const axis = `${" ".repeat(AXIS)}${short(first.size)}${end.padStart(columns - short(first.size).length)}`;
  return [title.slice(0, width), ...lines, `${" ".repeat(AXIS - 1)}└${"─".repeat(columns)}`, axis];
}

/** Two plots beside each other. */
export function beside(left: readonly string[], right: readonly string[], width: number): string[] {
  return left.map((line, i) => `${line.padEnd(width)}${right[i] ?? ""}`.trimEnd());
}

/** A number in at most seven characters. */
export function short(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(1)}M`;
  if (value >= 100) return Math.round(value).toLocaleString("en-US");
  return value.toFixed(value >= 10 || Number.isInteger(value) ? 0 : 2);
}
