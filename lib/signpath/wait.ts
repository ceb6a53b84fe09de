/**
 * Waiting for a signing request. People approve within seconds or within days, so the wait ends long before the request
 * does: every way out names the request (`error.request`), for who starts over files a duplicate.
 *
 * @module
 */
import { isTagsealError, nextStepOf, reworded, TagsealError } from "../errors.ts";
import type { Sleep } from "../http/retry.ts";
import type { SignPathClient } from "./client.ts";
import type { SigningRequestStatus } from "./types.ts";

/** How to wait. */
export interface WaitOptions {
  /** Gives up after this many milliseconds; the signing request goes on. */
  readonly timeoutMs: number;
  /** Milliseconds between two polls, once the first seconds are over; 5000 unless given. */
  readonly pollMs?: number;
  /** How waiting is done. */
  readonly sleep: Sleep;
  /** The clock. */
  readonly now: () => Date;
  /** Told the first status and every other one. */
  readonly onStatus?: (status: SigningRequestStatus) => void;
  /** Ends the wait early, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The last call of a wait is given this many milliseconds, however little is left. */
const SHORTEST_CALL_MS = 1000;
/** A poll that failed, repeated for long, and the one after it take no longer together, where nobody answers. */
const TWO_POLLS_MS = 75_000;
/** What the second of them is given for an answer all the same. */
const SECOND_CALL_MS = 10_000;
/** The first waits, short because automatic signing takes a second or two. */
const RAMP_MS: readonly number[] = [500, 1000, 2000];

/**
 * Polls until the signing request has ended, as `isFinalStatus` says, and returns the status `Completed`.
 *
 * One failure to reach the service is survived, also after the client gave up repeating it; the second in a row is not.
 *
 * @throws {TagsealError} `signing-request-failed` where it ended otherwise, `timed-out`, or what `status` of the client
 *   throws, with the id and how to resume
 */
export async function waitForCompletion(
  client: Pick<SignPathClient, "status">,
  signingRequestId: string,
  options: WaitOptions,
): Promise<SigningRequestStatus> {
  const { timeoutMs, pollMs = 5000, sleep, now, onStatus, signal } = options;
  const start = now().getTime();
  let slept = 0;
  let last: SigningRequestStatus | undefined;
  let failure: unknown;
  let rest = Infinity;
  for (let polls = 0;; polls++) {
    // What was slept counts even where the clock is set back.
    const left = () => timeoutMs - Math.max(now().getTime() - start, slept);
    const polled = now().getTime();
    try {
      const status = await client.status(signingRequestId, {
        signal,
        unavailableTimeoutMs: Math.max(0, Math.min(left(), rest)),
        answerTimeoutMs: Math.max(SHORTEST_CALL_MS, Math.min(left(), Math.max(SECOND_CALL_MS, rest))),
      });
      failure = undefined;
      rest = Infinity;
      if (status.status !== last?.status || status.workflowStatus !== last.workflowStatus) onStatus?.(status);
      last = status;
    } catch (error) {
      if (!isTagsealError(error) || signal?.aborted) throw error;
      if (error.code !== "unavailable" || (failure !== undefined && left() > 0)) {
        // Of a request that was there before, an answer "not found" says less about it than about the answer. An id
        // that cannot be one is nothing to go on with.
        const isUnknown = error.code === "usage" || (error.code === "not-found" && last === undefined);
        throw isUnknown ? error : resumable(error, signingRequestId, last);
      }
      failure = error;
      rest = TWO_POLLS_MS - (now().getTime() - polled);
    }
    if (last?.isFinalStatus) {
      if (last.status === "Completed") return last;
      throw failed(signingRequestId, last);
    }
    if (left() <= 0) throw timedOut(signingRequestId, timeoutMs, last, failure);
    const wait = Math.min(RAMP_MS[polls] ?? pollMs, pollMs, left());
    await sleep(wait, signal);
    slept += wait;
  }
}

function failed(id: string, { status, workflowStatus, webLink }: SigningRequestStatus): TagsealError {
  const how = workflowStatus === status ? `"${status}"` : `"${status}" ("${workflowStatus}")`;
  return new TagsealError("signing-request-failed", `Signing request "${id}" ended as ${how}`, {
    remedy: `See ${webLink === undefined ? "SignPath's web UI" : `"${webLink}"`} for the reason; then submit a new one`,
    details: { status, workflowStatus },
    request: { id, webLink, goesOn: false },
  });
}

function timedOut(
  id: string,
  timeoutMs: number,
  last: SigningRequestStatus | undefined,
  cause: unknown,
): TagsealError {
  const state = last === undefined ? "nothing could be learned about it" : `its status is "${last.status}"`;
  const how = timeoutMs === 0 ? "was not waited for" : `did not end within ${Math.round(timeoutMs / 1000)} s`;
  return new TagsealError(
    "timed-out",
    `Signing request "${id}" ${how} (${state}); it goes on at SignPath`,
    {
      remedy: DO_NOT_SUBMIT,
      details: last === undefined ? {} : { status: last.status, workflowStatus: last.workflowStatus },
      request: { id, webLink: last?.webLink, goesOn: true },
      cause,
    },
  );
}

const GOES_ON = "The signing request goes on";

/** `error`, about a request that goes on, instead of "run the command again", which would file a duplicate. */
function resumable(error: TagsealError, id: string, last: SigningRequestStatus | undefined): TagsealError {
  return reworded(error, `While waiting for signing request "${id}": ${error.message}`, {
    ...error.code === "unavailable" ? { remedy: DO_NOT_SUBMIT } : {
      remedy: `${error.remedy}. ${GOES_ON}`,
      next: { do: "in-turn", steps: [nextStepOf(error), { do: "as-told", remedy: GOES_ON }] },
    },
    request: { id, webLink: last?.webLink, goesOn: true },
  });
}

/** What is left to do about a request that goes on; how is told by who knows what the user has typed. */
export const DO_NOT_SUBMIT = "Do not submit again: download the signed file of this request, and publish it";
