/** How reads of the Notary server and the registry are repeated: one rule for whoever reads. @module */
import type { RetryPolicy, Sleep } from "./retry.ts";

/** Reads survive a short interruption; a longer one is said soon. */
const BUDGET_MS = 10_000;
const TRIES = 3;
/** A server says itself that it is out of order: its database restarts, say, which takes longer than a lost packet. */
const OUTAGE_BUDGET_MS = 20_000;
const OUTAGE_TRIES = 7;

/** The rule; `onRetry` is told why something is read again, once for each reason. */
export function readRetries(
  { sleep, now, onRetry }: {
    readonly sleep: Sleep;
    readonly now: () => Date;
    readonly onRetry: (why: string) => void;
  },
): RetryPolicy {
  const told = new Set<string>(); // files are read side by side, and fail side by side
  return {
    budgetMs: BUDGET_MS,
    maxTries: TRIES,
    outages: { budgetMs: OUTAGE_BUDGET_MS, maxTries: OUTAGE_TRIES, since: new Map() },
    sleep,
    now,
    onWait({ why }) {
      if (!told.has(why)) onRetry(why);
      told.add(why);
    },
  };
}
