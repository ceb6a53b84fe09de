/** What became of signing: one report of all repositories. @module */
import type { RepositoryResult } from "../schemes/results.ts";
import type { Outcome, SignResult } from "../signing/outcomes.ts";
import type { Host } from "./host.ts";
import type { TagRow } from "./job_log.ts";
import { type Report, tagLine } from "./report.ts";
import { failedJson, failures } from "./repositories.ts";

/** What became of repositories: one report, failures named on stderr as well, and the worst exit code. */
export function signedReport(
  { repositories, failed, signingRequestId, unclearRequests }: SignResult<RepositoryResult>,
  host: Host,
): Report {
  warnOfUnclear(unclearRequests, host);
  const rows = repositories.flatMap(rowsOf);
  return {
    json: {
      repositories,
      signingRequestId,
      ...(unclearRequests > 0 ? { unclearRequests } : {}),
      ...(failed.length > 0 ? { failed: failed.map(failedJson) } : {}),
    },
    lines: rows.map(tagLine),
    tags: [...rows, ...failed.map(({ repository }) => ({ repository, outcome: "failed" }))],
    exitCode: failures(failed, host),
  };
}

/** Says how many signing requests may be there that nobody wants: each could be waiting for an approval. */
export function warnOfUnclear(requests: number, host: Host): void {
  if (requests === 0) return;
  host.warn(
    `SignPath was asked again while it was busy: up to ${requests} signing request${requests === 1 ? "" : "s"} more ` +
      "than told here may be there. Cancel in its web UI what nobody wants",
  );
}

function rowsOf({ repository, outcome, tags, removedTags = [], roles, signatures = [] }: RepositoryResult): TagRow[] {
  // Without tags the roles themselves are what was asked for.
  const renewed = tags.length + removedTags.length === 0 ? roles : [];
  if (tags.length + removedTags.length + roles.length + signatures.length === 0) return [{ repository, outcome }];
  return [
    ...signatures.map(({ scheme, tag, digest, outcome }) => ({
      repository,
      tag,
      digest,
      outcome: `${outcome} (${scheme})`,
    })),
    ...tags.map(({ tag, digest, previousDigest }) => {
      const moved = previousDigest && previousDigest !== digest ? `, moved from ${previousDigest}` : "";
      return { repository, tag, digest, outcome: `${outcome}${moved}` };
    }),
    ...removedTags.map((tag) => ({ repository, tag, outcome: "removed" })),
    ...renewed.map(({ role, version }) => ({ repository, outcome: `${role} version ${version} ${outcome}` })),
  ];
}

/** Says for each of several repositories that it is done in all its jobs, or has failed. */
export function counted(
  jobs: readonly { readonly repository: string }[],
  host: Host,
): ((outcome: Outcome) => void) | undefined {
  const open = new Map(
    [...Map.groupBy(jobs, ({ repository }) => repository)].map(([name, some]) => [name, some.length]),
  );
  const all = open.size;
  if (all < 2) return undefined;
  let done = 0;
  const became = new Map<string, string>();
  return (outcome) => {
    const { repository } = outcome;
    const before = became.get(repository);
    const now = "result" in outcome ? outcome.result.outcome : "failed";
    became.set(repository, before === "failed" || (before === "published" && now === "unchanged") ? before : now);
    open.set(repository, open.get(repository)! - 1);
    if (open.get(repository) === 0) host.info(`[${++done}/${all}] ${repository}: ${became.get(repository)}`);
  };
}
