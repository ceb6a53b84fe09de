/**
 * What a repository was: the server keeps the files of each of its versions.
 *
 * Each state is verified by itself, as of the time that the server gives for it, and starts from a root that leads to the
 * newest one. What the server does not show is not known: it says how far back the states go, and which are missing.
 *
 * @module
 */
import { type Bytes, equalBytes } from "../../bytes/bytes.ts";
import { sha256Hex } from "../../crypto/hash.ts";
import { isTagsealError, TagsealError } from "../../errors.ts";
import { createMemoryMetadataStore } from "../../notary/metadata_store.ts";
import type { Trust } from "../../notary/repository.ts";
import { NamedBytes, unverifiedTotal } from "../../notary/sizes.ts";
import type { DatedFile, MetadataName, TrustServer } from "../../notary/trust_server.ts";
import { readRepository } from "../../notary/update.ts";
import { AT_ONCE, mapAtOnce } from "../../signing/at_once.ts";
import { isListed } from "../../tuf/listed.ts";
import type { FileMeta } from "../../tuf/models.ts";
import { parseListing, parseRoot } from "../../tuf/parse.ts";
import { isDelegation, type RoleName } from "../../tuf/roles.ts";
import type { TrustedRepository } from "../../tuf/trusted.ts";
import { exportedServer } from "../export_file.ts";
import { exportRepository } from "../export_repository.ts";

/** How many timestamps one look back goes through; a server makes a new one with each publish, and when one expires. */
const MAX_VERSIONS = 5000;
/** States whose files are read together. */
const TOGETHER = 8;

/** A state that a repository had. */
export interface PastState {
  /** The version of its timestamp. */
  readonly version: number;
  /** Since when it was so, as the server says. */
  readonly at: Date;
  /** What was trusted then; or why nothing can be. */
  readonly repository: TrustedRepository | { readonly untrusted: string };
}

/** What is known of the states before {@linkcode PastState}s begin. */
export interface Reach {
  /** Whether the first state was already there at the time that was asked for, or is the repository's very first. */
  readonly complete: boolean;
  /** The oldest version that was seen. */
  readonly oldestVersion: number;
}

/**
 * The states of a repository since a time, oldest first; the first is the one that was there at that time. `take` is given
 * one after another, so that no more than a few are held.
 *
 * @throws {TagsealError} `usage` where the trust data comes from a file; `unavailable` where the server does not say when
 *   its files came; and what `exportRepository` throws
 */
export async function readPastStates(
  trust: Trust,
  gun: string,
  since: Date,
  take: (state: PastState) => void,
): Promise<Reach> {
  const newest = await exportRepository(trust, gun);
  const files = new Map(newest.files.map(({ name, bytes }) => [name, bytes]));
  const current = parseListing("timestamp", files.get("timestamp")!);
  const { found, complete } = await timestampsSince(trust.server, gun, current.version, since);
  const { rootsFrom } = newest.verified;
  const roots = new Map(
    newest.files.filter(({ name, version }) => /^\d+\.root$/.test(name) && rootsFrom !== null && version! >= rootsFrom)
      .map(({ bytes }) => [sha256Hex(bytes), bytes]),
  );
  const kept = { files: new Map<string, Bytes>() };
  for (let i = 0; i < found.length; i += TOGETHER) {
    const part = found.slice(i, i + TOGETHER);
    const sources = await readSources(trust.server, gun, part, kept);
    for (const [at, timestamp] of part.entries()) take(await stateOf(trust, gun, timestamp, sources[at]!, roots));
  }
  return { complete, oldestVersion: found[0]!.version };
}

interface Timestamp {
  readonly version: number;
  readonly at: Date;
  readonly bytes: Bytes;
  readonly snapshot: FileMeta | undefined;
}

/** The timestamps that began a state, oldest first: those that name another snapshot than the one before. */
async function timestampsSince(
  server: TrustServer,
  gun: string,
  newest: number,
  since: Date,
): Promise<{ found: Timestamp[]; complete: boolean }> {
  const seen: Timestamp[] = [];
  const budget = unverifiedTotal();
  let version = newest;
  let reached = false;
  while (version >= 1 && !reached && seen.length < MAX_VERSIONS) {
    const versions = Array.from({ length: Math.min(AT_ONCE, version) }, (_, i) => version - i);
    const part = await Promise.all(versions.map((each) => readDated(server, gun, `${each}.timestamp`, budget)));
    for (const [i, file] of part.entries()) {
      if (!file) return { found: begun(seen), complete: false };
      const asked = versions[i]!;
      seen.push({ version: asked, ...file, snapshot: snapshotNamed(file.bytes, asked) });
      reached = file.at <= since;
      if (reached) break;
    }
    version -= versions.length;
  }
  return { found: begun(seen), complete: reached || version < 1 };
}

async function readDated(
  server: TrustServer,
  gun: string,
  name: MetadataName,
  shared: ReturnType<typeof unverifiedTotal>,
): Promise<(DatedFile & { readonly at: Date }) | undefined> {
  if (!server.readDated) {
    throw new TagsealError("usage", `The trust data of "${gun}" comes from a file, which knows one state alone`, {
      remedy: "Compare it with another export instead",
      next: { do: "leave-export" },
    });
  }
  const file = await server.readDated(gun, name, { shared });
  if (!file) return undefined;
  if (file.at) return { ...file, at: file.at };
  throw new TagsealError("unavailable", `"${server.url.origin}" does not say when the versions of "${gun}" came`, {
    remedy: "Keep exports, and compare them: what changed between two of them needs no server's word for the time",
    details: { repository: gun, url: server.url.origin },
  });
}

/** What a timestamp names; nothing where it is not the version that was asked for, or cannot be read. */
function snapshotNamed(timestamp: Bytes, asked: number): FileMeta | undefined {
  try {
    const { version, meta } = parseListing("timestamp", timestamp);
    return version === asked ? meta.get("snapshot") : undefined;
  } catch (error) {
    if (isTagsealError(error, "trust-invalid")) return undefined;
    throw error;
  }
}

/** A timestamp that only renews the one before begins no state. */
function begun(newestFirst: readonly Timestamp[]): Timestamp[] {
  const oldestFirst = newestFirst.toReversed();
  return oldestFirst.filter(({ snapshot }, i) => {
    const before = oldestFirst[i - 1]?.snapshot;
    return i === 0 || !snapshot || !before || !equalBytes(digestOf(snapshot), digestOf(before));
  });
}

function digestOf(meta: FileMeta): Bytes {
  return meta.hashes.get("sha256") ?? new Uint8Array();
}

/** Files of one state, by role; a file that the server does not show is missing. */
type Source = ReadonlyMap<string, Bytes>;

/** Reads what states name, each file once, though many states name it. */
async function readSources(
  server: TrustServer,
  gun: string,
  states: readonly Timestamp[],
  kept: { files: Map<string, Bytes> },
): Promise<Source[]> {
  const budget = new NamedBytes(gun, false);
  const known = kept.files;
  const next = new Map<string, Bytes>();
  const reading = new Map<string, Promise<Bytes | undefined>>();
  const file = (role: RoleName, meta: FileMeta): Promise<Bytes | undefined> => {
    const name = `${role}.${digestOf(meta).toHex()}`;
    const underWay = reading.get(name) ?? readNamed(name, role, meta);
    reading.set(name, underWay);
    return underWay;
  };
  const readNamed = async (name: MetadataName, role: RoleName, meta: FileMeta) => {
    const before = known.get(name);
    if (!before) budget.take(role, meta);
    const bytes = before ?? await server.read(gun, name, { maxBytes: meta.length });
    if (!bytes || !await isListed(bytes, meta)) return undefined;
    next.set(name, bytes);
    return bytes;
  };
  const sources = await mapAtOnce(states, AT_ONCE, async ({ bytes, snapshot }) => {
    const source = new Map([["timestamp", bytes]]);
    const listing = snapshot && await file("snapshot", snapshot);
    if (!listing) return source;
    source.set("snapshot", listing);
    const named = [...namedIn(listing)].flatMap(([role, meta]): [RoleName, FileMeta][] =>
      role === "targets" || isDelegation(role) ? [[role, meta]] : []
    );
    await mapAtOnce(named, AT_ONCE, async ([role, meta]) => {
      const found = await file(role, meta);
      if (found) source.set(role, found);
    });
    return source;
  });
  kept.files = next;
  return sources;
}

function namedIn(snapshot: Bytes): ReadonlyMap<string, FileMeta> {
  try {
    return parseListing("snapshot", snapshot).meta;
  } catch (error) {
    if (isTagsealError(error, "trust-invalid")) return new Map();
    throw error;
  }
}

/** Verifies one state by itself. */
async function stateOf(
  trust: Trust,
  gun: string,
  { version, at, snapshot }: Timestamp,
  source: Source,
  roots: ReadonlyMap<string, Bytes>,
): Promise<PastState> {
  const untrusted = (why: string): PastState => ({ version, at, repository: { untrusted: why } });
  const listing = source.get("snapshot");
  if (!snapshot) return untrusted("its timestamp cannot be read, or is of another version");
  if (!listing) return untrusted("the server does not show the snapshot that its timestamp names");
  const named = namedIn(listing).get("root")?.hashes.get("sha256")?.toHex() ?? "";
  const root = roots.get(named);
  if (!root) return untrusted("its root is none of those that lead to the newest one");
  const store = createMemoryMetadataStore();
  await store.write(gun, new Map([["root", root]]));
  const files = new Map([...source, ["root", root], [`${parseRoot(root).version}.root`, root]]);
  const then = new Date(Math.min(at.getTime(), trust.now().getTime()));
  const server = exportedServer({ repository: gun, notaryUrl: trust.server.url, verifiedAt: then, files });
  try {
    return { version, at, repository: (await readRepository({ server, gun, at: then, store })).repository };
  } catch (error) {
    if (!isTagsealError(error, "trust-invalid", "not-found")) throw error;
    return untrusted(error.message);
  }
}
