/**
 * The one error class of tagseal. An error says what happened (`message`), which class of failure it is (`code`, a
 * closed union that the exit codes are made from), and the next safe move (`remedy`). A remedy never tells to loosen
 * verification, and neither text nor `details` ever holds a secret.
 *
 * @module
 */

import type { NextStep } from "./next_step.ts";

export type { NextStep, PlainMove } from "./next_step.ts";

/** Every class of failure. `lib/cli/exit_codes.ts` alone turns them into exit codes. */
export type TagsealErrorCode =
  /** The command line is wrong. */
  | "usage"
  /** A file or value handed in is malformed or unusable. */
  | "bad-input"
  /** The tag, repository, key or file does not exist. */
  | "not-found"
  /** Trust data, a signature or signing data failed verification; possibly malicious. */
  | "trust-invalid"
  /** A tag to verify carries no trusted signature. */
  | "not-signed"
  /** The server wants (other) credentials. */
  | "unauthenticated"
  /** The credentials were understood and do not suffice. */
  | "forbidden"
  /** A service or the network did not answer, or answered out of protocol. */
  | "unavailable"
  /** What is to be created exists already. */
  | "exists"
  /** Somebody else published in between; `published` tells whether something of this was written before that. */
  | "stale"
  /** The signing request failed, was denied or cancelled. */
  | "signing-request-failed"
  /** Waiting came to its limit; the work itself goes on elsewhere. */
  | "timed-out"
  /** Ctrl-C or SIGTERM. */
  | "interrupted"
  /** A defect of tagseal, or an environment nobody thought of. */
  | "unexpected";

/**
 * Why, within a class of failure: a closed set for each class of which somebody decides by that. Nothing is decided by
 * wording or by `details`.
 */
export interface Reasons {
  /** How a connection failed (see `lib/http/failures.ts`), or why its answer is of no use. */
  readonly "unavailable": ConnectionReason | "too-long" | "no-image";
  /** The system does not let this user do it, or the disk cannot: what lies there is as good as it was. */
  readonly "bad-input": "denied";
  /** Whoever asks is known, and was given less than that. */
  readonly "forbidden": "scope";
  /**
   * The message names a role alone, as the rules that judge a file know neither repository nor server; no strict JSON; or it is
   * what a server shows of a repository that is at fault, and nothing that was made for it here.
   */
  readonly "trust-invalid": "role" | "not-json" | "served";
}

/** How a connection failed. */
export type ConnectionReason =
  | "unknown-host"
  | "refused"
  | "blocked"
  | "no-answer"
  /** It was ended before anything was answered. */
  | "hung-up"
  /** It was ended in the midst of an answer, or nobody knows when. */
  | "cut"
  | "proxy"
  /** Somebody answered the first words of TLS with something else. */
  | "no-tls"
  | "tls"
  | "other";

/** The reasons that an error of class `C` may have. */
export type Reason<C extends TagsealErrorCode = TagsealErrorCode> = C extends keyof Reasons ? Reasons[C] : never;

/** Facts for machines: names, urls, ids and numbers, never secrets. */
export type Details = { readonly [name: string]: string | number | boolean | null | readonly string[] };

/** What is valid for some time is over by this machine's clock, or has not begun. */
export type ByClock = "over" | "early";

/** Whether what a failed command was to change at a server is changed there now. */
export type Published =
  /** It was; what failed came after it. */
  | "yes"
  /** The server took it, or its answer was lost, and it was not read back. */
  | "maybe"
  /** It certainly was not. */
  | "no";

/** The signing request that an error is about. */
export interface RequestInQuestion {
  /** Its id. */
  readonly id: string;
  /** Its page at the signing service, where that was told. */
  readonly webLink?: string | undefined;
  /** Whether it goes on, or is done, whatever failed here: then filing another one would be a duplicate. */
  readonly goesOn: boolean;
}

/** The call over HTTP that an error is about; `details` tell `url` and `status`, too. */
export interface CallInQuestion {
  /** What was asked, without what is not to be shown. */
  readonly url?: string | undefined;
  /** `false` where the request certainly never left; `undefined` where it was answered, be it out of bounds. */
  readonly sent?: boolean | undefined;
  /** The answer's status, where it is the answer that is told of. */
  readonly status?: number | undefined;
}

/** Keys that were made for a change and kept, as nobody knows whether it is published; `details` tell them, too. */
export interface KeptKeys {
  /** Their canonical ids. */
  readonly keyIds: readonly string[];
  /** The root key with which the same can be tried again. */
  readonly rootKeyId?: string | undefined;
}

/** What an error of class `C` carries beside its message. */
export interface ErrorFacts<C extends TagsealErrorCode = TagsealErrorCode> {
  /** The next safe move, as a sentence without a final period that holds for every user of the library. */
  readonly remedy: string;
  /** The same as facts, where whoever shows it can say more: with flags, say, or as a command. */
  readonly next?: NextStep | undefined;
  /** Facts for machines; never secrets. */
  readonly details?: Details;
  /** Why, where somebody decides by it. */
  readonly reason?: Reason<C> | undefined;
  /** Where this machine's clock decided: what it is about is over by it, or has not begun. */
  readonly byClock?: ByClock | undefined;
  /** What became of the change that was under way, where there was one. */
  readonly published?: Published | undefined;
  /** The signing request that it is about, where there is one; `details` tell its id and its page, too. */
  readonly request?: RequestInQuestion | undefined;
  /** `maybe` where a signing request may have been filed that nobody has heard the id of; `details` tell it, too. */
  readonly filed?: "maybe" | undefined;
  /** The call that failed, where it was one over HTTP. */
  readonly call?: CallInQuestion | undefined;
  /** Keys that were kept all the same. */
  readonly kept?: KeptKeys | undefined;
  /** What led to this, shown to those only who ask for it. */
  readonly cause?: unknown;
}

/** The next safe move, in words and as facts. */
export type NextMove = Pick<ErrorFacts, "remedy" | "next">;

/** A failure with its class, its explanation and the next safe move. */
export class TagsealError<C extends TagsealErrorCode = TagsealErrorCode> extends Error {
  /** Always `TagsealError`. */
  override readonly name = "TagsealError";
  /** The class of failure. */
  readonly code: C;
  /** The next safe move. */
  readonly remedy: string;
  /** The same as facts; `undefined` where `remedy` says all. */
  readonly next: NextStep | undefined;
  /** Facts for machines. */
  readonly details: Details;
  /** Why, within its class; `undefined` where nobody decides by it. */
  readonly reason: Reason<C> | undefined;
  /** Where this machine's clock decided: what it is about is over by it, or has not begun. */
  readonly byClock: ByClock | undefined;
  /** What became of the change that was under way; `undefined` where there was none. */
  readonly published: Published | undefined;
  /** The signing request that it is about; `undefined` where there is none. */
  readonly request: RequestInQuestion | undefined;
  /** `maybe` where a signing request may have been filed unheard; `undefined` where none was. */
  readonly filed: "maybe" | undefined;
  /** The call that failed; `undefined` where it was none. */
  readonly call: CallInQuestion | undefined;
  /** Keys that were kept all the same; `undefined` where there are none. */
  readonly kept: KeptKeys | undefined;

  /** Makes an error of class `code`; `message` is sentence case without a final period, values in double quotes. */
  constructor(code: C, message: string, facts: ErrorFacts<C>) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    this.remedy = facts.remedy;
    this.next = facts.next;
    this.details = {
      ...callDetails(facts.call),
      ...facts.details,
      ...requestDetails(facts.request),
      ...facts.filed ? { mayBeFiled: true } : {},
      ...keptDetails(facts.kept),
    };
    this.reason = facts.reason;
    this.byClock = facts.byClock;
    this.published = facts.published;
    this.request = facts.request;
    this.filed = facts.filed;
    this.call = facts.call;
    this.kept = facts.kept;
  }
}

function callDetails({ url, status }: CallInQuestion = {}): Details {
  return { ...(url === undefined ? {} : { url }), ...(status === undefined ? {} : { status }) };
}

function keptDetails(kept: KeptKeys | undefined): Details {
  if (kept === undefined) return {};
  const { keyIds, rootKeyId } = kept;
  return { keyIds, ...(rootKeyId === undefined ? {} : { rootKeyId }) };
}

function requestDetails(request: RequestInQuestion | undefined): Details {
  if (request === undefined) return {};
  const { id, webLink } = request;
  return { signingRequestId: id, ...(webLink === undefined ? {} : { webLink }) };
}

/** The next safe move as facts, whether `error` has some or a remedy alone: to be made a part of another one. */
export function nextStepOf({ next, remedy }: NextMove): NextStep {
  return next ?? { do: "as-told", remedy };
}

/** Whether `error` is a {@linkcode TagsealError} of one of `codes` (of any class when none is given). */
export function isTagsealError<C extends TagsealErrorCode>(error: unknown, ...codes: C[]): error is TagsealError<C> {
  return error instanceof TagsealError && (codes.length === 0 || codes.some((code) => code === error.code));
}

/**
 * The same failure in other words, which is led to by the first one; `details` are added to those it has, and another
 * `remedy` takes the place of its next step as well.
 */
export function reworded<C extends TagsealErrorCode>(
  error: TagsealError<C>,
  message: string,
  facts: Partial<ErrorFacts<C>> = {},
): TagsealError<C> {
  const { remedy, next, details, reason, byClock, published, request, filed, call, kept } = error;
  return new TagsealError(error.code, message, {
    remedy,
    next: facts.remedy === undefined ? next : undefined,
    reason,
    byClock,
    published,
    request,
    filed,
    call,
    kept,
    cause: error,
    ...facts,
    details: { ...details, ...facts.details },
  });
}

/** What the runtime advises where it forbids something: to allow all, which is never the next safe move. */
const RUNTIME_ADVICE =
  /, (?:run again with the --allow-\S+ flag|specify the required permissions during compilation using `[^`]*`)/g;

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return (thrown instanceof Error ? thrown.message : String(thrown)).replaceAll(RUNTIME_ADVICE, "");
}

/** The stack of anything that was thrown, or else its message. */
export function stackOf(thrown: unknown): string {
  const stack = thrown instanceof Error ? thrown.stack : undefined;
  return stack?.replaceAll(RUNTIME_ADVICE, "") ?? messageOf(thrown);
}
