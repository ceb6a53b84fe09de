/** SignPath's refusals as errors: its own words, made safe to print, and the next safe move. @module */
import { text } from "../bytes/bytes.ts";
import { sentence } from "../bytes/printable.ts";
import { type NextMove, type RequestInQuestion, TagsealError, type TagsealErrorCode } from "../errors.ts";
import type { Answer } from "../http/send.ts";

/** What was asked for, and of whom. */
export interface Asked {
  /** Completes "SignPath at … answered 403 to": "submitting the signing request". */
  readonly action: string;
  /** The API's origin. */
  readonly origin: string;
  /** The API token, which a careless server could echo. */
  readonly token: string;
  /** The signing request that goes on whatever the answer is; who does not hear of it would file a duplicate. */
  readonly signingRequestId?: string;
}

type RefusalCode = Extract<
  TagsealErrorCode,
  "unauthenticated" | "forbidden" | "not-found" | "bad-input" | "unavailable"
>;

const TOLD: { readonly [code in RefusalCode]: NextMove } = {
  unauthenticated: {
    remedy: "Check the API token and the organization id",
    next: { do: "check-signpath-token" },
  },
  forbidden: {
    remedy: "Let the token's user be added as submitter of the signing policy in SignPath, or use another token",
  },
  "not-found": {
    remedy: "Check the ids, the slugs and the API address, and that the token's user may see what they name",
    next: { do: "check-signpath-names" },
  },
  "bad-input": { remedy: "Correct what SignPath names, then run the command again" },
  unavailable: {
    remedy: "Try again later; if it stays so, check the API address and SignPath's status page",
    next: { do: "check-signpath-service" },
  },
};

/** An answer that is not the expected one, as the error to throw. */
export function refusal(answer: Answer, asked: Asked): TagsealError {
  const code = codeOf(answer.status);
  const words = wordsOf(answer, asked.token);
  return new TagsealError(
    code,
    `SignPath at "${asked.origin}" answered ${answer.status} to ${asked.action}${words && `: ${words}`}`,
    {
      ...TOLD[code],
      details: { httpStatus: answer.status },
      request: requestOf(asked),
    },
  );
}

/** An answer out of protocol: `why` completes "SignPath at … cannot be understood: ". */
export function garbled(asked: Asked, why: string): TagsealError {
  return new TagsealError("unavailable", `SignPath at "${asked.origin}" cannot be understood: ${why}`, {
    remedy: "Check that the API address is that of SignPath and that no proxy answers in its place",
    next: { do: "check-signpath-address" },
    request: requestOf(asked),
  });
}

function requestOf({ signingRequestId: id }: Asked): RequestInQuestion | undefined {
  return id === undefined ? undefined : { id, goesOn: true };
}

function codeOf(status: number): RefusalCode {
  if (status === 401) return "unauthenticated";
  if (status === 403) return "forbidden";
  if (status === 404) return "not-found";
  return status >= 400 && status < 500 && status !== 408 && status !== 429 ? "bad-input" : "unavailable";
}

/** The service's words: RFC 9457 `title`, `detail` and `errors`, or plain text as older servers answer. */
function wordsOf(answer: Answer, token: string): string {
  const type = answer.headers.get("content-type") ?? "";
  let body: string;
  try {
    body = text(answer.bytes.subarray(0, 65_536));
  } catch {
    return "";
  }
  if (/\bjson\b/i.test(type)) {
    try {
      return said(problemWords(JSON.parse(body)), token);
    } catch {
      return "";
    }
  }
  return /^text\/plain\b/i.test(type) ? said(body, token) : "";
}

function problemWords(problem: unknown): string {
  if (typeof problem !== "object" || problem === null) return typeof problem === "string" ? problem : "";
  const { title, detail, errors } = problem as Record<string, unknown>;
  return [title, detail, ...leaves(errors, 3)].filter((part) => typeof part === "string" && part !== "").join("; ");
}

/** `errors` is an object of lists in ASP.NET, a list of objects in the RFC's example: its texts, with their names. */
function leaves(value: unknown, depth: number): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null || depth === 0) return [];
  return Object.entries(value).slice(0, 20).flatMap(([name, inner]) =>
    leaves(inner, depth - 1).map((words) => Array.isArray(value) ? words : `${name}: ${words}`)
  );
}

/** What the service says, as a {@linkcode sentence} without the token. */
export function said(words: string, token: string): string {
  return sentence(words.replaceAll(token, "…"));
}
