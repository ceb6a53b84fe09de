/** Changes of which nobody knows whether they were published: when that is so, and the words for it. @module */
import { isTagsealError, messageOf, type NextMove, nextStepOf, TagsealError } from "../errors.ts";
import { neverSent } from "../http/send.ts";

/** Why nobody knows whether a change is there: the server has answered 200; or it has not answered, or lost the answer. */
export type Doubt = "taken" | "lost";

/** The next safe move where nobody knows: `why`, and what has to be put right before anybody can look. */
export function lookAfter(why: string, first?: NextMove): NextMove {
  const look = "whether it is there before you do it again";
  return {
    remedy: first ? `${why}. ${first.remedy}; then look ${look}` : `${why}: look ${look}`,
    next: { do: "look-whether-published", why, first: first && nextStepOf(first) },
  };
}

/** A failure after which a change may be there all the same: says so, whatever failed. */
export function doubtful(error: unknown, gun: string, doubt: Doubt): TagsealError {
  if (isTagsealError(error) && error.published !== undefined) return error;
  const known = isTagsealError(error) ? error : undefined;
  const why = messageOf(error);
  // A server that takes changes to what it does not have is none, or is in disorder: whoever asked has named it rightly.
  const code = known?.code === "not-found" ? "unavailable" : known?.code ?? "unexpected";
  // What has to be put right before anybody can look.
  const first = isTagsealError(error, "unauthenticated", "forbidden", "trust-invalid", "bad-input") ? error : undefined;
  const message = doubt === "taken"
    ? `The Notary server took the change to "${gun}", but it could not be read back: ${why}`
    : `${why}. Whether the change to "${gun}" was published is not known`;
  return new TagsealError(code, message, {
    ...lookAfter("It may have been published", first),
    details: { repository: gun, ...known?.details },
    published: "maybe",
    call: known?.call,
    cause: error,
  });
}

/** Whether a publish that failed may still take effect: it went out and the server itself has not answered. */
export function mayStillArrive(failure: unknown): boolean {
  // Whoever interrupts a publish knows as little of it as whoever loses the answer.
  if (!isTagsealError(failure)) return true;
  if (failure.code === "interrupted" || failure.code === "timed-out") return !neverSent(failure);
  if (failure.code !== "unavailable" || neverSent(failure)) return false;
  const status = failure.call?.status;
  return status === undefined || status === 502 || status === 504; // gateways speak for a server that is still at work
}

/** Whether a publish that failed may have taken effect, as far as the failure tells: where nobody can look, that counts. */
export function mayHaveLanded(failure: unknown): boolean {
  // An error of the server's own says nothing of what it had done by then.
  const status = isTagsealError(failure, "unavailable") ? failure.call?.status ?? 0 : 0;
  return mayStillArrive(failure) || status >= 500;
}

/**
 * Whether a publish that failed may succeed a moment later with the same files: the server itself could not do its work, as
 * while its database restarts (status 400 without a reason, or 500), or went away amid the call. A server that names what is
 * wrong with the files refuses them, and a gateway that is still waiting has asked it already.
 */
export function mayPass(failure: unknown): boolean {
  if (!isTagsealError(failure, "unavailable")) return false;
  const status = failure.call?.status;
  if (status === undefined) return failure.reason === "cut" || failure.reason === "hung-up";
  return status === 400 || status === 500 || status === 503;
}
