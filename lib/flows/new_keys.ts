/**
 * Keys on their way into trust: kept before they are published, and removed again only where it is certain that no server
 * can have taken them.
 *
 * @module
 */
import { isTagsealError, TagsealError } from "../errors.ts";
import { neverSent } from "../http/send.ts";
import type { NewKey } from "../keystore/keystore.ts";
import type { TrustServer } from "../notary/trust_server.ts";

/**
 * Whether a publish that failed may still take effect: it went out and the server itself has not answered. Then the keys
 * must be kept.
 */
export function mayStillArrive(failure: unknown): boolean {
  // Whoever interrupts a publish knows as little of it as whoever loses the answer.
  if (!isTagsealError(failure)) return true;
  if (failure.code === "interrupted" || failure.code === "timed-out") return !neverSent(failure);
  if (failure.code !== "unavailable" || neverSent(failure)) return false;
  const status = failure.details["status"];
  return status === undefined || status === 502 || status === 504; // gateways speak for a server that is still at work
}

/** A server that is watched. */
export interface WatchedServer {
  /** The same server. */
  readonly server: TrustServer;
  /** Whether anything that was posted may have been taken. */
  mayBeLive(): boolean;
}

/** Watches what becomes of all that is posted to `server`. */
export function watchPublishes(server: TrustServer): WatchedServer {
  let live = false;
  return {
    mayBeLive: () => live,
    server: {
      url: server.url,
      read: (...file) => server.read(...file),
      managedKey: (gun, role, which) => server.managedKey(gun, role, which),
      async publish(gun, files) {
        try {
          await server.publish(gun, files);
          live = true;
        } catch (error) {
          live ||= mayStillArrive(error);
          throw error;
        }
      },
    },
  };
}

/** What failed, with the ids of the keys that were kept because nobody knows. */
export function keptKeys(error: unknown, gun: string, made: readonly NewKey[]): unknown {
  if (made.length === 0 || !isTagsealError(error)) return error;
  const keyIds = made.map(({ signer }) => signer.publicKey.canonicalId);
  return new TagsealError(error.code, `${error.message}. Whether "${gun}" was published is not known`, {
    remedy: "The new keys were kept. Look with tagseal inspect: if the repository names them, it is yours and complete",
    details: { ...error.details, keyIds },
    cause: error,
  });
}
