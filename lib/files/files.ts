/**
 * Files: bounded reads and writes that are all or nothing.
 *
 * A write goes to a new file beside the target, is flushed, and takes the target's place in one step, so that neither a
 * crash nor another process ever sees half of it.
 *
 * Trust data is many small files: handing each of their calls to another thread and back takes longer than the calls, so
 * they are made here and now. Waiting for the disk is another matter.
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { isTagsealError, TagsealError } from "../errors.ts";
import { entryAt, isAbsent, NoFile, openFile, reasonOf, refusalOf, requireOutsideOfCode } from "./open.ts";

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
  /** Let other work of this process go on until they have, as where many repositories are signed. */
  readonly aside?: boolean;
  /** For the task that builds a part of the program: its own folder may be written to. */
  readonly ownCode?: boolean;
}

/** The end of a name under which something is written before it takes its place. */
export const TEMPORARY: RegExp = /\.[0-9a-f]{8}\.tmp$/;

/**
 * Writes `bytes` to `path` in one step.
 *
 * @throws {TagsealError} `exists` where something is there and `replace` is false; `bad-input` where it cannot be
 *   written, leads into the program's own code, or would replace what is no file
 */
export async function writeFileAtomically(path: string, bytes: Uint8Array, options: WriteOptions): Promise<void> {
  const folder = folderOf(path);
  const temporary = `${path}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  if (!options.ownCode) options.replace ? requireReplaceable(path) : requireOutsideOfCode(path);
  let isMoved = false;
  try {
    const { file, made } = createFile(temporary, folder, options);
    try {
      for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
      if (!options.lazy) options.aside ? await file.sync() : file.syncSync();
    } finally {
      file.close();
    }
    if (options.replace) {
      Deno.renameSync(temporary, path);
      isMoved = true;
    } else {
      linkNew(temporary, path); // a link fails where the target exists
    }
    if (options.lazy) return;
    if (options.aside) await Promise.all([folder, ...made].map(syncAside));
    else [folder, ...made].forEach(syncFolder);
  } catch (error) {
    throw error instanceof TagsealError ? error : fileError(path, "written", error);
  } finally {
    if (!isMoved) removeQuietly(temporary);
  }
}

/**
 * Adds `bytes` to the end of a file that is there; nothing where it would become longer than `maxBytes`.
 *
 * @throws {TagsealError} `bad-input` where it cannot be written, or leads into the program's own code
 */
export function addToFile(path: string, bytes: Uint8Array, maxBytes: number): void {
  requireReplaceable(path); // a link would be followed here
  try {
    using file = openFile(path, { append: true });
    if (file.statSync().size + bytes.length > maxBytes) return;
    for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
  } catch (error) {
    throw fileError(path, "written", error);
  }
}

function folderOf(path: string): string {
  return path.replace(/[^/\\]*$/, "") || ".";
}

/**
 * Fails early where {@linkcode writeFileAtomically} would fail for what is at `path`, or for where that leads.
 *
 * @throws {TagsealError} `bad-input`
 */
export function requireReplaceable(path: string): void {
  requireOutsideOfCode(path);
  let present: Deno.FileInfo | undefined;
  try {
    present = entryAt(path);
  } catch (error) {
    throw fileError(path, "written", error);
  }
  if (!present || present.isFile) return;
  // Somebody's arrangement, which a plain file in its place would break.
  const what = present.isDirectory
    ? "a folder"
    : present.isSymlink
    ? "a symbolic link"
    : "a pipe, a socket or a device";
  throw new TagsealError("bad-input", `"${path}" cannot be written: ${what} is there, and only files are replaced`, {
    remedy: "Choose another path, or move away what is there",
    details: { path },
  });
}

/** Makes the file, and the folder where there is none; `made` are the folders that got an entry by that. */
function createFile(
  path: string,
  folder: string,
  { mode = 0o644, folderMode = 0o755 }: WriteOptions,
): { file: Deno.FsFile; made: string[] } {
  const open = () => openFile(path, { write: true, createNew: true, mode });
  try {
    return { file: open(), made: [] };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    const made: string[] = [];
    for (let at = folder.replace(/[/\\]+$/, ""); at !== "" && !entryAt(at); at = at.replace(/[/\\]*[^/\\]*$/, "")) {
      made.push(folderOf(at));
    }
    Deno.mkdirSync(folder, { recursive: true, mode: folderMode });
    return { file: open(), made };
  }
}

/** An entry of a folder outlives a power cut once the folder has been written, too. Windows has no such call. */
export function syncFolder(folder: string): void {
  try {
    using file = Deno.openSync(folder, { read: true });
    file.syncSync();
  } catch { /* the file's content is safe, and more cannot be had from this system */ }
}

async function syncAside(folder: string): Promise<void> {
  try {
    using file = Deno.openSync(folder, { read: true });
    await file.sync();
  } catch { /* as above */ }
}

/**
 * Removes what killed processes left half-written in `folder` where `isOurs` knows the name that it was to get. Only for
 * whoever holds the lock under which all such files are written, or for files of `minAgeMs` and more.
 */
export function removeLeftovers(folder: string, isOurs: (name: string) => boolean, minAgeMs = 0): void {
  try {
    for (const { name, isFile } of Deno.readDirSync(folder)) {
      if (!isFile || !TEMPORARY.test(name) || !isOurs(name.replace(TEMPORARY, ""))) continue;
      const path = `${folder}/${name}`;
      const written = minAgeMs > 0 ? entryAt(path)?.mtime?.getTime() : 0;
      if (written !== undefined && Date.now() - written >= minAgeMs) removeQuietly(path);
    }
  } catch { /* there is no such folder yet; or it cannot be read, which whoever writes there will tell */ }
}

/** A process that was killed has left its half-written file for good after this many milliseconds. */
export const LEFT_MS = 60_000;

/** Removes what killed processes left half-written of one file, for whoever holds no lock. */
export function removeLeftoversOf(path: string): void {
  const folder = folderOf(path);
  const name = path.slice(path.search(/[^/\\]*$/));
  removeLeftovers(folder, (of) => of === name, LEFT_MS);
}

function linkNew(temporary: string, path: string): void {
  try {
    Deno.linkSync(temporary, path);
  } catch (error) {
    throw existsError(path, error);
  }
}

/** Removes a file of ours that may be gone already. */
export function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch { /* it was not made, or somebody else has removed it */ }
}

/**
 * A whole file of at most `maxBytes` bytes, or `undefined` where there is none.
 *
 * @param judge looks at what has been opened, and throws where it is not to be read
 * @throws {TagsealError} `bad-input` where it is longer or cannot be read; and what `judge` throws
 */
// deno-lint-ignore require-await -- whoever reads waits, however it is done
export async function readFileBounded(
  path: string,
  maxBytes: number,
  judge?: (info: Deno.FileInfo) => void,
): Promise<Bytes | undefined> {
  try {
    using file = openFile(path, { read: true });
    const info = file.statSync();
    judge?.(info);
    const { size } = info;
    if (size > maxBytes) throw new Error(`it is longer than ${maxBytes} bytes`);
    const bytes = new Uint8Array(size);
    let at = 0;
    for (let n: number | null; at < size && (n = file.readSync(bytes.subarray(at))) !== null;) at += n;
    return bytes.subarray(0, at);
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error instanceof TagsealError ? error : fileError(path, "read", error);
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

/** Whether a file is at `path`, and no folder. */
export function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/**
 * What is in a folder, by name, as each file system has an order of its own; nothing where there is no such folder.
 *
 * @throws {TagsealError} `bad-input` where it cannot be read
 */
export function listFolder(path: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(path)].sort((a, b) => a.name < b.name ? -1 : 1);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw fileError(path, "read", error);
  }
}

/**
 * Whether it is the system that lets nobody read, write or lock there, or not this user: a disk that is read-only or
 * cannot lock, missing permissions. What lies there is then as good as it was.
 */
export function isDenied(error: unknown): boolean {
  return isTagsealError(error, "bad-input") && error.reason === "denied";
}

/** Whether everybody on this machine may put, exchange and remove files in a folder. Windows does not say. */
export function isOpenToAll(path: string): boolean {
  try {
    const { mode, isDirectory } = Deno.statSync(path);
    return isDirectory && mode !== null && (mode & 0o1002) === 0o002; // with the sticky bit only their own
  } catch {
    return false;
  }
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
  requireOutsideOfCode(path);
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw fileError(path, "removed", error);
  }
}

function existsError(path: string, error: unknown): unknown {
  if (!(error instanceof Deno.errors.AlreadyExists)) return error;
  return new TagsealError("exists", `"${path}" exists already`, {
    remedy: "Move it away, or choose another path",
    next: { do: "move-file-away", path },
    details: { path },
  });
}

/** What the platform refused, in words that go on after "cannot be". */
export function fileError(path: string, done: string, error: unknown): TagsealError {
  if (error instanceof Deno.errors.NotCapable) {
    return new TagsealError("bad-input", `"${path}" may not be ${done} under this task's permissions`, {
      remedy: "Choose a path that the task's permission set in deno.json names",
      details: { path },
      cause: error,
    });
  }
  return new TagsealError("bad-input", `"${path}" cannot be ${done}: ${reasonOf(error)}`, {
    remedy: error instanceof NoFile
      ? `Name a file${
        error.isPipe ? "; what another program writes is read from standard input (-), or from <(…)" : ""
      }`
      : "Check the path, its permissions and the space on the disk",
    details: { path },
    reason: refusalOf(error),
    cause: error,
  });
}
