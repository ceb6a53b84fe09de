/**
 * What the embedded Notary server keeps, in SQLite.
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import type { RoleName } from "../tuf/roles.ts";
import { type Database, inTransaction } from "./database.ts";
import type { NotaryStore, StoredFile } from "./notary_store.ts";

// The bytes stand last, so that nothing else has to be read past them.
const TABLES = `
  CREATE TABLE IF NOT EXISTS notary_files (
    gun TEXT NOT NULL,
    role TEXT NOT NULL,
    version INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    added INTEGER NOT NULL, -- milliseconds since 1970
    bytes BLOB NOT NULL,
    UNIQUE (gun, role, version)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS notary_files_by_hash ON notary_files (gun, role, sha256);
  CREATE TABLE IF NOT EXISTS notary_keys (
    id INTEGER PRIMARY KEY,
    gun TEXT NOT NULL,
    role TEXT NOT NULL,
    pkcs8 BLOB NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS notary_keys_by_role ON notary_keys (gun, role);
`;

/** A store in `database`; there may be several on one, each with a connection of its own. */
export function createNotaryStore(database: Database): NotaryStore {
  database.exec(TABLES);
  const files = "SELECT role, version, sha256, added, bytes FROM notary_files WHERE gun = ? AND role = ?";
  const newest = database.prepare(`${files} ORDER BY version DESC LIMIT 1`);
  const byVersion = database.prepare(`${files} AND version = ?`);
  const byHash = database.prepare(`${files} AND sha256 = ? ORDER BY version LIMIT 1`);
  const roles = database.prepare("SELECT DISTINCT role FROM notary_files WHERE gun = ?");
  const addNewer = database.prepare(`
    INSERT INTO notary_files (gun, role, version, sha256, added, bytes) SELECT :gun, :role, :version, :sha256, :added, :bytes
    WHERE NOT EXISTS (SELECT 1 FROM notary_files WHERE gun = :gun AND role = :role AND version >= :version)
  `);
  const removeAll = database.prepare("DELETE FROM notary_files WHERE gun = ?");
  const keys = database.prepare("SELECT pkcs8 FROM notary_keys WHERE gun = ? AND role = ? ORDER BY id");
  const addKey = database.prepare("INSERT INTO notary_keys (gun, role, pkcs8) VALUES (?, ?, ?)");

  return {
    find(gun, role, which) {
      const row = !which
        ? newest.get(gun, role)
        : "version" in which
        ? byVersion.get(gun, role, which.version)
        : byHash.get(gun, role, which.sha256);
      return row && { ...row as unknown as StoredFile, added: new Date(Number(row["added"])) };
    },
    roles: (gun) => roles.all(gun).map(({ role }) => role as RoleName),
    add: (gun, added) =>
      inTransaction(database, () =>
        added.every((file) => {
          const { role, version, sha256, bytes } = file;
          return addNewer.run({ gun, role, version, sha256, added: file.added.getTime(), bytes }).changes === 1;
        })),
    remove: (gun) => void removeAll.run(gun),
    keys: (gun, role) => keys.all(gun, role).map(({ pkcs8 }) => pkcs8 as Bytes),
    addKey: (gun, role, pkcs8) => void addKey.run(gun, role, pkcs8),
  };
}
