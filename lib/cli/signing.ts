/** What the commands with signing requests share: submitting, the artifact's files. @module */
import { type Bytes, equalBytes } from "../bytes/bytes.ts";
import { isTagsealError, TagsealError } from "../errors.ts";
import {
  pathExists,
  readFileBounded,
  removeFile,
  removeFolder,
  removeLeftoversOf,
  requireFile,
  requireReplaceable,
  writeFileAtomically,
} from "../files/files.ts";
import { ARTIFACT_NAME } from "../signing/zip_signer.ts";
import { resubmitForSigning, submitForSigning } from "../signing/request_signature.ts";
import type { ImagesChange } from "../schemes/image_changes.ts";
import { MAX_ARTIFACT_BYTES, type SignPathClient } from "../signpath/client.ts";
import { describeChanges } from "../signing/description.ts";
import type { SigningData } from "../schemes/signing_data.ts";
import type { Submission, SubmittedRequest } from "../signpath/types.ts";
import { submissionFlags } from "./common_flags.ts";
import { requireGiven, type Values } from "./flags.ts";
import type { Host } from "./host.ts";

/** Under which policy, and with what words, the flags submit. @throws {TagsealError} `usage` where one is missing */
export function submissionOf(values: Values<typeof submissionFlags>): Omit<Submission, "artifact" | "fileName"> {
  const { artifactConfigurationSlug, description, parameter } = values;
  return {
    projectSlug: requireGiven(submissionFlags.projectSlug, values.projectSlug),
    signingPolicySlug: requireGiven(submissionFlags.signingPolicySlug, values.signingPolicySlug),
    ...(artifactConfigurationSlug === undefined ? {} : { artifactConfigurationSlug }),
    ...(description === undefined ? {} : { description }),
    parameters: Object.fromEntries(parameter),
  };
}

/** Submits a signing data file as the flags say; approvers are told what is in it, unless the flags tell them more. */
export function submitArtifact(
  client: SignPathClient,
  values: Values<typeof submissionFlags>,
  host: Host,
  artifact: Bytes,
  { repositories, images, origin }: Pick<SigningData, "repositories" | "images" | "origin">,
): Promise<SubmittedRequest> {
  const { description = describeChanges([...repositories, ...images.map(factsOf)], origin), ...flags } = submissionOf(
    values,
  );
  const submission = { ...flags, description, artifact, fileName: ARTIFACT_NAME };
  return submitForSigning(client, submission, { signal: host.signal, onProgress: host.info });
}

/** What approvers are told of signatures beside images. */
function factsOf({ repository, signatures }: ImagesChange): Parameters<typeof describeChanges>[0][number] {
  const tags = signatures.map(({ tag, image: { digest } }) => ({ tag, digest }));
  return { repository, tags, removedTags: [] };
}

/** Has the artifact of an earlier signing request processed once more, as the flags say. */
export function resubmitArtifact(
  client: SignPathClient,
  values: Values<typeof submissionFlags>,
  host: Host,
  originalSigningRequestId: string,
): Promise<SubmittedRequest> {
  const { description } = values;
  return resubmitForSigning(client, {
    originalSigningRequestId,
    signingPolicySlug: requireGiven(submissionFlags.signingPolicySlug, values.signingPolicySlug),
    ...(description === undefined ? {} : { description }),
  }, { signal: host.signal, onProgress: host.info });
}

/** Reads a signing data file that the user names. */
export function readArtifact(host: Host, path: string): Promise<Bytes> {
  return requireFile(host.path(path), MAX_ARTIFACT_BYTES);
}

/**
 * Writes a file that the user names; an existing one only with `--force`. One that holds the same already is as good as
 * written, so that a command can be run again.
 *
 * @throws {TagsealError} `exists`, `bad-input`
 */
export async function writeArtifact(host: Host, path: string, bytes: Uint8Array, force: boolean): Promise<string> {
  const full = host.path(path);
  removeLeftoversOf(full);
  try {
    await writeFileAtomically(full, bytes, { replace: force });
  } catch (error) {
    if (!isTagsealError(error, "exists")) throw error;
    const there = await readFileBounded(full, bytes.length).catch(() => undefined);
    if (!there || !equalBytes(there, bytes)) throw taken(path);
    host.info(`"${path}" is there already, and holds just this.`);
  }
  return path;
}

/** Removes a file that the user said may be replaced. */
export function discardArtifact(host: Host, path: string): Promise<void> {
  return removeFile(host.path(path));
}

/** Removes a folder of tagseal's own making, with all that is in it. */
export function discardFolder(host: Host, path: string): Promise<void> {
  return removeFolder(host.path(path));
}

/** Whether something is at a path that the user names. */
export function isTaken(host: Host, path: string): Promise<boolean> {
  return pathExists(host.path(path));
}

/**
 * Fails early, before anything was done elsewhere, where the file could not be written in the end.
 *
 * @throws {TagsealError} `exists`; `bad-input` where `force` would replace what is no file, or the path leads into
 *   tagseal's own code
 */
export async function requireFree(host: Host, path: string, force: boolean): Promise<void> {
  removeLeftoversOf(host.path(path)); // what follows may fail before it is written
  if (force || !await isTaken(host, path)) return requireReplaceable(host.path(path));
  throw taken(path);
}

function taken(path: string): TagsealError {
  return new TagsealError("exists", `"${path}" exists already`, {
    remedy: "Choose another path with --output-artifact-path, or replace it with --force",
    details: { path },
  });
}

/** `data.zip` becomes `data.signed.zip`, as SignPath's cmdlets name it. */
export function signedPath(path: string): string {
  return path.replace(/(\.[^./\\]+)?$/, ".signed$1");
}
