/**
 * When may the local copy stand in for the server? Where nobody answers, or the server says that it is out of order
 * (attackers on the way can bring that about, too, and gain no more than that a copy is used until it expires). Never where
 * somebody else answers in its name: a certificate that is not trusted, a cut or malformed answer, a redirect.
 *
 * Stricter than the reference client, which also uses its copy after 401, 403 and 404: wrong credentials and a repository
 * that is gone are things to be told, not to be papered over.
 *
 * @module
 */
import { isTagsealError, messageOf, TagsealError } from "../errors.ts";

/** Kinds of failed connections (`FailureReason` in `lib/http/failures.ts`) after which nobody has answered. */
const NO_ANSWER: readonly unknown[] = ["unknown-host", "refused", "no-answer"];
/** The runtime's words for a connection that ended before any answer, to be told from an answer that was cut. */
const ENDED_BEFORE_ANSWER = /connection closed before message completed|reset by peer/i;

/** Whether a call failed because the server cannot be asked now. */
export function isServerDown(error: unknown): error is TagsealError {
  if (!isTagsealError(error, "unavailable")) return false;
  const { status, reason } = error.details;
  if (typeof status === "number") return status >= 500;
  return NO_ANSWER.includes(reason) || (reason === "cut" && ENDED_BEFORE_ANSWER.test(error.message));
}

/** The failure of a reading for which neither server nor copy can be used. */
export function cannotStandIn(gun: string, why: unknown, reason: TagsealError): TagsealError {
  return new TagsealError(
    "unavailable",
    `${messageOf(why)}. The local copy of "${gun}" cannot stand in: ${reason.message}`,
    {
      remedy: isTagsealError(why) ? why.remedy : "Try again when the server answers",
      details: { ...(isTagsealError(why) ? why.details : {}), repository: gun },
      cause: why,
    },
  );
}
