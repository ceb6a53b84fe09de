/** Calls to one server: few at a time to begin with, more as it answers promptly. @module */

/** How many go on at a time. */
export interface Places {
  /** To begin with, and again after an answer that was slow. */
  readonly first: number;
  /** At most: each answer that was prompt lets one more go on. */
  readonly most: number;
}

/** What came of a call: what was asked for, something else such as a refusal, or nothing, as the server is out of order. */
export type Outcome = "served" | "other" | "failed";

/** An answer is slow that took longer than three times the fastest one and so many milliseconds, or than a second. */
const MORE_MS = 100;
const SLOW_MS = 1000;

function isSlow(ms: number, fastestMs: number): boolean {
  return ms > Math.min(3 * fastestMs + MORE_MS, SLOW_MS);
}

/**
 * A gate for calls to one server; whoever does not go on at once waits, first come, first served. What comes in a burst
 * makes a busy server slower than what comes bit by bit: notary-server opens a new connection to its database for all that
 * goes on beside two others. Where a call fails nobody waits for room any more: the same would be told, only later.
 *
 * @param now milliseconds of a clock that only goes on
 * @see RFC 5681, section 3.1, for the same among packets: slow start
 */
export function atMost<T>(
  { first, most }: Places,
  outcomeOf: (result: T) => Outcome,
  now: () => number = () => performance.now(),
): (work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let places = first;
  let underWay = 0;
  let fastestMs = Infinity;
  const letIn = () => {
    for (; underWay < places && waiting.length > 0; underWay++) waiting.shift()!();
  };
  const learn = (outcome: Outcome, ms: number) => {
    if (outcome === "failed") places = most;
    if (outcome !== "served") return;
    fastestMs = Math.min(fastestMs, ms);
    places = isSlow(ms, fastestMs) ? first : Math.min(most, places + 1);
  };
  return async (work) => {
    // A call for which there is room goes out at once, in this very moment.
    if (underWay < places) underWay++;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    const started = now();
    let outcome: Outcome = "failed";
    try {
      const result = await work();
      outcome = outcomeOf(result);
      return result;
    } finally {
      learn(outcome, now() - started);
      underWay--;
      letIn();
    }
  };
}
