/**
 * SignPath's REST API: file, follow, download and cancel signing requests.
 *
 * Source: https://docs.signpath.io/, "Build system integration", section "HTTP REST API".
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { plain, shown } from "../bytes/printable.ts";
import { isTagsealError, messageOf, TagsealError, type TagsealErrorCode } from "../errors.ts";
import type { Wait } from "../http/retry.ts";
import { neverSent } from "../http/send.ts";
import { checkedId, createSignPathApi, MAX_ARTIFACT_BYTES, parseObject, webLinkOf } from "./api.ts";
import { resubmit, submit } from "./filing.ts";
import { type Asked, garbled, refusal, said } from "./problem.ts";
import { createHashSigning } from "./sign_hash.ts";
import { transferTimes } from "./times.ts";
import type {
  CallLimits,
  HashSubmission,
  PolicyName,
  Resubmission,
  SignedHash,
  SigningRequestStatus,
  SignPathOptions,
  Submission,
  SubmittedRequest,
} from "./types.ts";

export { MAX_ARTIFACT_BYTES } from "./api.ts";

/** Where SignPath's own service answers. */
export const SIGNPATH_API_URL = "https://app.signpath.io/API";

/** How long the answer to a call is asked for elsewhere that was lost; whoever has not answered a minute long will not. */
const LOST_ANSWER_MS = 10_000;
/** After which pauses it is looked again whether a request is cancelled that was answered to be. */
const REREAD_PAUSES_MS = [500, 1000, 2000];

/** The signing requests of one organization. */
export interface SignPathClient {
  /**
   * Files a signing request.
   *
   * @throws {TagsealError} `bad-input`, `unauthenticated`, `forbidden`, `not-found` or `unavailable`; where the message
   *   says that the request may have been filed (`error.filed`), it must not be submitted again unseen
   */
  submit(submission: Submission, limits?: CallLimits): Promise<SubmittedRequest>;
  /**
   * Files a signing request for the unsigned artifact of another one, usually under another signing policy of its
   * project.
   *
   * @throws {TagsealError} as `submit`, `error.filed` included; `not-found` where the original is not there
   */
  resubmit(resubmission: Resubmission, limits?: CallLimits): Promise<SubmittedRequest>;
  /**
   * Has a hash signed at once, without queue and approval: by the route `SignHash`, or as older servers do it. Which of
   * them a server knows is asked once.
   *
   * @throws {TagsealError} as `submit`; with `error.filed` the hash may have been signed; `trust-invalid` where
   *   the answer is not about this hash; `bad-input` also where the service filed an ordinary request instead
   *   (`error.request`)
   */
  signHash(submission: HashSubmission, limits?: CallLimits): Promise<SignedHash>;
  /**
   * How far a signing request has come.
   *
   * @throws {TagsealError} `bad-input`, `unauthenticated`, `forbidden`, `not-found` or `unavailable`
   */
  status(signingRequestId: string, limits?: CallLimits): Promise<SigningRequestStatus>;
  /**
   * Cancels a signing request that has not ended.
   *
   * Cancelling files nothing and its effect is the same however often it is asked for, so that it is repeated while the
   * service is unavailable; where an answer is lost, the request's status tells what became of it.
   *
   * @throws {TagsealError} `bad-input` where it has ended already, cancelled included (`details.status`); else as
   *   `status`
   */
  cancel(signingRequestId: string, limits?: CallLimits): Promise<void>;
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
  /**
   * All signing policies that the token's user may use, from the same call: to say what there is where one is not.
   *
   * @throws {TagsealError} as `status`
   */
  policies(limits?: CallLimits): Promise<readonly PolicyName[]>;
}

/**
 * Binds the API to one organization and token.
 *
 * @throws {TagsealError} `usage` where the organization id or the token cannot be one
 */
export function createSignPathClient(options: SignPathOptions): SignPathClient {
  const { token } = options;
  const api = createSignPathApi(options);
  const { asking, call } = api;

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

  async function cancel(id: string, limits: CallLimits = {}): Promise<void> {
    const asked = asking(`cancelling signing request "${checkedId(id)}"`);
    let unclear = false; // an earlier try, or one whose answer is lost, may have cancelled it
    const onWait = (wait: Wait) => {
      unclear = true;
      options.onWait?.(wait);
    };
    let failure: TagsealError | undefined;
    try {
      const answer = await call(`/${id}/Cancel`, limits, { method: "POST", idempotent: true, onWait });
      failure = answer.status <= 299 ? undefined : refusal(answer, asked);
      if (failure?.code === "not-found") throw await notCancelled(id, failure, limits);
      if (failure && failure.code !== "bad-input" && !unclear) throw failure;
    } catch (error) {
      if (!isTagsealError(error, "unavailable") || neverSent(error)) throw error;
      failure = error;
      unclear = true;
    }
    if (!failure) return await requireCancelled(id, limits);
    const answerTimeoutMs = Math.min(limits.answerTimeoutMs ?? Infinity, LOST_ANSWER_MS);
    const now = await status(id, { ...limits, unavailableTimeoutMs: 0, answerTimeoutMs }).catch(() => undefined);
    if (unclear && now?.status === "Canceled") return;
    throw now?.isFinalStatus ? ended(id, now) : failure;
  }

  /**
   * What answers in SignPath's place, as the log-in page of a proxy does, says 200, too. So it is read back: nobody is to
   * leave a request behind that can still be approved.
   */
  async function requireCancelled(id: string, limits: CallLimits): Promise<void> {
    for (const pause of [...REREAD_PAUSES_MS, undefined]) {
      const now = await status(id, limits).catch((error: unknown) => {
        throw unproved(id, messageOf(error), error);
      });
      if (now.status === "Canceled") return;
      if (now.isFinalStatus) throw ended(id, now);
      if (pause === undefined) throw unproved(id, `it is shown as "${now.status}"`);
      await options.sleep(pause, limits.signal);
    }
  }

  /** Servers before 1.207.3 cannot cancel, and say so in the words that they have for requests that are not there. */
  async function notCancelled(id: string, failure: TagsealError, limits: CallLimits): Promise<TagsealError> {
    const now = await status(id, { ...limits, unavailableTimeoutMs: 0 }).catch(() => undefined);
    if (!now) return failure;
    if (now.isFinalStatus) return ended(id, now);
    return new TagsealError(
      "bad-input",
      `Signing request "${id}" cannot be cancelled: this SignPath has no such call`,
      {
        remedy: "Cancel it in SignPath's web UI",
        details: { status: now.status },
        request: { id, webLink: now.webLink, goesOn: true },
        cause: failure,
      },
    );
  }

  async function downloadSigned(id: string, limits: CallLimits = {}): Promise<Bytes> {
    const asked = asking(`downloading the signed artifact of signing request "${checkedId(id)}"`, id);
    const answer = await call(`/${id}/SignedArtifact`, limits, {
      maxBytes: MAX_ARTIFACT_BYTES,
      ...transferTimes(options.transferTimeoutMs, 0),
      redirects: 5,
    });
    if (answer.status !== 200) throw refusal(answer, asked);
    return answer.bytes;
  }

  async function policiesOf(
    query: Partial<PolicyName>,
    asked: Asked,
    limits: CallLimits,
  ): Promise<Record<string, unknown>[]> {
    const url = api.organizationUrl("/Cryptoki/MySigningPolicies");
    for (const [name, slug] of Object.entries(query)) url.searchParams.set(name, slug);
    const answer = await call("", limits, { url });
    if (answer.status !== 200) throw refusal(answer, asked);
    const policies = parseObject(answer)?.["signingPolicies"];
    if (!Array.isArray(policies)) throw garbled(asked, "the list of signing policies is not what its API describes");
    return policies.map((entry) => Object(entry) as Record<string, unknown>);
  }

  async function policies(limits: CallLimits = {}): Promise<PolicyName[]> {
    const entries = await policiesOf({}, asking("asking for the signing policies of the token's user"), limits);
    return entries.map(({ projectSlug, signingPolicySlug }) => ({
      projectSlug: shown(plain(projectSlug)),
      signingPolicySlug: shown(plain(signingPolicySlug)),
    }));
  }

  async function certificate(projectSlug: string, signingPolicySlug: string, limits: CallLimits = {}): Promise<Bytes> {
    const policy = `signing policy "${shown(signingPolicySlug)}" of project "${shown(projectSlug)}"`;
    const asked = asking(`asking for the certificate of ${policy}`);
    // Asked for one, but what the answer holds decides: another policy's key must not become a delegation.
    const found = (await policiesOf({ projectSlug, signingPolicySlug }, asked, limits)).find((entry) =>
      entry["projectSlug"] === projectSlug && entry["signingPolicySlug"] === signingPolicySlug
    );
    if (!found) {
      throw new TagsealError("not-found", `SignPath shows this user no ${policy}`, {
        remedy: "Check the slugs, and that the token's user is a submitter of the policy",
        details: { projectSlug, signingPolicySlug },
      });
    }
    try {
      return Uint8Array.fromBase64(plain(found["certificateBytes"]), { lastChunkHandling: "strict" });
    } catch {
      throw garbled(asked, `the certificate of ${policy} is not base64`);
    }
  }

  return {
    submit: (submission, limits = {}) => submit(api, submission, limits),
    resubmit: (resubmission, limits = {}) => resubmit(api, resubmission, limits),
    signHash: createHashSigning(api),
    status,
    cancel,
    downloadSigned,
    certificate,
    policies,
  };
}

/** A state's name as it came, unless it is none. */
function state(name: string, token: string): string {
  return /^[A-Za-z]{1,64}$/.test(name) && name !== token ? name : said(name, token);
}

function unproved(id: string, why: string, cause?: unknown): TagsealError {
  const message =
    `Whether signing request "${id}" is cancelled is not known, though its cancelling was answered: ${why}`;
  const isOwn = isTagsealError(cause, "unauthenticated", "forbidden", "interrupted");
  return new TagsealError<TagsealErrorCode>(isOwn ? cause.code : "unavailable", message, {
    remedy: "Look at it in SignPath's web UI, and cancel it there if it waits still",
    details: { signingRequestId: id },
    cause,
  });
}

function ended(id: string, { status, webLink }: SigningRequestStatus): TagsealError {
  return new TagsealError("bad-input", `Signing request "${id}" cannot be cancelled: it has ended as "${status}"`, {
    remedy: status === "Completed"
      ? "Leave its signed file alone: what is not pushed is not published"
      : "Nothing is left to be done about it",
    details: { status },
    request: { id, webLink, goesOn: false },
  });
}
