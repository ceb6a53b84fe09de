/**
 * Filing signing requests: submit and resubmit, and the forms that they are.
 *
 * Source: https://docs.signpath.io/, "Build system integration" ("Submit a signing request", "Resubmit a signing
 * request", both `multipart/form-data`).
 *
 * @module
 */
import { shown } from "../bytes/printable.ts";
import { TagsealError, type TagsealErrorCode } from "../errors.ts";
import { checkedId, filedId, MAX_ARTIFACT_BYTES, parseObject, type SignPathApi, usage, webLinkOf } from "./api.ts";
import { atMostThere, post, type Posted, type Route, unclearFacts } from "./posting.ts";
import type { CallLimits, Resubmission, Submission, SubmittedRequest } from "./types.ts";

const PARAMETER_NAME = /^[A-Za-z0-9._-]+$/;

/** Where a submission goes: to the route of today, else to that of older self-hosted servers. */
export function submissionRoutes(form: FormData): Route[] {
  return ["/SubmitWithArtifact", ""].map((path) => ({ path, body: form }));
}

/** Files a signing request. */
export async function submit(
  api: SignPathApi,
  submission: Submission,
  limits: CallLimits,
): Promise<SubmittedRequest> {
  const form = formOf(submission);
  setField(form, "cancellationTimeoutInSeconds", submission.cancellationTimeoutInSeconds?.toFixed(0));
  const asked = api.asking("submitting the signing request");
  return filed(api, await post(api, submissionRoutes(form), { asked, limits, lost: mayBeFiled }));
}

/** Files a signing request for the artifact of another one. */
export async function resubmit(
  api: SignPathApi,
  { originalSigningRequestId: id, signingPolicySlug, description }: Resubmission,
  limits: CallLimits,
): Promise<SubmittedRequest> {
  const form = new FormData();
  setField(form, "originalSigningRequestId", checkedId(id));
  setField(form, "signingPolicySlug", checkedSlug("signingPolicySlug", signingPolicySlug));
  setField(form, "description", description);
  const asked = api.asking(`resubmitting signing request "${id}"`);
  return filed(api, await post(api, [{ path: "/Resubmit", body: form }], { asked, limits, lost: mayBeFiled }));
}

function filed(api: SignPathApi, { answer, unclear }: Posted<Route>): SubmittedRequest {
  const json = parseObject(answer);
  const id = filedId(answer, json);
  if (id === undefined) {
    throw mayBeFiled("unavailable", "SignPath accepted it, but named no signing request id", unclear + 1);
  }
  const url = webLinkOf(json, api.options.token) ?? api.urlOf(`/${id}`).href;
  return { signingRequestId: id, url, ...unclearFacts(unclear) };
}

/** The form of a submission. @throws {TagsealError} `usage`, `bad-input` */
export function formOf(submission: Omit<Submission, "cancellationTimeoutInSeconds">): FormData {
  const form = new FormData();
  setField(form, "projectSlug", checkedSlug("projectSlug", submission.projectSlug));
  setField(form, "signingPolicySlug", checkedSlug("signingPolicySlug", submission.signingPolicySlug));
  setField(form, "artifactConfigurationSlug", submission.artifactConfigurationSlug);
  setField(form, "description", submission.description);
  for (const [name, value] of Object.entries(submission.parameters ?? {})) {
    if (!PARAMETER_NAME.test(name)) {
      throw usage(
        `The parameter name "${shown(name)}" is not one`,
        "Use letters, digits, dots, underscores and dashes",
        { do: "name-parameter" },
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

/** `slug`, unless it is empty. @throws {TagsealError} `usage` */
export function checkedSlug(name: "projectSlug" | "signingPolicySlug", slug: string): string {
  if (slug !== "") return slug;
  throw usage(`The ${name} is empty`, "Name the project and the signing policy");
}

function mayBeFiled(code: TagsealErrorCode, why: string, atMost: number, cause?: unknown): TagsealError {
  return new TagsealError(
    code,
    `The signing request may or may not have been filed: ${why}; ${atMostThere(atMost)}`,
    {
      remedy: "Look it up in SignPath's web UI before submitting again; if it is there, download its signed file",
      next: { do: "look-for-request" },
      filed: "maybe",
      details: { unclearRequests: atMost },
      cause,
    },
  );
}
