/**
 * The local copy of trust data in files, laid out as Docker and notary do: `<trust-dir>/tuf/<gun>/metadata/<role>.json`.
 * Processes of ours take turns by a lock file beside that folder; whoever verified against a copy that is no longer there
 * writes nothing, so that no copy is ever mixed from two readings, and no slow process puts an older state over a newer one.
 *
 * @module
 */
import { type Bytes, sameBytes } from "../bytes/bytes.ts";
import {
  listFolder,
  pathExists,
  readFileBounded,
  removeFile,
  removeLeftovers,
  writeFileAtomically,
} from "../files/files.ts";
import { type LockWait, withLock } from "../files/lock.ts";
import { filePath, pathOfFile } from "../files/names.ts";
import { isDelegation, type RoleName } from "../tuf/roles.ts";
import { type FileChanges, type MetadataStore, sameFiles } from "./metadata_store.ts";
import { keptRepositories } from "./kept_names.ts";
import { unverifiedBytes } from "./sizes.ts";

/** Most bytes of all files of a repository: what is read of a server (`sizes.ts`), and a little more. */
const MAX_BYTES = 272 * 2 ** 20;
// Root first: after a crash in between, the newer root still leads to whatever else is there.
const ORDER: readonly RoleName[] = ["root", "targets", "snapshot", "timestamp"];

/** How the copy is kept. */
export interface StoreOptions extends LockWait {
  /** The system whose names the files get; this one unless said. */
  readonly os?: string | undefined;
}

/** The copy in a trust directory. */
export function createFileMetadataStore(trustDir: string, { os, ...wait }: StoreOptions = {}): MetadataStore {
  const repository = (gun: string) => `${trustDir}/tuf/${filePath(gun, os)}`;
  const folder = (gun: string) => `${repository(gun)}/metadata`;
  const pathOf = (gun: string, role: RoleName) => `${folder(gun)}/${filePath(`${role}.json`, os)}`;
  const lock = (gun: string) => `${repository(gun)}/.tagseal.lock`;
  // Each file that is not there costs an error of the platform: of a repository that is new here, one is enough.
  const isNew = (gun: string) => listFolder(folder(gun)).length === 0;
  const read = async (gun: string): Promise<Map<RoleName, Bytes>> => {
    if (isNew(gun)) return new Map();
    const names = [...ORDER, ...await delegationFiles(folder(gun), os)];
    const files = new Map<RoleName, Bytes>();
    let left = MAX_BYTES;
    for (const name of names) {
      const bytes = await readFileBounded(pathOf(gun, name), left);
      if (bytes) files.set(name, bytes);
      left -= bytes?.length ?? 0;
    }
    return files;
  };
  return {
    folderOf: folder,
    read: (gun) => withLock(lock(gun), "shared", () => read(gun), wait),
    async write(gun, files, before) {
      if (before && changesTo(before, files).length === 0) return true; // nothing to keep: nothing is touched
      return await withLock(lock(gun), "exclusive", async () => {
        const first = isNew(gun);
        const present = first ? new Map<RoleName, Bytes>() : await read(gun);
        if (before && !sameFiles(before, present)) return false;
        // Whoever writes here holds this lock: what lies about half-written is of a process that is gone.
        const names = first ? [] : [...ORDER, ...files.keys(), ...present.keys()];
        for (const path of new Set(names.map((name) => folderOf(pathOf(gun, name))))) {
          removeLeftovers(path, (name) => name.endsWith(".json"));
        }
        for (const [name, bytes] of changesTo(present, files)) {
          const path = pathOf(gun, name);
          // All but the root can be had again from the server: what is lost in a power cut is a floor, not trust.
          const options = { replace: true, mode: 0o600, folderMode: 0o700, lazy: name !== "root", aside: true };
          if (bytes) await writeFileAtomically(path, bytes, options);
          else await removeFile(path);
        }
        return true;
      }, wait);
    },
  };
}

/** The roots in a trust directory by repository, as they lie there: neither verified nor locked, to be shown alone. */
export async function keptRoots(trustDir: string, os?: string): Promise<ReadonlyMap<string, Bytes>> {
  const found = new Map<string, Bytes>();
  for (const gun of keptRepositories(trustDir, os)) {
    const path = `${trustDir}/tuf/${filePath(gun, os)}/metadata/root.json`;
    const root = await readFileBounded(path, unverifiedBytes("root")).catch(() => undefined);
    if (root) found.set(gun, root);
  }
  return found;
}

/** What makes `files` of `present`, in the order of writing. */
function changesTo(present: ReadonlyMap<RoleName, Bytes>, files: FileChanges): [RoleName, Bytes | undefined][] {
  return [...files].filter(([name, bytes]) => !sameBytes(present.get(name), bytes)).sort(([a], [b]) =>
    rank(a) - rank(b)
  );
}

/** Delegations come after targets, which names their keys, and before the snapshot, which lists their files. */
function rank(name: RoleName): number {
  const at = ORDER.indexOf(name);
  return at < 0 ? ORDER.indexOf("targets") + 0.5 : at;
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

async function delegationFiles(folder: string, os: string | undefined): Promise<RoleName[]> {
  const found: RoleName[] = [];
  async function walk(prefix: string): Promise<void> {
    if (found.length > 1000) return;
    for (const entry of listFolder(`${folder}/${filePath(prefix, os)}`)) {
      const name = `${prefix}/${pathOfFile(entry.name, os)}`;
      // The copy of another repository, whose name goes on where this one's folder is.
      if (
        entry.isDirectory && entry.name === "metadata" && await pathExists(`${folder}/${filePath(name, os)}/root.json`)
      ) continue;
      if (entry.isDirectory && isDelegation(name)) await walk(name);
      const role = name.replace(/\.json$/, "");
      if (entry.isFile && role !== name && isDelegation(role)) found.push(role);
    }
  }
  await walk("targets");
  return found;
}
