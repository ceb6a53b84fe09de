/** What every use case is given: one Notary server, what is trusted so far, and the time. @module */
import { type Bytes, equalBytes } from "../bytes/bytes.ts";
import { isTagsealError, reworded } from "../errors.ts";
import { LARGE_FILE_BYTES } from "./first_round.ts";
import { filesOf, type ReadOptions, readRepository, type ReadResult } from "./update.ts";
import type { MetadataStore } from "./metadata_store.ts";
import { type Change, publishChange, type PublishOptions, type PublishResult } from "./publish.ts";
import type { TrustServer } from "./trust_server.ts";
import type { RoleName } from "../tuf/roles.ts";
import type { RootPin } from "../tuf/root_keys.ts";
import type { TrustedRepository } from "../tuf/trusted.ts";
import { requireServerSnapshot, serverSnapshotKey } from "./snapshot_key.ts";

/** Where trust data comes from and goes to. */
export interface Trust {
  /** The Notary server. */
  readonly server: TrustServer;
  /** What was trusted before. */
  readonly store: MetadataStore;
  /** What a root met for the first time must be; trust on first use without it. */
  readonly pin?: RootPin | undefined;
  /** Called where a root was trusted without proof. */
  readonly onFirstUse?: (gun: string, rootKeyIds: readonly string[]) => void;
  /** Whether the local copy may stand in where the server is out of reach: for reading alone. */
  readonly offline?: "allowed" | "refused";
  /** Called where it does, with the reason. */
  readonly onOffline?: (gun: string, why: string) => void;
  /** What this command itself has read, for {@linkcode openRecent}; without it everything is read anew. */
  readonly recent?: Map<string, Sighting>;
  /** What `readRepository` calls while it waits. */
  readonly meanwhile?: ReadOptions["meanwhile"];
  /** The time. */
  readonly now: () => Date;
  /** Waits this many milliseconds. */
  readonly sleep: (ms: number) => Promise<void>;
}

/** A repository as it was read and verified at some time. */
export interface Sighting {
  /** Its trusted state then. */
  readonly repository: TrustedRepository;
  /** When that was. */
  readonly at: Date;
  /** Whether nothing is built upon it any more: what was verified of it is known still. */
  readonly isPast?: boolean;
}

/** How old, in milliseconds, what a command has read may be for it to build upon without asking once more. */
const RECENT_MS = 10_000;

/** Reads and verifies a repository as it is now. Throws what `readRepository` throws. */
export async function openRepository(
  trust: Trust,
  gun: string,
  expected: readonly RoleName[] = [],
  atHand?: ReadonlyMap<RoleName, Bytes>,
): Promise<ReadResult> {
  const { server, store, pin, offline, recent, meanwhile } = trust;
  const at = trust.now();
  const pause = () => trust.sleep(0);
  const before = recent?.get(gun)?.repository;
  const options: ReadOptions = { server, gun, at, store, pin, expected, offline, atHand, meanwhile, pause, before };
  const result = await readRepository(options).catch((error: unknown) => {
    throw located(error, gun, server.url);
  });
  recent?.set(gun, { repository: result.repository, at });
  if (result.offline !== undefined) trust.onOffline?.(gun, result.offline);
  if (result.firstUse) {
    const keys = [...result.repository.root.roles.root.keys.values()];
    trust.onFirstUse?.(gun, keys.map((key) => key.canonicalId));
  }
  return result;
}

/**
 * {@linkcode openRepository}, or what this command has read of the repository a moment ago: whatever is made from it is
 * one version above it, so that the server refuses it where others have published since.
 */
export async function openRecent(
  trust: Trust,
  gun: string,
  expected: readonly RoleName[],
): Promise<TrustedRepository> {
  const seen = trust.recent?.get(gun);
  if (seen && !seen.isPast && Math.abs(trust.now().getTime() - seen.at.getTime()) < RECENT_MS) return seen.repository;
  return (await openRepository(trust, gun, expected)).repository;
}

/** Has everything be read anew, whatever this command has read a moment ago. */
export function readAnew({ recent }: Trust): void {
  for (const [gun, sighting] of recent ?? []) recent?.set(gun, { ...sighting, isPast: true });
}

/** Whether the server shows another timestamp than the one that this command has read: somebody has published since. */
export async function hasMoved({ server, recent }: Trust, gun: string): Promise<boolean> {
  const timestamp = recent?.get(gun)?.repository.timestamp.envelope.bytes;
  const now = timestamp && await server.read(gun, "timestamp");
  return !timestamp || !now || !equalBytes(timestamp, now);
}

/** The trust rules judge files and know neither repository nor server; who reads the message wants both. */
function located(error: unknown, gun: string, url: URL): unknown {
  if (!isTagsealError(error, "trust-invalid")) return error;
  const details = { repository: gun, url: url.origin, ...error.details };
  const where = error.reason === undefined ? "" : ` (repository "${gun}" at "${url.origin}")`;
  return reworded(error, `${error.message}${where}`, { details, reason: "served" });
}

/** How often a change that can be made anew is rebased on what others have published. */
export const REBASE_ATTEMPTS = 20;

/** Publishes a change on top of whatever is there, and reads it back. Throws what `publishChange` throws. */
export async function publish(
  trust: Trust,
  gun: string,
  expected: RoleName[],
  { attempts, beginsAnew }: Pick<PublishOptions, "attempts" | "beginsAnew">,
  change: Change,
): Promise<PublishResult> {
  let before: TrustedRepository | undefined;
  const read = async (posted?: ReadonlyMap<RoleName, Bytes>) => {
    if (!posted) return before = await openRecent(trust, gun, expected);
    // What was there before is there still where the new snapshot names its hash. What was posted is fetched, to know that
    // others get it, unless it is large: there the hash is enough.
    const seen = trust.recent?.get(gun)?.repository ?? before;
    const mayDiffer = (role: RoleName) => posted.size > 0 ? posted.has(role) : expected.includes(role);
    const beside = [...seen ? filesOf(seen) : []].filter(([role]) => !mayDiffer(role));
    const large = [...posted].filter(([, bytes]) => bytes.length > LARGE_FILE_BYTES);
    const atHand = new Map([...beside, ...large]);
    return (await openRepository(trust, gun, expected, atHand)).repository;
  };
  try {
    const { server, now, sleep } = trust;
    return await publishChange({ server, gun, read, attempts, beginsAnew, now, sleep }, change);
  } catch (error) {
    // A server that cannot sign the snapshot refuses whatever is sent, in words of its own key store.
    if (before && isTagsealError(error, "trust-invalid", "unavailable") && error.call?.status !== undefined) {
      requireServerSnapshot(gun, before.root, await serverSnapshotKey(trust.server, gun));
    }
    throw error;
  }
}
