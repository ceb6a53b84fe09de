/** What is exchanged with SignPath's REST API (https://docs.signpath.io/, "Build system integration"). @module */
import type { Bytes } from "../bytes/bytes.ts";

/**
 * How far a signing request has come, from `GET /SigningRequests/<id>/Status`. SignPath may add values: whether it has
 * ended is said by `isFinalStatus` alone, whether it went well by `status` being `Completed`.
 */
export interface SigningRequestStatus {
  /** `InProgress`, `WaitingForApproval`, `Completed`, `Failed`, `Denied`, `Canceled`, or a value of tomorrow. */
  readonly status: string;
  /** The finer state, such as `QueuedForProcessing` or `MalwareDetected`. */
  readonly workflowStatus: string;
  /** Whether nothing will change any more. */
  readonly isFinalStatus: boolean;
  /** Page of the request in SignPath's web UI. */
  readonly webLink?: string;
}

/** What is sent to be signed, and under which policy. */
export interface Submission {
  /** Project in SignPath. */
  readonly projectSlug: string;
  /** Signing policy of that project. */
  readonly signingPolicySlug: string;
  /** Artifact configuration; the project's default unless given. */
  readonly artifactConfigurationSlug?: string;
  /** Shown to approvers and in the audit log. */
  readonly description?: string;
  /** Parameters of the artifact configuration; names of letters, digits, `.`, `_` and `-`. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** The file to sign. */
  readonly artifact: Bytes;
  /** Its name, as approvers see it. */
  readonly fileName: string;
  /** After how many seconds SignPath cancels a request that nobody approved; its own default unless given. */
  readonly cancellationTimeoutInSeconds?: number;
}

/** A signing request that SignPath has accepted. */
export interface SubmittedRequest {
  /** By which it is polled, downloaded and resumed. */
  readonly signingRequestId: string;
  /** Where a person can look at it, as SignPath named it, else its address in the API. */
  readonly url: string;
}
