/** Work that goes on one at a time, each in its turn. @module */
import { after } from "../http/timer.ts";

/** Whoever has stood in line for so many milliseconds goes on: neither a long line nor one that hangs holds up for longer. */
const LONGEST_MS = 10_000;

/** A line in which everybody waits for whoever came before. */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /** Waits for one's turn; it lasts until what is returned is disposed of. */
  async next(longestMs: number = LONGEST_MS): Promise<Disposable> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    const waited = Promise.withResolvers<void>();
    const cancel = after(longestMs, waited.resolve);
    await Promise.race([before, waited.promise]);
    cancel();
    return { [Symbol.dispose]: resolve };
  }
}
