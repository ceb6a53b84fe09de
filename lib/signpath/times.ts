/** How long SignPath is waited for. @module */
import { type Call, SLOW_LINE } from "../http/send.ts";

/** How long SignPath is given unless somebody says otherwise, in seconds. */
export const SIGNPATH_TIMES_S = {
  /** Calls are repeated for so long while the service is down. */
  unavailable: 600,
  /** One upload or download. */
  transfer: 300,
  /** Until a signing request has ended, approval included. */
  completion: 600,
} as const;

/** A transfer on which nothing moves is not waited for to its end, but for so long in any case. */
const SILENT_MS = 60_000;
const SILENT_PART = 1 / 5;

/**
 * The times of a transfer that may take `limitMs` milliseconds in all: a service that says nothing is given up sooner, and
 * long files on slow lines have all of it. What is sent is not seen moving, so that its length decides.
 */
export function transferTimes(limitMs: number, sent: number): Pick<Call, "timeoutMs" | "bytesPerSecond" | "longestMs"> {
  const silentMs = Math.max(SILENT_MS, limitMs * SILENT_PART);
  return {
    timeoutMs: Math.min(limitMs, silentMs + sent / SLOW_LINE.upload * 1000),
    bytesPerSecond: SLOW_LINE.download,
    longestMs: limitMs,
  };
}
