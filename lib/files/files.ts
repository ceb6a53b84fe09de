/**
 * Files: bounded reads and writes that are all or nothing.
 *
 * A write goes to a new file beside the target, is flushed, and takes the target's place in one step, so that neither a
 * crash nor another process ever sees half of it.
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
}

/**
 * Writes `bytes` to `path` in one step.
 *
 * @throws {TagsealError} `exists` where the file is there and `replace` is false; `bad-input` where it cannot be written
 */
export async function writeFileAtomically(path: string, bytes: Uint8Array, options: WriteOptions): Promise<void> {
  const folder = path.replace(/[^/\\]*$/, "") || ".";
  const temporary = `${path}.${crypto.randomUUID().slice(0, 8)}.tmp`;
  try {
    await Deno.mkdir(folder, { recursive: true, mode: options.folderMode ?? 0o755 });
    const file = await Deno.open(temporary, { write: true, createNew: true, mode: options.mode ?? 0o644 });
    try {
      for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
      await file.sync();
    } finally {
      file.close();
    }
    // A link fails where the target exists; a rename replaces it.
    if (options.replace) await Deno.rename(temporary, path);
    else await Deno.link(temporary, path).catch((error) => Promise.reject(existsError(path, error)));
  } catch (error) {
    throw error instanceof TagsealError ? error : fileError(path, "written", error);
  } finally {
    await Deno.remove(temporary).catch(() => {});
  }
}

/**
 * A whole file of at most `maxBytes` bytes, or `undefined` where there is none.
 *
 * @throws {TagsealError} `bad-input` where it is longer or cannot be read
 */
export async function readFileBounded(path: string, maxBytes: number): Promise<Bytes | undefined> {
  try {
    using file = await Deno.open(path, { read: true });
    const { size, isFile } = await file.stat();
    if (!isFile) throw new Error("it is not a file");
    if (size > maxBytes) throw new Error(`it is longer than ${maxBytes} bytes`);
    const bytes = new Uint8Array(size);
    let at = 0;
    for (let n: number | null; at < size && (n = await file.read(bytes.subarray(at))) !== null;) at += n;
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
