/** What the next version of a role is built upon. @module */
import { TagsealError } from "../../errors.ts";
import type { Targets } from "../../tuf/models.ts";
import type { DelegationRole } from "../../tuf/roles.ts";
import type { TrustedRepository } from "../../tuf/trusted.ts";

/** The state of a role that a change starts from. */
export interface RoleBase {
  /** The version that is there; 0 where the role was never published. The next one is one higher. */
  readonly version: number;
  /** The content to keep; nothing where there is none, or none that the role's keys have signed. */
  readonly file: Targets | undefined;
  /** Why the role is not trusted as it is: it has expired, or its key was replaced. */
  readonly untrusted?: string;
}

/** More versions than any role comes by in honest ways: one every minute for two years. */
const MAX_UNSIGNED_VERSION = 1_000_000;

/**
 * The base of a role. An expired file is well signed: its content is kept, and signed anew with the change. A file that
 * the role's keys have not signed (the key was replaced since) gives its version only, as the server takes no lower one;
 * its content is not trusted and starts anew.
 *
 * @throws {TagsealError} `trust-invalid` where such a version is out of all proportion
 */
export function baseOf(repository: TrustedRepository, role: DelegationRole): RoleBase {
  const state = repository.delegations.get(role);
  switch (state?.kind) {
    case "trusted":
      return { version: state.file.version, file: state.file };
    case "skipped":
      if (!state.expired) requirePlausible(state.version ?? 0, repository.gun, role);
      return { version: state.version ?? 0, file: state.expired, untrusted: state.reason };
    default:
      return { version: 0, file: undefined };
  }
}

/** Whoever made the server name the highest version of all would have the role's keys sign its very last one. */
function requirePlausible(version: number, gun: string, role: DelegationRole): void {
  if (version <= MAX_UNSIGNED_VERSION) return;
  throw new TagsealError(
    "trust-invalid",
    `"${role}" of "${gun}" claims version ${version}, and none of its keys says so`,
    {
      remedy: "Do not sign on top of it: the server may have been tampered with. Tell the repository's administrator",
      details: { repository: gun, role, version },
    },
  );
}
