/** What has changed in a repository between two of its states. @module */
import type { KeyId } from "../../crypto/keys.ts";
import type { RoleName } from "../../tuf/roles.ts";
import { fileOf, mayHold } from "../../tuf/resolve.ts";
import type { RepositoryView } from "../../tuf/view.ts";
import { type RoleFacts, rolesOf } from "../inspect_repository.ts";

/** What became of a tag, in one role or in several alike. */
export interface TagChange {
  /** The tag. */
  readonly tag: string;
  /** `moved`: it stands for another digest. */
  readonly change: "added" | "moved" | "withdrawn";
  /** What it stood for, `sha256:<hex>`; `null` where it was not signed. */
  readonly from: string | null;
  /** What it stands for; `null` where it is not signed any more. */
  readonly to: string | null;
  /** The roles in which that happened. */
  readonly roles: readonly RoleName[];
}

/** What became of a role: who may sign in it. */
export interface RoleChange {
  /** The role. */
  readonly role: RoleName;
  /** `changed`: it is there before and after, with other keys, threshold or paths. */
  readonly change: "added" | "changed" | "removed";
  /** Canonical ids of the keys that came. */
  readonly addedKeyIds: readonly KeyId[];
  /** Canonical ids of the keys that went. */
  readonly removedKeyIds: readonly KeyId[];
  /** How many keys must sign, before and after, where that has changed. */
  readonly threshold?: { readonly from: number; readonly to: number };
  /** Which tags it may sign, before and after, where that has changed. */
  readonly paths?: { readonly from: readonly string[]; readonly to: readonly string[] };
}

/** All that has changed. */
export interface Comparison {
  /** Tags by name. */
  readonly tags: readonly TagChange[];
  /** Roles: the base roles, then delegations. */
  readonly roles: readonly RoleChange[];
  /** Delegations that are not trusted before or after, and why: of their tags nothing is said. */
  readonly skipped: readonly { readonly role: RoleName; readonly reason: string }[];
}

/** Compares two states of a repository; without one of them all is added, or removed. */
export function compareStates(before: RepositoryView | undefined, after: RepositoryView | undefined): Comparison {
  const skipped = new Map([...skippedIn(before), ...skippedIn(after)]);
  const [was, is] = [entriesOf(before), entriesOf(after)];
  return {
    tags: tagChanges(was, is, (role) => !skipped.has(role)),
    roles: roleChanges(before ? rolesOf(before) : [], after ? rolesOf(after) : []),
    skipped: [...skipped].map(([role, reason]) => ({ role, reason })),
  };
}

/** Whether nothing at all has changed. */
export function isUnchanged({ tags, roles }: Comparison): boolean {
  return tags.length === 0 && roles.length === 0;
}

type Entries = ReadonlyMap<RoleName, ReadonlyMap<string, string>>;

/** Digest by tag by role, as far as delegations allow it. */
function entriesOf(view: RepositoryView | undefined): Entries {
  if (!view) return new Map();
  const roles = ["targets" as const, ...view.delegations.keys()];
  return new Map(roles.map((role) => {
    const held = [...fileOf(view, role)?.targets ?? []].filter(([tag]) =>
      role === "targets" || mayHold(view, role, tag)
    );
    return [role, new Map(held.map(([tag, { sha256 }]) => [tag, `sha256:${sha256}`]))];
  }));
}

function tagChanges(was: Entries, is: Entries, counts: (role: RoleName) => boolean): TagChange[] {
  const found = new Map<string, TagChange & { readonly roles: RoleName[] }>();
  for (const role of new Set([...was.keys(), ...is.keys()])) {
    if (!counts(role)) continue;
    const [old, now] = [was.get(role), is.get(role)];
    for (const tag of new Set([...old?.keys() ?? [], ...now?.keys() ?? []])) {
      const [from, to] = [old?.get(tag) ?? null, now?.get(tag) ?? null];
      if (from === to) continue;
      const key = JSON.stringify([tag, from, to]);
      const known = found.get(key);
      if (known) known.roles.push(role);
      else found.set(key, { tag, change: kindOf(from, to), from, to, roles: [role] });
    }
  }
  return [...found.values()].sort((a, b) => a.tag < b.tag ? -1 : a.tag > b.tag ? 1 : 0);
}

function kindOf(from: string | null, to: string | null): TagChange["change"] {
  return from === null ? "added" : to === null ? "withdrawn" : "moved";
}

function roleChanges(was: readonly RoleFacts[], is: readonly RoleFacts[]): RoleChange[] {
  const [old, now] = [was, is].map((all) => new Map(all.map((facts) => [facts.role, facts]))) as [
    Map<RoleName, RoleFacts>,
    Map<RoleName, RoleFacts>,
  ];
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((role) => changeOf(role, old.get(role), now.get(role)));
}

function changeOf(role: RoleName, was: RoleFacts | undefined, is: RoleFacts | undefined): RoleChange[] {
  const keys = {
    addedKeyIds: without(is?.keyIds ?? [], was?.keyIds ?? []),
    removedKeyIds: without(was?.keyIds ?? [], is?.keyIds ?? []),
  };
  if (!was || !is) return [{ role, change: was ? "removed" : "added", ...keys }];
  const threshold = was.threshold === is.threshold ? {} : { threshold: { from: was.threshold, to: is.threshold } };
  const [from, to] = [was.paths ?? [], is.paths ?? []];
  const paths = without(from, to).length + without(to, from).length === 0 ? {} : { paths: { from, to } };
  const isSame = [...keys.addedKeyIds, ...keys.removedKeyIds, ...Object.keys({ ...threshold, ...paths })].length === 0;
  return isSame ? [] : [{ role, change: "changed", ...keys, ...threshold, ...paths }];
}

function without<T>(all: readonly T[], others: readonly T[]): T[] {
  const known = new Set(others);
  return all.filter((one) => !known.has(one));
}

function skippedIn(view: RepositoryView | undefined): [RoleName, string][] {
  return [...view?.delegations ?? []].flatMap(([role, state]): [RoleName, string][] =>
    state.kind === "skipped" ? [[role, state.reason]] : []
  );
}
