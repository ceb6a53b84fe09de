/** From trusted metadata to tags, as Docker resolves them. @module */
import type { Target, Targets } from "./models.ts";
import { type DelegationRole, parentOf, RELEASES, type RoleName } from "./roles.ts";
import type { RepositoryView } from "./view.ts";

/** A signed tag. */
export interface SignedTag extends Target {
  /** The tag. */
  readonly tag: string;
  /** The role that the entry was taken from. */
  readonly role: RoleName;
  /** Names of the signers: `signpath` for `targets/signpath` that holds the same digest; "Repo Admin" for none. */
  readonly signers: readonly string[];
}

/** The name Docker shows for tags that no named signer holds. */
export const REPO_ADMIN = "Repo Admin";

/** The entry of `tag` as Docker sees it: `targets/releases` first, then `targets`. */
export function resolveTag(repository: RepositoryView, tag: string): SignedTag | undefined {
  for (const role of [RELEASES, "targets"] as const) {
    const target = targetOf(repository, role, tag);
    if (target) return { tag, role, ...target, signers: signersOf(repository, tag, target) };
  }
  return undefined;
}

/** All tags as Docker sees them, sorted by name. */
export function resolveAll(repository: RepositoryView): SignedTag[] {
  const tags = new Set([RELEASES, "targets" as const].flatMap((role) => tagsOf(repository, role)));
  return [...tags].sort().map((tag) => resolveTag(repository, tag)).filter((tag) => tag !== undefined);
}

/** The trusted file of a role, if there is one. */
export function fileOf(repository: RepositoryView, role: "targets" | DelegationRole): Targets | undefined {
  if (role === "targets") return repository.targets;
  const state = repository.delegations.get(role);
  return state?.kind === "trusted" ? state.file : undefined;
}

/** Whether the chain of delegations down to `role` allows it to sign `tag`: each must name a prefix of it. */
export function mayHold(repository: RepositoryView, role: DelegationRole, tag: string): boolean {
  const state = repository.delegations.get(role);
  if (!state?.delegation.paths.some((path) => tag.startsWith(path))) return false;
  const parent = parentOf(role);
  return parent === "targets" || mayHold(repository, parent, tag);
}

function targetOf(repository: RepositoryView, role: "targets" | DelegationRole, tag: string): Target | undefined {
  if (role !== "targets" && !mayHold(repository, role, tag)) return undefined;
  return fileOf(repository, role)?.targets.get(tag);
}

function tagsOf(repository: RepositoryView, role: "targets" | DelegationRole): string[] {
  return [...fileOf(repository, role)?.targets.keys() ?? []];
}

/** The named signers that hold this digest under the tag, or Docker's name for none. */
export function signersOf(
  repository: RepositoryView,
  tag: string,
  target: Pick<Target, "sha256">,
): string[] {
  const names = [...repository.delegations.keys()]
    .filter((role) => role !== RELEASES && parentOf(role) === "targets")
    .filter((role) => targetOf(repository, role, tag)?.sha256 === target.sha256)
    .map((role) => role.slice("targets/".length));
  return names.length > 0 ? names.sort() : [REPO_ADMIN];
}
