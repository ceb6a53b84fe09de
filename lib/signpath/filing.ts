/**
 * Filing signing requests: submit, resubmit, and sign a hash at once.
 *
 * The API has no idempotency key. A request whose answer is lost may have been filed, and filing it twice makes people
 * approve twice: it is reported, never repeated. What surely had no effect is repeated while the service is unavailable,
 * and goes to the older route where a server does not know the newer one.
 *
 * Source: https://docs.signpath.io/, "Build system integration" ("Submit a signing request", "Resubmit a signing
 * request", both `multipart/form-data`) and the REST API of the crypto providers ("Fast signing").
 *
 * @module
 */
import { isTagsealError, TagsealError, type TagsealErrorCode } from "../errors.ts";
import { TRY_LATER } from "../http/retry.ts";
import { type Answer, neverSent, type Send } from "../http/send.ts";
import { checkedId, filedId, MAX_ARTIFACT_BYTES, parseObject, type SignPathApi, usage, webLinkOf } from "./api.ts";
import { type Asked, printable, refusal } from "./problem.ts";
import type { CallLimits, HashSubmission, Resubmission, SignedHash, Submission, SubmittedRequest } from "./types.ts";

const PARAMETER_NAME = /^[A-Za-z0-9._-]+$/;

/** Where a submission goes: to the route of today, else to that of older self-hosted servers. */
const SUBMIT: readonly string[] = ["/SubmitWithArtifact", ""];
const RESUBMIT: readonly string[] = ["/Resubmit"];
/** Answers that say that a server does not know the route, so that nothing can have happened. */
const NO_SUCH_ROUTE: readonly number[] = [404, 405];

/** Files a signing request. */
export async function submit(
  api: SignPathApi,
  submission: Submission,
  limits: CallLimits,
): Promise<SubmittedRequest> {
  const form = formOf(submission);
  setField(form, "cancellationTimeoutInSeconds", submission.cancellationTimeoutInSeconds?.toFixed(0));
  const asked = api.asking("submitting the signing request");
  return filed(api, await post(api, SUBMIT, form, { asked, limits, lost: mayBeFiled }));
}

/** Files a signing request for the artifact of another one. */
export async function resubmit(
  api: SignPathApi,
  { originalSigningRequestId: id, signingPolicySlug, description }: Resubmission,
  limits: CallLimits,
): Promise<SubmittedRequest> {
  const form = new FormData();
  setField(form, "originalSigningRequestId", checkedId(id));
  setSlug(form, "signingPolicySlug", signingPolicySlug);
  setField(form, "description", description);
  const asked = api.asking(`resubmitting signing request "${id}"`);
  return filed(api, await post(api, RESUBMIT, form, { asked, limits, lost: mayBeFiled }));
}

/** Has a hash signed without queue and approval. */
export async function signHash(
  api: SignPathApi,
  submission: HashSubmission,
  limits: CallLimits,
): Promise<SignedHash> {
  const form = formOf(submission);
  setField(form, "IsFastSigningRequest", "true");
  const asked = api.asking("signing the hash");
  const answer = await post(api, SUBMIT, form, { asked, limits, lost: mayBeSigned }).catch((error: unknown) => {
    throw isTagsealError(error, "bad-input") ? notForHashes(error) : error;
  });
  const json = parseObject(answer);
  const id = filedId(answer, json);
  if (json?.["Signature"] === undefined && id !== undefined) throw notAtOnce(id);
  return { signed: answer.bytes, ...(id === undefined ? {} : { signingRequestId: id }) };
}

/** How a form is posted, and what to say where its answer is lost. */
interface Posting {
  readonly asked: Asked;
  readonly limits: CallLimits;
  readonly lost: (code: TagsealErrorCode, why: string, cause?: unknown) => TagsealError;
}

/** The successful answer to `form`, from the first of `paths` that the server knows. */
async function post(
  api: SignPathApi,
  paths: readonly string[],
  form: FormData,
  { asked, limits, lost }: Posting,
): Promise<Answer> {
  let unknownRoute: Answer | undefined;
  for (const path of paths) {
    const { answer, unclear } = await postOnce(api, path, form, limits, lost);
    if (answer.status >= 200 && answer.status <= 299) return answer;
    if (unclear) throw lost("unavailable", refusal(answer, asked).message);
    if (!NO_SUCH_ROUTE.includes(answer.status)) throw refusal(answer, asked);
    // A server of today says "not found" of slugs and organizations as well: those words are the ones to tell.
    unknownRoute ??= answer;
  }
  throw refusal(unknownRoute!, asked);
}

/** One route's last answer, and whether the form may have been taken all the same. */
async function postOnce(
  api: SignPathApi,
  path: string,
  form: FormData,
  limits: CallLimits,
  lost: Posting["lost"],
): Promise<{ answer: Answer; unclear: boolean }> {
  // A proxy that gave up on one try cannot say what became of it, whatever stopped the tries after it.
  let gaveUp = false;
  const through: Send = async (request) => {
    const response = await api.options.send(request);
    gaveUp ||= response.status === 502 || response.status === 504;
    return response;
  };
  try {
    const timeoutMs = api.options.transferTimeoutMs;
    const answer = await api.call(path, limits, { method: "POST", body: form, timeoutMs, through });
    const unclear = gaveUp || (answer.status >= 500 && !TRY_LATER.includes(answer.status));
    return { answer, unclear };
  } catch (error) {
    if (isTagsealError(error) && (gaveUp || !neverSent(error))) throw lost(error.code, error.message, error);
    throw error;
  }
}

function filed(api: SignPathApi, answer: Answer): SubmittedRequest {
  const json = parseObject(answer);
  const id = filedId(answer, json);
  if (id === undefined) throw mayBeFiled("unavailable", "SignPath accepted it, but named no signing request id");
  return { signingRequestId: id, url: webLinkOf(json, api.options.token) ?? api.urlOf(`/${id}`).href };
}

function formOf(submission: HashSubmission): FormData {
  const form = new FormData();
  setSlug(form, "projectSlug", submission.projectSlug);
  setSlug(form, "signingPolicySlug", submission.signingPolicySlug);
  setField(form, "artifactConfigurationSlug", submission.artifactConfigurationSlug);
  setField(form, "description", submission.description);
  for (const [name, value] of Object.entries(submission.parameters ?? {})) {
    if (!PARAMETER_NAME.test(name)) {
      throw usage(
        `The parameter name "${printable(name)}" is not one`,
        "Use letters, digits, dots, underscores and dashes: --parameter name=value",
      );
    }
    setField(form, `parameters.${name}`, value);
  }
  if (submission.artifact.length > MAX_ARTIFACT_BYTES) {
    throw new TagsealError("bad-input", `The artifact is longer than ${MAX_ARTIFACT_BYTES} bytes`, {
      remedy: "Sign fewer tags at a time",
    });
  }
  form.set("artifact", new Blob([submission.artifact]), submission.fileName);
  return form;
}

function setField(form: FormData, name: string, value: string | undefined): void {
  if (value !== undefined) form.set(name, value);
}

function setSlug(form: FormData, name: "projectSlug" | "signingPolicySlug", slug: string): void {
  if (slug === "") throw usage(`The ${name} is empty`, "Name the project and the signing policy");
  form.set(name, slug);
}

function mayBeFiled(code: TagsealErrorCode, why: string, cause?: unknown): TagsealError {
  return new TagsealError(code, `The signing request may or may not have been filed: ${why}`, {
    remedy:
      "Look it up in SignPath's web UI before submitting again; if it is there, go on with: tagseal download <id>",
    details: { mayBeFiled: true },
    cause,
  });
}

/** Nobody has to approve a fast request, so that a second one costs an entry in the audit log and no more. */
function mayBeSigned(code: TagsealErrorCode, why: string, cause?: unknown): TagsealError {
  return new TagsealError(code, `The hash may or may not have been signed, the answer is lost: ${why}`, {
    remedy:
      "Nothing was published with it. Run the command again to sign once more; SignPath's audit log may then show both",
    details: { mayBeFiled: true },
    cause,
  });
}

/** SignPath names a field of its API; what is wrong is the project that the user chose. */
function notForHashes(error: TagsealError): TagsealError {
  return new TagsealError(error.code, error.message, {
    remedy: `${error.remedy}. --signing-method hash needs a project of the type "Hash signing data": name it with ` +
      "--project-slug",
    details: error.details,
    cause: error,
  });
}

function notAtOnce(id: string): TagsealError {
  return new TagsealError("bad-input", `SignPath filed signing request "${id}" instead of signing the hash at once`, {
    remedy:
      `Cancel it in SignPath's web UI, then name a project of the type "Hash signing data" and a policy without approval`,
    details: { signingRequestId: id },
  });
}
