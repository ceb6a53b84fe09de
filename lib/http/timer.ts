/**
 * A timer that costs nothing to begin with: the runtime's `setTimeout` is Node's, whose first call loads what Node's timers
 * are made of. Most commands set their first timer just before their first request.
 *
 * @module
 */

/** Calls `act` after so many milliseconds, unless what is returned is called before. */
export function after(ms: number, act: () => void): () => void {
  const timer = AbortSignal.timeout(Math.max(0, Math.ceil(ms)));
  timer.addEventListener("abort", act);
  return () => timer.removeEventListener("abort", act); // without a listener it keeps no process from ending
}
