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
  /** What they keep. */
  readonly database: Database;
}

/** A stack that is gone with the process. */
export async function newStackData(choice: SigningKeyChoice, now: Date): Promise<StackData> {
  const identity = await newIdentity(choice, now);
  const database = openDatabase(":memory:");
  return { identity, database, [Symbol.dispose]: () => database.close() };
}

/**
 * The stack that the folder keeps, begun at the first time. Nobody else can open it meanwhile.
 *
 * @throws {TagsealError} `unavailable` where another process has it open; `bad-input` where it cannot be used
 */
export async function openStackData(folder: string, choice: SigningKeyChoice, now: Date): Promise<StackData> {
  const lock = takeLock(`${folder}/lock`);
  if (!lock) {
    throw new TagsealError("unavailable", `Another process runs the stack of "${folder}"`, {
      remedy: "End that one first, or choose another folder",
      details: { folder },
    });
  }
  try {
    const identity = await keptIdentity(`${folder}/identity.json`, choice, now);
    const database = openDatabase(await ownFile(`${folder}/stack.db`));
    return {
      identity,
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

/** SQLite would make a file that all can read, and it will hold private keys. */
async function ownFile(path: string): Promise<string> {
  try {
    await writeFileAtomically(path, new Uint8Array(), { mode: 0o600, folderMode: 0o700, replace: false });
  } catch (error) {
    if (!isTagsealError(error, "exists")) throw error;
  }
  return path;
}
