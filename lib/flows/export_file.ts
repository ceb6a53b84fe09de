/**
 * The export file: all trust data of repositories as their servers showed it, in one ZIP that can be verified offline.
 *
 * `tagseal-export.json` says what is there; `repositories/<n>/` holds the files of each repository, named as the Notary
 * server names them (`targets/releases.json`, `1.root.json`). What the manifest says is held against the files and never
 * trusted: signatures decide, as they do online, for {@linkcode exportedServer} stands in for the Notary server.
 *
 * @module
 */
import { type Bytes, utf8 } from "../bytes/bytes.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../bytes/json.ts";
import { readZip, writeZip, type ZipLimits } from "../bytes/zip.ts";
import { sha256Hex } from "../crypto/hash.ts";
import { messageOf, TagsealError } from "../errors.ts";
import type { MetadataName, TrustServer } from "../notary/trust_server.ts";
import { parseImageName } from "../registry/image_ref.ts";
import type { RootTrust } from "./root_trust.ts";

/** The format that is written and read. */
export const EXPORT_FORMAT = "tagseal-export/1";

/** The longest export file that is read, in bytes. */
export const MAX_EXPORT_BYTES: number = 2 ** 30;

const MANIFEST = "tagseal-export.json";
const LIMITS: ZipLimits = { entries: 100_000, entryBytes: 128 * 2 ** 20, totalBytes: MAX_EXPORT_BYTES };

/** A file of an export. */
export interface ExportedFile {
  /** The role it is of. */
  readonly role: string;
  /** Its version; `null` for a delegation's file that cannot be read. */
  readonly version: number | null;
  /** When it expires, as it says itself. */
  readonly expires: string | null;
  /** The name on the Notary server: `targets/releases`, `1.root`. */
  readonly name: MetadataName;
  /** The bytes as served. */
  readonly bytes: Bytes;
}

/** What an export says of one repository, beside its files. */
export interface ExportedFacts {
  /** The GUN. */
  readonly repository: string;
  /** The Notary server. */
  readonly notaryUrl: string;
  /** How it was verified when it was exported. */
  readonly verified: {
    /** The time it was judged at (RFC 3339). */
    readonly at: string;
    /** Why its root was taken. */
    readonly rootTrustedBy: RootTrust;
    /** Canonical ids of its root keys. */
    readonly rootKeyIds: readonly string[];
    /** From which root version each was signed by the keys of the one before; `null` where no older one leads here. */
    readonly rootsFrom: number | null;
  };
  /** Delegations that were not trusted, and why; their files are there. */
  readonly skipped: readonly { readonly role: string; readonly reason: string }[];
}

/** A repository of an export. */
export interface ExportedRepository extends ExportedFacts {
  /** Its files. */
  readonly files: readonly ExportedFile[];
}

/**
 * Writes an export; the same content gives the same bytes.
 *
 * @throws {TagsealError} `bad-input` where it would be larger than what {@linkcode readExport} reads
 */
export async function writeExport(
  repositories: readonly ExportedRepository[],
  about: { readonly created: string; readonly tool: string },
): Promise<Bytes> {
  // Found out now, not when it is read and its server is gone.
  const count = repositories.reduce((sum, { files }) => sum + files.length, 1); // the manifest is one of them
  if (count > LIMITS.entries) throw tooLarge(`${count} files, of ${LIMITS.entries}`);
  const located = repositories.map(({ files, ...facts }, i) => ({
    facts,
    files: files.map((file) => ({ ...file, path: `repositories/${i + 1}/${file.name}.json` })),
  }));
  const manifest = {
    format: EXPORT_FORMAT,
    ...about,
    repositories: located.map(({ facts, files }) => ({
      ...facts,
      files: files.map(({ path, role, version, expires, bytes }) => ({
        path,
        role,
        version,
        sha256: sha256Hex(bytes),
        length: bytes.length,
        expires,
      })),
    })),
  };
  const entries = [
    { name: MANIFEST, bytes: utf8(`${JSON.stringify(manifest, null, 2)}\n`) },
    ...located.flatMap(({ files }) => files.map(({ path, bytes }) => ({ name: path, bytes }))),
  ];
  if (entries.some(({ bytes }) => bytes.length > LIMITS.entryBytes)) throw tooLarge("one file that is too long");
  const zip = await writeZip(entries);
  if (zip.length > MAX_EXPORT_BYTES) throw tooLarge(`${zip.length} bytes, of ${MAX_EXPORT_BYTES}`);
  return zip;
}

/** A repository as read from an export: nothing of it is trusted yet. */
export interface ReadRepository {
  /** The GUN. */
  readonly repository: string;
  /** The Notary server it came from, as the manifest says. */
  readonly notaryUrl: URL;
  /** When it was verified, as the manifest says. */
  readonly verifiedAt: Date;
  /** Its files by their name on the Notary server. */
  readonly files: ReadonlyMap<MetadataName, Bytes>;
}

/**
 * Reads an export.
 *
 * @throws {TagsealError} `bad-input` where it is none; `trust-invalid` where manifest and files contradict each other
 */
export async function readExport(zip: Bytes): Promise<ReadRepository[]> {
  const content = await readZip(zip, LIMITS);
  const manifest = content.get(MANIFEST);
  if (!manifest) throw notAnExport(`it has no "${MANIFEST}"`);
  let listed: readonly JsonValue[];
  try {
    const document = record(parseJson(manifest));
    if (document["format"] !== EXPORT_FORMAT) throw new SyntaxError(`its format is not "${EXPORT_FORMAT}"`);
    listed = list(document["repositories"]);
    const repositories = listed.map((value) => readEntry(record(value), content));
    const names = new Set(repositories.map(({ repository }) => repository));
    if (names.size < repositories.length) throw new SyntaxError("a repository is there twice");
    const named = repositories.reduce((sum, { files }) => sum + files.size, 1);
    if (named !== content.size) throw contradiction("it holds files that its manifest does not name");
    return repositories;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw notAnExport(messageOf(error));
  }
}

function readEntry(entry: JsonObject, content: ReadonlyMap<string, Bytes>): ReadRepository {
  const repository = text(entry["repository"]);
  if (parseName(repository) !== repository) throw new SyntaxError("a repository's name is malformed");
  const notaryUrl = URL.parse(text(entry["notaryUrl"]));
  if (!notaryUrl || !["https:", "http:"].includes(notaryUrl.protocol)) throw new SyntaxError("an address is malformed");
  const verifiedAt = new Date(text(record(entry["verified"])["at"]));
  if (Number.isNaN(verifiedAt.getTime())) throw new SyntaxError("a time is malformed");
  const files = new Map<MetadataName, Bytes>();
  for (const file of list(entry["files"]).map(record)) {
    const path = text(file["path"]);
    const name = /^repositories\/\d{1,6}\/(.+)\.json$/.exec(path)?.[1];
    const bytes = content.get(path);
    if (name === undefined || files.has(name)) throw new SyntaxError("a file's path is malformed, or there twice");
    if (!bytes || bytes.length !== file["length"] || sha256Hex(bytes) !== file["sha256"]) {
      throw contradiction(`"${path}" is not the file that its manifest names`);
    }
    files.set(name, bytes);
  }
  return { repository, notaryUrl, verifiedAt, files };
}

/** Shows the files of an export as a Notary server would. */
export function exportedServer({ repository, notaryUrl, files }: ReadRepository): TrustServer {
  const byHash = new Map([...files].map(([name, bytes]) => [`${name}.${sha256Hex(bytes)}`, bytes]));
  const offline = () => {
    throw new TagsealError("usage", `"${repository}" was read from a file: nothing can be asked of its server`, {
      remedy: "Work with the Notary server instead of the file",
      next: { do: "leave-export" },
    });
  };
  return {
    url: notaryUrl,
    read: (gun, name) => Promise.resolve(gun === repository ? files.get(name) ?? byHash.get(name) : undefined),
    managedKey: () => Promise.resolve().then(offline),
    publish: () => Promise.resolve().then(offline),
  };
}

function parseName(name: string): string | undefined {
  try {
    return parseImageName(name).gun;
  } catch {
    return undefined;
  }
}

function record(value: JsonValue | undefined): JsonObject {
  if (isJsonObject(value)) return value;
  throw new SyntaxError("its manifest is malformed: an object is missing");
}

function list(value: JsonValue | undefined): readonly JsonValue[] {
  if (Array.isArray(value)) return value;
  throw new SyntaxError("its manifest is malformed: a list is missing");
}

function text(value: JsonValue | undefined): string {
  if (typeof value === "string") return value;
  throw new SyntaxError("its manifest is malformed: a text is missing");
}

function tooLarge(what: string): TagsealError {
  return new TagsealError("bad-input", `The export would hold ${what}, and could not be read again`, {
    remedy: "Export fewer repositories at a time, each part into a file of its own",
  });
}

function notAnExport(why: string): TagsealError {
  return new TagsealError("bad-input", `The file is not an export of tagseal: ${why}`, {
    remedy: "Give an exported file as it was written",
    next: { do: "use-export" },
  });
}

function contradiction(why: string): TagsealError {
  return new TagsealError("trust-invalid", `The export has been changed since it was written: ${why}`, {
    remedy: "Do not use it. Find out who changed it, and go back to a copy that is as it was written",
  });
}
