/** What is signed, and is it what is asked for? @module */
import { TagsealError } from "../../errors.ts";
import { BASE_ROLES, RELEASES, type RoleName } from "../../tuf/roles.ts";
import { resolveAll, resolveTag, type SignedTag } from "../../tuf/resolve.ts";
import type { RepositoryView } from "../../tuf/view.ts";
import { openRepository, type Trust } from "../../notary/repository.ts";
import { entriesBelow, tagRole } from "./role_entries.ts";

/** A tag of a list. */
export interface ListedTag extends SignedTag {
  /** With `all`: whether another role holds another digest under this tag. */
  readonly differs?: boolean;
}

/** Which entries of a repository are listed. */
export interface ListOptions {
  /** This role and those below it, nearest first, instead of what Docker resolves. */
  readonly role?: string | undefined;
  /** Every role's entry of a tag instead of the first. */
  readonly all?: boolean;
}

/** Signed tags of a repository. */
export interface TagList {
  /** The GUN. */
  readonly repository: string;
  /** The tags as Docker resolves them, or as {@linkcode ListOptions} says. */
  readonly tags: readonly ListedTag[];
  /** When each trusted role expires, as its file says. */
  readonly expires: ReadonlyMap<RoleName, string>;
  /** Delegations that could not be trusted, and why; their tags are not in `tags`. */
  readonly skipped: readonly { readonly role: RoleName; readonly reason: string }[];
  /** Why the server could not be asked, where the local copy stood in. */
  readonly offline?: string | undefined;
}

/**
 * All signed tags of a repository. Throws what reading throws, and
 *
 * @throws {TagsealError} `usage`, `not-found`, `trust-invalid` for a role that cannot be listed
 */
export async function listTags(trust: Trust, gun: string, options: ListOptions = {}): Promise<TagList> {
  const { role, all = false } = options;
  const below = role === undefined ? "targets" : tagRole(role);
  const { repository, offline } = await openRepository(trust, gun);
  if (role === undefined && !all) return { ...tagListOf(repository, resolveAll(repository)), offline };
  const byTag = Map.groupBy(entriesBelow(repository, below), ({ tag }) => tag);
  const tags = [...byTag.keys()].sort().flatMap((tag): ListedTag[] => {
    const entries = byTag.get(tag)!;
    const differs = new Set(entries.map(({ sha256 }) => sha256)).size > 1;
    return all ? entries.map((entry) => ({ ...entry, differs })) : entries.slice(0, 1);
  });
  return { ...tagListOf(repository, tags), offline };
}

/**
 * Proves that `tags` are signed, and with `digests` that they are signed as that digest.
 *
 * Stricter than Docker: while `targets/releases` cannot be trusted, no tag is taken from `targets` in its place.
 *
 * @throws {TagsealError} `not-signed` naming every tag that is not; `trust-invalid` where a digest differs
 */
export async function verifyTags(
  trust: Trust,
  gun: string,
  tags: readonly string[],
  digests: ReadonlyMap<string, string> = new Map(),
): Promise<TagList> {
  const { repository } = await openRepository(trust, gun);
  const found = tags.map((tag) => [tag, resolveTag(repository, tag)] as const);
  const list = tagListOf(repository, found.flatMap(([, signed]) => signed ?? []));
  const missing = found.filter(([, signed]) => !signed || isBlind(repository)).map(([tag]) => tag);
  if (missing.length > 0) throw notSigned(list, missing.join(", "), missing);
  for (const { tag, sha256 } of list.tags) {
    const wanted = digests.get(tag);
    if (wanted === undefined || wanted === `sha256:${sha256}`) continue;
    throw new TagsealError(
      "trust-invalid",
      `The tag "${tag}" of "${gun}" is signed as "sha256:${sha256}", not "${wanted}"`,
      {
        remedy: "Do not use this image: it is not the one that was expected",
        details: { repository: gun, tag, signed: `sha256:${sha256}`, expected: wanted },
      },
    );
  }
  return list;
}

/**
 * All tags that are signed, or those that are signed as `digest`: one at least. As strict as {@linkcode verifyTags}.
 *
 * @throws {TagsealError} `not-signed`
 */
export async function verifyAllTags(trust: Trust, gun: string, digest?: string): Promise<TagList> {
  const { repository } = await openRepository(trust, gun);
  const signed = isBlind(repository) ? [] : resolveAll(repository);
  const list = tagListOf(
    repository,
    signed.filter(({ sha256 }) => digest === undefined || digest === `sha256:${sha256}`),
  );
  if (list.tags.length === 0) throw notSigned(list, digest ?? "any tag", []);
  return list;
}

/** Where the role that Docker looks in first cannot be trusted, what "targets" says may be what it replaced. */
function isBlind(repository: RepositoryView): boolean {
  return repository.delegations.get(RELEASES)?.kind === "skipped";
}

function notSigned({ repository, skipped }: TagList, what: string, tags: readonly string[]): TagsealError {
  const reasons = skipped.map(({ role, reason }) => `"${role}" was not trusted: ${reason}`);
  const why = reasons.length > 0 ? ` (${reasons.join("; ")})` : "";
  return new TagsealError("not-signed", `Not signed in "${repository}": ${what}${why}`, {
    remedy: tags.length > 0
      ? "Do not use these tags. Ask whoever publishes them to sign them"
      : "Do not use what is not signed. Ask whoever publishes it to sign it",
    details: { repository, tags },
  });
}

/** `tags` with what the repository says of its roles. */
export function tagListOf(repository: RepositoryView, tags: readonly ListedTag[]): TagList {
  const expires = new Map<RoleName, string>(BASE_ROLES.map((role) => [role, repository[role].expiresText]));
  const skipped: { role: RoleName; reason: string }[] = [];
  for (const [role, state] of repository.delegations) {
    if (state.kind === "trusted") expires.set(role, state.file.expiresText);
    if (state.kind === "skipped") skipped.push({ role, reason: state.reason });
  }
  return { repository: repository.gun, tags, expires, skipped };
}

/** A signed tag as it is told to people and programs. */
export interface TagFacts {
  /** The tag. */
  readonly tag: string;
  /** `sha256:<hex>`. */
  readonly digest: string;
  /** The manifest's size in bytes. */
  readonly length: number;
  /** The role the entry was taken from. */
  readonly role: string;
  /** Who signed it. */
  readonly signers: readonly string[];
  /** With `all`: whether another role holds another digest under this tag. */
  readonly differs?: boolean;
}

/** Signed tags of a repository, as JSON. */
export interface TagListFacts {
  /** The repository. */
  readonly repository: string;
  /** The tags. */
  readonly tags: readonly TagFacts[];
  /** When each trusted role expires (RFC 3339). */
  readonly expires: Readonly<Record<string, string>>;
  /** Delegations that could not be trusted, and why; left out where there are none. */
  readonly skipped?: readonly { readonly role: string; readonly reason: string }[];
}

/** A list in plain members. */
export function describeTags({ repository, tags, expires, skipped }: TagList): TagListFacts {
  return {
    repository,
    tags: tags.map(({ tag, sha256, length, role, signers, differs }) => ({
      tag,
      digest: `sha256:${sha256}`,
      length,
      role,
      signers,
      ...(differs === undefined ? {} : { differs }),
    })),
    expires: Object.fromEntries(expires),
    ...(skipped.length > 0 ? { skipped } : {}),
  };
}
