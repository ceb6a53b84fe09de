/**
 * Signs tags from start to end: make signing data, have it signed, publish. Where somebody else publishes while it is
 * being signed, it is made and signed anew on top of theirs.
 *
 * @module
 */
import { type Bytes, equalBytes } from "../bytes/bytes.ts";
import { isTagsealError, TagsealError } from "../errors.ts";
import { readSigningData, type SigningData, writeSigningData } from "../signpath/signing_data.ts";
import { createSigningData, type Prepared, type TagsToSign } from "./create_signing_data.ts";
import { type PushResult, pushTrustData } from "./push_trust_data.ts";

/** Has a signing data file signed, by whatever signs. */
export type SignFile = (file: Bytes) => Promise<{ readonly signed: Bytes; readonly signingRequestId: string }>;

/** What {@linkcode signTags} needs. */
export interface SignOptions {
  /** Has the file signed. */
  readonly signFile: SignFile;
  /** The time. */
  readonly now: () => Date;
  /** How often to start over when others were faster. */
  readonly attempts: number;
  /** Told that it starts over, and why. */
  readonly onStale?: (error: TagsealError) => void;
}

/** What became of all of it. */
export interface SignResult {
  /** One entry for each repository. */
  readonly repositories: readonly PushResult[];
  /** The last signing request; `null` where nothing had to be signed. */
  readonly signingRequestId: string | null;
}

/** Signs tags. Throws what its steps throw; `stale` once the attempts are used up. */
export async function signTags(work: readonly TagsToSign[], options: SignOptions): Promise<SignResult> {
  const fixed = work.map((task) => ({ ...task, lookUp: lookedUpOnce(task.lookUp) }));
  const done = new Map<string, PushResult>();
  let signingRequestId: string | null = null;
  for (let attempt = 1;; attempt++) {
    const open = fixed.filter(({ gun }) => !done.has(gun));
    const { data, unchanged } = await createSigningData(open, options.now());
    for (const result of unchanged.map(asResult)) done.set(result.repository, result);
    if (data.repositories.length === 0) break;
    const file = await writeSigningData(data);
    const answer = await options.signFile(file);
    signingRequestId = answer.signingRequestId;
    const signed = await readSigningData(answer.signed);
    requireSame(await readSigningData(file), signed);
    try {
      for (const change of signed.repositories) {
        const { trust } = open.find(({ gun }) => gun === change.repository)!;
        done.set(change.repository, await pushTrustData(trust, signed, change));
      }
      break;
    } catch (error) {
      if (!isTagsealError(error, "stale") || attempt === options.attempts) throw resumable(error, signingRequestId);
      options.onStale?.(error);
      // Agents of one pipeline start together; drawn apart, fewer of them sign in vain.
      await open[0]!.trust.sleep(Math.random() * Math.min(250 * 2 ** attempt, 8000));
    }
  }
  return { repositories: work.map(({ gun }) => done.get(gun)!), signingRequestId };
}

/** Starting over signs what was meant at the start: a tag that somebody moves meanwhile is not followed. */
function lookedUpOnce(lookUp: TagsToSign["lookUp"]): TagsToSign["lookUp"] {
  const known = new Map<string, ReturnType<TagsToSign["lookUp"]>>();
  return (tag) => {
    const manifest = known.get(tag) ?? lookUp(tag);
    known.set(tag, manifest);
    return manifest;
  };
}

function asResult({ repository, tags }: Prepared["unchanged"][number]): PushResult {
  return { repository, outcome: "unchanged", tags: tags.map(({ tag, digest }) => ({ tag, digest })), roles: [] };
}

/** Where only the publishing failed, what was signed is still there: signing it again would ask for another approval. */
function resumable(error: unknown, id: string): unknown {
  if (!isTagsealError(error, "unavailable", "unauthenticated", "forbidden", "interrupted")) return error;
  const first = isTagsealError(error, "unauthenticated", "forbidden") ? `${error.remedy}; then` : "Do not sign again,";
  return new TagsealError(error.code, `Signed, but perhaps not published: ${error.message}`, {
    remedy: `${first} go on with: tagseal download ${id}, then tagseal push`,
    details: { ...error.details, signingRequestId: id },
    cause: error,
  });
}

/** Nothing but signatures may have been added on the way to the signing service and back. */
function requireSame(sent: SigningData, received: SigningData): void {
  const manifest = ({ created, tool, repositories }: SigningData) => JSON.stringify([created, tool, repositories]);
  const payloads = [...sent.payloads].every(([name, bytes]) => {
    const back = received.payloads.get(name);
    return back && equalBytes(back, bytes);
  });
  if (payloads && manifest(sent) === manifest(received)) return;
  throw new TagsealError("trust-invalid", "The signed file is not the one that was sent for signing", {
    remedy: "Nothing was published. Ask who runs the signing service what changed the file",
  });
}
