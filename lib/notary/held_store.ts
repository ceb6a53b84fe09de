/**
 * A local copy of trust data that is not written twice: what is read of a repository that is new here waits until it is
 * read back, as most of it is replaced by then.
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import type { RoleName } from "../tuf/roles.ts";
import type { MetadataStore } from "./metadata_store.ts";

/** A copy of which the first writing waits for the second one. */
export interface HeldStore extends MetadataStore {
  /** Writes what still waits. Whoever has written meanwhile knows the repository: their copy stands. */
  keep(gun: string): Promise<void>;
}

/** Holds back what is written first of each repository that `store` has no copy of. */
export function heldStore(store: MetadataStore): HeldStore {
  const held = new Map<string, ReadonlyMap<RoleName, Bytes>>();
  const none: ReadonlyMap<RoleName, Bytes> = new Map();
  return {
    folderOf: store.folderOf,
    read: async (gun) => held.get(gun) ?? await store.read(gun),
    async write(gun, files, before) {
      const waiting = held.get(gun);
      if (waiting) {
        held.delete(gun);
        return await store.write(gun, new Map([...waiting, ...files]), none);
      }
      if (before?.size !== 0) return await store.write(gun, files, before);
      held.set(gun, new Map([...files].flatMap(([name, bytes]) => bytes ? [[name, bytes]] : [])));
      return true;
    },
    async keep(gun) {
      const waiting = held.get(gun);
      held.delete(gun);
      if (waiting) await store.write(gun, waiting, none);
    },
  };
}
