/** From the flags of the signing commands to what the flows take. @module */
import { TagsealError } from "../errors.ts";
import { pathExists, removeFile, requireFile, writeFileAtomically } from "../files/files.ts";
import type { TagsToSign } from "../flows/create_signing_data.ts";
import { submitForSigning } from "../flows/request_signature.ts";
import type { PushResult } from "../flows/push_trust_data.ts";
import type { ScopeAction } from "../http/auth.ts";
import type { Send } from "../http/send.ts";
import { parseImageName } from "../registry/image_ref.ts";
import { MAX_ARTIFACT_BYTES, type SignPathClient } from "../signpath/client.ts";
import type { SubmittedRequest } from "../signpath/types.ts";
import type { Bytes } from "../bytes/bytes.ts";
import type { connectionFlags, delegationFlags, notaryFlags, registryFlags } from "./common_flags.ts";
import type { buildFlags, renewFlags, repositoryFlag, submissionFlags, tagFlags } from "./common_flags.ts";
import { openRegistry, openTrust } from "./connect.ts";
import type { Values } from "./flags.ts";
import type { Host } from "./host.ts";
import { readBuildxMetadata } from "./buildx.ts";
import { readDelegation, STANDARD_DELEGATION } from "./delegation.ts";
import { expectedDigests, expecting, requireTags } from "./tags.ts";

const MAX_METADATA_BYTES = 16 * 2 ** 20; // provenance may be part of it

/** Values of all flags that say what to sign, and where it is. */
export type TagValues =
  & Values<typeof repositoryFlag & typeof tagFlags & typeof delegationFlags & typeof renewFlags & typeof buildFlags>
  & Values<typeof notaryFlags & typeof registryFlags & typeof connectionFlags>;

/** The tags of `--repository` and `--tags`, ready to be looked up and signed. */
export async function openTagsToSign(
  values: TagValues,
  host: Host,
  send: Send,
  access: ScopeAction,
): Promise<TagsToSign> {
  const name = parseImageName(values.repository);
  const { tags, expected } = await tagsOf(values, host, name.gun);
  const lookUp = await openRegistry(values, host, send, name);
  const delegation = await readDelegation(values, host);
  return {
    trust: await openTrust(values, host, send, name, access),
    gun: name.gun,
    signer: values.delegation ?? STANDARD_DELEGATION,
    keyId: delegation?.key.canonicalId,
    tags,
    renew: values.renewRole,
    onRenewed: (role, reason, kept) =>
      host.warn(
        `"${role}" is not trusted as it is: ${reason}. ` +
          (kept ? "Its tags are signed anew" : "It starts anew: its other tags are gone until they are signed again"),
      ),
    lookUp: expecting(lookUp, tags, expected),
  };
}

/** The tags and the digests they must stand for: as typed, and as built. */
async function tagsOf(
  values: TagValues,
  host: Host,
  gun: string,
): Promise<{ tags: string[]; expected: Map<string, string> }> {
  const expected = expectedDigests(values.expectDigest);
  const path = values.buildxMetadata;
  if (path === undefined) return { tags: requireTags(values.tags), expected };
  const built = readBuildxMetadata(await host.readFile(path, MAX_METADATA_BYTES), path, gun);
  const tags = requireTags(values.tags.length > 0 ? values.tags : [...built.keys()]);
  for (const tag of tags) {
    const digest = built.get(tag);
    if (digest !== undefined && (expected.get(tag) ?? digest) === digest) {
      expected.set(tag, digest);
      continue;
    }
    throw new TagsealError("usage", `The build metadata "${path}" does not say that "${tag}" was built as asked for`, {
      remedy: `It has built ${[...built].map(([name, sha256]) => `${name} as ${sha256}`).slice(0, 10).join(", ")}`,
      details: { tag, path },
    });
  }
  return { tags, expected };
}

/** Submits a signing data file as the flags say. */
export function submitArtifact(
  client: SignPathClient,
  values: Values<typeof submissionFlags>,
  host: Host,
  artifact: Bytes,
): Promise<SubmittedRequest> {
  const { projectSlug, signingPolicySlug, artifactConfigurationSlug, description, parameter } = values;
  return submitForSigning(client, {
    projectSlug,
    signingPolicySlug,
    ...(artifactConfigurationSlug === undefined ? {} : { artifactConfigurationSlug }),
    ...(description === undefined ? {} : { description }),
    parameters: Object.fromEntries(parameter),
    artifact,
    fileName: "docker-signing-data.zip",
  }, { signal: host.signal, onProgress: host.info });
}

/** Reads a signing data file that the user names. */
export function readArtifact(host: Host, path: string): Promise<Bytes> {
  return requireFile(host.path(path), MAX_ARTIFACT_BYTES);
}

/** Writes a file that the user names; an existing one only with `--force`. */
export async function writeArtifact(host: Host, path: string, bytes: Uint8Array, force: boolean): Promise<string> {
  await writeFileAtomically(host.path(path), bytes, { replace: force });
  return path;
}

/** Removes a file that the user said may be replaced. */
export function discardArtifact(host: Host, path: string): Promise<void> {
  return removeFile(host.path(path));
}

/**
 * Fails early, before anything was done elsewhere, where the file could not be written in the end.
 *
 * @throws {TagsealError} `exists`
 */
export async function requireFree(host: Host, path: string, force: boolean): Promise<void> {
  if (force || !await pathExists(host.path(path))) return;
  throw new TagsealError("exists", `"${path}" exists already`, {
    remedy: "Choose another path with --output-artifact-path, or replace it with --force",
    details: { path },
  });
}

/** `data.zip` becomes `data.signed.zip`, as SignPath's cmdlets name it. */
export function signedPath(path: string): string {
  return path.replace(/(\.[^./\\]+)?$/, ".signed$1");
}

/** One line for each tag: `repository:tag sha256:… published`. */
export function signedLines(results: readonly PushResult[]): string[] {
  return results.flatMap(({ repository, outcome, tags }) =>
    tags.map(({ tag, digest }) => `${repository}:${tag} ${digest} ${outcome}`)
  );
}
