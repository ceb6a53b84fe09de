/**
 * Files a signing request once, however often a run is begun anew: where one that was filed for the same goes on, or is
 * completed, it is gone on with.
 *
 * @module
 */
import { isTagsealError, messageOf, TagsealError } from "../errors.ts";
import type { SignPathClient } from "../signpath/client.ts";
import type { SigningRequestStatus, SubmittedRequest } from "../signpath/types.ts";
import type { KeptRequest, KeptRequests } from "./kept_requests.ts";
import type { WorkUnit } from "./work_unit.ts";

/** What is signed expires that much sooner; and what nobody has approved in a week, nobody waits for. */
const GOOD_FOR_MS = 7 * 86_400_000;
/** A run that began before another has published has come to its filing by then. */
const AFTERWARDS_MS = 10 * 60_000;

/** What {@linkcode fileOnce} needs beside the work. */
export interface FilingOnce {
  /** SignPath, to ask how far a request is. */
  readonly client: Pick<SignPathClient, "status">;
  /** Where requests are kept. */
  readonly kept: KeptRequests;
  /** SHA-256 of under which organization, project, policy and configuration, with which parameters. */
  readonly account: string;
  /** Whether to file even where an earlier run may have filed one unheard. */
  readonly anew: boolean;
  /** The clock. */
  readonly now: () => Date;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Told which request is gone on with, or why another one is filed. */
  readonly onProgress: (line: string) => void;
  /** Files it. */
  submit(): Promise<SubmittedRequest>;
}

/** A request that goes on. */
export interface FiledRequest extends Pick<SubmittedRequest, "signingRequestId" | "unclearRequests"> {
  /** Whether it was filed by an earlier run, for what was made then. */
  readonly isEarlier: boolean;
}

/**
 * The request for `work`: the one that was filed before, or else a new one.
 *
 * @throws {TagsealError} `exists` where an earlier run may have filed one and was ended before it heard of it; what
 *   asking for a status and submitting throw
 */
export async function fileOnce(work: readonly WorkUnit[], how: FilingOnce): Promise<FiledRequest> {
  const { kept, account, now, onProgress } = how;
  const wanted: KeptRequest = { filedAt: now(), account, work };
  return await kept.alone(wanted, async () => {
    for (const request of await latestFirst(how)) {
      const signed = new Set(request.work.map(({ sha256 }) => sha256));
      if (!work.every(({ sha256 }) => signed.has(sha256))) {
        await tellOvertaken(request, work, how);
        continue;
      }
      const id = await stillGood(request, how);
      if (id !== undefined) return { signingRequestId: id, isEarlier: true };
    }
    // Before anything is sent: who is ended then leaves a trace of what may have been filed.
    await tried(() => kept.keep({ ...wanted, filedAt: now() }), onProgress);
    let filed: SubmittedRequest;
    try {
      filed = await how.submit();
    } catch (error) {
      const mayBeFiled = !isTagsealError(error) || error.filed === "maybe";
      if (!mayBeFiled) await tried(() => kept.forget(wanted), onProgress);
      throw error;
    }
    const { signingRequestId } = filed;
    await tried(() => kept.keep({ ...wanted, filedAt: now(), signingRequestId }), onProgress);
    return { ...filed, isEarlier: false };
  });
}

/** Those of the account, without what is too old for anything. */
async function latestFirst({ kept, account, now, onProgress }: FilingOnce): Promise<KeptRequest[]> {
  const all = await kept.list().catch((): KeptRequest[] => []);
  const isPast = (from: Date, ms: number) => Math.abs(now().getTime() - from.getTime()) > ms;
  const old = all.filter(({ filedAt, publishedAt }) =>
    isPast(filedAt, GOOD_FOR_MS) || (publishedAt && isPast(publishedAt, AFTERWARDS_MS))
  );
  for (const request of old) await tried(() => kept.forget(request), onProgress);
  return all.filter((request) => request.account === account && !old.includes(request))
    .sort((a, b) => b.filedAt.getTime() - a.filedAt.getTime());
}

/** A request for the same tags that can be published no more, since others have published what it builds upon. */
async function tellOvertaken(
  request: KeptRequest,
  work: readonly WorkUnit[],
  { kept, onProgress }: FilingOnce,
): Promise<void> {
  const others = new Map(request.work.map(({ purpose, sha256 }) => [purpose, sha256]));
  const isOvertaken = work.some(({ purpose, sha256 }) => (others.get(purpose) ?? sha256) !== sha256);
  if (!isOvertaken || request.signingRequestId === undefined || request.publishedAt) return;
  onProgress(
    `Signing request ${request.signingRequestId} was filed ${sinceOf(request)} for the same tags, and cannot be ` +
      "published any more: others have published since. A new one is filed; cancel the old one if it still waits.",
  );
  await tried(() => kept.forget(request), onProgress);
}

/** The id of a request that goes on or is completed; of others it is told why they are left alone. */
async function stillGood(request: KeptRequest, how: FilingOnce): Promise<string | undefined> {
  const { client, kept, signal, onProgress, anew } = how;
  const { signingRequestId: id } = request;
  if (id === undefined) {
    if (!anew) throw mayBeThere(request);
    await tried(() => kept.forget(request), onProgress);
    return undefined;
  }
  let status: SigningRequestStatus | undefined;
  try {
    status = await client.status(id, { signal });
  } catch (error) {
    if (!isTagsealError(error, "not-found", "usage")) throw error;
  }
  if (status && (!status.isFinalStatus || status.status === "Completed")) {
    const page = status.webLink === undefined ? "" : `: ${status.webLink}`;
    onProgress(`Going on with signing request ${id}, which was filed ${sinceOf(request)} for this${page}`);
    return id;
  }
  const end = status ? `ended as "${status.status}"` : "is not known to SignPath";
  onProgress(`Signing request ${id}, which was filed ${sinceOf(request)} for this, ${end}: a new one is filed.`);
  await tried(() => kept.forget(request), onProgress);
  return undefined;
}

function mayBeThere(request: KeptRequest): TagsealError {
  return new TagsealError(
    "exists",
    `A signing request for this may be there already: a run was ended while it was filing it, ${sinceOf(request)}`,
    {
      remedy:
        "Look in SignPath's web UI for a request of that time. If it is there, go on with it by its id; if it is " +
        "not, have a new one filed",
      next: { do: "look-for-own-request" },
      details: { filedAt: request.filedAt.toISOString() },
    },
  );
}

function sinceOf({ filedAt }: KeptRequest): string {
  return `at ${filedAt.toISOString().slice(0, 19)}Z`;
}

/** Keeping is a help, and no condition: a request that is filed goes on whether it was kept or not. */
async function tried(work: () => Promise<void>, onProgress: (line: string) => void): Promise<void> {
  try {
    await work();
  } catch (error) {
    onProgress(`The signing request is not remembered here: ${messageOf(error)}`);
  }
}
