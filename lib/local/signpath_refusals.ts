/** How the embedded SignPath service refuses: as RFC 9457 problem+json. @module */
import { type Details, TagsealError } from "../errors.ts";

const PROBLEMS = {
  "bad-input": [400, "Bad Request"],
  "unauthenticated": [401, "Unauthorized"],
  "not-found": [404, "Not Found"],
} as const;

/** The refusal of one request. */
export function refuse(
  code: "bad-input" | "unauthenticated" | "not-found",
  message: string,
  details: Details = {},
): TagsealError {
  return new TagsealError(code, message, { remedy: "Correct the request to the embedded SignPath service", details });
}

/** The refusal of a form for one of its fields. */
export function wrong(field: string, words: string): TagsealError {
  return refuse("bad-input", "The signing request is not valid", { [field]: [words] });
}

/** A refusal as an answer. */
export function problemOf(error: TagsealError): Response {
  const [status, title] = PROBLEMS[error.code as keyof typeof PROBLEMS] ?? [500, "Internal Server Error"];
  const problem = { status, title, detail: error.message, errors: error.details };
  return answer(status, problem, { "content-type": "application/problem+json" });
}

/** An answer in JSON. */
export function answer(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });
}
