/** What an embedded stack has: its identity and its database, in memory or in a folder of its own. @module */
import { isTagsealError, TagsealError } from "../errors.ts";
import { writeFileAtomically } from "../files/files.ts";
import { takeLock } from "../files/lock.ts";
import { type Database, openDatabase } from "./database.ts";
import { keptIdentity, newIdentity, type SigningKeyChoice, type StackIdentity } from "./stack_identity.ts";

/** What a stack has, until it is disposed of. */
export interface StackData extends Disposable {
  /** Who its services are. */
  readonly identity: StackIdentity;
  /** Whether it begins now: nothing has been pushed or published yet. */
  readonly isNew: boolean;
  /** What they keep. */
  readonly database: Database;
}

const LOCK_TRIES = 6;
const LOCK_PAUSE_MS = 100;

/** A stack that is gone with the process. */
export async function newStackData(choice: SigningKeyChoice, now: Date): Promise<StackData> {
  const identity = await newIdentity(choice, now);
  const database = openDatabase(":memory:");
  return { identity, isNew: true, database, [Symbol.dispose]: () => database.close() };
}

/**
 * The stack that the folder keeps, begun at the first time. Nobody else can open it meanwhile.
 *
 * @throws {TagsealError} `unavailable` where another process has it open; `bad-input` where it cannot be used
 */
export async function openStackData(folder: string, choice: SigningKeyChoice, now: Date): Promise<StackData> {
  const lock = await takeLockSoon(`${folder}/lock`);
  if (!lock) {
    throw new TagsealError("unavailable", `Another process runs the stack of "${folder}"`, {
      remedy: "End that one first, or choose another folder",
      details: { folder },
    });
  }
  try {
    const identity = await keptIdentity(`${folder}/identity.json`, choice, now);
    const path = `${folder}/stack.db`;
    const isNew = await makeOwnFile(path);
    const database = openDatabase(path);
    return {
      identity,
      isNew,
      database,
      [Symbol.dispose]() {
        database.close();
        lock[Symbol.dispose]();
      },
    };
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

/** A program that was started a moment before the lock was given back holds it until it runs. */
async function takeLockSoon(path: string): Promise<Disposable | undefined> {
  for (let tries = 1;; tries++) {
    const lock = takeLock(path);
    if (lock || tries === LOCK_TRIES) return lock;
    await new Promise((resolve) => setTimeout(resolve, LOCK_PAUSE_MS));
  }
}

/** Makes the file unless it is there: SQLite would make one that all can read, and it will hold private keys. */
async function makeOwnFile(path: string): Promise<boolean> {
  try {
    await writeFileAtomically(path, new Uint8Array(), { mode: 0o600, folderMode: 0o700, replace: false });
    return true;
  } catch (error) {
    if (!isTagsealError(error, "exists")) throw error;
    return false;
  }
}
