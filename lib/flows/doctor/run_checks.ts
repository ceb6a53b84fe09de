/** Runs checks side by side, so that none hides, holds up or fails another. @module */
import { isTagsealError, messageOf, TagsealError } from "../../errors.ts";
import { AT_ONCE, mapAtOnce } from "../../signing/at_once.ts";
import type { Check, Finding, Subject, Verdict } from "./finding.ts";

/** How checks are run. */
export interface CheckOptions {
  /** Ends them all, with its reason. */
  readonly signal: AbortSignal;
  /** For how many milliseconds one check may go on. */
  readonly timeoutMs: number;
  /** Told how many are done. */
  readonly onDone?: (done: number) => void;
}

type Outcome = { readonly verdicts: readonly Verdict[] } | { readonly error: unknown };

/**
 * Runs all of `checks` at once, but for those of many repositories, which would ask servers for too much at a time; what each has found, in their order. Where several end with one and the same
 * error, since they wait for the same thing, the first of them tells it.
 *
 * @throws the reason of `signal`
 */
export async function runChecks(checks: readonly Check[], options: CheckOptions): Promise<Finding[]> {
  let done = 0;
  const outcomes = new Map<Check, Outcome>();
  const groups = [...Map.groupBy(checks, ({ repository }) => repository)];
  const run = async ([, group]: typeof groups[number]) => {
    await Promise.all(group.map(async (check) => {
      outcomes.set(check, await outcomeOf(check, options));
      options.onDone?.(++done);
    }));
  };
  const [others, repositories] = [true, false].map((none) => groups.filter(([name]) => (name === undefined) === none));
  await Promise.all([mapAtOnce(others!, AT_ONCE, run), mapAtOnce(repositories!, AT_ONCE, run)]);
  options.signal.throwIfAborted();
  const told = new Map<unknown, Subject>();
  return checks.flatMap((check) => {
    const { run: _, ...subject } = check;
    const outcome = outcomes.get(check)!;
    if ("verdicts" in outcome) return outcome.verdicts.map((verdict) => ({ ...subject, ...verdict }));
    const by = told.get(outcome.error);
    told.set(outcome.error, by ?? subject);
    return { ...subject, ...(by === undefined ? verdictOf(outcome.error) : untold(labelOf(by, subject))) };
  });
}

/** A check as it is called where `other` is told of. */
function labelOf({ name, repository, server }: Subject, other: Subject): string {
  const of = repository ?? server;
  return of === undefined || of === (other.repository ?? other.server) ? `"${name}"` : `"${name}" of "${of}"`;
}

async function outcomeOf({ run }: Check, { signal, timeoutMs }: CheckOptions): Promise<Outcome> {
  const over = new AbortController();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const end = () => over.abort(signal.reason);
  const timer = setTimeout(() => over.abort(tooLate(timeoutMs)), timeoutMs);
  over.signal.addEventListener("abort", () => reject(over.signal.reason));
  signal.addEventListener("abort", end);
  if (signal.aborted) end();
  try {
    const verdicts = await Promise.race([late, Promise.resolve(over.signal).then(run)]);
    return { verdicts: [verdicts].flat() };
  } catch (error) {
    return { error };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    late.catch(() => {});
  }
}

function tooLate(ms: number): TagsealError {
  return new TagsealError("unavailable", `Nothing was found out within ${Math.round(ms / 1000)} s`, {
    remedy: "Check the network between here and the server, then look again",
    reason: "no-answer",
  });
}

/** An error as what was found. */
export function verdictOf(error: unknown): Verdict {
  if (!isTagsealError(error)) {
    return {
      state: "error",
      code: "unexpected",
      found: `Something unexpected happened: ${messageOf(error)}`,
      remedy: "Report this with what stands here",
    };
  }
  const { code, message, remedy, next } = error;
  return { state: "error", code, found: message, remedy, next };
}

function untold(by: string): Verdict {
  return {
    state: "skipped",
    after: "failure",
    found: `Not looked at, since ${by} failed`,
    remedy: `Put ${by} right first`,
  };
}
