/** The metadata that was verified before, in a folder: kept so that no server can go back behind it. @module */
import { type Bytes, sameBytes } from "../bytes/bytes.ts";
import { isTagsealError, type TagsealError } from "../errors.ts";
import { listFolder, readFileBounded, removeFile, removeLeftovers, writeFileAtomically } from "../files/files.ts";
import { type LockWait, withLock } from "../files/lock.ts";
import { type Floors, isMetadataName, MAX_METADATA_BYTES } from "./follow.ts";

/** Where it is kept, and who hears where it cannot be. */
export interface KeptFloors extends LockWait {
  /** The folder. */
  readonly folder: string;
  /** Told why nothing is remembered, once. */
  onNotKept(error: TagsealError): void;
}

/**
 * Runs `use` on the floors, and keeps what it leaves in them, however it ends. One process at a time; where the folder
 * cannot be used, on nothing: trust begins with the program's own root in any case.
 */
export async function withFloors<T>(
  { folder, onNotKept, ...wait }: KeptFloors,
  use: (floors: Floors) => Promise<T>,
): Promise<T> {
  let isLocked = false;
  const run = async () => {
    isLocked = true;
    const before = await readFloors(folder);
    const floors = new Map(before);
    try {
      return await use(floors);
    } finally {
      await writeFloors(folder, before, floors).catch(forgive);
    }
  };
  const forgive = (error: unknown) => {
    if (!isTagsealError(error, "bad-input")) throw error;
    onNotKept(error);
  };
  try {
    return await withLock(`${folder}/.lock`, "exclusive", run, wait);
  } catch (error) {
    if (isLocked) throw error;
    forgive(error);
    return await use(new Map());
  }
}

/** What cannot be read is no floor. */
async function readFloors(folder: string): Promise<Floors> {
  const floors = new Map<string, Bytes>();
  for (const { name } of listFolder(folder).slice(0, 1000)) {
    if (!isMetadataName(name)) continue;
    const bytes = await readFileBounded(`${folder}/${name}`, MAX_METADATA_BYTES).catch(() => undefined);
    if (bytes) floors.set(name, bytes);
  }
  return floors;
}

async function writeFloors(folder: string, before: Floors, after: Floors): Promise<void> {
  removeLeftovers(folder, isMetadataName);
  for (const [name, bytes] of after) {
    if (sameBytes(before.get(name), bytes)) continue;
    await writeFileAtomically(`${folder}/${name}`, bytes, {
      replace: true,
      mode: 0o600,
      folderMode: 0o700,
      lazy: true,
    });
  }
  for (const name of before.keys()) if (!after.has(name)) await removeFile(`${folder}/${name}`);
}
