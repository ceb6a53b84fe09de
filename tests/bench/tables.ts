/** The tables of the report. @module */
import { type Contender, counted, ratio, type Sample, wall } from "./measure.ts";
import { say } from "./workshop.ts";

/** The head of the table that {@linkcode sayRows} fills. */
export const PLAIN_HEAD: readonly string[] = [
  "| work | tool | wall s: median (min–max) | ratio | target | peak MB |",
  "|---|---|---|---|---|---|",
];

/** One row for each contender, its ratio to the first of them; the last one's shall be at most `target`. */
export function sayRows(
  title: string,
  contenders: readonly Contender[],
  samples: readonly Sample[][],
  target?: number,
): void {
  for (const [i, { name }] of contenders.entries()) {
    const own = samples[i]!;
    const times = ratio(own, samples[0]!);
    const aim = i === contenders.length - 1 ? aimOf(times, target) : "";
    say(`| ${title} | ${name} | ${wall(own)} | ×${times.toFixed(2)} | ${aim} | ${counted(own, "peakMb")} |`);
  }
}

function aimOf(times: number, target: number | undefined): string {
  return target === undefined ? "" : `≤ ${target}${times <= target ? "" : " missed"}`;
}

/** The head of the table that {@linkcode saySigning} fills. */
export const SIGNING_HEAD: readonly string[] = [
  "| work | tool | wall s: median (min–max) | ratio | target | round trips | requests | posts | connections | peak MB |",
  "|---|---|---|---|---|---|---|---|---|---|",
];

/** A row of the table of signing. */
export interface SigningRow {
  /** What was done. */
  readonly title: string;
  /** By whom. */
  readonly name: string;
  /** Its runs. */
  readonly own: readonly Sample[];
  /** Its time, as a multiple of the first tool's. */
  readonly ratio: number;
  /** What that shall be at most. */
  readonly target?: number | undefined;
  /** What its memory shall be at most, in MB. */
  readonly peakMb?: number | undefined;
  /** Sequential round trips. */
  readonly roundTrips?: number | undefined;
}

/** One row. */
export function saySigning({ title, name, own, ratio, target, peakMb, roundTrips }: SigningRow): void {
  const memory = counted(own, "peakMb");
  const cells = [
    title,
    name,
    wall(own),
    `×${ratio.toFixed(ratio < 0.1 ? 3 : 2)}`,
    aimOf(ratio, target),
    roundTrips === undefined ? "–" : `${Math.round(roundTrips)}`,
    counted(own, "requests"),
    counted(own, "posts"),
    counted(own, "connections"),
    peakMb === undefined ? memory : `${memory} (≤ ${peakMb}${Number(memory) > peakMb ? ", missed" : ""})`,
  ];
  say(`| ${cells.join(" | ")} |`);
}

/**
 * How many round trips follow one another, from the same work at two round-trip times. The fastest runs tell: whatever
 * else a machine does can only make runs longer.
 */
export function roundTrips(near: readonly Sample[], far: readonly Sample[], moreMs: number): number {
  const [fastNear, fastFar] = [near, far].map((samples) => Math.min(...samples.map(({ seconds }) => seconds * 1000)));
  return (fastFar! - fastNear!) / moreMs;
}
