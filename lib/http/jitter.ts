/** Chance, where it keeps clients apart that would come back at the same moment. @module */

/** A time between 0 and `ms` milliseconds, drawn at random. */
export function randomPartOf(ms: number): number {
  return Math.random() * ms;
}
