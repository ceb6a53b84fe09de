/** What became of repositories in all schemes together. @module */
import type { SchemeResult } from "../signing/scheme.ts";
import type { SignedTagOf } from "./images.ts";
import type { PushResult } from "./notary_v1/push_trust_data.ts";

/** What became of one repository in all schemes; tags, roles and removed tags are those of Docker Content Trust. */
export interface RepositoryResult extends PushResult {
  /** Signatures beside the images; left out where none were asked for. */
  readonly signatures?: readonly SignedTagOf[];
}

/** The results of all schemes, by repository, in the order in which repositories came. */
export function byRepository(results: readonly SchemeResult[]): RepositoryResult[] {
  const merged = new Map<string, RepositoryResult>();
  for (const result of results) {
    const { repository } = result;
    const before = merged.get(repository);
    const { outcome, tags = [], roles = [], removedTags, signatures } = result as Partial<RepositoryResult>;
    const all = [...before?.signatures ?? [], ...signatures ?? []];
    merged.set(repository, {
      ...before,
      repository,
      outcome: before?.outcome === "published" ? "published" : outcome!,
      tags: [...before?.tags ?? [], ...tags],
      roles: [...before?.roles ?? [], ...roles],
      ...(removedTags ? { removedTags } : {}),
      ...(all.length > 0 ? { signatures: all } : {}),
    });
  }
  return [...merged.values()];
}
