/**
 * The local copy of trust data: what this user has trusted so far, and so the floor below which no server may go. In
 * files it is kept by `file_metadata_store.ts`.
 *
 * @module
 */
import { type Bytes, sameBytes } from "../bytes/bytes.ts";
import type { RoleName } from "../tuf/roles.ts";

/** Keeps the files of repositories that were verified. */
export interface MetadataStore {
  /** The copy of a repository; empty where there is none. */
  read(gun: string): Promise<ReadonlyMap<RoleName, Bytes>>;
  /**
   * Keeps these files, and drops the roles without one; only ever called with files that have been verified together.
   *
   * @param before the copy that they were verified against: nothing is written, and the answer is `false`, where another
   *   one is there by now
   */
  write(gun: string, files: FileChanges, before?: ReadonlyMap<RoleName, Bytes>): Promise<boolean>;
  /** The folder of a repository's copy, where it has one, to be told. */
  readonly folderOf?: ((gun: string) => string) | undefined;
}

/** Files by role; `undefined` for a role whose file is to go. */
export type FileChanges = ReadonlyMap<RoleName, Bytes | undefined>;

/** Whether two copies hold the same bytes for the same roles. */
export function sameFiles(a: ReadonlyMap<RoleName, Bytes>, b: ReadonlyMap<RoleName, Bytes>): boolean {
  return a.size === b.size && [...a].every(([name, bytes]) => sameBytes(bytes, b.get(name)));
}

/** A copy that lives as long as the object: for tests, and where nothing may be kept. */
export function createMemoryMetadataStore(): MetadataStore {
  const repositories = new Map<string, Map<RoleName, Bytes>>();
  return {
    read: (gun) => Promise.resolve(new Map(repositories.get(gun))),
    write(gun, files, before) {
      const present = repositories.get(gun) ?? new Map<RoleName, Bytes>();
      if (before && !sameFiles(before, present)) return Promise.resolve(false);
      const next = new Map(present);
      for (const [name, bytes] of files) bytes ? next.set(name, bytes) : next.delete(name);
      repositories.set(gun, next);
      return Promise.resolve(true);
    },
  };
}
