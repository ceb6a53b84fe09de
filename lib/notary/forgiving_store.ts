/** What a command does where the local copy of trust data cannot be read or kept. @module */
import { isTagsealError, type TagsealError } from "../errors.ts";
import { isDenied } from "../files/files.ts";
import { createMemoryMetadataStore, type MetadataStore } from "./metadata_store.ts";

/**
 * A store that a command can go on without. What cannot be kept is remembered until the command ends, so that it holds
 * the server to what it has seen itself. A copy that cannot be looked at may know better than the server: that is passed
 * over only where `mayForget` says that something else holds the root.
 */
export function forgivingStore(
  store: MetadataStore,
  mayForget: (gun: string) => boolean,
  onNotKept: (error: TagsealError) => void,
): MetadataStore {
  const memory = createMemoryMetadataStore();
  const remembered = new Set<string>();
  return {
    folderOf: store.folderOf,
    async read(gun) {
      if (remembered.has(gun)) return await memory.read(gun);
      try {
        return await store.read(gun);
      } catch (error) {
        if (!isTagsealError(error) || !isDenied(error) || !mayForget(gun)) throw error;
        remembered.add(gun);
        onNotKept(error);
        return new Map();
      }
    },
    async write(gun, files, before) {
      if (!remembered.has(gun)) {
        try {
          return await store.write(gun, files, before);
        } catch (error) {
          if (!isTagsealError(error, "bad-input")) throw error;
          remembered.add(gun);
          onNotKept(error);
          await memory.write(gun, before ?? await store.read(gun));
        }
      }
      return await memory.write(gun, files, before);
    },
  };
}
