/**
 * Publishes a change so that nothing of anybody's is lost.
 *
 * A server refuses a version that is there already, so whoever is slower reads again and makes the change anew on top of
 * what the others did. A notary-server on SQL checks versions outside of its transaction: of two racing posts one may be
 * answered 200 and not be stored. So a publish counts only once it has been read back.
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { isTagsealError, TagsealError } from "../errors.ts";
import { randomPartOf } from "../http/jitter.ts";
import type { RoleName } from "../tuf/roles.ts";
import type { TrustedRepository } from "../tuf/trusted.ts";
import type { RepositoryView } from "../tuf/view.ts";
import { type Doubt, doubtful, lookAfter, mayHaveLanded, mayPass, mayStillArrive } from "./doubt.ts";
import type { TrustServer } from "./trust_server.ts";

/**
 * A change to a repository, which is trusted unless `R` says otherwise: what mends an expired one has to build upon what
 * nobody trusts any more.
 */
export interface Change<R extends RepositoryView = TrustedRepository> {
  /** The files to post on top of `repository`. */
  make(repository: R): Promise<ReadonlyMap<RoleName, Bytes>>;
  /** Whether `repository` shows the change: nothing (more) to do. */
  isThere(repository: R): boolean;
}

/** How a change is published. */
export interface PublishOptions<R extends RepositoryView = TrustedRepository> {
  /** Where to. */
  readonly server: TrustServer;
  /** Which repository. */
  readonly gun: string;
  /** Reads and verifies the repository: to begin with, and then as it is now that the files of `posted` were posted. */
  read(posted?: ReadonlyMap<RoleName, Bytes>): Promise<R>;
  /** How often to start over when others were faster; 1 where the change cannot be made anew. */
  readonly attempts: number;
  /** Whether it is enough to know that others were faster, as the change is made anew elsewhere; not unless said. */
  readonly beginsAnew?: boolean | undefined;
  /** The clock. */
  now(): Date;
  /** Waits this many milliseconds. */
  sleep(ms: number): Promise<void>;
}

/** How often a change that was taken is looked for while nothing at all seems to have moved. */
const REREADS = 4;
/**
 * How often the same files are posted to a server that cannot take them now, with pauses that double, in milliseconds. Who
 * refuses them for what they are says so again; whoever's database restarts takes them by then.
 */
const POSTS = 4;
const FIRST_PAUSE_MS = 250;
/** None of them is begun later than this many milliseconds after the first: a server that fails slowly is not waited for. */
const POSTING_MS = 25_000;

type Files = ReadonlyMap<RoleName, Bytes>;

/** A change that is there, as it was read back. */
export interface PublishedChange<R extends RepositoryView = TrustedRepository> {
  /** `unchanged` where the change was there already. */
  readonly outcome: "published" | "unchanged";
  /** The repository as read back. */
  readonly repository: R;
}

/** A change that is not there, as others were faster each time. */
export interface OvertakenChange<R extends RepositoryView = TrustedRepository> {
  /** Others have published in between. */
  readonly outcome: "overtaken";
  /** Whether something that was posted may have been taken all the same, and replaced by others since. */
  readonly isDoubtful: boolean;
  /** How often it was tried. */
  readonly attempts: number;
  /** The repository as others have left it. */
  readonly repository: R;
}

/** What came of it. */
export type PublishResult<R extends RepositoryView = TrustedRepository> = PublishedChange<R> | OvertakenChange<R>;

/**
 * Publishes `change`, and reads back that it is there.
 *
 * @throws {TagsealError} what reading, making and posting throw; with `published` set to `maybe`, and in words that say
 *   so, where the server has answered 200 or may still take what was posted
 */
export async function publishChange<R extends RepositoryView = TrustedRepository>(
  options: PublishOptions<R>,
  change: Change<R>,
): Promise<PublishResult<R>> {
  const { gun, server, attempts } = options;
  let repository = await options.read();
  if (change.isThere(repository)) return { outcome: "unchanged", repository };
  let doubt: Doubt | undefined; // what may be at the server, of all attempts
  const moved = (files: Files, before: R) =>
    [...files.keys()].some((role) => versionOf(repository, role) !== versionOf(before, role));

  /** Posts, and reads what is there then; returns why it was not taken. */
  async function post(files: Files, before: R): Promise<unknown> {
    const failure = await server.publish(gun, files).then(() => undefined, (error: unknown) => error);
    if (failure === undefined) doubt = "taken";
    else if (mayStillArrive(failure)) doubt ??= "lost";
    // Of the only post there was, the server says that it is not taken.
    else if (options.beginsAnew && doubt === undefined && isTagsealError(failure, "stale")) return failure;
    // After a lost answer nobody knows what happened but the server, so ask it, whatever the outcome looked like.
    // Where it was refused, the server has something else than what was posted.
    const posted: Files = failure === undefined ? files : new Map();
    const read = () =>
      options.read(posted).catch((error: unknown) => {
        if (failure !== undefined && mayHaveLanded(failure)) doubt ??= "lost";
        const isLast = isTagsealError(error, "trust-invalid") || (doubt && isTagsealError(error, "interrupted"));
        throw failure === undefined || isLast ? error : failure;
      });
    repository = await read();
    for (let again = 0; failure === undefined && !moved(files, before) && again < REREADS; again++) {
      await options.sleep(250 * 2 ** again);
      repository = await read();
    }
    return failure;
  }

  try {
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const before = repository;
      const files = await change.make(before);
      const started = options.now().getTime();
      let failure = await post(files, before);
      // The trust data is valid and as it was: the server could not do its work. The same files may be posted again, as a
      // version is stored once.
      for (let tries = 1; tries < POSTS && mayPass(failure) && !moved(files, before); tries++) {
        if (options.now().getTime() - started > POSTING_MS) break;
        const most = FIRST_PAUSE_MS * 2 ** tries;
        await options.sleep(most - randomPartOf(most / 2));
        failure = await post(files, before);
      }
      if (change.isThere(repository)) return { outcome: "published", repository };
      if (failure === undefined && !moved(files, before)) throw notShown(gun, server.url);
      if (failure !== undefined && !isTagsealError(failure, "stale") && !moved(files, before)) throw failure;
      // Racing writers draw apart: each waits a random part of a growing span.
      if (attempt < attempts) await options.sleep(randomPartOf(Math.min(200 * 2 ** attempt, 5000)));
    }
  } catch (error) {
    throw doubt === undefined ? error : doubtful(error, gun, doubt);
  }
  return { outcome: "overtaken", isDoubtful: doubt !== undefined, attempts, repository };
}

/** The change, where it is there. @throws {TagsealError} `stale` where others were faster each time */
export function requirePublished<R extends RepositoryView>(result: PublishResult<R>): PublishedChange<R> {
  if (result.outcome !== "overtaken") return result;
  const { repository: { gun }, isDoubtful, attempts } = result;
  throw overtaken(gun, isDoubtful, attempts);
}

/** Others were faster. */
export function overtaken(gun: string, isDoubtful = false, attempts = 1): TagsealError {
  return new TagsealError("stale", `Somebody else has published to "${gun}" in between`, {
    ...isDoubtful
      ? lookAfter("What was posted may have been published and replaced since")
      : { remedy: "Nothing of this change was published. Run the command again" },
    details: { repository: gun, attempts },
    published: isDoubtful ? "maybe" : "no",
  });
}

/**
 * What is said where a server has answered that it took a change which it does not show. Starting over would be wrong: the
 * change is there, or will be.
 */
export function notShown(gun: string, url: URL): TagsealError {
  return new TagsealError(
    "unavailable",
    `The Notary server "${url.origin}" took the change to "${gun}", but does not show it`,
    {
      remedy: "Something on the way seems to keep old answers. Read the tags in some minutes before you do it again",
      next: { do: "look-in-some-minutes" },
      details: { repository: gun, url: url.origin },
      published: "maybe",
    },
  );
}

/** The version of a role's file; 0 where it has none. */
export function versionOf(repository: RepositoryView, role: RoleName): number {
  switch (role) {
    case "root":
    case "targets":
    case "snapshot":
    case "timestamp":
      return repository[role].version;
    default: {
      const state = repository.delegations.get(role);
      return (state?.kind === "trusted" ? state.file.version : state?.kind === "skipped" ? state.version : 0) ?? 0;
    }
  }
}
