/** Reproducible randomness for property tests. @module */

import { concat } from "../../lib/bytes/bytes.ts";

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export type Random = () => number;

/** A generator. */
export function random(seed: number): Random {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** An integer from 0 up to, not including, `end`. */
export function below(next: Random, end: number): number {
  return Math.floor(next() * end);
}

/** So many bytes. */
export function bytesFrom(next: Random, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => below(next, 256));
}

/** One of `choices`. */
export function pick<T>(next: Random, choices: readonly T[]): T {
  return choices[below(next, choices.length)]!;
}

/** A copy of `bytes`, damaged once: a bit flipped, a byte set, taken out, doubled, or the end cut off. */
export function damaged(next: Random, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const at = below(next, bytes.length);
  const out = bytes.slice() as Uint8Array<ArrayBuffer>;
  switch (below(next, 5)) {
    case 0:
      out[at]! ^= 1 << below(next, 8);
      return out;
    case 1:
      out[at] = below(next, 256);
      return out;
    case 2:
      return concat(out.subarray(0, at), out.subarray(at + 1));
    case 3:
      return concat(out.subarray(0, at + 1), out.subarray(at));
    default:
      return out.slice(0, at);
  }
}
