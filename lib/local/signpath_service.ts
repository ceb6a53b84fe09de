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
import type { Bytes } from "../bytes/bytes.ts";
import type { JsonObject } from "../bytes/json.ts";
import { isTagsealError } from "../errors.ts";
import { hashEntry, readBody, readForm, resubmittedEntry, submittedEntry } from "./signpath_forms.ts";
import { documentOf, signHashArtifact, signHashData } from "./signpath_hashes.ts";
import { type LocalProject, policiesOf } from "./signpath_policies.ts";
import { answer, problemOf, refuse } from "./signpath_refusals.ts";
import {
  createRequestStore,
  type LocalSigningRequest,
  type LocalWorkflowStatus,
  type RequestEntry,
} from "./signpath_requests.ts";
import { MAX_ARTIFACT_BYTES, type RawSignatureFormat } from "./signpath_signing.ts";

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
  /** Answers as older self-hosted servers do: no `/SubmitWithArtifact`, `/SignHash`, `/Status`, `/Cancel`. */
  readonly older?: boolean;
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

/** A form without an artifact. */
const MAX_FIELDS_BYTES = 1024 * 1024;

/** What only servers of today have, and only older ones: method and call. */
const TODAY: readonly string[] = [
  "POST SigningRequests/SubmitWithArtifact",
  "POST SigningRequests/SignHash",
  "GET SigningRequests/<id>/Status",
  "POST SigningRequests/<id>/Cancel",
];
const OLDER: readonly string[] = ["POST SigningRequests"];

/** Starts the service without any signing requests. */
export function createSignPathService(options: SignPathServiceOptions): SignPathService {
  const store = createRequestStore(options.now, options);
  const missing = options.older ? TODAY : OLDER;

  async function submit(request: Request, base: string): Promise<Response> {
    const form = await readForm(request, Math.min(MAX_ARTIFACT_BYTES, store.room()));
    const entry = await submittedEntry(form, options);
    return entry.facts.fast ? await signAtOnce(entry, base) : await file(entry, base);
  }

  async function resubmit(request: Request, base: string): Promise<Response> {
    const entry = resubmittedEntry(await readForm(request, MAX_FIELDS_BYTES), store.find, options);
    if (entry.unsigned.length > store.room()) throw refuse("bad-input", "The service has no room for another artifact");
    return await file(entry, base);
  }

  async function file(entry: RequestEntry, base: string): Promise<Response> {
    store.add(entry);
    if (entry.policy.approval === "automatic") await store.process(entry);
    const location = addressOf(entry, base);
    return answer(201, { signingRequestId: entry.facts.id, webLink: location }, { location });
  }

  async function signAtOnce(entry: RequestEntry, base: string): Promise<Response> {
    entry.signed = await signHashArtifact(entry.unsigned, entry.policy.key);
    entry.workflowStatus = "Completed";
    store.add(entry);
    const headers = { "content-type": "application/json", location: addressOf(entry, base) };
    return new Response(entry.signed, { status: 201, headers });
  }

  async function signHash(request: Request, base: string): Promise<Response> {
    const bytes = await readBody(request, MAX_FIELDS_BYTES);
    const document = documentOf(bytes, "document");
    const entry = hashEntry(document, bytes, options);
    const { hash, signature } = await signHashData(document["hashSigningData"] as JsonObject, entry.policy.key);
    entry.workflowStatus = "Completed";
    store.add(entry);
    const { id: signingRequestId } = entry.facts;
    const webLink = addressOf(entry, base);
    return answer(201, { signingRequestId, webLink, hashSigningData: { hash }, hashSigningResult: { signature } });
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
    const id = /^SigningRequests\/(?!(?:SubmitWithArtifact|SignHash|Resubmit)$)([^/]+)/.exec(call)?.[1] ?? "";
    const asked = `${request.method} ${id === "" ? call : call.replace(`/${id}`, "/<id>")}`;
    switch (missing.includes(asked) ? "" : asked) {
      case "POST SigningRequests":
      case "POST SigningRequests/SubmitWithArtifact":
        return await submit(request, base);
      case "POST SigningRequests/SignHash":
        return await signHash(request, base);
      case "POST SigningRequests/Resubmit":
        return await resubmit(request, base);
      case "GET SigningRequests/<id>":
        return answer(200, detailsOf(store.find(id), base));
      case "GET SigningRequests/<id>/Status":
        return answer(200, statusOf(store.find(id), base));
      case "GET SigningRequests/<id>/UnsignedArtifact":
        return artifact(store.find(id).unsigned);
      case "GET SigningRequests/<id>/SignedArtifact":
        return signedArtifact(store.find(id));
      case "POST SigningRequests/<id>/Approve":
        await store.process(store.waiting(id));
        return answer(200, statusOf(store.find(id), base));
      case "POST SigningRequests/<id>/Deny":
        store.waiting(id).workflowStatus = "Denied";
        return answer(200, statusOf(store.find(id), base));
      case "POST SigningRequests/<id>/Cancel":
        store.waiting(id).workflowStatus = "Canceled";
        return answer(200, statusOf(store.find(id), base));
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
      return problemOf(error);
    } finally {
      if (request.body && !request.bodyUsed) await request.body.cancel();
    }
  }

  return {
    handle,
    approve: async (id) => await store.process(store.waiting(id)),
    deny: (id) => void (store.waiting(id).workflowStatus = "Denied"),
    requests: store.all,
  };
}

function addressOf({ facts }: RequestEntry, base: string): string {
  return `${base}/SigningRequests/${facts.id}`;
}

function statusOf(entry: RequestEntry, base: string): Record<string, unknown> {
  const { workflowStatus } = entry;
  return {
    status: STATUS[workflowStatus],
    workflowStatus,
    isFinalStatus: !["WaitingForApproval", "Processing"].includes(workflowStatus),
    webLink: addressOf(entry, base),
  };
}

function detailsOf(entry: RequestEntry, base: string): Record<string, unknown> {
  const { description, projectSlug, signingPolicySlug, parameters } = entry.facts;
  return {
    ...statusOf(entry, base),
    description,
    projectSlug,
    signingPolicySlug,
    artifactConfigurationSlug: entry.artifactConfigurationSlug,
    parameters,
    unsignedArtifactLink: `${addressOf(entry, base)}/UnsignedArtifact`,
    signedArtifactLink: `${addressOf(entry, base)}/SignedArtifact`,
  };
}

function signedArtifact({ facts, workflowStatus, signed }: RequestEntry): Response {
  if (signed) return artifact(signed);
  throw refuse("bad-input", `Signing request "${facts.id}" is not completed, it is "${workflowStatus}"`);
}

function artifact(bytes: Bytes): Response {
  return new Response(bytes, { headers: { "content-type": "application/octet-stream" } });
}
