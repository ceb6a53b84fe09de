/** `--dry-run`: the exact change that would be signed, and nothing more. @module */
import { createSigningData } from "../flows/create_signing_data.ts";
import type { TagsToSign } from "../flows/prepare_tags.ts";
import type { RepositoryChange } from "../signpath/signing_data.ts";
import { toggle } from "./flags.ts";
import type { Host } from "./host.ts";
import type { Report } from "./report.ts";

/** Whether to do nothing. */
export const dryRunFlag = {
  dryRun: toggle(
    "--dry-run",
    "print what would be signed (digests before and after, versions, key), and change nothing",
  ),
};

/** What signing `work` would change. */
export async function dryRun(work: readonly TagsToSign[], host: Host): Promise<Report> {
  const { data: { repositories }, unchanged } = await createSigningData(work, host.now());
  const json = {
    dryRun: true,
    repositories: repositories.map(({ repository, delegationKeyId, tags, removedTags, roles }) => ({
      repository,
      delegationKeyId,
      tags,
      removedTags,
      roles: roles.map(({ role, baseVersion, version }) => ({ role, baseVersion, version })),
    })),
    unchanged: unchanged.map(({ repository, tags }) => ({
      repository,
      tags: tags.map(({ tag, digest }) => ({ tag, digest })),
    })),
  };
  const same = unchanged.flatMap(({ repository, tags }) =>
    tags.map(({ tag, digest }) => `${repository}:${tag} ${digest} (unchanged)`)
  );
  host.info("Dry run: nothing was signed, nothing was published.");
  return { json, lines: [...repositories.flatMap(changeLines), ...same] };
}

function changeLines({ repository, delegationKeyId, tags, removedTags, roles }: RepositoryChange): string[] {
  const before = (digest: string | null) => digest ?? "not signed";
  return [
    ...tags.map(({ tag, digest, previousDigest }) =>
      `${repository}:${tag} ${before(previousDigest)} -> ${digest}${previousDigest === digest ? " (unchanged)" : ""}`
    ),
    ...removedTags.map(({ tag, previousDigest }) => `${repository}:${tag} ${before(previousDigest)} -> not signed`),
    ...roles.map(({ role, baseVersion, version }) => `${repository} ${role} version ${baseVersion} -> ${version}`),
    `${repository} key ${delegationKeyId}`,
  ];
}
