/**
 * The database of the embedded servers: SQLite, in memory or in one file.
 *
 * SQLite is loaded when a database is opened, so that no other command waits for it.
 *
 * @module
 */
import process from "node:process";
import type { DatabaseSync } from "node:sqlite";
import { messageOf, TagsealError } from "../errors.ts";

/** An open database. */
export type Database = DatabaseSync;

/** Stands in the file's header ("tsls"), so that no other program's database is taken for one of ours. */
const APPLICATION_ID = 0x74736c73;
/** Rises with the tables' form. */
const FORMAT = 1;
/** How long a write waits for another connection's, in milliseconds. */
const BUSY_MS = 10_000;

/**
 * Opens the database at `path`, which is made where it is missing; `:memory:` is one that lives as long as the object.
 *
 * @throws {TagsealError} `bad-input` where the file is damaged, of another program, or cannot be opened
 */
export function openDatabase(path: string): Database {
  let database: Database | undefined;
  try {
    const { DatabaseSync } = process.getBuiltinModule("node:sqlite");
    database = new DatabaseSync(path, { timeout: BUSY_MS });
    claim(database);
    database.exec("PRAGMA journal_mode = WAL"); // readers do not wait for writers
    return database;
  } catch (error) {
    database?.close();
    throw new TagsealError("bad-input", `"${path}" cannot be used as a database: ${messageOf(error)}`, {
      remedy: "Move the file away to begin anew, or choose another folder",
      details: { path },
      cause: error,
    });
  }
}

/** Takes an empty database, or one that was taken before. */
function claim(database: Database): void {
  inTransaction(database, () => {
    const value = (query: string) => Number(Object.values(database.prepare(query).get() ?? {})[0]);
    const empty = value("SELECT count(*) FROM sqlite_schema") === 0;
    if (!empty && value("PRAGMA application_id") !== APPLICATION_ID) throw new Error("it belongs to another program");
    if (!empty && value("PRAGMA user_version") !== FORMAT) throw new Error("another version of tagseal wrote it");
    const [damage] = database.prepare("PRAGMA quick_check(1)").all().map(({ quick_check: found }) => String(found));
    if (damage !== "ok") throw new Error(`it is damaged (${damage})`);
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${FORMAT}`);
    return true;
  });
}

/** Runs `write` in one transaction that keeps other writers out, and undoes it where `write` returns `false` or throws. */
export function inTransaction(database: Database, write: () => boolean): boolean {
  database.exec("BEGIN IMMEDIATE");
  try {
    const keep = write();
    database.exec(keep ? "COMMIT" : "ROLLBACK");
    return keep;
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK"); // some failures, of a full disk for one, undo it by themselves
    throw error;
  }
}
