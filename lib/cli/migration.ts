/** `tagseal migrate`: which repositories, and what is told of tags that are gone or have moved. @module */
import { commandLine } from "./command_line.ts";
import { word } from "../bytes/printable.ts";
import { TagsealError } from "../errors.ts";
import { type Migration, migrationJobs, planMigration, type VouchedTag } from "../flows/migrate_repository.ts";
import type { ImagesResult } from "../schemes/images.ts";
import { askedOnce, type KeyHolder } from "../signing/payload_signer.ts";
import type { Job } from "../signing/scheme.ts";
import type { tagsFlag } from "./common_flags.ts";
import { exitCodeOf, worstOf } from "./exit_codes.ts";
import { type fromFlag, openReading } from "./exported.ts";
import type { Flag, Values } from "./flags.ts";
import type { Host } from "./host.ts";
import { errorJson, type Report } from "./report.ts";
import type { Repositories } from "./repositories.ts";
import { schemesFlag } from "./scheme_flag.ts";
import { IMAGE_SCHEMES, type SchemeName } from "../schemes/names.ts";
import { imageSchemes, openImageJobs, type SchemeValues } from "./schemes.ts";
import type { NotaryValues, Session } from "./session.ts";
import { requireTags } from "./tags.ts";

const targets = {
  ...schemesFlag("kinds of signatures to make, several with commas", IMAGE_SCHEMES),
  choices: IMAGE_SCHEMES,
};

/** The schemes to sign in: all that are not Docker Content Trust, which is where it comes from. */
export const targetSchemeFlag: Flag<readonly SchemeName[]> = {
  ...targets,
  async read(given, host) {
    const schemes = await targets.read(given, host);
    if (!schemes.includes("dct")) return schemes;
    throw new TagsealError("usage", "--scheme names dct, which is what is migrated from", {
      remedy: `Give --scheme cosign,notation, or one of them; ${commandLine("sign")} signs with Docker Content Trust`,
    });
  },
};

/** Values of all flags that say what to migrate, and where it is. */
export type MigrationValues =
  & SchemeValues
  & NotaryValues
  & Values<typeof tagsFlag & typeof fromFlag>
  & { readonly dryRun: boolean };

/** What is to be signed, and what has become known of it. */
export interface OpenMigration {
  /** The work, by repository and scheme. */
  readonly jobs: readonly Job<ImagesResult>[];
  /** What was found, in the order of the repositories; filled while the jobs are prepared. */
  plans(): readonly Migration[];
}

/** Opens what the flags name; nothing is read of a repository before its work is prepared. */
export async function openMigration(
  { names }: Repositories,
  values: MigrationValues,
  session: Session,
  host: Host,
  holder: KeyHolder | undefined,
): Promise<OpenMigration> {
  const tags = values.tags.length > 0 ? requireTags(values.tags) : undefined;
  const open = await openReading(values, host, session);
  const access = values.dryRun ? "pull" : "push,pull";
  const imageJobs = await openImageJobs(values, session, host, access, holder && askedOnce(holder));
  const plans = new Map<string, Migration>();
  const jobs = names.flatMap((name) => {
    const plan = async () => {
      const { trust } = await open(name);
      const migration = await planMigration({
        trust,
        gun: name.gun,
        registry: await session.registry(name, access),
        tags,
      });
      plans.set(name.gun, migration);
      tell(migration, host, names.length > 1 ? `[${plans.size}/${names.length}] ` : "");
      return migration;
    };
    return migrationJobs(name.gun, imageSchemes(values), plan, (migration) => {
      const digests = new Map(migration.tags.map(({ tag, digest }) => [tag, digest]));
      return imageJobs(name, {
        tags: [...digests.keys()],
        digestOf: (tag) => Promise.resolve(digests.get(tag)!),
        found: migration.found,
      });
    });
  });
  return { jobs, plans: () => names.flatMap(({ gun }) => plans.get(gun) ?? []) };
}

const NAMED_AT_ONCE = 10;

/** Says what was found, before anything is signed. */
function tell({ repository, tags, moved, gone, refused }: Migration, host: Host, count: string): void {
  const all = tags.length + gone.length + refused.length;
  host.info(`${count}${repository}: ${all} signed tag${all === 1 ? "" : "s"}, ${tags.length} in the registry`);
  if (gone.length > 0) {
    host.warn(`not in the registry any more, and left out: ${listed(gone, ({ digest }) => digest, repository)}`);
  }
  if (moved.length > 0) {
    const where = listed(moved, ({ digest, now }) => `${digest}; now ${now ?? "nothing"}`, repository);
    host.warn(`the tag has moved since it was signed, and the signed image is what is signed: ${where}`);
  }
  for (const { tag, error } of refused) host.error(`${repository}:${word(tag)}: ${error.message}`, error.remedy);
}

function listed<T extends VouchedTag>(tags: readonly T[], what: (tag: T) => string, repository: string): string {
  const more = tags.length - NAMED_AT_ONCE;
  const some = tags.slice(0, NAMED_AT_ONCE).map((one) => `${repository}:${word(one.tag)} (${what(one)})`);
  return some.join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/**
 * `report` with what could not be signed and what has moved. A tag that was asked for by name and is gone is a failure;
 * one that was merely found among the signed ones is not.
 */
export function migrationReport(report: Report, plans: readonly Migration[], tags: readonly string[]): Report {
  const each = <T extends VouchedTag, R>(
    of: (plan: Migration) => readonly T[],
    as: (one: T, repository: string) => R,
  ) => plans.flatMap((plan) => of(plan).map((one) => as(one, plan.repository)));
  const refused = each((plan) => plan.refused, ({ tag, digest, error }, repository) => ({
    repository,
    tag,
    digest,
    ...errorJson(error),
  }));
  const gone = each((plan) => plan.gone, (one, repository) => ({ repository, ...one }));
  const moved = each((plan) => plan.moved, (one, repository) => ({ repository, ...one }));
  return {
    json: { ...report.json as object, moved, gone, ...(refused.length > 0 ? { refused } : {}) },
    lines: [
      ...report.lines,
      ...moved.map(({ repository, tag, digest, now }) => `${repository}:${tag} ${digest} moved to ${now ?? "nothing"}`),
      ...gone.map(({ repository, tag, digest }) => `${repository}:${tag} ${digest} gone`),
      ...refused.map(({ repository, tag, digest }) => `${repository}:${word(tag)} ${digest} refused`),
    ],
    tags: [
      ...report.tags ?? [],
      ...gone.map((tag) => ({ ...tag, outcome: "gone" })),
      ...refused.map(({ repository, tag, digest }) => ({ repository, tag, digest, outcome: "refused" })),
    ],
    exitCode: worstOf([
      report.exitCode ?? 0,
      ...each((plan) => plan.refused, ({ error }) => exitCodeOf(error)),
      ...(tags.length > 0 && gone.length > 0 ? [2] : []),
    ]),
  };
}
