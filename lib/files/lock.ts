/**
 * Locks between processes, on a file of its own beside what is guarded. The system frees a lock with the process that
 * holds it, however that ends, so the file may lie about.
 *
 * @module
 */
import { TagsealError } from "../errors.ts";
import { isAbsent, NoFile, openFile, reasonOf, refusalOf, requireOutsideOfCode } from "./open.ts";

const POLL_MS = 15;
const SILENT_WAIT_MS = 3_000;
const LONGEST_WAIT_MS = 60_000;

/** How long a lock is waited for, and who hears of it. */
export interface LockWait {
  /** Ends the wait at once when it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Told once, where others hold the lock for more than a few seconds. */
  readonly onWait?: ((path: string) => void) | undefined;
}

/**
 * Runs `use` while holding the lock at `path`: `exclusive` for writers, shared by readers. Where a reader finds no lock
 * file nobody has ever written, and nothing is locked: reading leaves no trace.
 *
 * @throws {TagsealError} `unavailable` where others hold it for a minute; `bad-input` where `path` cannot be locked; and
 *   the reason of `wait.signal`
 */
export async function withLock<T>(
  path: string,
  kind: "exclusive" | "shared",
  use: () => Promise<T>,
  { signal, onWait }: LockWait = {},
): Promise<T> {
  const file = openLock(path, kind);
  if (!file) return await use();
  try {
    const began = performance.now();
    for (let isTold = false; !tryLock(file, path, kind);) {
      const waited = performance.now() - began;
      if (waited >= LONGEST_WAIT_MS) throw heldByOthers(path);
      if (waited >= SILENT_WAIT_MS && !isTold) {
        isTold = true;
        onWait?.(path);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      signal?.throwIfAborted();
    }
    return await use();
  } finally {
    file.close(); // and with it the lock
  }
}

/**
 * Takes the lock at `path` for as long as the object lives; nothing where another process has it.
 *
 * @throws {TagsealError} `bad-input` where `path` cannot be locked
 */
export function takeLock(path: string): Disposable | undefined {
  const file = openLock(path, "exclusive")!;
  let taken = false;
  try {
    taken = tryLock(file, path, "exclusive");
  } finally {
    if (!taken) file.close();
  }
  return taken ? { [Symbol.dispose]: () => file.close() } : undefined;
}

function openLock(path: string, kind: "exclusive" | "shared"): Deno.FsFile | undefined {
  try {
    if (kind === "shared") return openFile(path, { read: true });
    requireOutsideOfCode(path);
    Deno.mkdirSync(path.replace(/[^/\\]*$/, ""), { recursive: true, mode: 0o700 });
    return openFile(path, { read: true, write: true, create: true, mode: 0o600 });
  } catch (error) {
    if (kind === "shared" && isAbsent(error)) return undefined;
    throw error instanceof TagsealError ? error : notLockable(path, error);
  }
}

function tryLock(file: Deno.FsFile, path: string, kind: "exclusive" | "shared"): boolean {
  try {
    return file.tryLockSync(kind === "exclusive");
  } catch (error) {
    throw notLockable(path, error);
  }
}

function heldByOthers(path: string): TagsealError {
  return new TagsealError("unavailable", `Another process holds the lock "${path}" for more than a minute`, {
    remedy: "Find the tagseal process that hangs and end it, then run the command again",
    details: { path },
  });
}

function notLockable(path: string, error: unknown): TagsealError {
  return new TagsealError("bad-input", `"${path}" cannot be locked: ${reasonOf(error)}`, {
    remedy: error instanceof NoFile
      ? "Somebody has put another thing where a lock file of tagseal's belongs. Find out who did, and move it away"
      : "Check the permissions of the folder, or choose another one, on a disk that can lock files",
    details: { path },
    reason: refusalOf(error),
    cause: error,
  });
}
