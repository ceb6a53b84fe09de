/**
 * Time that does not have to be waited for: while everybody waits for the clock alone, it jumps to the next moment at which
 * something is due. Timers, `performance.now` and {@linkcode JumpingTime.date} go by it; sockets know nothing of it.
 *
 * @module
 */

interface Timer {
  readonly due: number;
  readonly run: () => void;
}

const TICK_MS = 4;
/** So many quiet looks in a row mean that nothing is under way but waiting. */
const QUIET = 3;
/** The platform's own timers have small numbers. */
const FIRST_ID = 1_000_000_000;

/** Takes the place of this isolate's clock and timers until it is disposed of. */
export class JumpingTime implements Disposable {
  readonly #real = {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    setInterval: globalThis.setInterval,
    clearInterval: globalThis.clearInterval,
    now: performance.now,
    timeout: AbortSignal.timeout,
  };
  readonly #timers = new Map<number, Timer>();
  /** What the time of day is when `now` is 0. */
  readonly #epoch = Date.now() - performance.now();
  #ahead = 0;
  #next = FIRST_ID;
  #pump: ReturnType<typeof setInterval> | undefined;
  #quiet = 0;
  #looked = 0;

  /** `mayJump` says whether nobody is at work: what is under way on the network counts, too. */
  constructor(readonly mayJump: () => boolean) {
    performance.now = () => this.now();
    globalThis.setTimeout = ((run: (...args: unknown[]) => void, ms = 0, ...args: unknown[]) => {
      if (ms < 1) return this.#real.setTimeout(run, ms, ...args);
      const id = this.#next++;
      this.#timers.set(id, { due: this.now() + ms, run: () => run(...args) });
      this.#begin();
      return id;
    }) as typeof setTimeout;
    AbortSignal.timeout = (ms) => this.#signalAfter(ms);
    globalThis.clearTimeout = (id) => {
      if (!this.#timers.delete(Number(id))) this.#real.clearTimeout(id);
    };
  }

  /** Milliseconds since some moment. */
  now(): number {
    return this.#real.now.call(performance) + this.#ahead;
  }

  /** The time of day. */
  readonly date = (): Date => new Date(this.#epoch + this.now());

  /** A timer that nobody listens to any more is none. */
  #signalAfter(ms: number): AbortSignal {
    const controller = new AbortController();
    const { signal } = controller;
    const id = setTimeout(() => controller.abort(new DOMException("Signal timed out.", "TimeoutError")), ms);
    const remove = signal.removeEventListener.bind(signal);
    signal.removeEventListener = (...listener: Parameters<typeof remove>) => {
      clearTimeout(id);
      remove(...listener);
    };
    return signal;
  }

  #begin(): void {
    if (this.#pump !== undefined) return;
    this.#quiet = 0;
    this.#looked = this.now();
    this.#pump = this.#real.setInterval(() => this.#look(), TICK_MS);
  }

  #look(): void {
    const isLate = this.now() - this.#looked > 2 * TICK_MS; // somebody was at work in this very thread
    this.#looked = this.now();
    this.#quiet = isLate || !this.mayJump() ? 0 : this.#quiet + 1;
    if (this.#quiet >= QUIET) {
      const next = Math.min(...[...this.#timers.values()].map(({ due }) => due));
      if (Number.isFinite(next)) this.#ahead += Math.max(0, next - this.now());
      this.#quiet = 0;
      this.#looked = this.now();
    }
    for (const [id, { due, run }] of [...this.#timers]) {
      if (due <= this.now() && this.#timers.delete(id)) run();
    }
    if (this.#timers.size === 0) this.#stop();
  }

  #stop(): void {
    this.#real.clearInterval(this.#pump);
    this.#pump = undefined;
  }

  /** Gives the clock and the timers back. */
  [Symbol.dispose](): void {
    this.#stop();
    globalThis.setTimeout = this.#real.setTimeout;
    globalThis.clearTimeout = this.#real.clearTimeout;
    performance.now = this.#real.now;
    AbortSignal.timeout = this.#real.timeout;
  }
}
