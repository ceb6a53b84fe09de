/** `--dry-run`: the exact change that would be signed, and nothing more. @module */
import { word } from "../bytes/printable.ts";
import { isTagsealError } from "../errors.ts";
import { AT_ONCE, mapAtOnce } from "../signing/at_once.ts";
import { assembleSigningData } from "../schemes/create_signing_data.ts";
import type { FailedRepository } from "../signing/outcomes.ts";
import { prepareTags } from "../schemes/notary_v1/prepare_tags.ts";
import type { RepositoryChange } from "../schemes/signing_data.ts";
import type { Host } from "./host.ts";
import { failedJson, failures } from "./repositories.ts";
import type { Report } from "./report.ts";
import { imageLines, imagesJson } from "./schemes.ts";
import type { Work } from "./work.ts";

/** What signing `work` would change. */
export async function dryRun({ tags: work, images: jobs }: Work, host: Host): Promise<Report> {
  const at = host.now();
  const isOne = new Set([...work.map(({ gun }) => gun), ...jobs.map(({ repository }) => repository)]).size === 1;
  const failed: FailedRepository[] = [];
  const tried = async <T>(repository: string, prepare: () => Promise<T>): Promise<T[]> => {
    try {
      return [await prepare()];
    } catch (error) {
      if (isOne || isTagsealError(error, "interrupted")) throw error;
      const isTold = failed.some((one) => one.repository === repository && one.error === error);
      if (!isTold) failed.push({ repository, error });
      return [];
    }
  };
  const prepared = (await mapAtOnce(work, AT_ONCE, (task) => tried(task.gun, () => prepareTags(task, at)))).flat();
  const beside = (await mapAtOnce(jobs, AT_ONCE, (job) => tried(job.repository, () => job.prepare(at)))).flat();
  const { repositories, images } = assembleSigningData(
    prepared.flatMap(({ change }) => change ?? []),
    at,
    beside.flatMap((job) => job.outcome === "to-sign" ? job.part : []),
  );
  const unchanged = prepared.filter(({ change }) => !change);
  const json = {
    dryRun: true,
    repositories: repositories.map(({ repository, delegationKeyId, alternativeKeyIds, tags, removedTags, roles }) => ({
      repository,
      delegationKeyId,
      ...(alternativeKeyIds === undefined ? {} : { alternativeKeyIds }),
      tags,
      removedTags,
      roles: roles.map(({ role, baseVersion, version }) => ({ role, baseVersion, version })),
    })),
    unchanged: unchanged.map(({ repository, tags }) => ({
      repository,
      tags: tags.map(({ tag, digest }) => ({ tag, digest })),
    })),
    ...(jobs.length > 0 ? { images: images.map(imagesJson) } : {}),
    ...(failed.length > 0 ? { failed: failed.map(failedJson) } : {}),
  };
  const same = unchanged.flatMap(({ repository, tags }) =>
    tags.map(({ tag, digest }) => unchangedLine(repository, tag, digest))
  );
  const there = beside.flatMap((job) => job.outcome === "unchanged" ? job.result : []).flatMap((
    { repository, signatures },
  ) => signatures.map(({ scheme, tag, digest }) => `${unchangedLine(repository, tag, digest)} (${scheme})`));
  host.info("Dry run: nothing was signed, nothing was published.");
  return {
    json,
    lines: [...images.flatMap(imageLines), ...repositories.flatMap(changeLines), ...there, ...same],
    exitCode: failures(failed, host),
  };
}

function changeLines(change: RepositoryChange): string[] {
  const { repository, delegationKeyId, alternativeKeyIds = [], tags, removedTags, roles } = change;
  const before = (digest: string | null) => digest ?? "not signed";
  return [
    ...tags.map(({ tag, digest, previousDigest }) =>
      previousDigest === digest
        ? unchangedLine(repository, tag, digest)
        : `${repository}:${tag} ${before(previousDigest)} -> ${digest}`
    ),
    ...removedTags.map(({ tag, previousDigest }) =>
      `${repository}:${word(tag)} ${before(previousDigest)} -> not signed`
    ),
    ...roles.map(({ role, baseVersion, version }) => `${repository} ${role} version ${baseVersion} -> ${version}`),
    `${repository} key ${[delegationKeyId, ...alternativeKeyIds].join(" or ")}`,
  ];
}

function unchangedLine(repository: string, tag: string, digest: string): string {
  return `${repository}:${tag} ${digest} (unchanged)`;
}
