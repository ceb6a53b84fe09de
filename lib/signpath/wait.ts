/**
 * Waiting for a signing request. People approve within seconds or within days, so the wait ends long before the request
 * does: every way out names the request's id and how to go on with it, for who starts over files a duplicate.
 *
 * @module
 */
import { isTagsealError, TagsealError } from "../errors.ts";
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
  for (let polls = 0;; polls++) {
    // What was slept counts even where the clock is set back.
    const left = () => timeoutMs - Math.max(now().getTime() - start, slept);
    try {
      const status = await client.status(signingRequestId, {
        signal,
        unavailableTimeoutMs: Math.max(0, left()),
        answerTimeoutMs: Math.max(SHORTEST_CALL_MS, left()),
      });
      failure = undefined;
      if (status.status !== last?.status || status.workflowStatus !== last.workflowStatus) onStatus?.(status);
      last = status;
    } catch (error) {
      if (!isTagsealError(error) || signal?.aborted) throw error;
      if (error.code !== "unavailable" || (failure !== undefined && left() > 0)) {
        // Of a request that was there before, an answer "not found" says less about it than about the answer. An id
        // that cannot be one is nothing to go on with.
        const isUnknown = error.code === "usage" || (error.code === "not-found" && last === undefined);
        throw isUnknown ? error : resumable(error, signingRequestId);
      }
      failure = error;
    }
    if (failure === undefined && last?.isFinalStatus) {
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
    details: { signingRequestId: id, status, workflowStatus, ...(webLink === undefined ? {} : { webLink }) },
  });
}

function timedOut(
  id: string,
  timeoutMs: number,
  last: SigningRequestStatus | undefined,
  cause: unknown,
): TagsealError {
  const state = last === undefined ? "nothing could be learned about it" : `its status is "${last.status}"`;
  return new TagsealError(
    "timed-out",
    `Signing request "${id}" did not end within ${Math.round(timeoutMs / 1000)} s (${state}); it goes on at SignPath`,
    {
      remedy: resume(id),
      details: {
        signingRequestId: id,
        ...(last === undefined ? {} : { status: last.status, workflowStatus: last.workflowStatus }),
        ...(last?.webLink === undefined ? {} : { webLink: last.webLink }),
      },
      cause,
    },
  );
}

/** `error`, with the id and how to go on instead of "run the command again", which would file a duplicate. */
function resumable(error: TagsealError, id: string): TagsealError {
  return new TagsealError(error.code, `While waiting for signing request "${id}": ${error.message}`, {
    remedy: error.code === "unavailable" ? resume(id) : `${error.remedy}; then go on with: ${goOn(id)}`,
    details: { ...error.details, signingRequestId: id },
    cause: error,
  });
}

function resume(id: string): string {
  return `Do not submit again, go on with: ${goOn(id)}`;
}

/** The commands that publish what a signing request signs. */
export function goOn(signingRequestId: string): string {
  const id = signingRequestId;
  return `tagseal download ${id}, then tagseal push --input-artifact-path ${id}.signed.zip`;
}
