/** Exit codes: what each class of failure comes to. @module */
import { isTagsealError, type TagsealErrorCode } from "../errors.ts";

/** One class of failure, as the shell and the reference see it. */
export interface ExitCode {
  /** The exit code. */
  readonly exitCode: number;
  /** What it means, as a phrase. */
  readonly meaning: string;
}

/** The only place where classes of failure become exit codes. */
export const EXIT_CODES: Readonly<Record<TagsealErrorCode, ExitCode>> = {
  "unexpected": { exitCode: 1, meaning: "a defect of tagseal, or an environment nobody thought of" },
  "usage": { exitCode: 2, meaning: "the command line is wrong" },
  "bad-input": { exitCode: 2, meaning: "a file or value handed in is malformed or cannot be used" },
  "not-found": { exitCode: 2, meaning: "no such tag, repository, key or file" },
  "trust-invalid": { exitCode: 3, meaning: "trust data, a signature or signing data is not valid; possibly malicious" },
  "not-signed": { exitCode: 3, meaning: "a tag to verify carries no trusted signature" },
  "unauthenticated": { exitCode: 4, meaning: "the server wants (other) credentials" },
  "forbidden": { exitCode: 4, meaning: "the credentials were understood and do not suffice" },
  "unavailable": { exitCode: 5, meaning: "a service or the network did not answer, or out of protocol" },
  "exists": { exitCode: 6, meaning: "what is to be made exists already" },
  "stale": { exitCode: 6, meaning: "somebody else has published in between" },
  "signing-request-failed": { exitCode: 7, meaning: "the signing request failed, was denied or cancelled" },
  "timed-out": { exitCode: 8, meaning: "waiting came to its limit; the signing request goes on, its id is printed" },
  "interrupted": { exitCode: 130, meaning: "Ctrl-C or SIGTERM" },
};

/** What `self-update --check` ends with where there is a newer release: neither a failure, nor nothing to be done. */
export const UPDATE_AVAILABLE = 10;

/** The exit code of a failure. */
export function exitCodeOf(error: unknown): number {
  return isTagsealError(error) ? EXIT_CODES[error.code].exitCode : 1;
}

/** From what can be lived with to what must not be missed: broken trust is worst. */
const BY_SEVERITY = [0, 2, 6, 7, 8, 5, 4, 1, 3, 130];

/** The exit code that counts where several things were done. */
export function worstOf(codes: readonly number[]): number {
  return codes.reduce((a, b) => BY_SEVERITY.indexOf(b) > BY_SEVERITY.indexOf(a) ? b : a, 0);
}
