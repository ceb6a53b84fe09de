/**
 * Docker signing data: the file that is sent for signing (format `docker-signing-data/1`).
 *
 * A ZIP with a manifest, one entry per payload (the exact bytes that get signed), and the trust data that payloads were
 * derived from, so that whoever approves can judge the change. After signing, `<payload>.sig` stands beside each payload.
 * What the manifest says is the schemes' business, each in a member of its own; here it is known only that whatever names
 * a payload gives its hash beside it (`payload`, `sha256`). Reading trusts nothing: every size is bounded, every entry must
 * be named, and every payload must have the hash that the manifest states.
 *
 * @see SignPath, "Artifact configuration", `create-raw-signature`
 * @module
 */
import { type Bytes, utf8 } from "../bytes/bytes.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../bytes/json.ts";
import { readZip, writeZip } from "../bytes/zip.ts";
import { sha256Hex } from "../crypto/hash.ts";
import { messageOf, TagsealError } from "../errors.ts";
import { hex, malformed, object, time, word } from "./manifest_words.ts";

/** The format that is written, and the only one that is read. */
export const FORMAT = "docker-signing-data/1";

const MANIFEST = "docker-signing-data.json";
const LIMITS = { entries: 60_000, entryBytes: 128 * 2 ** 20, totalBytes: 512 * 2 ** 20 };
/** Leaves room for manifest and signatures. */
const MAX_UNSIGNED_BYTES = LIMITS.totalBytes - 32 * 2 ** 20;
/** A payload's entry: numbered, as paths ignore case at SignPath, and then perhaps said what it is. */
const PAYLOAD = /^payload\/\d{4,6}(_[A-Za-z0-9._-]{1,100})?\.(json|dsse|jws)$/;
const TRUST = /^trust\/\d+\/[a-z0-9_-]+\.json$/;

/** What payloads' entries end in: by that, SignPath's artifact configuration tells how they are signed. */
export const PAYLOAD_EXTENSIONS = ["json", "dsse", "jws"] as const;
/** One of them. */
export type PayloadExtension = typeof PAYLOAD_EXTENSIONS[number];

/** A signing data file, whatever it is for. */
export interface SigningFile {
  /** When it was made (RFC 3339). */
  readonly created: string;
  /** What made it. */
  readonly tool: string;
  /** What is to be signed: the schemes' words, each in its own member. */
  readonly manifest: JsonObject;
  /** The payloads by entry name. */
  readonly payloads: ReadonlyMap<string, Bytes>;
  /** Trust data that the payloads were derived from, by entry name. */
  readonly trust: ReadonlyMap<string, Bytes>;
  /** Raw signatures by payload entry name; empty before signing. */
  readonly signatures: ReadonlyMap<string, Bytes>;
}

/** A file that nobody has signed yet. */
export type UnsignedFile = Omit<SigningFile, "signatures">;

/** The entry of the n-th payload (from 1); `label` says for people what it is. */
export function payloadName(n: number, label = "", extension: PayloadExtension = "json"): string {
  const words = label.replaceAll(/[^A-Za-z0-9._-]+/g, "-").slice(0, 80).replace(/[.-]+$/, "");
  return `payload/${String(n).padStart(4, "0")}${words && `_${words}`}.${extension}`;
}

/** The entry of a role's trust data for the n-th repository (from 1). */
export function trustName(n: number, role: string): string {
  return `trust/${n}/${role.replaceAll("/", "_")}.json`;
}

/**
 * Writes a file to be signed: the same input gives the same bytes.
 *
 * @throws {TagsealError} `bad-input` where it is more than one file can hold
 */
// deno-lint-ignore require-await -- what it throws is a rejection, as for all that may fail
export async function writeSigningFile(file: UnsignedFile): Promise<Bytes> {
  requireReadable(file);
  const { created, tool, manifest } = file;
  const text = utf8(`${JSON.stringify({ format: FORMAT, created, tool, ...manifest }, null, 2)}\n`);
  const entry = ([name, bytes]: readonly [string, Bytes]) => ({ name, bytes });
  return writeZip([{ name: MANIFEST, bytes: text }, ...[...file.payloads].map(entry), ...[...file.trust].map(entry)]);
}

/** What could not be read once it is signed must not be sent for signing. */
function requireReadable({ payloads, trust }: UnsignedFile): void {
  const entries = 1 + 2 * payloads.size + trust.size;
  const total = [...payloads.values(), ...trust.values()].reduce((sum, { length }) => sum + length, 0);
  const most = Math.max(0, ...[...payloads.values()].map(({ length }) => length));
  if (entries <= LIMITS.entries && total <= MAX_UNSIGNED_BYTES && most <= LIMITS.entryBytes) return;
  throw new TagsealError("bad-input", `One file cannot hold all of this: ${payloads.size} payloads`, {
    remedy: "Nothing was sent for signing. Sign fewer repositories at a time",
    details: { entries, bytes: total },
  });
}

/**
 * Reads a file, signed or not.
 *
 * @throws {TagsealError} `bad-input` where it is not signing data; `trust-invalid` where a payload is not the one that
 *   its manifest names
 */
export async function readSigningFile(zip: Bytes): Promise<SigningFile> {
  const entries = await readZip(zip, LIMITS);
  const { format: _, created, tool, ...manifest } = readManifest(entries.get(MANIFEST));
  const payloads = new Map<string, Bytes>();
  const signatures = new Map<string, Bytes>();
  for (const { payload, sha256 } of payloadsNamedIn(manifest)) {
    const bytes = entries.get(payload);
    if (!bytes || payloads.has(payload)) throw malformed(`the payload "${payload}" is missing, or used twice`);
    if (sha256Hex(bytes) !== sha256) {
      throw new TagsealError("trust-invalid", `The payload "${payload}" is not the one that the manifest names`, {
        remedy: "Do not publish this file: it was changed after it was made. Make new signing data",
        details: { payload },
      });
    }
    payloads.set(payload, bytes);
    const signature = entries.get(`${payload}.sig`);
    if (signature) signatures.set(payload, signature);
  }
  const trust = new Map<string, Bytes>();
  for (const [name, bytes] of entries) {
    if (TRUST.test(name)) trust.set(name, bytes);
    else if (name !== MANIFEST && !payloads.has(name.replace(/\.sig$/, ""))) throw malformed(`it holds "${name}"`);
  }
  return { created: String(created), tool: String(tool), manifest, payloads, trust, signatures };
}

function readManifest(bytes: Bytes | undefined): JsonObject {
  if (!bytes) throw malformed(`"${MANIFEST}" is missing`);
  let document: JsonValue;
  try {
    document = parseJson(bytes);
  } catch (error) {
    throw malformed(`its manifest is not strict JSON: ${messageOf(error)}`);
  }
  const top = object(document, "the manifest");
  const { format } = top;
  if (format !== FORMAT) {
    throw malformed(
      typeof format === "string" ? `its format "${format.slice(0, 60)}" is not known` : "it has no format",
    );
  }
  time(top, "created");
  word(top, "tool");
  return top;
}

/** Whatever names a payload gives its hash beside it, whichever scheme's words they are. */
function* payloadsNamedIn(value: JsonValue): Generator<{ readonly payload: string; readonly sha256: string }> {
  if (Array.isArray(value)) { for (const each of value) yield* payloadsNamedIn(each); }
  if (!isJsonObject(value)) return;
  if (Object.hasOwn(value, "payload")) {
    const payload = word(value, "payload");
    if (!PAYLOAD.test(payload)) throw malformed(`"${payload.slice(0, 60)}" cannot be a payload`);
    yield { payload, sha256: hex(value, "sha256") };
  }
  for (const each of Object.values(value)) yield* payloadsNamedIn(each);
}
