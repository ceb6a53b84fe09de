/**
 * Reads a repository from a Notary server and verifies it, in as few round trips as can be.
 *
 * All files are asked for at once under their plain names, then judged in the order of `tuf/trusted.ts`. If somebody
 * publishes meanwhile, the files may not fit together: the one that does not fit is fetched again by the hash that its
 * parent names, and where even root or timestamp have moved on, the reading starts over.
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { equalBytes } from "../bytes/bytes.ts";
import { hash } from "../crypto/hash.ts";
import { isTagsealError, TagsealError } from "../errors.ts";
import type { FileMeta } from "../tuf/models.ts";
import { parseListing, parseRoot, parseTargets } from "../tuf/parse.ts";
import { RELEASES, type RoleName } from "../tuf/roles.ts";
import { requirePinned, type RootPin } from "../tuf/root_keys.ts";
import {
  advanceDelegation,
  advanceRoot,
  advanceSnapshot,
  advanceTargets,
  advanceTimestamp,
  type Anchor,
  type Floors,
  openDelegations,
  openRoot,
  type RootPhase,
  type TrustedRepository,
} from "../tuf/trusted.ts";
import type { MetadataStore } from "./metadata_store.ts";
import type { TrustServer } from "./trust_server.ts";

/** How a repository is read. */
export interface ReadOptions {
  /** Where from. */
  readonly server: TrustServer;
  /** Which one. */
  readonly gun: string;
  /** The time everything is judged at. */
  readonly at: Date;
  /** What was trusted before; it is brought up to date when all is verified, and only then. */
  readonly store: MetadataStore;
  /** What the first root must be; trust on first use without it. */
  readonly pin?: RootPin | undefined;
  /** Delegations likely to be there, fetched along with the rest; `targets/releases` always is. */
  readonly expected?: readonly RoleName[];
}

/** A repository that was read and verified. */
export interface ReadResult {
  /** Its trusted state. */
  readonly repository: TrustedRepository;
  /** Whether its root was trusted without any proof, because it was met for the first time and not pinned. */
  readonly firstUse: boolean;
}

/** How many root versions may lie between the trusted root and the newest one. */
const MAX_ROOT_STEPS = 256;
/** How many delegations one repository may have. */
const MAX_DELEGATIONS = 1000;
const ATTEMPTS = 3;

/**
 * Reads and verifies a repository.
 *
 * @throws {TagsealError} `not-found` where the server has none of that name; `trust-invalid`; what the server's calls throw
 */
export async function readRepository(options: ReadOptions): Promise<ReadResult> {
  const { server, gun, store } = options;
  const cached = await store.read(gun);
  const names = new Set<RoleName>(["root", "timestamp", "snapshot", "targets", RELEASES]);
  for (const name of [...options.expected ?? [], ...cached.keys()]) names.add(name);
  for (let attempt = 1;; attempt++) {
    const read = new Map(
      await Promise.all([...names].map(async (name) => [name, await server.read(gun, name)] as const)),
    );
    try {
      const result = await verify(options, read, cached);
      await store.write(gun, filesOf(result.repository));
      return result;
    } catch (error) {
      if (!isTagsealError(error, "trust-invalid") || attempt === ATTEMPTS) throw error;
      // Either it is wrong, or root and timestamp were read from two different moments.
      const again = await Promise.all([server.read(gun, "root"), server.read(gun, "timestamp")]);
      if (same(again[0], read.get("root")) && same(again[1], read.get("timestamp"))) throw error;
    }
  }
}

/** The verified files of a repository, skipped delegations left out. */
export function filesOf(repository: TrustedRepository): Map<RoleName, Bytes> {
  const { root, timestamp, snapshot, targets, delegations } = repository;
  const files = new Map<RoleName, Bytes>(
    Object.entries({ root, timestamp, snapshot, targets }).map((
      [name, file],
    ) => [name as RoleName, file.envelope.bytes]),
  );
  for (const [name, state] of delegations) if (state.kind === "trusted") files.set(name, state.file.envelope.bytes);
  return files;
}

async function verify(
  options: ReadOptions,
  read: ReadonlyMap<RoleName, Bytes | undefined>,
  cached: ReadonlyMap<RoleName, Bytes>,
): Promise<ReadResult> {
  const { server, gun, at } = options;
  const root = read.get("root");
  if (!root) throw noRepository(server.url, gun);
  const known = cached.get("root");
  const anchor: Anchor = known
    ? { kind: "known", root: known }
    : options.pin
    ? { kind: "pin", pin: options.pin }
    : { kind: "first-use" };
  const opened = await openRoot(gun, root, anchor, floorsOf(cached), at);
  const newest = await followRoots(server, opened, root);
  const stamped = await advanceTimestamp(newest, existing("timestamp", read.get("timestamp")));
  const fetched = async (name: RoleName, meta: FileMeta | undefined) => {
    const bytes = read.get(name);
    return bytes && (!meta || fits(bytes, meta)) ? bytes : meta && await byHash(server, gun, name, meta);
  };
  const snapshotMeta = stamped.timestamp.meta.get("snapshot");
  const snapped = await advanceSnapshot(stamped, existing("snapshot", await fetched("snapshot", snapshotMeta)));
  const meta = snapped.snapshot.meta;
  let repository = await advanceTargets(snapped, existing("targets", await fetched("targets", meta.get("targets"))));
  for (let open = openDelegations(repository); open.length > 0; open = openDelegations(repository)) {
    if (repository.delegations.size + open.length > MAX_DELEGATIONS) throw tooMany(gun);
    const files = await Promise.all(open.map(({ name }) => meta.has(name) ? fetched(name, meta.get(name)) : undefined));
    for (const [i, delegation] of open.entries()) {
      repository = await advanceDelegation(repository, delegation, files[i]);
    }
  }
  if (options.pin) requirePinned(repository.root, gun, options.pin); // also where a copy was trusted already
  return { repository, firstUse: anchor.kind === "first-use" };
}

async function followRoots(server: TrustServer, phase: RootPhase, newest: Bytes): Promise<RootPhase> {
  const target = parseRoot(newest).version;
  const steps = target - phase.root.version - 1;
  if (steps > MAX_ROOT_STEPS) {
    throw new TagsealError(
      "trust-invalid",
      `The root of "${phase.gun}" is ${steps} versions ahead of the trusted one`,
      {
        remedy: `Ask the repository's administrator; at most ${MAX_ROOT_STEPS} are followed`,
        details: { gun: phase.gun },
      },
    );
  }
  if (steps > 0) {
    const between = Array.from({ length: steps }, (_, i) => phase.root.version + 1 + i);
    const files = await Promise.all(between.map((version) => server.read(phase.gun, `${version}.root`)));
    // Where one is missing, the next must be signed by the keys of the one before the gap: that is judged there.
    for (const file of files) if (file) phase = await advanceRoot(phase, file);
  }
  return await advanceRoot(phase, newest);
}

/** What was trusted before, by version. A damaged copy (but of root) sets no floor: it is replaced. */
function floorsOf(cached: ReadonlyMap<RoleName, Bytes>): Floors {
  const floors = new Map<RoleName, number>();
  for (const [name, bytes] of cached) {
    if (name === "root") continue;
    try {
      const listing = name === "timestamp" || name === "snapshot";
      floors.set(name, (listing ? parseListing(name, bytes) : parseTargets(name, bytes)).version);
    } catch (error) {
      if (!isTagsealError(error, "trust-invalid")) throw error;
    }
  }
  return floors;
}

async function byHash(server: TrustServer, gun: string, name: RoleName, meta: FileMeta): Promise<Bytes | undefined> {
  const sha256 = meta.hashes.get("sha256");
  return sha256 && await server.read(gun, `${name}.${sha256.toHex()}`);
}

function fits(bytes: Bytes, meta: FileMeta): boolean {
  const [name, digest] = [...meta.hashes][0]!;
  return bytes.length === meta.length && equalBytes(hash(name, bytes), digest);
}

function same(a: Bytes | undefined, b: Bytes | undefined): boolean {
  return a && b ? equalBytes(a, b) : a === b;
}

function existing(name: string, bytes: Bytes | undefined): Bytes {
  if (bytes) return bytes;
  throw new TagsealError("trust-invalid", `The Notary server does not have "${name}", though it must exist`, {
    remedy: "Do not use this repository: its server is damaged or withholds data. Tell its operator",
    details: { role: name },
  });
}

function noRepository(url: URL, gun: string): TagsealError {
  return new TagsealError("not-found", `The Notary server "${url.origin}" has no trust data for "${gun}"`, {
    remedy: "Check the repository's name and --notary-url; a new repository is set up with tagseal init",
    details: { repository: gun, url: url.origin },
  });
}

function tooMany(gun: string): TagsealError {
  return new TagsealError("trust-invalid", `The repository "${gun}" has more than ${MAX_DELEGATIONS} delegations`, {
    remedy: "Ask the repository's administrator to remove what is not needed",
    details: { repository: gun },
  });
}
