/** What every use case is given: one Notary server, what is trusted so far, and the time. @module */
import { isTagsealError, TagsealError } from "../errors.ts";
import { type ReadOptions, readRepository, type ReadResult } from "../notary/update.ts";
import type { MetadataStore } from "../notary/metadata_store.ts";
import { type Change, publishChange, type PublishResult } from "../notary/publish.ts";
import type { TrustServer } from "../notary/trust_server.ts";
import type { RoleName } from "../tuf/roles.ts";
import type { RootPin } from "../tuf/root_keys.ts";

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
  /** Called where what was verified cannot be kept (a read-only disk, say): for reading alone, which then goes on. */
  readonly onNotKept?: (error: TagsealError) => void;
  /** The time. */
  readonly now: () => Date;
  /** Waits this many milliseconds. */
  readonly sleep: (ms: number) => Promise<void>;
}

/** Reads and verifies a repository as it is now. Throws what `readRepository` throws. */
export async function openRepository(trust: Trust, gun: string, expected: RoleName[] = []): Promise<ReadResult> {
  const { server, store, pin } = trust;
  const options: ReadOptions = {
    server,
    gun,
    at: trust.now(),
    store,
    pin,
    expected,
    offline: trust.offline,
    onNotKept: trust.onNotKept,
  };
  const result = await readRepository(options).catch((error: unknown) => {
    throw located(error, gun, server.url);
  });
  if (result.offline !== undefined) trust.onOffline?.(gun, result.offline);
  if (result.firstUse) {
    const keys = [...result.repository.root.roles.root.keys.values()];
    trust.onFirstUse?.(gun, keys.map((key) => key.canonicalId));
  }
  return result;
}

/** The trust rules judge files and know neither repository nor server; who reads the message wants both. */
function located(error: unknown, gun: string, url: URL): unknown {
  if (!isTagsealError(error, "trust-invalid") || error.message.includes(`"${gun}"`)) return error;
  return new TagsealError("trust-invalid", `${error.message} (repository "${gun}" at "${url.origin}")`, {
    remedy: error.remedy,
    details: { repository: gun, url: url.origin, ...error.details },
    cause: error,
  });
}

/** How often a change that can be made anew is rebased on what others have published. */
export const REBASE_ATTEMPTS = 20;

/** Publishes a change on top of whatever is there, and reads it back. Throws what `publishChange` throws. */
export function publish(
  trust: Trust,
  gun: string,
  expected: RoleName[],
  attempts: number,
  change: Change,
): Promise<PublishResult> {
  const read = async () => (await openRepository(trust, gun, expected)).repository;
  return publishChange({ server: trust.server, gun, read, attempts, sleep: trust.sleep }, change);
}
