/** Role names of Notary v1 (Notary `tuf/data/roles.go`). @module */
import { TagsealError } from "../errors.ts";

/** The four roles that root names. */
export const BASE_ROLES = ["root", "targets", "snapshot", "timestamp"] as const;

/** A role that root names. */
export type BaseRole = typeof BASE_ROLES[number];

/** A delegation: `targets/releases`, `targets/<signer>`, or one below. */
export type DelegationRole = `targets/${string}`;

/** Any role. */
export type RoleName = BaseRole | DelegationRole;

/** The delegation that Docker resolves tags in before `targets`. */
export const RELEASES: DelegationRole = "targets/releases";

const DELEGATION = /^targets(\/[-a-z0-9_]+)+$/;

/** Whether `name` may name a delegation: lower case, clean, at most 255 characters. */
export function isDelegation(name: string): name is DelegationRole {
  return name.length <= 255 && DELEGATION.test(name);
}

/** The role whose file lists this delegation. */
export function parentOf(role: DelegationRole): "targets" | DelegationRole {
  return role.slice(0, role.lastIndexOf("/")) as "targets" | DelegationRole;
}

/** The role of a signer's name, as Docker shows it. @throws {TagsealError} `usage` for names that cannot be one */
export function signerRole(name: string): DelegationRole {
  const role = `targets/${name}`;
  if (isDelegation(role) && !name.includes("/") && role !== RELEASES) return role;
  throw new TagsealError("usage", `"${name.slice(0, 60)}" cannot be the name of a delegation`, {
    remedy: 'Use a-z, 0-9, "-" and "_"; "releases" belongs to Docker',
  });
}
