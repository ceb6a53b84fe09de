/**
 * The embedded SignPath service: the part of SignPath's REST API that tagseal uses, as a pure handler with everything in
 * memory and real signatures. For trying things on loopback and for tests.
 *
 * There is no web UI to approve in. Instead, and only here, `POST …/SigningRequests/<id>/Approve` and `…/Deny` do it,
 * with the token of the submitter; SignPath itself has no such calls.
 *
 * Source: https://docs.signpath.io/, "Build system integration" and the REST API of the crypto providers.
 *
 * @module
 */
import { randomUUID } from "node:crypto";
import { type Bytes, concat } from "../bytes/bytes.ts";
import { type Details, isTagsealError, messageOf, TagsealError } from "../errors.ts";
import { type LocalProject, type LocalSigningPolicy, policiesOf } from "./signpath_policies.ts";
import { MAX_ARTIFACT_BYTES, type RawSignatureFormat, signArtifact } from "./signpath_signing.ts";

/** How the service is set up. */
export interface SignPathServiceOptions extends RawSignatureFormat {
  /** The only organization. */
  readonly organizationId: string;
  /** The only API token. */
  readonly token: string;
  /** The clock, for time stamps and cancellation time-outs. */
  readonly now: () => Date;
  /** What can be signed with. */
  readonly projects: readonly LocalProject[];
}

/** The states that the embedded service knows, of SignPath's many. */
export type LocalWorkflowStatus =
  | "WaitingForApproval"
  | "Processing"
  | "Completed"
  | "ProcessingFailed"
  | "Denied"
  | "Canceled";

/** A signing request as it stands. */
export interface LocalSigningRequest {
  /** Its id. */
  readonly id: string;
  /** Project it was submitted to. */
  readonly projectSlug: string;
  /** Signing policy it was submitted for. */
  readonly signingPolicySlug: string;
  /** What the submitter wrote. */
  readonly description: string;
  /** Its `parameters.<name>`. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Name of the submitted file. */
  readonly fileName: string;
  /** When it was submitted. */
  readonly submitted: Date;
  /** How far it has come. */
  readonly workflowStatus: LocalWorkflowStatus;
  /** Why processing failed. */
  readonly failure?: string;
}

/** The running service. */
export interface SignPathService {
  /** Answers one request; fits `Deno.serve` as well as the `Send` of the HTTP layer. */
  handle(request: Request): Promise<Response>;
  /**
   * Approves a waiting request and signs it.
   *
   * @throws {TagsealError} `not-found`, or `bad-input` where it does not wait
   */
  approve(id: string): Promise<void>;
  /**
   * Denies a waiting request.
   *
   * @throws {TagsealError} `not-found`, or `bad-input` where it does not wait
   */
  deny(id: string): void;
  /** All requests, oldest first. */
  requests(): LocalSigningRequest[];
}

const STATUS: { readonly [workflow in LocalWorkflowStatus]: string } = {
  WaitingForApproval: "WaitingForApproval",
  Processing: "InProgress",
  Completed: "Completed",
  ProcessingFailed: "Failed",
  Denied: "Denied",
  Canceled: "Canceled",
};

/** All artifacts together; the service is restarted, not cleaned up. */
const MAX_HELD_BYTES = 1024 * 1024 * 1024;
/** Counted for each request beside its artifact, so that a flood of tiny ones is bounded as well. */
const REQUEST_BYTES = 4096;

/** One request, with what changes over its life. */
interface Entry {
  readonly facts: Omit<LocalSigningRequest, "workflowStatus" | "failure">;
  readonly artifactConfigurationSlug: string;
  readonly policy: LocalSigningPolicy;
  /** Milliseconds since 1970. */
  readonly cancelAt: number;
  workflowStatus: LocalWorkflowStatus;
  failure?: string;
  /** Unsigned until it is completed. */
  artifact: Bytes;
}

/** Starts the service without any signing requests. */
export function createSignPathService(options: SignPathServiceOptions): SignPathService {
  const entries = new Map<string, Entry>();
  let held = 0;

  /** The request as it stands now: one that waited too long is cancelled when it is next looked at. */
  function find(id: string): Entry {
    const entry = entries.get(id);
    if (!entry) throw refuse("not-found", `There is no signing request "${id.slice(0, 64)}"`);
    if (entry.workflowStatus === "WaitingForApproval" && options.now().getTime() >= entry.cancelAt) {
      entry.workflowStatus = "Canceled";
    }
    return entry;
  }

  function waiting(id: string): Entry {
    const entry = find(id);
    if (entry.workflowStatus === "WaitingForApproval") return entry;
    throw refuse("bad-input", `Signing request "${id}" does not wait for approval, it is "${entry.workflowStatus}"`);
  }

  async function process(entry: Entry): Promise<void> {
    entry.workflowStatus = "Processing";
    try {
      const signed = await signArtifact(entry.artifact, entry.policy.key, options);
      held += signed.length - entry.artifact.length;
      entry.artifact = signed;
      entry.workflowStatus = "Completed";
    } catch (error) {
      entry.failure = messageOf(error);
      entry.workflowStatus = "ProcessingFailed";
    }
  }

  async function submit(request: Request, base: string): Promise<Response> {
    const form = await readForm(request, Math.min(MAX_ARTIFACT_BYTES, MAX_HELD_BYTES - held));
    const entry = await newEntry(form, options);
    const { id } = entry.facts;
    entries.set(id, entry);
    held += entry.artifact.length + REQUEST_BYTES;
    if (entry.policy.approval === "automatic") await process(entry);
    const location = `${base}/SigningRequests/${id}`;
    return answer(201, { signingRequestId: id, webLink: location }, { location });
  }

  async function route(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const path = /^(?<base>\/api\/v1\/(?<organization>[^/]+))\/(?<call>.+?)\/?$/i.exec(url.pathname)?.groups;
    if (!path) throw refuse("not-found", "There is no such call");
    if (request.headers.get("authorization") !== `Bearer ${options.token}`) {
      throw refuse("unauthenticated", "The token is not valid");
    }
    if (path["organization"] !== options.organizationId) throw refuse("not-found", "There is no such organization");
    const base = url.origin + path["base"];
    const call = path["call"]!;
    const id = /^SigningRequests\/(?!SubmitWithArtifact$)([^/]+)/.exec(call)?.[1] ?? "";
    switch (`${request.method} ${id === "" ? call : call.replace(`/${id}`, "/<id>")}`) {
      case "POST SigningRequests/SubmitWithArtifact":
        return await submit(request, base);
      case "GET SigningRequests/<id>":
        return answer(200, detailsOf(find(id), base));
      case "GET SigningRequests/<id>/Status":
        return answer(200, statusOf(find(id), base));
      case "GET SigningRequests/<id>/SignedArtifact":
        return signedArtifact(find(id));
      case "POST SigningRequests/<id>/Approve":
        await process(waiting(id));
        return answer(200, statusOf(find(id), base));
      case "POST SigningRequests/<id>/Deny":
        waiting(id).workflowStatus = "Denied";
        return answer(200, statusOf(find(id), base));
      case "POST SigningRequests/<id>/Cancel":
        waiting(id).workflowStatus = "Canceled";
        return answer(200, statusOf(find(id), base));
      case "GET Cryptoki/MySigningPolicies":
        return answer(200, { signingPolicies: policiesOf(options.projects, url.searchParams) });
      default:
        throw refuse("not-found", "There is no such call");
    }
  }

  async function handle(request: Request): Promise<Response> {
    try {
      return await route(request);
    } catch (error) {
      if (!isTagsealError(error)) throw error;
      const [status, title] = PROBLEMS[error.code as keyof typeof PROBLEMS] ?? [500, "Internal Server Error"];
      const problem = { status, title, detail: error.message, errors: error.details };
      return answer(status, problem, { "content-type": "application/problem+json" });
    } finally {
      if (request.body && !request.bodyUsed) await request.body.cancel();
    }
  }

  return {
    handle,
    approve: async (id) => await process(waiting(id)),
    deny: (id) => void (waiting(id).workflowStatus = "Denied"),
    requests: () =>
      [...entries.keys()].map(find).map(({ facts, workflowStatus, failure }) => ({
        ...facts,
        workflowStatus,
        ...(failure === undefined ? {} : { failure }),
      })),
  };
}

const PROBLEMS = {
  "bad-input": [400, "Bad Request"],
  "unauthenticated": [401, "Unauthorized"],
  "not-found": [404, "Not Found"],
} as const;

function refuse(code: keyof typeof PROBLEMS, message: string, details: Details = {}): TagsealError {
  return new TagsealError(code, message, { remedy: "Correct the request to the embedded SignPath service", details });
}

function answer(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });
}

async function readForm(request: Request, maxBytes: number): Promise<FormData> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request.body ?? []) {
    length += part.length;
    if (length > maxBytes) throw refuse("bad-input", `The request is longer than ${maxBytes} bytes`);
    parts.push(part);
  }
  try {
    const headers = { "content-type": request.headers.get("content-type") ?? "" };
    return await new Response(concat(...parts), { headers }).formData();
  } catch {
    throw refuse("bad-input", "The request is not multipart/form-data");
  }
}

async function newEntry(form: FormData, { projects, now }: SignPathServiceOptions): Promise<Entry> {
  const field = (name: string) => {
    const value = form.get(name);
    return typeof value === "string" ? value : undefined;
  };
  const wrong = (name: string, words: string) =>
    refuse("bad-input", "The signing request is not valid", { [name]: [words] });

  const project = projects.find(({ slug }) => slug === field("projectSlug"));
  if (!project) throw wrong("projectSlug", "There is no such project");
  const policy = project.policies.find(({ slug }) => slug === field("signingPolicySlug"));
  if (!policy) throw wrong("signingPolicySlug", "There is no such signing policy in the project");
  const configuration = project.artifactConfiguration ?? "docker-signing-data";
  if ((field("artifactConfigurationSlug") ?? configuration) !== configuration) {
    throw wrong("artifactConfigurationSlug", "There is no such artifact configuration in the project");
  }
  const artifact = form.get("artifact");
  if (!(artifact instanceof File)) throw wrong("artifact", "There is no file");
  const cancellation = field("cancellationTimeoutInSeconds");
  if (cancellation !== undefined && !/^[1-9]\d{0,8}$/.test(cancellation)) {
    throw wrong("cancellationTimeoutInSeconds", "It is not a positive number of seconds");
  }
  const parameters = new Map<string, string>();
  for (const [name, value] of form) {
    const parameter = /^parameters\.([A-Za-z0-9._-]+)$/.exec(name)?.[1];
    if (parameter !== undefined && typeof value === "string") parameters.set(parameter, value);
  }
  const submitted = now();
  return {
    facts: {
      id: randomUUID(),
      projectSlug: project.slug,
      signingPolicySlug: policy.slug,
      description: field("description") ?? "",
      parameters: Object.fromEntries(parameters),
      fileName: artifact.name,
      submitted,
    },
    artifactConfigurationSlug: configuration,
    policy,
    cancelAt: cancellation === undefined ? Infinity : submitted.getTime() + Number(cancellation) * 1000,
    workflowStatus: "WaitingForApproval",
    artifact: new Uint8Array(await artifact.arrayBuffer()),
  };
}

function statusOf({ facts, workflowStatus }: Entry, base: string): Record<string, unknown> {
  return {
    status: STATUS[workflowStatus],
    workflowStatus,
    isFinalStatus: !["WaitingForApproval", "Processing"].includes(workflowStatus),
    webLink: `${base}/SigningRequests/${facts.id}`,
  };
}

function detailsOf(entry: Entry, base: string): Record<string, unknown> {
  const { id, description, projectSlug, signingPolicySlug, parameters } = entry.facts;
  return {
    ...statusOf(entry, base),
    description,
    projectSlug,
    signingPolicySlug,
    artifactConfigurationSlug: entry.artifactConfigurationSlug,
    parameters,
    signedArtifactLink: `${base}/SigningRequests/${id}/SignedArtifact`,
  };
}

function signedArtifact({ facts, workflowStatus, artifact }: Entry): Response {
  if (workflowStatus !== "Completed") {
    throw refuse("bad-input", `Signing request "${facts.id}" is not completed, it is "${workflowStatus}"`);
  }
  return new Response(artifact, { headers: { "content-type": "application/octet-stream" } });
}
