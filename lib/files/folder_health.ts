/** How a folder is that a program keeps its files in: found out by writing there, as permissions alone do not tell. @module */
import { isTagsealError, type TagsealError } from "../errors.ts";
import { isOpenToAll, listFolder, removeFile, TEMPORARY, writeFileAtomically } from "./files.ts";
import { entryAt } from "./open.ts";

/** How a folder is. */
export interface FolderHealth {
  /** The folder. */
  readonly path: string;
  /** Whether it is there. Where not, it is the nearest one above it that was written to. */
  readonly exists: boolean;
  /** Why nothing can be written there; `undefined` where all went well. */
  readonly refusal: TagsealError | undefined;
  /** Whether the user of this process owns it; `undefined` where the system does not tell. */
  readonly isOwn: boolean | undefined;
  /** Whether every user of the machine may change what is in it. */
  readonly isOpenToAll: boolean;
  /** Paths of what killed processes have left half-written. */
  readonly leftovers: readonly string[];
}

const MAX_ENTRIES = 20_000;
/** What is younger may be a write that is under way. */
const LEFT_MS = 60_000;

/** Looks at a folder. Writes `bytes` bytes to a file of its own in it, which it removes again. */
export async function lookAtFolder(path: string, bytes: number, now: Date): Promise<FolderHealth> {
  const found = nearest(path);
  const probed = await probe(found, bytes);
  const uid = infoOf(found)?.uid ?? undefined;
  return {
    path,
    exists: found === path,
    refusal: probed.refusal,
    isOwn: uid === undefined || probed.uid === undefined ? undefined : uid === probed.uid,
    isOpenToAll: isOpenToAll(path),
    leftovers: found === path ? leftoversIn(path, now) : [],
  };
}

/** Writes a file as all are written here; whose it was, or why there is none. */
async function probe(folder: string, bytes: number): Promise<{ uid?: number | undefined; refusal?: TagsealError }> {
  // Named like a leftover: should this process be killed meanwhile, it is found as one.
  const path = `${folder}/.tagseal-probe.${crypto.randomUUID().slice(0, 8)}.tmp`;
  try {
    await writeFileAtomically(path, new Uint8Array(bytes), { mode: 0o600, replace: true });
    return { uid: infoOf(path)?.uid ?? undefined };
  } catch (error) {
    if (!isTagsealError(error)) throw error;
    return { refusal: error };
  } finally {
    await removeFile(path).catch(() => {});
  }
}

function nearest(path: string): string {
  for (let at = path.replace(/[/\\]+$/, "");; at = at.replace(/[/\\]*[^/\\]*$/, "")) {
    if (at === "" || infoOf(at)) return at || "/";
  }
}

function infoOf(path: string): Deno.FileInfo | undefined {
  try {
    return entryAt(path);
  } catch {
    return undefined;
  }
}

function leftoversIn(folder: string, now: Date): string[] {
  const found: string[] = [];
  let seen = 0;
  const walk = (path: string) => {
    let entries: Deno.DirEntry[] = [];
    try {
      entries = listFolder(path);
    } catch { /* what cannot be read is told where it is needed */ }
    for (const { name, isFile, isDirectory } of entries) {
      if (++seen > MAX_ENTRIES) return;
      if (isDirectory) walk(`${path}/${name}`);
      else if (isFile && TEMPORARY.test(name) && ageOf(`${path}/${name}`, now) > LEFT_MS) found.push(`${path}/${name}`);
    }
  };
  walk(folder);
  return found.sort();
}

function ageOf(path: string, now: Date): number {
  return now.getTime() - (infoOf(path)?.mtime?.getTime() ?? Infinity);
}
