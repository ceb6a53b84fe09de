/** Roles that are not trusted as they are, and are signed anew only where somebody says so. @module */
import { TagsealError } from "../../errors.ts";
import type { DelegationRole } from "../../tuf/roles.ts";
import type { TrustedRepository } from "../../tuf/trusted.ts";
import { baseOf, type RoleBase } from "./role_base.ts";

/** Which roles may be signed anew. */
export interface RenewalConsent {
  /**
   * Roles that are signed anew, for a new lifetime, whatever becomes of tags; also where they are not trusted as they
   * are, since they expired or their key was replaced.
   */
  readonly renew?: readonly string[];
  /**
   * Of these only roles that end within so many milliseconds; and none that was never published, or would start anew
   * without its tags.
   */
  readonly renewWithinMs?: number | undefined;
  /** How a user has these roles renewed, to go on after "If that is as it should be, ". */
  readonly howToRenew?: (roles: readonly string[]) => string;
}

/** Whether a role that is trusted as it is, is to be signed anew. */
export function isToRenew(
  role: DelegationRole,
  { file }: RoleBase,
  { renew = [], renewWithinMs }: RenewalConsent,
  at: Date,
): boolean {
  if (!renew.includes(role)) return false;
  return renewWithinMs === undefined || (file !== undefined && file.expires.getTime() - at.getTime() <= renewWithinMs);
}

/**
 * Whoever can sign snapshot and timestamp can make a role look as if its key had been replaced, or show an old one that
 * has expired. Signing on top of that would drop tags, or bring withdrawn ones back: so a person has to say it.
 *
 * @throws {TagsealError} `trust-invalid` naming all roles that nobody has said it of
 */
export function requireRenewalConsent(
  repository: TrustedRepository,
  roles: readonly DelegationRole[],
  { renew = [], renewWithinMs, howToRenew = () => "sign and name it as a role to renew" }: RenewalConsent,
): void {
  const { gun } = repository;
  const isAgreedTo = (role: DelegationRole, { file }: RoleBase) =>
    renew.includes(role) && (renewWithinMs === undefined || file !== undefined);
  const open = roles.map((role) => ({ role, ...baseOf(repository, role) }))
    .filter(({ role, ...base }) => base.untrusted !== undefined && !isAgreedTo(role, base));
  if (open.length === 0) return;
  const [whose, are] = open.length > 1 ? ["roles", "are not trusted as they are"] : ["role", "is not trusted as it is"];
  const fresh = open.filter(({ file }) => !file);
  throw new TagsealError(
    "trust-invalid",
    `The ${whose} ${names(open)} of "${gun}" ${are}: ${
      [...new Set(open.map(({ untrusted }) => untrusted))].join("; ")
    }`,
    {
      remedy: "Find out why. If that is as it should be (the key was replaced, or nobody signed for years), " +
        `${howToRenew([...new Set([...renew, ...open.map(({ role }) => role)])])}: ` + whatBecomes(open, fresh),
      details: { repository: gun, role: open[0]!.role, roles: open.map(({ role }) => role) },
    },
  );
}

type NamedRoles = readonly { readonly role: DelegationRole }[];

function names(roles: NamedRoles): string {
  return roles.map(({ role }) => `"${role}"`).join(" and ");
}

function whatBecomes(open: NamedRoles, fresh: NamedRoles): string {
  if (fresh.length === 0) return `the tags ${open.length > 1 ? "they hold" : "it holds"} are then signed anew`;
  return fresh.length > 1
    ? `${names(fresh)} then start anew, without the tags they hold`
    : `${names(fresh)} then starts anew, without the tags it holds`;
}
