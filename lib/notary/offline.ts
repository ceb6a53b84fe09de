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
import { isTagsealError, type Reason, reworded, type TagsealError } from "../errors.ts";

/** Kinds of failed connections after which nobody has answered; an answer that was cut is one. */
const NO_ANSWER: ReadonlySet<Reason | undefined> = new Set(
  ["unknown-host", "refused", "no-answer", "hung-up"] as const,
);

/** Whether a call failed because the server cannot be asked now. */
export function isServerDown(error: unknown): error is TagsealError {
  if (!isTagsealError(error, "unavailable")) return false;
  const status = error.call?.status;
  return status === undefined ? NO_ANSWER.has(error.reason) : status >= 500;
}

/** The failure of a reading for which neither server nor copy can be used. */
export function cannotStandIn(gun: string, why: TagsealError, reason: TagsealError): TagsealError {
  return reworded(why, `${why.message}. The local copy of "${gun}" cannot stand in: ${reason.message}`, {
    details: { repository: gun },
  });
}
