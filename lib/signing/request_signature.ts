/** Has a signing data file signed by SignPath: submit, wait, download. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { isTagsealError, reworded, TagsealError } from "../errors.ts";
import type { Sleep } from "../http/retry.ts";
import type { SignPathClient } from "../signpath/client.ts";
import type { Resubmission, SigningRequestStatus, Submission, SubmittedRequest } from "../signpath/types.ts";
import { DO_NOT_SUBMIT, waitForCompletion } from "../signpath/wait.ts";

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
 * @throws {TagsealError} `signing-request-failed`, `timed-out`, `interrupted`: each names the request
 */
export async function downloadWhenSigned(client: SignPathClient, id: string, options: FollowOptions): Promise<Bytes> {
  const { timeoutMs, now, sleep, signal, onProgress } = options;
  let webLink: string | undefined;
  let completed = false;
  try {
    const onStatus = ({ status, workflowStatus, webLink: link }: SigningRequestStatus) => {
      webLink = link ?? webLink;
      onProgress(`Signing request ${id}: ${status}${workflowStatus === status ? "" : ` (${workflowStatus})`}`);
    };
    await waitForCompletion(client, id, { timeoutMs, now, sleep, signal, onStatus });
    completed = true;
    return await client.downloadSigned(id, { signal });
  } catch (error) {
    const request = { id, webLink, goesOn: true };
    if (completed && isTagsealError(error, "unavailable")) {
      throw reworded(error, `The signed file of signing request "${id}" cannot be had: ${error.message}`, {
        remedy: DO_NOT_SUBMIT,
        request,
      });
    }
    if (!isTagsealError(error, "interrupted")) throw error;
    throw new TagsealError("interrupted", `Interrupted while waiting for signing request "${id}"`, {
      remedy: "The request goes on: download its signed file later, or cancel it in SignPath",
      request,
    });
  }
}
