/**
 * The nearest file of a name, from a folder upwards, where nobody else can have put it.
 *
 * Above a folder may lie what other users of the machine have put there, in /tmp for instance: a file counts only if it
 * belongs to whoever runs this, or to root, and not everybody may write it.
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { TagsealError } from "../errors.ts";
import { readFileBounded } from "./files.ts";
import { entryOf, folderOf } from "./names.ts";
import { entryAt } from "./open.ts";

/** A file that was found. */
export interface NearestFile {
  /** Its absolute path. */
  readonly path: string;
  /** Its content. */
  readonly bytes: Bytes;
}

/**
 * The nearest file `name` in `folder`, an absolute path, or above it. The last folder that is looked into is `home`, one that holds `.git`,
 * or the root of the file system.
 *
 * @throws {TagsealError} `bad-input` where others may have written it, or it is longer than `maxBytes` or cannot be read
 */
export async function readNearestFile(
  name: string,
  folder: string,
  home: string | undefined,
  maxBytes: number,
): Promise<NearestFile | undefined> {
  const last = home === undefined ? undefined : folderOf(entryOf(home, name));
  for (let at: string | undefined = folder; at !== undefined; at = folderOf(at)) {
    const path = entryOf(at, name);
    const entry = look(path);
    if (entry && !entry.isDirectory) {
      requireOwn(path, entry); // a link of others could lead to a file of one's own that is meant for elsewhere
      const bytes = await readFileBounded(path, maxBytes, (info) => requireOwn(path, info));
      if (bytes) return { path, bytes };
    }
    if (at === last || look(entryOf(at, ".git"))) break;
  }
  return undefined;
}

/** What is there, as far as this user may see it. */
function look(path: string): Deno.FileInfo | undefined {
  try {
    return entryAt(path);
  } catch {
    return undefined;
  }
}

function requireOwn(path: string, { uid, mode, isSymlink }: Deno.FileInfo): void {
  if (uid === null) return; // Windows
  const isOwn = uid === 0 || uid === ownId();
  if (isOwn && (isSymlink || mode === null || (mode & 0o002) === 0)) return;
  const why = isOwn ? "every user of this machine may write it" : "it belongs to another user of this machine";
  throw new TagsealError("bad-input", `"${path}" was found, and is not used: ${why}`, {
    remedy: "Look into it, and name it if it is right",
    next: { do: "name-project-file", path },
    details: { path },
  });
}

/** The user's id, where the runtime may be asked: else only root's files are known to be nobody else's. */
function ownId(): number | null {
  try {
    return Deno.uid();
  } catch {
    return null;
  }
}
