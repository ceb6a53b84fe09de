/**
 * Posting what files a signing request, and counting what may have come of it.
 *
 * The API has no idempotency key. A request whose answer is lost may have been filed, and filing it twice makes people
 * approve twice: it is reported, never repeated. Where the service asks to come back (429, 503) the request is sent again,
 * though a gateway may have said so of a request that had got through: every such try is counted and told.
 *
 * @module
 */
import { isTagsealError, nextStepOf, reworded, type TagsealError, type TagsealErrorCode } from "../errors.ts";
import { type Answer, neverSent, type Send } from "../http/send.ts";
import type { SignPathApi } from "./api.ts";
import { type Asked, refusal } from "./problem.ts";
import { transferTimes } from "./times.ts";
import type { CallLimits } from "./types.ts";

/** One of the routes that take a request. */
export interface Route {
  /** Below `/SigningRequests`. */
  readonly path: string;
  /** What is posted. */
  readonly body: FormData | Blob;
}

/** How a request is posted. */
export interface Posting {
  /** What for. */
  readonly asked: Asked;
  /** Limits of the calls. */
  readonly limits: CallLimits;
  /** The error where the answer is lost: `why`, and how many requests may have been filed at most. */
  readonly lost: (code: TagsealErrorCode, why: string, atMost: number, cause?: unknown) => TagsealError;
}

/** A successful answer. */
export interface Posted<R extends Route> {
  /** The answer. */
  readonly answer: Answer;
  /** The route that took it. */
  readonly route: R;
  /** How many tries before it may have filed a request of their own. */
  readonly unclear: number;
}

/** Answers that say that a server does not know the route. */
const NO_SUCH_ROUTE: readonly number[] = [404, 405];

/**
 * The successful answer from the first of `routes` that the server knows.
 *
 * @throws {TagsealError} the service's refusal, or that of `lost`
 */
export async function post<R extends Route>(
  api: SignPathApi,
  routes: readonly R[],
  posting: Posting,
): Promise<Posted<R>> {
  const { asked, lost } = posting;
  let unclear = 0;
  let unknownRoute: Answer | undefined;
  for (const route of routes) {
    const tried = await postTo(api, route, unclear, posting);
    const { answer } = tried;
    if (answer.status <= 299) return { answer, route, unclear: tried.unclear };
    ({ unclear } = tried);
    if (isLost(answer.status)) throw lost("unavailable", refusal(answer, asked).message, unclear);
    // A server of today says "not found" of slugs and organizations as well: those words are the ones to tell.
    unknownRoute ??= answer;
    if (!NO_SUCH_ROUTE.includes(answer.status)) throw afterUnclear(refusal(answer, asked), unclear);
  }
  throw afterUnclear(refusal(unknownRoute!, asked), unclear);
}

/** Whether an answer says nothing of what became of the request: it came from a gateway, or the service broke down. */
function isLost(status: number): boolean {
  return status >= 500 && status !== 503;
}

/** Whether a server that answers so may have taken the request all the same. */
function isUnclear(status: number): boolean {
  return isLost(status) || status === 503 || status === 429;
}

/** One route's last answer, and how many tries so far may have filed a request; `before` had on other routes. */
async function postTo(
  api: SignPathApi,
  { path, body }: Route,
  before: number,
  { limits, lost }: Posting,
): Promise<{ answer: Answer; unclear: number }> {
  let unclear = before;
  let underWay = false;
  const through: Send = async (request) => {
    underWay = true;
    const response = await api.options.send(request);
    if (isUnclear(response.status)) {
      unclear++;
      underWay = false;
    }
    return response;
  };
  try {
    const answer = await api.call(path, limits, {
      method: "POST",
      body,
      ...transferTimes(api.options.transferTimeoutMs, lengthOf(body)),
      through,
      onWait(wait) {
        underWay = false; // what is repeated was answered, or never sent
        const why = unclear === 0 ? wait.why : `${wait.why}; ${atMostThere(unclear)}`;
        api.options.onWait?.({ ...wait, why });
      },
    });
    return { answer, unclear };
  } catch (error) {
    if (underWay && !neverSent(error)) unclear++;
    if (unclear > 0 && isTagsealError(error)) throw lost(error.code, error.message, unclear, error);
    throw error;
  }
}

function lengthOf(body: FormData | Blob): number {
  const parts = body instanceof Blob ? [body] : [...body.values()];
  return parts.reduce((sum, part) => sum + (typeof part === "string" ? part.length : part.size), 0);
}

const LOOK = "Look in SignPath's web UI for requests that were filed all the same";

/** What is said of one try says nothing of the others. */
function afterUnclear(error: TagsealError, unclear: number): TagsealError {
  if (unclear === 0) return error;
  return reworded(error, `${error.message}; ${atMostThere(unclear)}`, {
    remedy: `${error.remedy}. ${LOOK}`,
    next: { do: "in-turn", steps: [nextStepOf(error), { do: "as-told", remedy: LOOK }] },
    filed: "maybe",
    details: { unclearRequests: unclear },
  });
}

/** How many requests may have been filed, in words that end a sentence. */
export function atMostThere(requests: number): string {
  return `at most ${requests} signing request${requests === 1 ? "" : "s"} may be there`;
}

/** What an error knows of requests that may have been filed; `{}` where that is none. */
export function unclearFacts(unclear: number): { unclearRequests?: number } {
  return unclear === 0 ? {} : { unclearRequests: unclear };
}
