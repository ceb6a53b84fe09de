/** Role names of Notary v1 (Notary `tuf/data/roles.go`). @module */

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
