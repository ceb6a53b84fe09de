/** What approvers and the audit log are told of a signing request, unless somebody has found words for it. @module */
import type { Origin } from "./origin.ts";
import type { PayloadFacts } from "./payload.ts";

/** SignPath documents no limit; a page, a mail and a log line show as much. */
const MAX_CHARS = 500;
/** Of a digest: enough to tell builds apart. All of it is in what is signed. */
const DIGEST_CHARS = "sha256:".length + 12;

/**
 * Repositories, tags and digests, and the build, each tag once: several roles, schemes and platforms sign it. Cut at a whole one: `registry.test/app: v1 sha256:…, v2 sha256:… (and 3 more)`.
 */
export function describeChanges(
  changes: readonly Pick<PayloadFacts, "repository" | "tags" | "removedTags">[],
  { build }: Origin = {},
): string {
  const end = build === undefined ? "" : `; build ${build}`;
  const known = new Set<string>();
  const parts = changes.flatMap(({ repository, tags, removedTags }) => [
    ...tags.map(({ tag, digest }) => ({ repository, tag, words: `${tag} ${digest.slice(0, DIGEST_CHARS)}` })),
    ...removedTags.map(({ tag }) => ({ repository, tag, words: `remove ${tag}` })),
  ]).filter(({ repository, tag }) => {
    const isNew = !known.has(`${repository}:${tag}`);
    known.add(`${repository}:${tag}`);
    return isNew;
  });
  let text = "";
  for (const [i, { repository, words }] of parts.entries()) {
    const isSame = parts[i - 1]?.repository === repository;
    const next = `${text}${isSame ? ", " : `${text && "; "}${repository}: `}${words}`;
    const more = parts.length - i;
    if (`${next} (and ${more} more)${end}`.length > MAX_CHARS) return `${text} (and ${more} more)${end}`.trimStart();
    text = next;
  }
  return text && `${text}${end}`;
}
