/** Forgets the local copy of a repository that was set up anew, for what a pin says is the new one. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { isTagsealError, TagsealError } from "../errors.ts";
import { createMemoryMetadataStore } from "../notary/metadata_store.ts";
import { openRepository, type Trust } from "../notary/repository.ts";
import { filesOf } from "../notary/update.ts";
import { parseRoot } from "../tuf/parse.ts";
import type { RootPin } from "../tuf/root_keys.ts";
import { canonicalIds } from "./inspect_repository.ts";

/** What is forgotten for what. */
export interface Forgetting {
  /** Canonical ids of the root keys of the copy; nothing where there is none, or none that can be read. */
  readonly oldRootKeyIds: readonly string[];
  /** Those of the repository as the server shows it now, held to the pin. */
  readonly newRootKeyIds: readonly string[];
  /** Replaces the copy; not where the server's data leads on from it. */
  readonly replace: (() => Promise<void>) | undefined;
}

/** Trust with a pin that a user has given for just this. */
export type PinnedTrust = Trust & { readonly pin: Exclude<RootPin, "required"> };

/**
 * Reads the repository as if nothing were known of it, held to the pin, and says what of the copy would be forgotten.
 *
 * A copy with one of the new root's keys is not forgotten: that is no repository set up anew but the same one, and what
 * the copy knows keeps its server from showing older data.
 *
 * @throws {TagsealError} `trust-invalid` where root and copy share a key; what reading throws
 */
export async function prepareForgetting(trust: PinnedTrust, gun: string): Promise<Forgetting> {
  const before = await trust.store.read(gun);
  const { repository } = await openRepository({ ...trust, store: createMemoryMetadataStore() }, gun);
  const newRootKeyIds = canonicalIds(repository.root.roles.root);
  const oldRootKeyIds = rootKeyIdsIn(before.get("root"));
  const told = { oldRootKeyIds, newRootKeyIds };
  if (before.size === 0) return { ...told, replace: undefined };
  try {
    await openRepository(trust, gun);
    return { ...told, replace: undefined };
  } catch (error) {
    if (!isTagsealError(error, "trust-invalid")) throw error;
    if (oldRootKeyIds.some((id) => newRootKeyIds.includes(id))) {
      throw new TagsealError("trust-invalid", `"${gun}" was not set up anew: its root has a key that is known here`, {
        remedy: "Nothing was forgotten: what is known here keeps the server from showing older data. Have the " +
          "repository's administrator find out why its data is refused",
        details: { repository: gun },
        cause: error,
      });
    }
  }
  const files = filesOf(repository);
  // Roles first, the root then: an old role below the new root would be a rollback for good, for who is ended in between.
  const roles = [...before.keys()].filter((role) => role !== "root");
  const root = new Map([...before].filter(([role]) => role === "root"));
  return {
    ...told,
    async replace() {
      const gone = new Map(roles.map((role) => [role, undefined]));
      if (await trust.store.write(gun, gone, before) && await trust.store.write(gun, files, root)) return;
      throw new TagsealError("stale", `The copy of "${gun}" was changed by another process meanwhile`, {
        remedy: "Nothing was forgotten here. Run the command again",
        details: { repository: gun },
      });
    },
  };
}

function rootKeyIdsIn(root: Bytes | undefined): string[] {
  if (root === undefined) return [];
  try {
    return canonicalIds(parseRoot(root).roles.root);
  } catch (error) {
    if (isTagsealError(error, "trust-invalid")) return []; // damaged: nobody can go on with it
    throw error;
  }
}
