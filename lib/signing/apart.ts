/** How long whoever was overtaken waits before it begins anew, so that not all begin anew together. @module */
import { randomPartOf } from "../http/jitter.ts";
import type { PayloadSigner } from "./payload_signer.ts";

/** Within so many milliseconds those whom a service signs for begin anew: approvals may take days. */
const SERVICE_MS = 120_000;
/**
 * The same with keys at hand, more with each attempt, up to a bound: many agents that share a machine need seconds to let
 * one another pass, and most others do not.
 */
const MORE_MS = 5_000;
const KEYS_MS = 30_000;
/** Agents that sign in several repositories meet in each of them: they keep so much farther apart. */
const BROAD = 2;
/** What took so many times as long as the attempt before was held up by a server that failed, not by others. */
const HELD_UP = 3;

/**
 * Returns what draws a pause, in milliseconds, from the time in which others could be faster, attempt by attempt.
 *
 * @param isBroad whether repositories are signed beside one another, each by itself
 */
export function pauses(
  { holder, spread }: Pick<PayloadSigner, "holder" | "spread">,
  isBroad: boolean,
): (windowMs: number) => number {
  let longestMs = 0;
  let previousMs = Infinity;
  return (windowMs) => {
    if (holder.kind === "service") return randomPartOf(Math.min(windowMs * spread, SERVICE_MS));
    const usualMs = Math.min(windowMs, HELD_UP * previousMs);
    previousMs = windowMs;
    longestMs = Math.min(longestMs + MORE_MS, KEYS_MS);
    return randomPartOf(Math.min(usualMs * spread * (isBroad ? BROAD : 1), longestMs));
  };
}
