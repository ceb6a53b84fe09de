/**
 * SignPath's REST API: submit, follow and download signing requests.
 *
 * The API has no idempotency key. A submission whose answer is lost may have been filed, and filing it twice makes
 * people approve twice: it is reported, never repeated. What surely had no effect is repeated while the service is
 * unavailable. The token goes to the API's own origin only.
 *
 * Source: https://docs.signpath.io/, "Build system integration", section "HTTP REST API".
 *
 * @module
 */
import { type Bytes, text } from "../bytes/bytes.ts";
import { isTagsealError, TagsealError, type TagsealErrorCode } from "../errors.ts";
import { exchangeWithRetry, type Sleep } from "../http/retry.ts";
import { type Answer, type Call, neverSent, type Send } from "../http/send.ts";
import { type Asked, garbled, printable, refusal } from "./problem.ts";
import type { SigningRequestStatus, Submission, SubmittedRequest } from "./types.ts";

/** Where SignPath's own service answers. */
export const SIGNPATH_API_URL = "https://app.signpath.io/API";

/** No artifact may be longer than this many bytes. */
export const MAX_ARTIFACT_BYTES: number = 256 * 1024 * 1024;

/** How to reach SignPath. */
export interface SignPathOptions {
  /** The network. */
  readonly send: Send;
  /** The API's address, with or without `/API` and a trailing slash. */
  readonly apiUrl: URL;
  /** Id of the organization. */
  readonly organizationId: string;
  /** API token of a user of that organization. */
  readonly token: string;
  /** How many milliseconds a call is repeated for while the service is unavailable. */
  readonly serviceUnavailableTimeoutMs: number;
  /** How many milliseconds one upload or download may take. */
  readonly transferTimeoutMs: number;
  /** How waiting is done. */
  readonly sleep: Sleep;
  /** The clock. */
  readonly now: () => Date;
  /** Told why a call is going to be repeated. */
  readonly onWait?: (why: string) => void;
}

/** Limits of one call. */
export interface CallLimits {
  /** Ends the call early, with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Repeats for at most this many milliseconds, if that is less than `serviceUnavailableTimeoutMs`. */
  readonly unavailableTimeoutMs?: number;
}

/** The signing requests of one organization. */
export interface SignPathClient {
  /**
   * Files a signing request.
   *
   * @throws {TagsealError} `bad-input`, `unauthenticated`, `forbidden`, `not-found` or `unavailable`; where the message
   *   says that the request may have been filed (`details.mayBeFiled`), it must not be submitted again unseen
   */
  submit(submission: Submission, limits?: CallLimits): Promise<SubmittedRequest>;
  /**
   * How far a signing request has come.
   *
   * @throws {TagsealError} `bad-input`, `unauthenticated`, `forbidden`, `not-found` or `unavailable`
   */
  status(signingRequestId: string, limits?: CallLimits): Promise<SigningRequestStatus>;
  /**
   * The signed artifact of a completed signing request.
   *
   * @throws {TagsealError} `bad-input` (also while it is not completed), `unauthenticated`, `forbidden`, `not-found` or
   *   `unavailable`
   */
  downloadSigned(signingRequestId: string, limits?: CallLimits): Promise<Bytes>;
  /**
   * The certificate (DER) of the key that a signing policy signs with, from `GET /Cryptoki/MySigningPolicies`.
   *
   * @throws {TagsealError} `not-found` where the token's user may not use such a policy; else as `status`
   */
  certificate(projectSlug: string, signingPolicySlug: string, limits?: CallLimits): Promise<Bytes>;
}

const ID = /^[A-Za-z0-9-]{1,64}$/;
const PARAMETER_NAME = /^[A-Za-z0-9._-]+$/;
const MAX_JSON_BYTES = 1024 * 1024;
const JSON_TIMEOUT_MS = 30_000;

/**
 * Binds the API to one organization and token.
 *
 * @throws {TagsealError} `usage` where the organization id or the token cannot be one
 */
export function createSignPathClient(options: SignPathOptions): SignPathClient {
  const { send, token, sleep, now } = options;
  if (!ID.test(options.organizationId)) {
    throw usage("The organization id is not one", "Copy it from SignPath's web UI, as --organization-id");
  }
  // Else `Headers` would refuse it, in words that repeat it.
  if (!/^[\x21-\x7e]{1,4096}$/.test(token)) {
    throw usage("The API token is empty or has characters that no token has", "Copy it again, without line breaks");
  }
  const base = normalizeApiUrl(options.apiUrl);
  const origin = new URL(base).origin;

  const urlOf = (path: string) => new URL(`${base}/v1/${options.organizationId}/SigningRequests${path}`);
  const asking = (action: string, signingRequestId?: string): Asked => ({
    action,
    origin,
    token,
    ...(signingRequestId === undefined ? {} : { signingRequestId }),
  });

  function call(path: string, limits: CallLimits, more: Partial<Call> = {}): Promise<Answer> {
    const budgetMs = Math.min(limits.unavailableTimeoutMs ?? Infinity, options.serviceUnavailableTimeoutMs);
    return exchangeWithRetry(send, {
      service: "SignPath",
      url: urlOf(path),
      maxBytes: MAX_JSON_BYTES,
      timeoutMs: JSON_TIMEOUT_MS,
      signal: limits.signal,
      ...more,
      headers: { authorization: `Bearer ${token}`, accept: "application/json, application/problem+json, */*;q=0.1" },
    }, { budgetMs, sleep, now, onWait: options.onWait });
  }

  async function submit(submission: Submission, limits: CallLimits = {}): Promise<SubmittedRequest> {
    const asked = asking("submitting the signing request");
    const body = formOf(submission);
    let answer: Answer;
    try {
      const more: Partial<Call> = { method: "POST", body, timeoutMs: options.transferTimeoutMs };
      answer = await call("/SubmitWithArtifact", limits, more);
    } catch (error) {
      if (isTagsealError(error) && !neverSent(error)) throw mayBeFiled(error.code, error.message, error);
      throw error;
    }
    if (answer.status >= 500 && answer.status !== 503) throw mayBeFiled("unavailable", refusal(answer, asked).message);
    if (answer.status < 200 || answer.status > 299) throw refusal(answer, asked);
    const json = parseObject(answer);
    // `Location` may name another host: only the id in it is of use, never the address.
    const id = [answer.headers.get("location")?.split(/[?#]/)[0]?.split("/").at(-1), json?.["signingRequestId"]]
      .find((value) => typeof value === "string" && ID.test(value));
    if (typeof id !== "string") {
      throw mayBeFiled("unavailable", "SignPath accepted it, but named no signing request id");
    }
    return { signingRequestId: id, url: webLinkOf(json, token) ?? urlOf(`/${id}`).href };
  }

  async function status(id: string, limits: CallLimits = {}): Promise<SigningRequestStatus> {
    const asked = asking(`asking for the status of signing request "${checkedId(id)}"`, id);
    let answer = await call(`/${id}/Status`, limits);
    // Older self-hosted servers have no /Status.
    if (answer.status === 404) answer = await call(`/${id}`, limits);
    if (answer.status !== 200) throw refusal(answer, asked);
    const json = parseObject(answer);
    const name = json?.["status"];
    const isFinalStatus = json?.["isFinalStatus"];
    if (typeof name !== "string" || name === "" || typeof isFinalStatus !== "boolean") {
      throw garbled(asked, `the status of signing request "${id}" is not what its API describes`);
    }
    const workflowStatus = json?.["workflowStatus"];
    const webLink = webLinkOf(json, token);
    return {
      status: state(name, token),
      workflowStatus: state(typeof workflowStatus === "string" ? workflowStatus : name, token),
      isFinalStatus,
      ...(webLink === undefined ? {} : { webLink }),
    };
  }

  async function downloadSigned(id: string, limits: CallLimits = {}): Promise<Bytes> {
    const asked = asking(`downloading the signed artifact of signing request "${checkedId(id)}"`, id);
    const answer = await call(`/${id}/SignedArtifact`, limits, {
      maxBytes: MAX_ARTIFACT_BYTES,
      timeoutMs: options.transferTimeoutMs,
      redirects: 5,
    });
    if (answer.status !== 200) throw refusal(answer, asked);
    return answer.bytes;
  }

  async function certificate(projectSlug: string, signingPolicySlug: string, limits: CallLimits = {}): Promise<Bytes> {
    const policy = `signing policy "${printable(signingPolicySlug)}" of project "${printable(projectSlug)}"`;
    const asked = asking(`asking for the certificate of ${policy}`);
    const url = new URL(`${base}/v1/${options.organizationId}/Cryptoki/MySigningPolicies`);
    url.searchParams.set("projectSlug", projectSlug);
    url.searchParams.set("signingPolicySlug", signingPolicySlug);
    const answer = await call("", limits, { url });
    if (answer.status !== 200) throw refusal(answer, asked);
    const policies = parseObject(answer)?.["signingPolicies"];
    if (!Array.isArray(policies)) throw garbled(asked, "the list of signing policies is not what its API describes");
    // Asked for one, but what the answer holds decides: another policy's key must not become a delegation.
    const found = policies.map((entry) => Object(entry) as Record<string, unknown>).find((entry) =>
      entry["projectSlug"] === projectSlug && entry["signingPolicySlug"] === signingPolicySlug
    );
    if (!found) {
      throw new TagsealError("not-found", `SignPath shows this user no ${policy}`, {
        remedy: "Check the slugs, and that the token's user is a submitter of the policy",
        details: { projectSlug, signingPolicySlug },
      });
    }
    try {
      return Uint8Array.fromBase64(String(found["certificateBytes"]), { lastChunkHandling: "strict" });
    } catch {
      throw garbled(asked, `the certificate of ${policy} is not base64`);
    }
  }

  return { submit, status, downloadSigned, certificate };
}

/** `https://app.signpath.io`, `…/API/` and `…/api` alike as a base without a trailing slash; `/API` where no path is. */
export function normalizeApiUrl(url: URL): string {
  return `${url.origin}${url.pathname.replace(/\/+$/, "") || "/API"}`;
}

function formOf(submission: Submission): FormData {
  const form = new FormData();
  const set = (name: string, value: string | undefined) => value === undefined || form.set(name, value);
  for (const slug of ["projectSlug", "signingPolicySlug"] as const) {
    if (submission[slug] === "") throw usage(`The ${slug} is empty`, "Name the project and the signing policy");
    set(slug, submission[slug]);
  }
  set("artifactConfigurationSlug", submission.artifactConfigurationSlug);
  set("description", submission.description);
  set("cancellationTimeoutInSeconds", submission.cancellationTimeoutInSeconds?.toFixed(0));
  for (const [name, value] of Object.entries(submission.parameters ?? {})) {
    if (!PARAMETER_NAME.test(name)) {
      throw usage(
        `The parameter name "${printable(name)}" is not one`,
        "Use letters, digits, dots, underscores and dashes: --parameter name=value",
      );
    }
    set(`parameters.${name}`, value);
  }
  if (submission.artifact.length > MAX_ARTIFACT_BYTES) {
    throw new TagsealError("bad-input", `The artifact is longer than ${MAX_ARTIFACT_BYTES} bytes`, {
      remedy: "Sign fewer tags at a time",
    });
  }
  form.set("artifact", new Blob([submission.artifact]), submission.fileName);
  return form;
}

function checkedId(id: string): string {
  if (ID.test(id)) return id;
  throw usage(`"${printable(id)}" is not a signing request id`, "Copy the id that submit printed");
}

function usage(message: string, remedy: string): TagsealError {
  return new TagsealError("usage", message, { remedy });
}

function mayBeFiled(code: TagsealErrorCode, why: string, cause?: unknown): TagsealError {
  return new TagsealError(code, `The signing request may or may not have been filed: ${why}`, {
    remedy:
      "Look it up in SignPath's web UI before submitting again; if it is there, go on with: tagseal download <id>",
    details: { mayBeFiled: true },
    cause,
  });
}

/** The body as a JSON object; nothing where it is none. */
function parseObject(answer: Answer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text(answer.bytes));
    return typeof value === "object" && value !== null ? value as Record<string, unknown> : undefined;
  } catch {
    return undefined;
  }
}

/** A state's name as it came, unless it is none. */
function state(name: string, token: string): string {
  return /^[A-Za-z]{1,64}$/.test(name) && name !== token ? name : printable(name, token);
}

/** Only ever shown to people, never called: any address they could open. */
function webLinkOf(json: Record<string, unknown> | undefined, token: string): string | undefined {
  const link = json?.["webLink"];
  if (typeof link !== "string" || link.length > 500 || !URL.canParse(link) || link.includes(token)) return undefined;
  const url = new URL(link);
  return ["https:", "http:"].includes(url.protocol) && url.username === "" ? url.href : undefined;
}
