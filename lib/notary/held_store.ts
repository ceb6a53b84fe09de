/**
 * A local copy of trust data most of which is not written twice: of a repository that is new here, all but the root waits
 * until it is read back, as most of it is replaced by then. The root is kept at once: whoever has met it holds the server to
 * it whatever happens next, and a folder that cannot be written to is found before anything is published.
 *
 * @module
 */
import type { Copy } from "./first_round.ts";
import type { MetadataStore } from "./metadata_store.ts";

/** A copy of which the first writing waits for the second one. */
export interface HeldStore extends MetadataStore {
  /** Writes what still waits. Whoever has written meanwhile knows the repository: their copy stands. */
  keep(gun: string): Promise<void>;
}

/** Holds back what is written first of each repository that `store` has no copy of. */
export function heldStore(store: MetadataStore): HeldStore {
  /** What is there by now, and all that shall be. */
  const held = new Map<string, { readonly kept: Copy; readonly all: Copy }>();
  const released = (gun: string) => {
    const waiting = held.get(gun);
    held.delete(gun);
    return waiting;
  };
  return {
    folderOf: store.folderOf,
    read: async (gun) => held.get(gun)?.all ?? await store.read(gun),
    async write(gun, files, before) {
      const waiting = released(gun);
      if (waiting) return await store.write(gun, new Map([...waiting.all, ...files]), waiting.kept);
      if (before?.size !== 0) return await store.write(gun, files, before);
      const all = new Map([...files].flatMap(([name, bytes]) => bytes ? [[name, bytes]] : []));
      const kept = new Map([...all].filter(([name]) => name === "root"));
      if (!await store.write(gun, kept, before)) return false;
      held.set(gun, { kept, all });
      return true;
    },
    async keep(gun) {
      const waiting = released(gun);
      if (waiting) await store.write(gun, waiting.all, waiting.kept);
    },
  };
}
