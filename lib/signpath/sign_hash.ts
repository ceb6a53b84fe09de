/**
 * Signing a hash at once: by the route `SignHash`, else by a fast signing request as older servers know it.
 *
 * Source: https://docs.signpath.io/, crypto providers, REST API ("Sign hash", "Fast signing").
 *
 * @module
 */
import { isTagsealError, nextStepOf, reworded, TagsealError, type TagsealErrorCode } from "../errors.ts";
import { filedId, parseObject, type SignPathApi } from "./api.ts";
import { checkedSlug, formOf, submissionRoutes } from "./filing.ts";
import {
  HASH_ARTIFACT_NAME,
  hashArtifact,
  hashSigningData,
  readHashSignature,
  readSignedHash,
} from "./hash_signing.ts";
import { atMostThere, post, type Route, unclearFacts } from "./posting.ts";
import type { CallLimits, HashSubmission, SignedHash } from "./types.ts";
import type { Bytes } from "../bytes/bytes.ts";

/** A route that signs hashes, and how its answer is read. */
interface HashRoute extends Route {
  /** Whether it is that of older servers. */
  readonly older: boolean;
  /** Whether a successful answer holds a signature. */
  isSigned(json: Record<string, unknown> | undefined): boolean;
  /** The signature. */
  read(answer: Bytes): Bytes;
}

/** `signHash` of a client, which remembers what the server knows. */
export function createHashSigning(
  api: SignPathApi,
): (submission: HashSubmission, limits?: CallLimits) => Promise<SignedHash> {
  let older = false;
  return async (submission, limits = {}) => {
    // Only the older form has a place for parameters.
    const hasParameters = Object.keys(submission.parameters ?? {}).length > 0;
    const routes = [...older || hasParameters ? [] : [routeOfToday(submission)], ...olderRoutes(submission)];
    const asked = api.asking("signing the hash");
    const posted = await post(api, routes, { asked, limits, lost: mayBeSigned }).catch((error: unknown) => {
      throw isTagsealError(error, "bad-input") ? notForHashes(error) : error;
    });
    const { answer, route, unclear } = posted;
    older ||= route.older && !hasParameters;
    const json = parseObject(answer);
    const id = filedId(answer, json);
    if (!route.isSigned(json) && id !== undefined) throw notAtOnce(id);
    const signature = route.read(answer.bytes);
    return { signature, ...(id === undefined ? {} : { signingRequestId: id }), ...unclearFacts(unclear) };
  };
}

function routeOfToday(submission: HashSubmission): HashRoute {
  const { projectSlug, signingPolicySlug, artifactConfigurationSlug, description, digest, metadata } = submission;
  const document = {
    projectSlug: checkedSlug("projectSlug", projectSlug),
    signingPolicySlug: checkedSlug("signingPolicySlug", signingPolicySlug),
    artifactConfigurationSlug,
    description,
    hashSigningData: hashSigningData(submission, metadata),
  };
  return {
    path: "/SignHash",
    body: new Blob([JSON.stringify(document)], { type: "application/json" }),
    older: false,
    isSigned: (json) => json?.["hashSigningResult"] !== undefined,
    read: (answer) => readSignedHash(digest, answer),
  };
}

function olderRoutes({ digest, rules, key, metadata, ...submission }: HashSubmission): HashRoute[] {
  const artifact = hashArtifact({ digest, rules, key }, metadata);
  const form = formOf({ ...submission, artifact, fileName: HASH_ARTIFACT_NAME });
  form.set("IsFastSigningRequest", "true");
  return submissionRoutes(form).map((route) => ({
    ...route,
    older: true,
    isSigned: (json) => json?.["Signature"] !== undefined,
    read: (answer) => readHashSignature(artifact, answer),
  }));
}

/** Nobody has to approve a fast request, so that a second one costs an entry in the audit log and no more. */
function mayBeSigned(code: TagsealErrorCode, why: string, atMost: number, cause?: unknown): TagsealError {
  return new TagsealError(
    code,
    `The hash may or may not have been signed, the answer is lost: ${why}; ${atMostThere(atMost)}`,
    {
      remedy:
        "Nothing was published with it. Run the command again to sign once more; SignPath's audit log may then show both",
      filed: "maybe",
      details: { unclearRequests: atMost },
      cause,
    },
  );
}

/** SignPath names a field of its API; what is wrong is the project that the user chose. */
function notForHashes(error: TagsealError): TagsealError {
  return reworded(error, error.message, {
    remedy: `${error.remedy}. Hashes are signed for a project of the type "Hash signing data": name that one`,
    next: { do: "in-turn", steps: [nextStepOf(error), { do: "name-hash-project" }] },
  });
}

function notAtOnce(id: string): TagsealError {
  return new TagsealError("bad-input", `SignPath filed signing request "${id}" instead of signing the hash at once`, {
    remedy:
      `Cancel it in SignPath's web UI, then name a project of the type "Hash signing data" and a policy without approval`,
    request: { id, goesOn: false },
  });
}
