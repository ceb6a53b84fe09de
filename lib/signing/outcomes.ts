/** What becomes of work on several repositories, each of which stands alone. @module */
import { isTagsealError } from "../errors.ts";
import type { SchemeResult } from "./scheme.ts";

/** What became of one repository. */
export type Outcome<Result extends SchemeResult = SchemeResult> =
  | { readonly repository: string; readonly result: Result }
  | FailedRepository;

/** A repository that was not signed. */
export interface FailedRepository {
  /** The GUN. */
  readonly repository: string;
  /** Why. */
  readonly error: unknown;
}

/** What became of all of it. */
export interface SignResult<Result extends SchemeResult = SchemeResult> {
  /** The repositories whose tags are as they shall be. */
  readonly repositories: readonly Result[];
  /** The others, and why. */
  readonly failed: readonly FailedRepository[];
  /** The last signing request; `null` where nothing had to be signed, or no service was asked. */
  readonly signingRequestId: string | null;
  /** How many more signing requests may be there than were wanted: tries that were sent again. */
  readonly unclearRequests: number;
}

/** Does the work of one repository, and keeps its failure for the report. */
export async function settled<Result extends SchemeResult>(
  repository: string,
  work: () => Promise<Result>,
): Promise<Outcome<Result>> {
  try {
    return { repository, result: await work() };
  } catch (error) {
    return { repository, error };
  }
}

/**
 * One report of all.
 *
 * @throws the failure, where it was the only repository, or the command was interrupted
 */
export function joinOutcomes<Result extends SchemeResult>(
  outcomes: readonly Outcome<Result>[],
  signingRequestId: string | null,
  unclearRequests = 0,
): SignResult<Result> {
  // One failure may have hit all jobs of a repository.
  const failed = outcomes.filter((outcome) => "error" in outcome).filter((one, i, all) =>
    all.findIndex(({ repository, error }) => repository === one.repository && error === one.error) === i
  );
  const end = failed.find(({ error }) =>
    new Set(outcomes.map(({ repository }) => repository)).size === 1 || isTagsealError(error, "interrupted")
  );
  if (end) throw end.error;
  const repositories = outcomes.flatMap((outcome) => "result" in outcome ? [outcome.result] : []);
  return { repositories, failed, signingRequestId, unclearRequests };
}
