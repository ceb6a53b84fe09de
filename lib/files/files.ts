/**
 * Files: bounded reads and writes that are all or nothing.
 *
 * A write goes to a new file beside the target, is flushed, and takes the target's place in one step, so that neither a
 * crash nor another process ever sees half of it.
 *
 * Trust data is many small files: handing each of their calls to another thread and back takes longer than the calls, so
 * they are made here and now.
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { messageOf, TagsealError } from "../errors.ts";

/** How a file is written. */
export interface WriteOptions {
  /** Permission bits, 0o644 unless said. */
  readonly mode?: number;
  /** Permission bits of folders that are made on the way, 0o755 unless said. */
  readonly folderMode?: number;
  /** Replace what is there; otherwise an existing file is an error. */
  readonly replace: boolean;
  /** Leave it to the system when the bytes reach the disk: for what can be had again. */
  readonly lazy?: boolean;
}

/**
 * Writes `bytes` to `path` in one step.
 *
 * @throws {TagsealError} `exists` where the file is there and `replace` is false; `bad-input` where it cannot be written
 */
// deno-lint-ignore require-await -- whoever writes waits, however it is done
export async function writeFileAtomically(path: string, bytes: Uint8Array, options: WriteOptions): Promise<void> {
  const folder = path.replace(/[^/\\]*$/, "") || ".";
  const temporary = `${path}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  let isMoved = false;
  try {
    const file = createFile(temporary, folder, options);
    try {
      for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
      if (!options.lazy) file.syncSync();
    } finally {
      file.close();
    }
    if (options.replace) {
      Deno.renameSync(temporary, path);
      isMoved = true;
    } else {
      linkNew(temporary, path); // a link fails where the target exists
    }
  } catch (error) {
    throw error instanceof TagsealError ? error : fileError(path, "written", error);
  } finally {
    if (!isMoved) removeQuietly(temporary);
  }
}

function createFile(path: string, folder: string, { mode = 0o644, folderMode = 0o755 }: WriteOptions): Deno.FsFile {
  const options = { write: true, createNew: true, mode };
  try {
    return Deno.openSync(path, options);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    Deno.mkdirSync(folder, { recursive: true, mode: folderMode });
    return Deno.openSync(path, options);
  }
}

function linkNew(temporary: string, path: string): void {
  try {
    Deno.linkSync(temporary, path);
  } catch (error) {
    throw existsError(path, error);
  }
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch { /* it was not made, or somebody else has removed it */ }
}

/**
 * A whole file of at most `maxBytes` bytes, or `undefined` where there is none.
 *
 * @throws {TagsealError} `bad-input` where it is longer or cannot be read
 */
// deno-lint-ignore require-await -- as above
export async function readFileBounded(path: string, maxBytes: number): Promise<Bytes | undefined> {
  try {
    // Opening waits where there is a pipe without a writer.
    if (!Deno.statSync(path).isFile) throw new Error("it is not a file");
    using file = Deno.openSync(path, { read: true });
    const { size } = file.statSync();
    if (size > maxBytes) throw new Error(`it is longer than ${maxBytes} bytes`);
    const bytes = new Uint8Array(size);
    let at = 0;
    for (let n: number | null; at < size && (n = file.readSync(bytes.subarray(at))) !== null;) at += n;
    return bytes.subarray(0, at);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return undefined;
    throw fileError(path, "read", error);
  }
}

/** {@linkcode readFileBounded} for a file that must be there. @throws {TagsealError} `bad-input`, `not-found` */
export async function requireFile(path: string, maxBytes: number): Promise<Bytes> {
  const bytes = await readFileBounded(path, maxBytes);
  if (bytes) return bytes;
  throw new TagsealError("not-found", `There is no file "${path}"`, {
    remedy: "Check the path",
    details: { path },
  });
}

/** Whether anything is at `path`. */
export async function pathExists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/** Removes a folder and all that is in it, if it is there. @throws {TagsealError} `bad-input` */
export async function removeFolder(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw fileError(path, "removed", error);
  }
}

/** Removes a folder if it is empty; somebody else may be using it. */
export async function removeIfEmpty(path: string): Promise<void> {
  await Deno.remove(path).catch(() => {});
}

/** Removes a file if it is there. @throws {TagsealError} `bad-input` where it cannot be removed */
export async function removeFile(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw fileError(path, "removed", error);
  }
}

function existsError(path: string, error: unknown): unknown {
  if (!(error instanceof Deno.errors.AlreadyExists)) return error;
  return new TagsealError("exists", `"${path}" exists already`, {
    remedy: "Move it away, choose another path, or replace it with --force",
    details: { path },
  });
}

function fileError(path: string, done: string, error: unknown): TagsealError {
  if (error instanceof Deno.errors.NotCapable) {
    return new TagsealError("bad-input", `"${path}" may not be ${done} under this task's permissions`, {
      remedy: "Choose a path that the task's permission set in deno.json names",
      details: { path },
      cause: error,
    });
  }
  const reason = messageOf(error).replace(/: (open|writefile|stat|link|rename|mkdir|remove) '.*$/, "");
  return new TagsealError("bad-input", `"${path}" cannot be ${done}: ${reason}`, {
    remedy: "Check the path, its permissions and the space on the disk",
    details: { path },
    cause: error,
  });
}
