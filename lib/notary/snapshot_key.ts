/** Whose key signs the snapshot: only where it is the server's can anybody else publish. @module */
import type { KeyId } from "../crypto/keys.ts";
import { isTagsealError, TagsealError } from "../errors.ts";
import type { TrustServer } from "./trust_server.ts";
import type { Root } from "../tuf/models.ts";

/**
 * The canonical id of the key that the server signs snapshots of a repository with; `undefined` where it does not tell.
 * A server that has none makes one, which counts for nothing before a root names it.
 */
export async function serverSnapshotKey(server: TrustServer, gun: string): Promise<KeyId | undefined> {
  return await keyOf(server, gun, () => false);
}

async function keyOf(
  server: TrustServer,
  gun: string,
  isFinal: (error: unknown) => boolean,
): Promise<KeyId | undefined> {
  try {
    return (await server.managedKey(gun, "snapshot")).canonicalId;
  } catch (error) {
    if (isFinal(error)) throw error;
    // Servers that ask for tokens give this key to those only who may push; an export has no server ("usage").
    if (!isTagsealError(error, "unauthenticated", "forbidden", "unavailable", "not-found", "usage")) throw error;
    return undefined;
  }
}

/**
 * {@linkcode serverSnapshotKey} for whoever is to publish next: where the server wants to know who that is, or its token
 * server gives this user less than the right to push, publishing would end just so.
 *
 * @throws {TagsealError} `unauthenticated`, `forbidden`
 */
export async function publishersSnapshotKey(server: TrustServer, gun: string): Promise<KeyId | undefined> {
  return await keyOf(
    server,
    gun,
    (error) =>
      isTagsealError(error, "unauthenticated") || (isTagsealError(error, "forbidden") && error.reason === "scope"),
  );
}

/**
 * Refuses a repository whose snapshot the server cannot sign: whatever is sent to it would be refused.
 *
 * @throws {TagsealError} `bad-input`
 */
export function requireServerSnapshot(gun: string, root: Root, serverKey: KeyId | undefined): void {
  const ids = [...root.roles.snapshot.keys.values()].map(({ canonicalId }) => canonicalId);
  if (serverKey === undefined || ids.includes(serverKey)) return;
  throw new TagsealError(
    "bad-input",
    `The snapshot key of "${gun}" is not the Notary server's, so that nobody without that key can publish`,
    {
      remedy: "Nothing was sent. Let the server sign the snapshot: with the root key, give that role a new key there",
      next: { do: "let-server-sign-snapshot", repository: gun },
      details: { repository: gun, snapshotKeyIds: ids, serverKeyId: serverKey },
    },
  );
}
