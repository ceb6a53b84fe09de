/** What the embedded registry keeps, in SQLite. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { type Database, inTransaction } from "./database.ts";
import { ENTRY_BYTES, type RegistryStore, type StoredManifest } from "./registry_store.ts";

// A blob is kept once, however many repositories have it, and in the parts that it came in: layers are large.
const BYTES = "CAST(bytes AS TEXT)";
const SUBJECT = `CASE WHEN json_valid(${BYTES}) THEN json_extract(${BYTES}, '$.subject.digest') END`;
const TABLES = `
  CREATE TABLE IF NOT EXISTS registry_blobs (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS registry_blob_parts (
    blob INTEGER NOT NULL REFERENCES registry_blobs,
    start INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (blob, start)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS registry_repository_blobs (
    repository TEXT NOT NULL,
    digest TEXT NOT NULL REFERENCES registry_blobs (digest),
    PRIMARY KEY (repository, digest)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS registry_manifests (
    repository TEXT NOT NULL,
    digest TEXT NOT NULL,
    media_type TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (repository, digest)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS registry_tags (
    repository TEXT NOT NULL,
    tag TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (repository, tag),
    FOREIGN KEY (repository, digest) REFERENCES registry_manifests ON DELETE CASCADE
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS registry_tags_by_digest ON registry_tags (repository, digest);
  CREATE INDEX IF NOT EXISTS registry_manifests_by_subject ON registry_manifests (repository, ${SUBJECT});
`;

const HELD = `
  SELECT sum(entries) * ${ENTRY_BYTES} + sum(bytes) AS held FROM (
    SELECT count(*) AS entries, coalesce(sum(size), 0) AS bytes FROM registry_blobs
    UNION ALL SELECT count(*), 0 FROM registry_repository_blobs
    UNION ALL SELECT count(*), coalesce(sum(length(bytes)), 0) FROM registry_manifests
    UNION ALL SELECT count(*), 0 FROM registry_tags
  )`;

/** A store in `database`, which no other process writes to meanwhile: what is held is counted along. */
export function createRegistryStore(database: Database): RegistryStore {
  database.exec(TABLES);
  const link = database.prepare("INSERT OR IGNORE INTO registry_repository_blobs VALUES (?, ?)");
  const known = database.prepare(`
    SELECT 1 FROM registry_repository_blobs WHERE repository = :repository
    UNION ALL SELECT 1 FROM registry_manifests WHERE repository = :repository LIMIT 1
  `);
  const blobSize = database.prepare(
    "SELECT size FROM registry_blobs JOIN registry_repository_blobs USING (digest) WHERE repository = ? AND digest = ?",
  );
  const addBlob = database.prepare("INSERT OR IGNORE INTO registry_blobs (digest, size) VALUES (?, ?) RETURNING id");
  const addPart = database.prepare("INSERT INTO registry_blob_parts VALUES (?, ?, ?)");
  const partAt = database.prepare(`
    SELECT start, bytes FROM registry_blob_parts WHERE start <= :at
    AND blob = (SELECT id FROM registry_blobs WHERE digest = :digest) ORDER BY start DESC LIMIT 1
  `);
  const manifest = database.prepare(
    "SELECT media_type AS mediaType, bytes FROM registry_manifests WHERE repository = ? AND digest = ?",
  );
  const referrers = database.prepare(
    `SELECT digest, media_type AS mediaType, bytes FROM registry_manifests WHERE repository = ? AND ${SUBJECT} = ?`,
  );
  const addManifest = database.prepare(`
    INSERT INTO registry_manifests VALUES (?, ?, ?, ?)
    ON CONFLICT (repository, digest) DO UPDATE SET media_type = excluded.media_type
  `);
  const removeManifest = database.prepare("DELETE FROM registry_manifests WHERE repository = ? AND digest = ?");
  const tag = database.prepare("SELECT digest FROM registry_tags WHERE repository = ? AND tag = ?");
  const setTag = database.prepare(`
    INSERT INTO registry_tags VALUES (?, ?, ?) ON CONFLICT (repository, tag) DO UPDATE SET digest = excluded.digest
  `);
  const removeTag = database.prepare("DELETE FROM registry_tags WHERE repository = ? AND tag = ?");
  const tags = database.prepare("SELECT tag FROM registry_tags WHERE repository = ? ORDER BY tag");
  const heldNow = database.prepare(HELD);
  let held: number | undefined;

  const change = (write: () => void) => {
    inTransaction(database, () => (write(), true));
    held = undefined;
  };

  function addParts(digest: string, parts: readonly Uint8Array[]): void {
    const added = addBlob.get(digest, parts.reduce((sum, part) => sum + part.length, 0));
    if (!added) return; // it was there already
    let start = 0;
    for (const part of parts) {
      if (part.length > 0) addPart.run(added["id"]!, start, part);
      start += part.length;
    }
  }

  function* bytesOf(digest: string, first: number, end: number): Iterable<Bytes> {
    for (let at = first; at < end;) {
      const part = partAt.get({ digest, at }) as unknown as { start: number; bytes: Bytes };
      const bytes = part.bytes.subarray(at - part.start, end - part.start);
      at += bytes.length;
      yield bytes;
    }
  }

  return {
    held: () => held ??= Number(heldNow.get()!["held"]),
    knows: (repository) => known.get({ repository }) !== undefined,
    blobSize: (repository, digest) => blobSize.get(repository, digest)?.["size"] as number | undefined,
    blob: bytesOf,
    addBlob: (repository, digest, parts) =>
      change(() => {
        addParts(digest, parts);
        link.run(repository, digest);
      }),
    linkBlob: (repository, digest) => change(() => link.run(repository, digest)),
    manifest: (repository, digest) => manifest.get(repository, digest) as StoredManifest | undefined,
    referrers: (repository, subject) =>
      referrers.all(repository, subject) as unknown as (StoredManifest & { readonly digest: string })[],
    putManifest: (repository, digest, { mediaType, bytes }, named) =>
      change(() => {
        addManifest.run(repository, digest, mediaType, bytes);
        if (named !== undefined) setTag.run(repository, named, digest);
      }),
    removeManifest: (repository, digest) => change(() => removeManifest.run(repository, digest)),
    tag: (repository, name) => tag.get(repository, name)?.["digest"] as string | undefined,
    removeTag: (repository, name) => change(() => removeTag.run(repository, name)),
    tags: (repository) => tags.all(repository).map(({ tag }) => String(tag)),
  };
}
