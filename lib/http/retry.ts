/**
 * Repeating calls while a service is unavailable: what may be repeated, how long to wait, when to give up.
 *
 * Every call is repeated where the server asks for it (429 and 503, with or without `Retry-After`), or the request never
 * left. A call that has no more effect twice than once is also repeated after lost answers: 502 and 504 say that a
 * gateway had passed the request on, and a connection that was cut says nothing at all.
 *
 * @module
 */
import { isTagsealError, type Reason, TagsealError } from "../errors.ts";
import { isTlsFailure } from "./failures.ts";
import { randomPartOf } from "./jitter.ts";
import { type Answer, type Call, exchange, neverSent, type Send } from "./send.ts";
import { after } from "./timer.ts";

/** Waits; rejects with the signal's reason as soon as that aborts. */
export type Sleep = (ms: number, signal?: AbortSignal) => Promise<void>;

/** How long a call is repeated. */
export interface RetryPolicy {
  /** No further try starts later than this many milliseconds after the first; 0 means a single try. */
  readonly budgetMs: number;
  /** How many tries there are at most; as many as fit into the time unless said. */
  readonly maxTries?: number;
  /** How waiting is done. */
  readonly sleep: Sleep;
  /** The clock. */
  readonly now: () => Date;
  /** Told before each wait: nobody should watch ten silent minutes. */
  readonly onWait?: ((wait: Wait) => void) | undefined;
  /** Whether making the call twice has no more effect than making it once; `true` for `GET` and `HEAD` unless said. */
  readonly idempotent?: boolean;
  /**
   * What is known of the service: one that has never answered is not waited for as one that is restarting. Shared by all
   * calls to it, and kept up to date here; without it every service is waited for.
   */
  readonly contact?: Contact | undefined;
  /** Which servers are silent, where one command asks them for much: it does not wait for each thing anew. */
  readonly silences?: Silences | undefined;
  /** More patience with a server that answers that it is out of order; as much as with everybody unless said. */
  readonly outages?: Outages | undefined;
}

/** How long servers are waited for that are there and out of order: those restart, and others take their place. */
export interface Outages {
  /** No further try starts later than this many milliseconds after the server's first answer of that kind. */
  readonly budgetMs: number;
  /** How many tries of a call there are at most. */
  readonly maxTries: number;
  /**
   * By a server's origin since when it gives no other answer, in milliseconds as the clock counts. Kept up to date here:
   * a command that asks for much waits once.
   */
  readonly since: Map<string, number>;
}

/** By a server's origin that it answers, or how often in vain it was waited for. Kept up to date here. */
export type Silences = Map<string, "answers" | number>;

/** So often a server that has never answered is waited for: as many things are asked for side by side. */
const IN_VAIN = 4;

/** Whether anybody has answered in a service's name. */
export interface Contact {
  /** Set to `true` by the first answer, be it a good one or not. */
  reached: boolean;
}

/** One wait before a call is repeated. */
export interface Wait {
  /** Why: a sentence without a final period. */
  readonly why: string;
  /** How long, in milliseconds. */
  readonly ms: number;
  /** For how many milliseconds from now the call is repeated at most. */
  readonly leftMs: number;
}

/** The server asks to come back: RFC 6585 section 4, RFC 9110 section 15.6.4. */
const ASKS_TO_REPEAT: readonly number[] = [429, 503];
/** A gateway heard nothing from the server that it passed the request to: RFC 9110 sections 15.6.3 and 15.6.5. */
const LOST_BEHIND_GATEWAY: readonly number[] = [502, 504];

/** Faults that do not pass by themselves, such as a mistyped name: a few tries, for who has just started the network. */
const LASTING: ReadonlySet<Reason | undefined> = new Set(["unknown-host", "refused", "proxy"] as const);
const LASTING_BUDGET_MS = 5000;
/** A service that has never answered may be behind a firewall that swallows everything. */
const UNREACHED_BUDGET_MS = 60_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
/** A server that says `Retry-After: 0` is not hammered. */
const SHORTEST_WAIT_MS = 250;

/**
 * Like `exchange`, repeated as `policy` says. When time is or tries are used up, the last answer is returned as it
 * is, be it a 503.
 *
 * @throws {TagsealError} `unavailable` of the last try where that got no answer
 */
export async function exchangeWithRetry(send: Send, call: Call, policy: RetryPolicy): Promise<Answer> {
  const waited = policy.silences?.get(call.url.origin);
  if (typeof waited === "number" && waited >= IN_VAIN) throw silent(call);
  const start = policy.now().getTime();
  const { idempotent = ["GET", "HEAD"].includes(call.method ?? "GET") } = policy;
  let slept = 0;
  for (let tries = 0;; tries++) {
    call.signal?.throwIfAborted();
    const outcome = await attempt(send, call, idempotent);
    noteSilence(outcome, call, policy);
    // The clock may be set back while we wait: what was slept counts in any case.
    const passed = Math.max(policy.now().getTime() - start, slept);
    const budget = budgetOf(outcome, policy);
    if ("answer" in outcome && !mayComeAgain(outcome.answer, call, idempotent)) {
      if (outcome.answer.status < 500) policy.outages?.since.delete(call.url.origin);
      return outcome.answer;
    }
    const { ms, maxTries = Infinity } = limitsOf(outcome, call, { ...policy, budgetMs: budget }, start);
    const left = ms - passed;
    if (left <= 0 || tries + 1 >= maxTries) return settle(outcome);
    const asked = "answer" in outcome ? retryAfterMs(outcome.answer.headers, policy.now()) : undefined;
    // Who wants to be left alone for hours has answered.
    if (asked !== undefined && asked > left) return settle(outcome);
    const wait = Math.min(left, asked === undefined ? backoffMs(tries) : Math.max(asked, SHORTEST_WAIT_MS));
    const why = "error" in outcome ? outcome.error.message : statusOf(outcome.answer, call);
    policy.onWait?.({ why, ms: wait, leftMs: left });
    await policy.sleep(wait, call.signal);
    slept += wait;
  }
}

/** For how long after `start`, and how often, a call is made that may be made again. */
function limitsOf(
  outcome: Outcome,
  { url: { origin }, brief }: Call,
  { budgetMs, maxTries, outages, now }: RetryPolicy,
  start: number,
): { readonly ms: number; readonly maxTries: number | undefined } {
  const usual = { ms: budgetMs, maxTries };
  if (!outages || brief || !("answer" in outcome) || outcome.answer.status < 500) return usual;
  const since = outages.since.get(origin) ?? now().getTime();
  outages.since.set(origin, since);
  const ms = since - start + outages.budgetMs;
  return ms > budgetMs ? { ms, maxTries: outages.maxTries } : usual;
}

function budgetOf(outcome: Outcome, { budgetMs, contact }: RetryPolicy): number {
  if ("answer" in outcome) {
    if (contact) contact.reached = true;
    return budgetMs;
  }
  if (!contact || contact.reached) return budgetMs;
  return Math.min(budgetMs, LASTING.has(outcome.error.reason) ? LASTING_BUDGET_MS : UNREACHED_BUDGET_MS);
}

function noteSilence(outcome: Outcome, { url: { origin } }: Call, { silences }: RetryPolicy): void {
  const before = silences?.get(origin);
  if ("answer" in outcome) silences?.set(origin, "answers");
  else if (outcome.error.reason === "no-answer" && before !== "answers") silences?.set(origin, (before ?? 0) + 1);
}

function silent({ service, url: { origin } }: Call): TagsealError {
  return new TagsealError("unavailable", `${service} at "${origin}" was not asked: it has answered nothing so far`, {
    remedy: "Check the address and what stands between here and the server, then run the command again",
    reason: "no-answer",
    details: { service, url: origin },
  });
}

/** An answer, or an error after which the call may be made again. */
type Outcome = { readonly answer: Answer } | { readonly error: TagsealError };

async function attempt(send: Send, call: Call, idempotent: boolean): Promise<Outcome> {
  try {
    return { answer: await exchange(send, call) };
  } catch (error) {
    if (isTagsealError(error) && mayRepeat(error, idempotent)) return { error };
    throw error;
  }
}

function mayComeAgain({ status }: Answer, { passing = [] }: Call, idempotent: boolean): boolean {
  return ASKS_TO_REPEAT.includes(status) || (idempotent && [...LOST_BEHIND_GATEWAY, ...passing].includes(status));
}

function statusOf({ status }: Answer, { service, url }: Call): string {
  return `${service} at "${url.origin}" answers ${status}`;
}

function settle(outcome: Outcome): Answer {
  if ("error" in outcome) throw outcome.error;
  return outcome.answer;
}

function mayRepeat(error: TagsealError, idempotent: boolean): boolean {
  // A certificate does not become trusted by waiting, and ten silent minutes would hide what is wrong.
  if (isTlsFailure(error) || error.reason === "blocked") return false;
  // Only failures of the transport say whether the request was sent; answers out of bounds would come again.
  return neverSent(error) || (idempotent && error.call?.sent !== undefined);
}

/** 0.5 s, 1 s, 2 s … 30 s, each shortened at random by up to a half, so that many clients do not come back at once. */
function backoffMs(tries: number): number {
  const full = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries);
  return full - randomPartOf(full / 2);
}

/** `Retry-After` in milliseconds, as seconds or as HTTP date (RFC 9110 section 10.2.3); nothing where unreadable. */
export function retryAfterMs(headers: Headers, now: Date): number | undefined {
  const value = headers.get("retry-after")?.trim() ?? "";
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const date = value.endsWith(" GMT") ? Date.parse(value) : NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - now.getTime());
}

/** {@linkcode Sleep} by the runtime's timers. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = after(ms, () => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
    signal?.addEventListener("abort", stop, { once: true });
  });
}
