/** What the embedded SignPath service takes: a submission with its artifact, a resubmission, a hash. @module */
import { randomUUID } from "node:crypto";
import { type Bytes, concat } from "../bytes/bytes.ts";
import { isJsonObject, type JsonObject } from "../bytes/json.ts";
import type { LocalProject, LocalSigningPolicy } from "./signpath_policies.ts";
import { refuse, wrong } from "./signpath_refusals.ts";
import type { RequestEntry } from "./signpath_requests.ts";

/** What forms are judged by. */
export interface FormContext {
  /** What can be signed with. */
  readonly projects: readonly LocalProject[];
  /** The clock. */
  readonly now: () => Date;
}

/**
 * The body of a request of at most `maxBytes`.
 *
 * @throws {TagsealError} `bad-input`
 */
export async function readBody(request: Request, maxBytes: number): Promise<Bytes> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request.body ?? []) {
    length += part.length;
    if (length > maxBytes) throw refuse("bad-input", `The request is longer than ${maxBytes} bytes`);
    parts.push(part);
  }
  return concat(...parts);
}

/**
 * The form in a request of at most `maxBytes`.
 *
 * @throws {TagsealError} `bad-input`
 */
export async function readForm(request: Request, maxBytes: number): Promise<FormData> {
  const body = await readBody(request, maxBytes);
  try {
    const headers = { "content-type": request.headers.get("content-type") ?? "" };
    return await new Response(body, { headers }).formData();
  } catch {
    throw refuse("bad-input", "The request is not multipart/form-data");
  }
}

/**
 * The request that a submission makes.
 *
 * @throws {TagsealError} `bad-input`
 */
export async function submittedEntry(form: FormData, { projects, now }: FormContext): Promise<RequestEntry> {
  const project = projectOf(projects, fieldOf(form, "projectSlug"));
  const policy = policyOf(project, fieldOf(form, "signingPolicySlug"));
  const fast = isFast(form, project, policy);
  const configuration = configurationOf(project, fieldOf(form, "artifactConfigurationSlug"));
  const artifact = form.get("artifact");
  if (!(artifact instanceof File)) throw wrong("artifact", "There is no file");
  const cancellation = fieldOf(form, "cancellationTimeoutInSeconds");
  if (cancellation !== undefined && !/^[1-9]\d{0,8}$/.test(cancellation)) {
    throw wrong("cancellationTimeoutInSeconds", "It is not a positive number of seconds");
  }
  const submitted = now();
  return {
    facts: {
      id: randomUUID(),
      projectSlug: project.slug,
      signingPolicySlug: policy.slug,
      description: fieldOf(form, "description") ?? "",
      parameters: parametersOf(form),
      fileName: artifact.name,
      submitted,
      ...(fast ? { fast } : {}),
    },
    artifactConfigurationSlug: configuration,
    policy,
    cancelAt: cancellation === undefined ? Infinity : submitted.getTime() + Number(cancellation) * 1000,
    workflowStatus: "WaitingForApproval",
    unsigned: new Uint8Array(await artifact.arrayBuffer()),
  };
}

/**
 * The request that a resubmission makes of another one: the same artifact, unsigned, under a policy of the same project.
 *
 * @throws {TagsealError} `bad-input`, or what `find` throws
 */
export function resubmittedEntry(
  form: FormData,
  find: (id: string) => RequestEntry,
  { projects, now }: FormContext,
): RequestEntry {
  const original = find(fieldOf(form, "originalSigningRequestId") ?? "");
  const { id, projectSlug, parameters, fileName, fast } = original.facts;
  if (fast) throw wrong("originalSigningRequestId", "It is a fast signing request, which is over");
  const policy = policyOf(projectOf(projects, projectSlug), fieldOf(form, "signingPolicySlug"));
  return {
    facts: {
      id: randomUUID(),
      projectSlug,
      signingPolicySlug: policy.slug,
      description: fieldOf(form, "description") ?? "",
      parameters,
      fileName,
      submitted: now(),
      originalSigningRequestId: id,
    },
    artifactConfigurationSlug: original.artifactConfigurationSlug,
    policy,
    cancelAt: Infinity,
    workflowStatus: "WaitingForApproval",
    unsigned: original.unsigned,
  };
}

/**
 * The request that `SignHash` makes, to be signed at once.
 *
 * @throws {TagsealError} `bad-input`
 */
export function hashEntry(document: JsonObject, artifact: Bytes, { projects, now }: FormContext): RequestEntry {
  const member = (name: string) => typeof document[name] === "string" ? document[name] : undefined;
  const project = projectOf(projects, member("projectSlug"));
  const policy = policyOf(project, member("signingPolicySlug"));
  if (project.kind !== "hash-signing-data") throw wrong("projectSlug", "The project signs no hashes");
  requireNoApproval("signingPolicySlug", policy);
  if (!isJsonObject(document["hashSigningData"])) throw wrong("hashSigningData", "It is not there");
  return {
    facts: {
      id: randomUUID(),
      projectSlug: project.slug,
      signingPolicySlug: policy.slug,
      description: member("description") ?? "",
      parameters: {},
      fileName: "payload.json",
      submitted: now(),
      fast: true,
    },
    artifactConfigurationSlug: configurationOf(project, member("artifactConfigurationSlug")),
    policy,
    cancelAt: Infinity,
    workflowStatus: "Processing",
    unsigned: artifact,
  };
}

function configurationOf(project: LocalProject, slug: string | undefined): string {
  const configuration = project.artifactConfiguration ?? "docker-signing-data";
  if ((slug ?? configuration) === configuration) return configuration;
  throw wrong("artifactConfigurationSlug", "There is no such artifact configuration in the project");
}

function fieldOf(form: FormData, name: string): string | undefined {
  const value = form.get(name);
  return typeof value === "string" ? value : undefined;
}

function projectOf(projects: readonly LocalProject[], slug: string | undefined): LocalProject {
  const project = projects.find((project) => project.slug === slug);
  if (!project) throw wrong("projectSlug", "There is no such project");
  return project;
}

function policyOf(project: LocalProject, slug: string | undefined): LocalSigningPolicy {
  const policy = project.policies.find((policy) => policy.slug === slug);
  if (!policy) throw wrong("signingPolicySlug", "There is no such signing policy in the project");
  return policy;
}

/** Whether it is a fast signing request, which is the only kind that projects for hashes take, and only they. */
function isFast(form: FormData, project: LocalProject, policy: LocalSigningPolicy): boolean {
  const fast = fieldOf(form, "IsFastSigningRequest")?.toLowerCase() === "true";
  if (fast !== (project.kind === "hash-signing-data")) {
    throw wrong("IsFastSigningRequest", `The project takes ${fast ? "no" : "only"} fast signing requests`);
  }
  if (fast) requireNoApproval("IsFastSigningRequest", policy);
  return fast;
}

function requireNoApproval(field: string, { approval }: LocalSigningPolicy): void {
  if (approval !== "manual") return;
  throw wrong(field, "The signing policy requires approval, which a fast signing request cannot wait for");
}

function parametersOf(form: FormData): Record<string, string> {
  const parameters = new Map<string, string>();
  for (const [name, value] of form) {
    const parameter = /^parameters\.([A-Za-z0-9._-]+)$/.exec(name)?.[1];
    if (parameter !== undefined && typeof value === "string") parameters.set(parameter, value);
  }
  return Object.fromEntries(parameters);
}
