/**
 * Locks between processes, on a file of its own beside what is guarded. The system frees a lock with the process that
 * holds it, however that ends, so the file may lie about.
 *
 * @module
 */
import { messageOf, TagsealError } from "../errors.ts";

const POLL_MS = 15;
const LONGEST_WAIT_MS = 60_000;

/**
 * Runs `use` while holding the lock at `path`: `exclusive` for writers, shared by readers. Where a reader finds no lock
 * file nobody has ever written, and nothing is locked: reading leaves no trace.
 *
 * @throws {TagsealError} `unavailable` where others hold it for a minute; `bad-input` where `path` cannot be locked
 */
export async function withLock<T>(path: string, kind: "exclusive" | "shared", use: () => Promise<T>): Promise<T> {
  const file = await openLock(path, kind);
  if (!file) return await use();
  try {
    for (let waited = 0; !await tryLock(file, path, kind); waited += POLL_MS) {
      if (waited >= LONGEST_WAIT_MS) throw heldByOthers(path);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
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
export async function takeLock(path: string): Promise<Disposable | undefined> {
  const file = (await openLock(path, "exclusive"))!;
  const taken = await tryLock(file, path, "exclusive").catch((error) => {
    file.close();
    throw error;
  });
  if (taken) return { [Symbol.dispose]: () => file.close() };
  file.close();
  return undefined;
}

async function openLock(path: string, kind: "exclusive" | "shared"): Promise<Deno.FsFile | undefined> {
  try {
    if (kind === "shared") return await Deno.open(path, { read: true });
    await Deno.mkdir(path.replace(/[^/\\]*$/, ""), { recursive: true, mode: 0o700 });
    return await Deno.open(path, { read: true, write: true, create: true, mode: 0o600 });
  } catch (error) {
    const absent = error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
    if (kind === "shared" && absent) return undefined;
    throw notLockable(path, error);
  }
}

async function tryLock(file: Deno.FsFile, path: string, kind: "exclusive" | "shared"): Promise<boolean> {
  try {
    return await file.tryLock(kind === "exclusive");
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
  return new TagsealError("bad-input", `"${path}" cannot be locked: ${messageOf(error)}`, {
    remedy: "Check the permissions of the folder, or choose another one, on a disk that can lock files",
    details: { path },
    cause: error,
  });
}
