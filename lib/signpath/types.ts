/** What is exchanged with SignPath's REST API (https://docs.signpath.io/, "Build system integration"). @module */
import type { Bytes } from "../bytes/bytes.ts";
import type { SignatureRules } from "../crypto/signature_rules.ts";
import type { Sleep, Wait } from "../http/retry.ts";
import type { Send } from "../http/send.ts";
import type { HashKey, HashMetadata } from "./hash_signing.ts";

/** How to reach SignPath. */
export interface SignPathOptions {
  /** The network. */
  readonly send: Send;
  /** The API's address, with or without `/API` and a trailing slash. */
  readonly apiUrl: URL;
  /** Id of the organization. */
  readonly organizationId: string;
  /** API token of a user of that organization. */
  readonly token: string;
  /** How many milliseconds a call is repeated for while the service is unavailable. */
  readonly serviceUnavailableTimeoutMs: number;
  /** How many milliseconds one upload or download may take; one on which nothing moves ends sooner. */
  readonly transferTimeoutMs: number;
  /** How waiting is done. */
  readonly sleep: Sleep;
  /** The clock. */
  readonly now: () => Date;
  /** Told before each repetition of a call. */
  readonly onWait?: (wait: Wait) => void;
}

/** Limits of one call. */
export interface CallLimits {
  /** Ends the call early, with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Repeats for at most this many milliseconds, if that is less than `serviceUnavailableTimeoutMs`. */
  readonly unavailableTimeoutMs?: number;
  /** No single try takes longer than this many milliseconds. */
  readonly answerTimeoutMs?: number;
}

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

/** A signing policy that the token's user may use. */
export interface PolicyName {
  /** Its project. */
  readonly projectSlug: string;
  /** Its own name. */
  readonly signingPolicySlug: string;
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
  /** How many tries before this one may have filed a request of their own; left out where none may. */
  readonly unclearRequests?: number;
}

/** A signing request that is to be processed once more: the same artifact, unsigned, usually under another policy. */
export interface Resubmission {
  /** The signing request that holds the artifact. */
  readonly originalSigningRequestId: string;
  /** Signing policy of the same project. */
  readonly signingPolicySlug: string;
  /** Shown to approvers and in the audit log. */
  readonly description?: string;
}

/** What signing a hash takes: nothing waits, so nothing is cancelled for want of approval. */
export interface HashSubmission extends Omit<Submission, "artifact" | "fileName" | "cancellationTimeoutInSeconds"> {
  /** The hash to sign, by the rules' algorithm. */
  readonly digest: Bytes;
  /** How it is to be signed. */
  readonly rules: SignatureRules;
  /** The key that signs; whether it is RSA or ECDSA decides which of the rules are told. */
  readonly key: HashKey;
  /** What it is for. */
  readonly metadata: HashMetadata;
}

/** A hash that was signed. */
export interface SignedHash {
  /** The raw signature; not to be trusted before it is verified. */
  readonly signature: Bytes;
  /** By which it stands in SignPath's audit log, where the answer named it. */
  readonly signingRequestId?: string;
  /** How many tries before this one may have had it signed as well; left out where none may. */
  readonly unclearRequests?: number;
}
