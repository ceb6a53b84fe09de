/** What is signed, and is it what is asked for? @module */
import { TagsealError } from "../errors.ts";
import { BASE_ROLES, type RoleName } from "../tuf/roles.ts";
import { resolveAll, resolveTag, type SignedTag } from "../tuf/resolve.ts";
import type { TrustedRepository } from "../tuf/trusted.ts";
import { openRepository, type Trust } from "./repository.ts";

/** Signed tags of a repository. */
export interface TagList {
  /** The GUN. */
  readonly repository: string;
  /** The tags as Docker resolves them. */
  readonly tags: readonly SignedTag[];
  /** When each trusted role expires, as its file says. */
  readonly expires: ReadonlyMap<RoleName, string>;
  /** Delegations that could not be trusted, and why; their tags are not in `tags`. */
  readonly skipped: readonly { readonly role: RoleName; readonly reason: string }[];
}

/** All signed tags of a repository. Throws what reading throws. */
export async function listTags(trust: Trust, gun: string): Promise<TagList> {
  const { repository } = await openRepository(trust, gun);
  return describe(repository, resolveAll(repository));
}

/**
 * Proves that `tags` are signed, and with `digests` that they are signed as that digest.
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
  const list = describe(repository, found.flatMap(([, signed]) => signed ?? []));
  const missing = found.filter(([, signed]) => !signed).map(([tag]) => tag);
  if (missing.length > 0) {
    const reasons = list.skipped.map(({ role, reason }) => `"${role}" was not trusted: ${reason}`);
    const why = reasons.length > 0 ? ` (${reasons.join("; ")})` : "";
    throw new TagsealError("not-signed", `Not signed in "${gun}": ${missing.join(", ")}${why}`, {
      remedy: "Do not use these tags. Ask whoever publishes them to sign them",
      details: { repository: gun, tags: missing },
    });
  }
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

function describe(repository: TrustedRepository, tags: readonly SignedTag[]): TagList {
  const expires = new Map<RoleName, string>(BASE_ROLES.map((role) => [role, repository[role].expiresText]));
  const skipped: { role: RoleName; reason: string }[] = [];
  for (const [role, state] of repository.delegations) {
    if (state.kind === "trusted") expires.set(role, state.file.expiresText);
    if (state.kind === "skipped") skipped.push({ role, reason: state.reason });
  }
  return { repository: repository.gun, tags, expires, skipped };
}
