/** Has a signing data file signed by SignPath: submit, wait, download. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { isTagsealError, TagsealError } from "../errors.ts";
import type { Sleep } from "../http/retry.ts";
import type { SignPathClient } from "../signpath/client.ts";
import type { Resubmission, Submission, SubmittedRequest } from "../signpath/types.ts";
import { goOn, waitForCompletion } from "../signpath/wait.ts";

/** How to follow a signing request. */
export interface FollowOptions {
  /** How long to wait, in milliseconds. */
  readonly timeoutMs: number;
  /** The clock. */
  readonly now: () => Date;
  /** Waits. */
  readonly sleep: Sleep;
  /** Ends the wait; the request goes on. */
  readonly signal: AbortSignal;
  /** Told what happens. */
  readonly onProgress: (line: string) => void;
}

/** Files a signing request. What the service keeps, it keeps by this id: it is told before anything else can fail. */
export async function submitForSigning(
  client: SignPathClient,
  submission: Submission,
  options: Pick<FollowOptions, "signal" | "onProgress">,
): Promise<SubmittedRequest> {
  return told(await client.submit(submission, { signal: options.signal }), options);
}

/** {@linkcode submitForSigning} for the artifact of an earlier signing request. */
export async function resubmitForSigning(
  client: SignPathClient,
  resubmission: Resubmission,
  options: Pick<FollowOptions, "signal" | "onProgress">,
): Promise<SubmittedRequest> {
  return told(await client.resubmit(resubmission, { signal: options.signal }), options);
}

function told(request: SubmittedRequest, { onProgress }: Pick<FollowOptions, "onProgress">): SubmittedRequest {
  onProgress(`Signing request ${request.signingRequestId} submitted: ${request.url}`);
  return request;
}

/**
 * Waits for a signing request and downloads the signed file.
 *
 * @throws {TagsealError} `signing-request-failed`, `timed-out`, `interrupted`: each names the id and how to resume
 */
export async function downloadWhenSigned(client: SignPathClient, id: string, options: FollowOptions): Promise<Bytes> {
  const { timeoutMs, now, sleep, signal, onProgress } = options;
  try {
    const onStatus = ({ status, workflowStatus }: { status: string; workflowStatus: string }) =>
      onProgress(`Signing request ${id}: ${status}${workflowStatus === status ? "" : ` (${workflowStatus})`}`);
    await waitForCompletion(client, id, { timeoutMs, now, sleep, signal, onStatus });
    return await client.downloadSigned(id, { signal });
  } catch (error) {
    if (isTagsealError(error, "unavailable") && error.details["signingRequestId"] === undefined) {
      throw new TagsealError(
        "unavailable",
        `The signed file of signing request "${id}" cannot be had: ${error.message}`,
        {
          remedy: `Do not submit again, go on with: ${goOn(id)}`,
          details: { ...error.details, signingRequestId: id },
          cause: error,
        },
      );
    }
    if (!isTagsealError(error, "interrupted")) throw error;
    throw new TagsealError("interrupted", `Interrupted while waiting for signing request "${id}"`, {
      remedy: `The request goes on. Get its result with: ${goOn(id)}; or cancel it in SignPath`,
      details: { signingRequestId: id },
    });
  }
}
