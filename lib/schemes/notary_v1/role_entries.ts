/** Every role's own entries, beside the one that Docker resolves a tag to. @module */
import { TagsealError } from "../../errors.ts";
import { fileOf, mayHold, type SignedTag, signersOf } from "../../tuf/resolve.ts";
import { type DelegationRole, isDelegation, RELEASES, type RoleName } from "../../tuf/roles.ts";
import type { RepositoryView } from "../../tuf/view.ts";

/** A role that signs tags. */
export type TagRole = "targets" | DelegationRole;

/**
 * `role` and the trusted roles below it, level by level, in the order of their parents' files (Notary's walk).
 *
 * @throws {TagsealError} `not-found` where nobody lists the role; `trust-invalid` where it was skipped
 */
export function rolesBelow(repository: RepositoryView, role: TagRole): TagRole[] {
  const state = role === "targets" ? undefined : repository.delegations.get(role);
  if (role !== "targets" && !state) {
    const known = ["targets", ...repository.delegations.keys()];
    throw new TagsealError("not-found", `"${repository.gun}" has no role "${role}"`, {
      remedy: `Choose one of ${known.slice(0, 20).join(", ")}`,
      details: { repository: repository.gun, role },
    });
  }
  if (state?.kind === "skipped") {
    throw new TagsealError("trust-invalid", `"${role}" of "${repository.gun}" is not trusted: ${state.reason}`, {
      remedy: "Do not use its tags; the repository's status says what to do about it",
      next: { do: "look-at-status" },
      details: { repository: repository.gun, role },
    });
  }
  const found = [role];
  for (const next of found) { // it grows on the way
    const children = fileOf(repository, next)?.delegations ?? [];
    found.push(...children.map(({ name }) => name).filter((name) => fileOf(repository, name)));
  }
  return found;
}

/** The role that a user names. @throws {TagsealError} `usage` where no such role can sign tags */
export function tagRole(name: string): TagRole {
  if (name === "targets" || isDelegation(name)) return name;
  throw new TagsealError("usage", `"${name.slice(0, 60)}" is not a role that signs tags`, {
    remedy: 'Give "targets", or a delegation like "targets/releases"',
  });
}

/** All entries of `role` and below that delegations allow, in the order of {@linkcode rolesBelow}. */
export function entriesBelow(repository: RepositoryView, role: TagRole): SignedTag[] {
  return rolesBelow(repository, role).flatMap((name) =>
    [...fileOf(repository, name)?.targets ?? []]
      .filter(([tag]) => name === "targets" || mayHold(repository, name, tag))
      .map(([tag, target]) => ({ tag, role: name, ...target, signers: signersOf(repository, tag, target) }))
  );
}

/** A signer's name: its role without `targets/`. */
export function signerName(role: RoleName): string {
  return role.slice("targets/".length);
}

/** Whether Docker takes tags from this role. */
export function isReleased(role: RoleName): boolean {
  return role === "targets" || role === RELEASES;
}
