/**
 * Signs tags from start to end: prepare, have it signed, publish. Where somebody else publishes meanwhile, it is made and
 * signed anew on top of theirs. Several repositories go side by side and stand each alone, in one signing request.
 *
 * @module
 */
import { randomPartOf } from "../http/jitter.ts";
import { isTagsealError, reworded, type TagsealError } from "../errors.ts";
import type { SigningData } from "../signpath/signing_data.ts";
import { AT_ONCE, mapAtOnce } from "./at_once.ts";
import { assembleSigningData } from "./create_signing_data.ts";
import type { PayloadSigner, SignedPayloads } from "./payload_signer.ts";
import { type PreparedChange, type PreparedRepository, prepareTags, type TagsToSign } from "./prepare_tags.ts";
import { joinOutcomes, type Outcome, type SignResult } from "./outcomes.ts";
import { type PushResult, pushTrustData } from "./push_trust_data.ts";
import type { Sighting } from "./repository.ts";

/** What {@linkcode signTags} needs. */
export interface SignOptions {
  /** Signs the payloads. */
  readonly signer: PayloadSigner;
  /** The time. */
  readonly now: () => Date;
  /** How often to start over when others were faster. */
  readonly attempts: number;
  /** Told that a repository starts over, and why. */
  readonly onStale?: (error: TagsealError) => void;
  /** Told what has become of a repository, as soon as that is settled. */
  readonly onDone?: (outcome: Outcome) => void;
}

/** The longest pause before starting over, in milliseconds, where a service signs; and where a key at hand does. */
const PAUSE_MS = { service: 8000, key: 50 };

/**
 * Signs tags. One repository's failure does not keep others from being signed; run again, what is there is left alone.
 *
 * @throws {TagsealError} what its steps throw, where there is one repository (`stale` once the attempts are used up);
 *   `interrupted`
 */
export async function signTags(work: readonly TagsToSign[], options: SignOptions): Promise<SignResult> {
  const outcomes = new Map<string, Outcome>();
  const settle = (outcome: Outcome) => {
    outcomes.set(outcome.repository, outcome);
    options.onDone?.(outcome);
  };
  let signingRequestId: string | null = null;
  let unclearRequests = 0;
  let open = work.map(withMemory);
  for (let attempt = 1; open.length > 0; attempt++) {
    const started = options.now();
    const begun = await prepareAll(open, started, settle);
    open = [];
    if (begun.length === 0) break;
    const data = assembleSigningData(begun.map(({ change }) => change), started);
    const keys = new Map(begun.flatMap(({ change }) => change.keys.map((key) => [key.canonicalId, key])));
    let answer: SignedPayloads;
    try {
      answer = await options.signer.sign(data, keys);
    } catch (error) {
      for (const { task } of begun) settle({ repository: task.gun, error });
      // It may go on: whoever is told of it does not file another.
      if (isTagsealError(error) && error.request) signingRequestId = error.request.id;
      break;
    }
    signingRequestId = answer.signingRequestId;
    unclearRequests += answer.unclearRequests;
    const signed: SigningData = { ...data, signatures: answer.signatures };
    await mapAtOnce(begun, AT_ONCE, async ({ task }, i) => {
      const failure = answer.failures.get(task.gun);
      if (failure !== undefined) return settle({ repository: task.gun, error: failure });
      // What was away for signing may have been away for long: what is there now is asked for before anything is posted.
      if (answer.isKept) task.trust.recent.clear();
      try {
        settle({ repository: task.gun, result: await pushTrustData(task.trust, signed, data.repositories[i]!) });
      } catch (error) {
        // What was published and changed by others since is theirs now.
        if (!isTagsealError(error, "stale") || error.published === "yes" || attempt >= options.attempts) {
          settle({ repository: task.gun, error: resumable(error, answer) });
        } else {
          options.onStale?.(error);
          open.push(task);
        }
      }
    });
    if (open.length === 0) break;
    // Agents of one pipeline start together. One of them wins each time; drawn apart, fewer others sign in vain.
    const took = options.now().getTime() - started.getTime();
    const longest = signingRequestId === null ? PAUSE_MS.key : Math.min(took * attempt, PAUSE_MS.service);
    await open[0]!.trust.sleep(randomPartOf(longest));
  }
  return joinOutcomes(work.map(({ gun }) => outcomes.get(gun)!), signingRequestId, unclearRequests);
}

/** A task whose trust data is remembered as it was read. */
type Remembering = TagsToSign & { readonly trust: { readonly recent: Map<string, Sighting> } };

/** A task of which something is to be signed. */
interface Begun {
  readonly task: Remembering;
  readonly change: PreparedChange;
}

/** Prepares all of `open`, settles those that fail or need nothing, and returns the others. */
async function prepareAll(
  open: readonly Remembering[],
  at: Date,
  settle: (outcome: Outcome) => void,
): Promise<Begun[]> {
  const begun = await mapAtOnce(open, AT_ONCE, async (task): Promise<Begun | undefined> => {
    try {
      const prepared = await prepareTags(task, at);
      if (prepared.change) return { task, change: prepared.change };
      settle({ repository: task.gun, result: unchanged(prepared) });
    } catch (error) {
      settle({ repository: task.gun, error });
    }
    return undefined;
  });
  return begun.filter((one) => one !== undefined);
}

/**
 * Starting over signs what was meant at the start: a tag that somebody moves meanwhile is not followed. And it builds on
 * what the refused attempt has read.
 */
function withMemory(task: TagsToSign): Remembering {
  const known = new Map<string, ReturnType<TagsToSign["lookUp"]>>();
  const lookUp = (tag: string) => {
    const manifest = known.get(tag) ?? task.lookUp(tag);
    known.set(tag, manifest);
    return manifest;
  };
  return { ...task, lookUp, trust: { ...task.trust, recent: new Map<string, Sighting>() } };
}

function unchanged({ repository, tags }: PreparedRepository): PushResult {
  return {
    repository,
    outcome: "unchanged",
    tags: tags.map(({ tag, digest }) => ({ tag, digest, previousDigest: digest })),
    roles: [],
  };
}

/** Where only the publishing failed, what was signed is still there: signing it again would ask for another approval. */
function resumable(error: unknown, { signingRequestId: id, isKept }: SignedPayloads): unknown {
  if (!isKept || !isTagsealError(error)) return error;
  const isDoubtful = error.published === "maybe" && error.code !== "stale";
  if (!isDoubtful && !isTagsealError(error, "unavailable", "unauthenticated", "forbidden", "interrupted")) return error;
  return reworded(error, `Signed, but perhaps not published: ${error.message}`, {
    remedy: isTagsealError(error, "unauthenticated", "forbidden")
      ? `${error.remedy}; then publish what is signed already`
      : "Do not sign again: publish what is signed already",
    request: { id: id!, goesOn: true },
  });
}
