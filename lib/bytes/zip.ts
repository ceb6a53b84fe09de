/**
 * ZIP files: written so that equal input gives equal bytes everywhere, read as if an attacker had made them.
 *
 * Signed ZIPs come back from a service over the network and users keep them on disk in between, so `readZip` refuses
 * whatever two tools could read differently (APPNOTE.TXT 4.3: data before, after or between the structures, headers that
 * contradict each other, two entries of one name) and whatever could hurt once unpacked.
 *
 * @module
 */
import { crc32, inflateRawSync } from "node:zlib";
import type { Entry, FileEntry } from "@zip.js/zip.js";
import { type Bytes, equalBytes, utf8 } from "./bytes.ts";
import { isTagsealError, messageOf, TagsealError } from "../errors.ts";
import { sentence, shown } from "./printable.ts";

/** One file of a ZIP to write. */
export interface ZipFile {
  /** Path inside the ZIP, with `/` between folders. */
  readonly name: string;
  /** Its content. */
  readonly bytes: Uint8Array;
}

/** What a ZIP may hold at most. */
export interface ZipLimits {
  /** Number of entries, folders included. */
  readonly entries: number;
  /** Bytes of one file, unpacked. */
  readonly entryBytes: number;
  /** Bytes of all files together, unpacked. */
  readonly totalBytes: number;
}

type ZipLibrary = typeof import("@zip.js/zip.js");

/** 1980-01-01 00:00:00, the first moment a ZIP can name, as MS-DOS date and time (APPNOTE.TXT 4.4.6). */
const DOS_EPOCH = 0x0021_0000;

/** Extra field that overrides the name (APPNOTE.TXT 4.6.9). */
const UNICODE_PATH = 0x7075;

/**
 * Writes a ZIP of `entries` in the given order. Same entries, same bytes: on any day, in any time zone, with any
 * version of a compressor (nothing is compressed).
 *
 * @throws {TagsealError} `bad-input` for a name that {@linkcode readZip} would refuse
 */
export async function writeZip(entries: readonly ZipFile[]): Promise<Bytes> {
  const { Uint8ArrayReader, Uint8ArrayWriter, ZipWriter } = await import("@zip.js/zip.js");
  const names = new Names();
  const writer = new ZipWriter(new Uint8ArrayWriter(), {
    useWebWorkers: false,
    level: 0,
    dataDescriptor: false,
    extendedTimestamp: false,
    // The raw form, because a Date would be turned into local time.
    rawLastModDate: DOS_EPOCH,
  });
  for (const { name, bytes } of entries) {
    names.add(name);
    await writer.add(name, new Uint8ArrayReader(bytes));
  }
  return new Uint8Array(await writer.close());
}

/**
 * Reads a ZIP that may be hostile: name to content, in the order of its directory; folders are left out.
 *
 * @throws {TagsealError} `bad-input` where it is damaged, ambiguous, encrypted, larger than `limits`, or holds names or
 *   kinds of entries that do not belong into signing data. A ZIP bomb is given up while unpacking, at the limit.
 */
export async function readZip(bytes: Uint8Array, limits: ZipLimits): Promise<Map<string, Bytes>> {
  const library = await import("@zip.js/zip.js");
  const reader = new library.ZipReader(new library.Uint8ArrayReader(bytes), {
    useWebWorkers: false,
    strictness: "strict",
  });
  const files: FileEntry[] = [];
  const names = new Names();
  let count = 0;
  let declared = 0;
  try {
    // Every header is judged before the first byte is unpacked.
    for await (const entry of reader.getEntriesGenerator({ filenameValidation: "tolerant" })) {
      if (++count > limits.entries) throw refused(`it holds more than ${limits.entries} entries`);
      // A Unicode Path field would give the entry another name in some tools only.
      if (entry.extraField?.has(UNICODE_PATH) || !equalBytes(utf8(entry.filename), entry.rawFilename)) {
        throw refused(`the name "${shown(entry.filename)}" is not plain UTF-8`);
      }
      names.add(entry.filename);
      checkKind(entry);
      if (entry.directory) continue;
      if (entry.uncompressedSize > limits.entryBytes) {
        throw refused(`"${shown(entry.filename)}" is larger than ${limits.entryBytes} bytes`);
      }
      declared += entry.uncompressedSize;
      if (declared > limits.totalBytes) throw refused(`its files are larger than ${limits.totalBytes} bytes together`);
      files.push(entry);
    }
    const out = new Map<string, Bytes>();
    for (const file of files) out.set(file.filename, await unpack(file, library));
    return out;
  } catch (error) {
    if (isTagsealError(error)) throw error;
    throw refused(reasonOf(error), error);
  }
}

/** Refuses what is neither a folder nor a plain file, by its name and by its attributes. */
function checkKind(entry: Entry): void {
  const { filename, compressionMethod } = entry;
  if (entry.encrypted) throw refused(`"${shown(filename)}" is encrypted`);
  const folder = filename.endsWith("/");
  const unixType = (entry.externalFileAttributes >>> 16) & 0o170000;
  if (entry.symlink || entry.directory !== folder || ![0, folder ? 0o040000 : 0o100000].includes(unixType)) {
    throw refused(`"${shown(filename)}" is a link, or not what its name says`);
  }
  if (folder && entry.uncompressedSize > 0) throw refused(`the folder "${shown(filename)}" has content`);
  if (compressionMethod !== 0 && compressionMethod !== 8) {
    throw refused(`"${shown(filename)}" is compressed by an unusual method (${compressionMethod})`);
  }
}

/**
 * Unpacks one file. zip.js proves that its headers agree and that it shares no byte with another; the inflating is
 * done by zlib, because that stops on the very byte where the declared size is exceeded (zip.js: up to 64 MiB later).
 */
async function unpack(file: FileEntry, { Uint8ArrayWriter }: ZipLibrary): Promise<Bytes> {
  const packed = await file.getData(new Uint8ArrayWriter(), { passThrough: true, checkOverlappingEntry: true });
  const size = file.uncompressedSize;
  const out = file.compressionMethod === 0 ? packed : inflate(packed, size);
  if (out?.length !== size) throw refused(`"${shown(file.filename)}" has not the ${size} bytes that it declares`);
  if (crc32(out) !== file.crc32) throw refused(`the CRC-32 of "${shown(file.filename)}" is wrong`);
  return new Uint8Array(out);
}

/** Inflates to at most `size` bytes; nothing where there are more, or where it is damaged. */
function inflate(packed: Uint8Array, size: number): Uint8Array | undefined {
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, size) });
  } catch {
    return undefined;
  }
}

/** The names of one ZIP: each safe to unpack anywhere, and none twice, even where case or composition is ignored. */
class Names {
  readonly #seen = new Set<string>();

  add(name: string): void {
    if (name.length > 1024) throw refused("a name is longer than 1024 characters");
    // Cc, Cf, Cs, Co, Cn: control characters and all that could make a terminal show another name.
    if (/\p{C}|[\u2028\u2029]/u.test(name)) throw refused(`the name "${shown(name)}" has control characters`);
    if (name.includes("\\")) throw refused(`the name "${shown(name)}" has a backslash`);
    if (/^\/|^[A-Za-z]:/.test(name)) throw refused(`the name "${shown(name)}" is absolute`);
    const parts = (name.endsWith("/") ? name.slice(0, -1) : name).split("/");
    if (parts.some((part) => part === "" || part === "." || part === "..")) {
      throw refused(`the name "${shown(name)}" is not a plain path`);
    }
    const key = parts.join("/").normalize("NFC").toLowerCase();
    if (this.#seen.has(key)) throw refused(`the name "${shown(name)}" occurs twice`);
    this.#seen.add(key);
  }
}

/** The words of zip.js and zlib: an "Ambiguous archive" says in `reason` what is ambiguous. */
function reasonOf(error: unknown): string {
  const reason = error instanceof Error && "reason" in error ? ` (${error.reason})` : "";
  return sentence(`${messageOf(error)}${reason}`, 200);
}

function refused(why: string, cause?: unknown): TagsealError {
  return new TagsealError("bad-input", `The ZIP file cannot be used: ${why}`, {
    remedy: "Use the ZIP file exactly as it was written or downloaded; if it was, fetch or create it again",
    cause,
  });
}
