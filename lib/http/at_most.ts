/** Calls to one server: few at a time to begin with, more as it answers promptly. @module */

/** How many go on at a time. */
export interface Places {
  /** To begin with, and again where something was slow. */
  readonly first: number;
  /** At most: each that was prompt lets one more go on beside it. */
  readonly most: number;
}

/** So much longer than the fastest is slow, since what lies between is the way there and chance; so is this at any rate. */
const SLOW_TIMES = 3;
const MORE_MS = 100;
const SLOW_MS = 400;

/**
 * A gate for work with one server; whoever does not go on at once waits, first come, first served. What comes in a burst
 * makes a busy server slower than what comes bit by bit: notary-server opens a new connection to its database for all that
 * goes on beside two others. Where something fails nobody waits for room any more: it would be told late of the same.
 *
 * @param now milliseconds of a clock that only goes on
 * @see RFC 5681, section 3.1, for the same among packets: slow start
 */
export function atMost(
  { first, most }: Places,
  now: () => number = () => performance.now(),
): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let places = first;
  let underWay = 0;
  let fastestMs = Infinity;
  const letIn = () => {
    for (; underWay < places && waiting.length > 0; underWay++) waiting.shift()!();
  };
  return async (work) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.push(resolve);
    letIn();
    await promise;
    const started = now();
    try {
      const result = await work();
      const ms = now() - started;
      fastestMs = Math.min(fastestMs, ms);
      places = ms > Math.min(SLOW_TIMES * fastestMs + MORE_MS, SLOW_MS) ? first : Math.min(most, places + 1);
      return result;
    } catch (error) {
      places = most;
      throw error;
    } finally {
      underWay--;
      letIn();
    }
  };
}
