/**
 * One organization of SignPath's REST API: addresses, the token, and what is read from answers of any kind.
 *
 * The token goes to the API's own origin only: addresses are made here, never taken from an answer.
 *
 * @module
 */
import { text } from "../bytes/bytes.ts";
import { shown } from "../bytes/printable.ts";
import { TagsealError } from "../errors.ts";
import type { NextStep } from "../next_step.ts";
import { exchangeWithRetry, type RetryPolicy } from "../http/retry.ts";
import type { Answer, Call, Send } from "../http/send.ts";
import type { Asked } from "./problem.ts";
import type { CallLimits, SignPathOptions } from "./types.ts";

/** No artifact may be longer than this many bytes. */
export const MAX_ARTIFACT_BYTES: number = 256 * 1024 * 1024;

/** Begins with a letter or a digit: what begins with "-" would be taken for a flag by the next command. */
const ID = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/;
const MAX_JSON_BYTES = 1024 * 1024;
const JSON_TIMEOUT_MS = 30_000;

/** How one call differs from a plain `GET`, and from the usual network. */
export type CallChanges = Partial<Call> & Pick<RetryPolicy, "onWait" | "idempotent"> & { readonly through?: Send };

/** The API, bound to organization and token. */
export interface SignPathApi {
  /** As given. */
  readonly options: SignPathOptions;
  /** The address of `path` below `/SigningRequests`, which may be empty. */
  urlOf(path: string): URL;
  /** The address of a path below the organization. */
  organizationUrl(path: string): URL;
  /** What is asked for, for error messages. */
  asking(action: string, signingRequestId?: string): Asked;
  /** A call to `path` below `/SigningRequests`, repeated while the service is unavailable. */
  call(path: string, limits: CallLimits, changes?: CallChanges): Promise<Answer>;
}

/**
 * Binds the API to one organization and token.
 *
 * @throws {TagsealError} `usage` where the organization id or the token cannot be one
 */
export function createSignPathApi(options: SignPathOptions): SignPathApi {
  const { token, sleep, now } = options;
  if (!ID.test(options.organizationId)) {
    throw usage("The organization id is not one", "Copy it from SignPath's web UI", { do: "name-organization" });
  }
  // Else `Headers` would refuse it, in words that repeat it.
  if (!/^[\x21-\x7e]{1,4096}$/.test(token)) {
    throw usage("The API token is empty or has characters that no token has", "Copy it again, without line breaks");
  }
  const base = normalizeApiUrl(options.apiUrl);
  const origin = new URL(base).origin;
  const contact = { reached: false };
  const organizationUrl = (path: string) => new URL(`${base}/v1/${options.organizationId}${path}`);
  const urlOf = (path: string) => organizationUrl(`/SigningRequests${path}`);
  return {
    options,
    urlOf,
    organizationUrl,
    asking: (action, signingRequestId) => ({
      action,
      origin,
      token,
      ...(signingRequestId === undefined ? {} : { signingRequestId }),
    }),
    call: (path, limits, changes = {}) => {
      const { through = options.send, onWait = options.onWait, idempotent, timeoutMs = JSON_TIMEOUT_MS, ...more } =
        changes;
      const budgetMs = Math.min(limits.unavailableTimeoutMs ?? Infinity, options.serviceUnavailableTimeoutMs);
      return exchangeWithRetry(through, {
        service: "SignPath",
        url: urlOf(path),
        maxBytes: MAX_JSON_BYTES,
        timeoutMs: Math.min(limits.answerTimeoutMs ?? Infinity, timeoutMs),
        signal: limits.signal,
        ...more,
        headers: { authorization: `Bearer ${token}`, accept: "application/json, application/problem+json, */*;q=0.1" },
      }, { budgetMs, sleep, now, onWait, contact, ...(idempotent === undefined ? {} : { idempotent }) });
    },
  };
}

/** `https://app.signpath.io`, `…/API/` and `…/api` alike as a base without a trailing slash; `/API` where no path is. */
export function normalizeApiUrl(url: URL): string {
  return `${url.origin}${url.pathname.replace(/\/+$/, "") || "/API"}`;
}

/**
 * `id`, if it can be one.
 *
 * @throws {TagsealError} `usage`
 */
export function checkedId(id: string): string {
  if (ID.test(id)) return id;
  throw usage(`"${shown(id)}" is not a signing request id`, "Copy the id that submit printed");
}

/** The error for what no call is made with. */
export function usage(message: string, remedy: string, next?: NextStep): TagsealError {
  return new TagsealError("usage", message, { remedy, next });
}

/** The members of a JSON body, none where it has none; nothing where it is no JSON. */
export function parseObject(answer: Answer): Record<string, unknown> | undefined {
  try {
    return Object(JSON.parse(text(answer.bytes)));
  } catch {
    return undefined;
  }
}

/** The id of a filed request. `Location` may name another host: only the id in it is of use, never the address. */
export function filedId(answer: Answer, json: Record<string, unknown> | undefined): string | undefined {
  return [answer.headers.get("location")?.split(/[?#]/)[0]?.split("/").at(-1), json?.["signingRequestId"]]
    .find((value): value is string => typeof value === "string" && ID.test(value));
}

/** `webLink`; only ever shown to people, never called: any address they could open. */
export function webLinkOf(json: Record<string, unknown> | undefined, token: string): string | undefined {
  const link = json?.["webLink"];
  if (typeof link !== "string" || link.length > 500 || !URL.canParse(link) || link.includes(token)) return undefined;
  const url = new URL(link);
  return ["https:", "http:"].includes(url.protocol) && url.username === "" ? url.href : undefined;
}
