/**
 * Which tags a repository has, as its registry lists them.
 *
 * @see {@link https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#listing-tags | OCI Distribution 1.1}
 * @module
 */
import { isJsonObject, parseJson } from "../bytes/json.ts";
import type { ByteBudget } from "../http/send.ts";
import { isTag } from "./image_ref.ts";
import { nextPage, type RegistryRepository, type RepositoryAnswer, repositoryError } from "./repository.ts";

/** How many tags of a repository are listed at most. */
export const MAX_TAG_NAMES = 100_000;

const PAGE = 1000;
const MAX_PAGES = 1000;
const MAX_BYTES = 2 ** 24;

/**
 * All tags, each once, in the order of their names; none where the registry does not know the repository. What is no tag
 * cannot be pulled, and is left out.
 *
 * @throws {TagsealError} `unavailable` where the registry does not list them all, and what the service throws
 */
export async function listTagNames(repository: RegistryRepository): Promise<string[]> {
  const shared: ByteBudget = { left: MAX_BYTES };
  const names = new Set<string>();
  let to: string | URL | undefined = `tags/list?n=${PAGE}`;
  for (let page = 0; to !== undefined; page++) {
    const answer: RepositoryAnswer = await repository.request({ to, maxBytes: MAX_BYTES, shared, redirects: 3 });
    const failed = (why: string, remedy: string) =>
      repositoryError("unavailable", repository, answer, { what: "The list of tags", why, remedy });
    if (answer.status === 404 && page === 0) return [];
    const found = answer.status === 200 ? namesIn(answer) : undefined;
    if (found === undefined) {
      const why = `cannot be read: the registry gave status ${answer.status}`;
      throw failed(why, "Check that the registry lists tags to this user, or try again later");
    }
    for (const name of found) names.add(name);
    if (names.size > MAX_TAG_NAMES || page === MAX_PAGES) {
      throw failed(
        `is longer than ${MAX_TAG_NAMES} tags or ${MAX_PAGES} pages`,
        "Remove tags that nobody needs any more",
      );
    }
    const next = nextPage(answer);
    if (next === "elsewhere") throw failed("goes on at another host", "Ask the registry's operator");
    to = next;
  }
  return [...names].sort();
}

/** Nothing where the answer is no list. A registry without tags may say `null`. */
function namesIn({ bytes }: RepositoryAnswer): string[] | undefined {
  let document: unknown;
  try {
    document = parseJson(bytes, "any");
  } catch {
    return undefined;
  }
  if (!isJsonObject(document as never)) return undefined;
  const { tags } = document as { tags?: unknown };
  if (tags === null) return [];
  if (!Array.isArray(tags)) return undefined;
  return tags.filter((tag): tag is string => typeof tag === "string" && isTag(tag));
}
