/**
 * Signs from start to end: prepare, have it signed, publish. Where somebody else publishes meanwhile, it is made and signed
 * anew on top of theirs. Several repositories go side by side and stand each alone: in one signing request where a service
 * signs, by themselves where the keys are at hand; of those, the ones that begin anew do so one at a time.
 *
 * @module
 */
import { isTagsealError, nextStepOf, reworded, type TagsealError } from "../errors.ts";
import type { Sleep } from "../http/retry.ts";
import { USER_AGENT } from "../http/send.ts";
import { pauses } from "./apart.ts";
import { AT_ONCE, mapAtOnce } from "./at_once.ts";
import { assembleBatch } from "./batch.ts";
import type { Origin } from "./origin.ts";
import { joinOutcomes, type Outcome, type SignResult } from "./outcomes.ts";
import type { PayloadSigner, SignedBatch } from "./payload_signer.ts";
import type { Job, PreparedJob, SchemeResult } from "./scheme.ts";
import { Turns } from "./turns.ts";
import { trustTime } from "../tuf/edit.ts";

/** What {@linkcode sign} needs. */
export interface SignOptions<Result extends SchemeResult = SchemeResult> {
  /** Signs the payloads. */
  readonly signer: PayloadSigner;
  /** The clock. */
  readonly now: () => Date;
  /** Waits this many milliseconds. */
  readonly sleep: Sleep;
  /** Who asks, to be shown to whoever approves. */
  readonly origin?: Origin | undefined;
  /** How often to start over when others were faster; as often as is worth it with the signer unless given. */
  readonly attempts?: number;
  /** Told that a repository starts over, and why. */
  readonly onStale?: (error: TagsealError) => void;
  /** Told what has become of a repository, as soon as that is settled. */
  readonly onDone?: (outcome: Outcome<Result>) => void;
}

/**
 * An attempt that takes so many milliseconds for each job at a time is perhaps one of many on a busy machine: to look
 * whether others were faster costs a small part of that.
 */
const SLOW_MS = 750;
/**
 * Who was overtaken before looks where others have had so many milliseconds since. Who signs faster has posted as soon as it
 * would have looked.
 */
const BRIEF_MS = 100;

/**
 * Does all of `jobs`. One repository's failure does not keep others from being signed; run again, what is there is left
 * alone.
 *
 * @throws {TagsealError} what its steps throw, where there is one repository (`stale` once the attempts are used up);
 *   `interrupted`
 */
export async function sign<Result extends SchemeResult>(
  jobs: readonly Job<Result>[],
  options: SignOptions<Result>,
): Promise<SignResult<Result>> {
  const outcomes = new Map<Job<Result>, Outcome<Result>>();
  const settle: Settle<Result> = (job, end) => {
    const outcome = { repository: job.repository, ...end };
    outcomes.set(job, outcome);
    options.onDone?.(outcome);
  };
  // One request for all wants one approval. A key asks for none: who loses in one repository starts over there alone.
  const byRepository = Map.groupBy(jobs, ({ repository }) => repository);
  const together = options.signer.holder.kind === "service" ? [jobs] : [...byRepository.values()];
  const isBroad = together.length > 1;
  const run: Run = { slowMs: SLOW_MS * Math.min(jobs.length, AT_ONCE), turns: new Turns(), isBroad };
  const told = await mapAtOnce(together, AT_ONCE, async (some) => {
    try {
      return await signTogether(some, options, settle, run);
    } finally {
      for (const job of some) await job.ended?.();
    }
  });
  const signingRequestId = told.reduce((id: string | null, one) => one.signingRequestId ?? id, null);
  const unclearRequests = told.reduce((sum, one) => sum + one.unclearRequests, 0);
  await options.signer.ended?.([...outcomes.values()].flatMap((end) => "error" in end ? [end.error] : []));
  return joinOutcomes(jobs.map((job) => outcomes.get(job)!), signingRequestId, unclearRequests);
}

/** Says what has become of a job. */
type Settle<Result> = (
  job: Job<Result & SchemeResult>,
  end: { readonly result: Result } | { readonly error: unknown },
) => void;

/** Has jobs of one repository begun anew, as others were faster. */
type GiveWay<Result> = (some: readonly Job<Result & SchemeResult>[], error: TagsealError) => void;

/** What those who are signed beside one another know of each other. */
interface Run {
  /** From how many milliseconds on an attempt is slow. */
  readonly slowMs: number;
  /** Whoever begins anew does so in turn: what goes on beside it gives others more time to be faster. */
  readonly turns: Turns;
  /** Whether there are several that go on beside one another. */
  readonly isBroad: boolean;
}

/** Does jobs whose payloads are signed together, until each is settled. */
async function signTogether<Result extends SchemeResult>(
  jobs: readonly Job<Result>[],
  options: SignOptions<Result>,
  settle: Settle<Result>,
  { slowMs, turns, isBroad }: Run,
): Promise<Pick<SignedBatch, "signingRequestId" | "unclearRequests">> {
  const { signer, now, attempts = signer.attempts } = options;
  const isService = signer.holder.kind === "service";
  const since = (from: Date) => now().getTime() - from.getTime();
  let signingRequestId: string | null = null;
  let unclearRequests = 0;
  let open = jobs;
  const pauseAfter = pauses(signer, isBroad);
  let pauseMs: number | undefined;
  for (let attempt = 1;; attempt++) {
    if (pauseMs !== undefined) await options.sleep(pauseMs);
    using _turn = attempt > 1 ? await turns.next() : undefined;
    const started = now();
    const beginsAnew = attempt < attempts;
    const isSlow = () => since(started) > slowMs;
    // A post whose answer is lost may be sent again by the runtime, and is then refused for being there. What a service has
    // signed may have cost an approval: it is looked for even so.
    const beginsAnewFreely = beginsAnew && !isService;
    const overtaken: Job<Result>[] = [];
    const giveWay: GiveWay<Result> = (some, error) => {
      options.onStale?.(error);
      overtaken.push(...some);
    };
    const prepared = await prepareAll(open, started, settle);
    const read = now();
    // What a service signs in vain may have cost an approval.
    const begun = isService && beginsAnew && isSlow() ? await unmoved(prepared, settle, giveWay) : prepared;
    if (begun.length === 0) {
      if (overtaken.length === 0) break;
      open = overtaken;
      pauseMs = pauseAfter(since(started));
      continue;
    }
    const batch = assembleBatch(
      begun.map(({ prepared }) => prepared.part),
      trustTime(started),
      USER_AGENT,
      options.origin,
    );
    let answer: SignedBatch;
    try {
      answer = await signer.sign(batch);
    } catch (error) {
      for (const job of [...begun.map(({ job }) => job), ...overtaken]) settle(job, { error });
      // It may go on: whoever is told of it does not file another.
      if (isTagsealError(error) && error.request) signingRequestId = error.request.id;
      break;
    }
    signingRequestId = answer.signingRequestId;
    unclearRequests += answer.unclearRequests;
    const { signatures, isKept, failures, payloads: earlier, madeAt } = answer;
    const signed = begun.map(({ job, prepared }, i) => {
      const payloads = batch.parts[i]!.map((payload) => ({
        ...payload,
        bytes: earlier?.get(payload.id) ?? payload.bytes,
      }));
      return { job, prepared, part: { payloads, signatures, madeAt, wasAway: isKept, beginsAnew: beginsAnewFreely } };
    });
    // What is kept is published on top of what is read anew.
    const isLate = () => beginsAnew && !isKept && ((attempt > 1 && since(read) > BRIEF_MS) || (!isService && isSlow()));
    const repositories = [...Map.groupBy(signed, ({ job }) => job.repository).values()];
    await mapAtOnce(repositories, AT_ONCE, async (some) => {
      const open = [...some];
      let isGood = false;
      try {
        // Nothing of a repository is published before all of it is known to be good; then in the order of the schemes.
        for (const { prepared, part } of some) {
          const failed = part.payloads.find(({ id }) => failures.has(id));
          if (failed) throw failures.get(failed.id);
          await prepared.check(part);
        }
        isGood = true;
        for (const { job, prepared, part } of some) {
          if (isLate()) await prepared.look?.();
          settle(job, { result: await prepared.publish(part) });
          open.shift();
        }
      } catch (error) {
        // What was published and changed by others since is theirs now.
        if (!isTagsealError(error, "stale") || error.published === "yes" || !beginsAnew) {
          const told = resumable(error, answer, isGood);
          for (const { job } of open) settle(job, { error: told });
        } else {
          giveWay(open.map(({ job }) => job), error);
        }
      }
    });
    open = overtaken;
    if (open.length === 0) break;
    // Agents of one pipeline start together. One of them wins each time; drawn apart, fewer others sign in vain. Others
    // can be faster while it is read, too; but the first reading is the longer for modules and connections.
    pauseMs = pauseAfter(since(attempt > 1 ? started : read));
  }
  return { signingRequestId, unclearRequests };
}

/** A job of which something is to be signed. */
interface Begun<Result> {
  readonly job: Job<Result & SchemeResult>;
  readonly prepared: PreparedJob<Result> & { readonly outcome: "to-sign" };
}

/**
 * Prepares all of `open`, settles those that fail or need nothing, and returns the others. Where one job of a repository
 * fails, none of it is signed: a later run, with the reason gone, would need another request for what was left out.
 */
async function prepareAll<Result extends SchemeResult>(
  open: readonly Job<Result>[],
  at: Date,
  settle: Settle<Result>,
): Promise<Begun<Result>[]> {
  const failures = new Map<string, { readonly error: unknown }>();
  const begun = await mapAtOnce(open, AT_ONCE, async (job): Promise<Begun<Result> | undefined> => {
    const { repository } = job;
    try {
      const prepared = await job.prepare(at);
      if (prepared.outcome === "to-sign") return { job, prepared };
      settle(job, { result: prepared.result });
    } catch (error) {
      const failure = failures.get(repository) ?? { error };
      failures.set(repository, failure);
      settle(job, failure);
    }
    return undefined;
  });
  return begun.filter((one) => one !== undefined).filter(({ job }) => {
    const failure = failures.get(job.repository);
    if (failure) settle(job, failure);
    return !failure;
  });
}

/** Those of `begun` in whose repositories nobody has published since they were read. */
async function unmoved<Result extends SchemeResult>(
  begun: readonly Begun<Result>[],
  settle: Settle<Result>,
  giveWay: GiveWay<Result>,
): Promise<Begun<Result>[]> {
  const repositories = [...Map.groupBy(begun, ({ job }) => job.repository).values()];
  const there = await mapAtOnce(repositories, AT_ONCE, async (some) => {
    try {
      for (const { prepared } of some) await prepared.look?.();
      return some;
    } catch (error) {
      if (isTagsealError(error, "stale")) giveWay(some.map(({ job }) => job), error);
      else for (const { job } of some) settle(job, { error });
      return [];
    }
  });
  return there.flat();
}

const PUBLISH = "Then publish what is signed already";

/**
 * Where only the publishing failed, what was signed is still there: signing it again would ask for another approval. What is
 * found to be good is of use until others publish, or the server says that it is not; what the server shows of the repository
 * tells nothing of it.
 */
function resumable(error: unknown, { signingRequestId: id, isKept }: SignedBatch, isGood: boolean): unknown {
  if (!isKept || !isTagsealError(error)) return error;
  const isDoubtful = error.published === "maybe" && error.code !== "stale";
  const isServed = isTagsealError(error, "trust-invalid") && error.reason === "served";
  const isOfUse = isServed ||
    (isGood
      ? !isTagsealError(error, "trust-invalid", "stale")
      : isTagsealError(error, "unavailable", "unauthenticated", "forbidden", "interrupted"));
  if (!isDoubtful && !isOfUse) return error;
  return reworded(error, `Signed, but perhaps not published: ${error.message}`, {
    ...isTagsealError(error, "unauthenticated", "forbidden") ||
        (!isDoubtful && !isTagsealError(error, "unavailable", "interrupted"))
      ? {
        remedy: `${error.remedy}. ${PUBLISH}`,
        next: { do: "in-turn", steps: [nextStepOf(error), { do: "as-told", remedy: PUBLISH }] },
      }
      : { remedy: "Do not sign again: publish what is signed already" },
    request: { id: id!, goesOn: true },
  });
}
