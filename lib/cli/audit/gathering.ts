/** `audit` and `report`: which repositories, and all that is known of them. @module */
import { isTagsealError, TagsealError } from "../../errors.ts";
import type { AuditFacts } from "../../flows/audit/facts.ts";
import { type Finding, findingsOf, unreadable } from "../../flows/audit/findings.ts";
import { gatherFacts } from "../../flows/audit/gather.ts";
import type { CommandValues } from "../command.ts";
import { connectionFlags, notaryFlags, registryFlags } from "../common_flags.ts";
import { fromFlag, openReadings } from "../exported.ts";
import { type Flags, toggle, type Values } from "../flags.ts";
import type { Host } from "../host.ts";
import { trustedSigners } from "../image_signers.ts";
import { imageSignerFlags, requireUse } from "../image_target.ts";
import { someNamedOrKnown } from "../known_repositories.ts";
import { forEachRepository, repositoriesFlags } from "../repositories.ts";
import { openSession } from "../session.ts";

const { ociLayout: _, ...signers } = imageSignerFlags;

/** Which repositories, whose signatures, and where everything is. */
export const auditFlags = {
  ...repositoriesFlags,
  noRegistry: toggle("--no-registry", "look at the trust data alone: tags are not compared with the registry"),
  ...signers,
  ...fromFlag,
  ...notaryFlags,
  ...registryFlags,
  ...connectionFlags,
};

/** Values of these flags. */
export type AuditValues = Values<typeof auditFlags> & Partial<Pick<CommandValues<Flags>, "project">>;

/** A repository, what is known of it, and what is to be said about it. */
export interface AuditedRepository {
  /** The GUN. */
  readonly repository: string;
  /** Missing where it could not be read, which is its one finding then. */
  readonly facts?: AuditFacts;
  /** Worst first. */
  readonly findings: readonly Finding[];
}

/** An audit. */
export interface Audit {
  /** When. */
  readonly at: Date;
  /** In the order in which they were named. */
  readonly repositories: readonly AuditedRepository[];
}

/**
 * Audits what flags name, or all that an export, the project file or this machine knows. What fails for one repository is
 * a finding of that one.
 *
 * @throws {TagsealError} `usage`, `bad-input`, `interrupted`
 */
export async function gatherAudit(values: AuditValues, host: Host): Promise<Audit> {
  requireUse({ ...values, ociLayout: undefined });
  if (!values.scheme.includes("dct")) throw withoutTrustData();
  if (values.noRegistry && values.scheme.length > 1) throw withoutRegistry();
  const session = openSession(values, host);
  const { repositories, open } = await openReadings(values, host, session, someNamedOrKnown);
  const signers = await trustedSigners(values, host);
  const isOffline = values.from !== undefined;
  const done = await forEachRepository(
    { ...repositories, fromFile: repositories.names.length > 1 },
    host,
    (name) =>
      read(async () => {
        const { trust, offline } = await open(name);
        let why: string | undefined = offline && `Judged as of ${offline.judgedAt}, from a file`;
        const onOffline = (gun: string, reason: string) => {
          why = `${reason}; the local copy was judged`;
          trust.onOffline?.(gun, reason);
        };
        const facts = await gatherFacts({
          trust: { ...trust, onOffline },
          keys: session.keys(),
          gun: name.gun,
          registry: values.noRegistry || isOffline ? undefined : await session.registry(name),
          signers,
          onProgress: (done, of) => host.status(`${name.gun}: ${done} of ${of} tags are compared`),
        });
        return why === undefined ? facts : { ...facts, offline: why };
      }),
  );
  host.status("");
  return {
    at: host.now(),
    repositories: done.map((one): AuditedRepository => {
      const { repository } = one;
      const { facts, error } = "error" in one ? { facts: undefined, error: one.error } : one.value;
      if (facts === undefined) return { repository, findings: [unreadable(repository, error)] };
      return { repository, facts, findings: findingsOf(facts) };
    }),
  };
}

async function read<T>(
  facts: () => Promise<T>,
): Promise<{ facts: T; error?: undefined } | { facts?: undefined; error: unknown }> {
  try {
    return { facts: await facts() };
  } catch (error) {
    if (!isTagsealError(error) || ["interrupted", "usage", "bad-input"].includes(error.code)) throw error;
    return { error };
  }
}

function withoutTrustData(): TagsealError {
  return new TagsealError("usage", "--scheme does not name dct, whose trust data says what is signed", {
    remedy: "Add it: --scheme dct,cosign",
  });
}

function withoutRegistry(): TagsealError {
  return new TagsealError("usage", "--no-registry leaves nothing to look at for cosign and Notation", {
    remedy: "Leave one of them out",
  });
}
