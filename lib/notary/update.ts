/**
 * Reads a repository from a Notary server and verifies it, in as few round trips as can be.
 *
 * All files are asked for under their plain names, at once, then judged in the order of `tuf/trusted.ts`. If somebody
 * publishes meanwhile, the files may not fit together: the one that does not fit is fetched again by the hash that its
 * parent names, and where even root or timestamp have moved on, the reading starts over.
 *
 * The local copy is brought up to date when all is verified, and only if it is still the one that all was verified
 * against; otherwise another process was faster, and everything is judged once more against what that one trusted.
 *
 * @module
 */
import { type Bytes, equalBytes, sameBytes } from "../bytes/bytes.ts";
import { digest } from "../crypto/hash.ts";
import { KnownSignatures } from "../crypto/known_signatures.ts";
import { isTagsealError, TagsealError } from "../errors.ts";
import { isTooLong } from "../http/send.ts";
import type { FileMeta } from "../tuf/models.ts";
import { isDelegation, parentOf, RELEASES, type RoleName } from "../tuf/roles.ts";
import type { RootPin } from "../tuf/root_keys.ts";
import {
  advanceDelegation,
  advanceSnapshot,
  advanceTargets,
  advanceTimestamp,
  openDelegations,
  openRoot,
  type RootPhase,
  skipDelegation,
  type TrustedRepository,
} from "../tuf/trusted.ts";
import { cannotStandIn, isServerDown } from "./offline.ts";
import { followKnown, openPinned } from "./roots.ts";
import type { FileChanges, MetadataStore } from "./metadata_store.ts";
import { connecting, type Copy, probable, readFiles } from "./first_round.ts";
import { NamedBytes, PIN_ROOT } from "./sizes.ts";
import { noNotary, type TrustServer } from "./trust_server.ts";

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
  /**
   * What root is held to, met for the first time or not: the newest root, or an older one that leads to it. Without a pin
   * a first root is trusted on first use; with `"required"` only a root that is known already is trusted.
   */
  readonly pin?: RootPin | undefined;
  /** Delegations likely to be there, fetched along with the rest; `targets/releases` always is. */
  readonly expected?: readonly RoleName[];
  /**
   * What the server probably has, root too: taken for that where its snapshot names it, and asked for otherwise. Unless
   * given, what changes seldom of what was trusted before.
   */
  readonly atHand?: ReadonlyMap<RoleName, Bytes> | undefined;
  /**
   * Whether the local copy may stand in, as long as nothing of it has expired, where the server cannot be asked; never
   * where something is to be published. Refused unless said.
   */
  readonly offline?: "allowed" | "refused" | undefined;
  /** What this command has read of it before: the same is neither parsed nor verified again, and judged all the same. */
  readonly before?: TrustedRepository | undefined;
  /**
   * Called once all is asked for, and before anything is answered: for what keeps the processor busy and can be done
   * before. It is waited for, however reading ends, and does not fail.
   */
  readonly meanwhile?: (() => Promise<void>) | undefined;
  /** Lets other work of the process go on, between large files: it throws where the command was interrupted. */
  readonly pause?: (() => Promise<void>) | undefined;
}

/** A repository that was read and verified. */
export interface ReadResult {
  /** Its trusted state. */
  readonly repository: TrustedRepository;
  /** Whether its root was trusted without any proof, because it was met for the first time and not pinned. */
  readonly firstUse: boolean;
  /** Why the server could not be asked, where the local copy stood in: what is newer is not known, so say it loudly. */
  readonly offline: string | undefined;
}

/** How many delegations one repository may have. */
const MAX_DELEGATIONS = 1000;
/** Files above this many bytes take the process for longer than a moment. */
const LONG_WORK_BYTES = 2 ** 20;
const ATTEMPTS = 3;
/** How often other processes may be faster. */
const MAX_OVERTAKEN = 50;

/**
 * Reads and verifies a repository.
 *
 * @throws {TagsealError} `not-found` where the server has none of that name; `trust-invalid`; what the server's calls
 *   throw, also where the local copy may stand in and cannot
 */
export async function readRepository(options: ReadOptions): Promise<ReadResult> {
  const cached = await options.store.read(options.gun);
  if (options.pin === "required" && !cached.has("root")) throw notPinned(options.gun);
  if (!mayStandIn(options, cached)) return await readOnline(options, cached);
  const { server } = options;
  const read: TrustServer["read"] = (gun, name, allowance) => server.read(gun, name, { ...allowance, brief: true });
  try {
    return await readOnline({ ...options, server: { ...server, read } }, cached);
  } catch (error) {
    if (!isServerDown(error)) throw error;
    return await readCopy(options, cached, error);
  }
}

function mayStandIn(options: ReadOptions, cached: Copy): boolean {
  return options.offline === "allowed" && cached.has("root") && cached.has("timestamp");
}

async function readOnline(options: ReadOptions, cached: Copy): Promise<ReadResult> {
  const { server, gun, store } = options;
  const names = new Set<RoleName>(["root", "timestamp", "snapshot", "targets", RELEASES]);
  for (const name of [...options.expected ?? [], ...cached.keys()]) names.add(name);
  let { atHand } = options;
  for (let attempt = 1, overtaken = 0;;) {
    const reading = readFiles(server, gun, names, cached, probable(cached, atHand));
    const { meanwhile } = options;
    const other = meanwhile && !options.before && await connecting(reading) ? meanwhile() : undefined;
    const read = await reading.finally(() => other);
    let wasGood = false;
    try {
      for (;;) {
        const result = await verify(options, read, cached);
        wasGood = true;
        const isKept = await store.write(gun, changesOf(result.repository, cached), cached);
        if (isKept || ++overtaken > MAX_OVERTAKEN) return result;
        cached = await store.read(gun);
      }
    } catch (error) {
      if (!isTagsealError(error, "trust-invalid")) throw error;
      atHand = atHand && new Map([...atHand].filter(([name]) => name !== "root"));
      // Good a moment ago: another process has seen something newer since. The server is asked for that.
      if (wasGood) continue;
      if (attempt++ === ATTEMPTS) throw error;
      // Either it is wrong, or root and timestamp were read from two different moments.
      const again = await Promise.all([server.read(gun, "root"), server.read(gun, "timestamp")]);
      if (sameBytes(again[0], read.get("root")) && sameBytes(again[1], read.get("timestamp"))) throw error;
    }
  }
}

/** The local copy alone, judged as if it came from the server, while that cannot be asked. */
async function readCopy(options: ReadOptions, cached: Copy, why: TagsealError): Promise<ReadResult> {
  const read = (_gun: string, name: string) => Promise.resolve(cached.get(name as RoleName));
  try {
    const result = await verify({ ...options, server: { ...options.server, read } }, cached, cached, true);
    return { ...result, offline: why.message };
  } catch (error) {
    if (!isTagsealError(error, "trust-invalid")) throw error;
    throw cannotStandIn(options.gun, why, error);
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

/** What becomes of the local copy: delegations that their parent does not list any more are forgotten. */
function changesOf(repository: TrustedRepository, cached: Copy): FileChanges {
  const isGone = (name: RoleName): boolean => {
    if (!isDelegation(name) || repository.delegations.has(name)) return false;
    const parent = parentOf(name);
    return parent === "targets" || repository.delegations.get(parent)?.kind === "trusted" || isGone(parent);
  };
  const gone = [...cached.keys()].filter(isGone).map((name) => [name, undefined] as const);
  return new Map<RoleName, Bytes | undefined>([...filesOf(repository), ...gone]);
}

async function verify(
  options: ReadOptions,
  read: ReadonlyMap<RoleName, Bytes | undefined>,
  cached: Copy,
  isCopy = false,
): Promise<ReadResult> {
  const { server, gun } = options;
  const firstUse = !cached.has("root") && !options.pin;
  const named = new NamedBytes(gun, firstUse);
  const root = read.get("root");
  if (!root) throw await server.isNotary?.(gun) === false ? noNotary(server.url, gun) : noRepository(server.url, gun);
  const newest = await trustedRoot(options, root, cached);
  const stamped = await advanceTimestamp(newest, existing("timestamp", read.get("timestamp")));
  const fetched = async (name: RoleName, meta: FileMeta | undefined) => {
    const bytes = read.get(name);
    return bytes && (!meta || await fits(bytes, meta)) ? bytes : meta && await byHash(server, gun, name, meta);
  };
  const snapshotMeta = stamped.timestamp.meta.get("snapshot");
  named.take("snapshot", snapshotMeta);
  const snapped = await advanceSnapshot(stamped, existing("snapshot", await fetched("snapshot", snapshotMeta)));
  const meta = snapped.snapshot.meta;
  named.take("targets", meta.get("targets"));
  let repository = await advanceTargets(
    snapped,
    existing("targets", await fetched("targets", meta.get("targets"))),
    options.before,
  );
  for (let open = openDelegations(repository); open.length > 0; open = openDelegations(repository)) {
    if (repository.delegations.size + open.length > MAX_DELEGATIONS) throw tooMany(gun);
    for (const { name } of open) named.take(name, meta.get(name)); // of all, before any is asked for
    const files = await Promise.all(open.map(({ name }) => meta.has(name) ? fetched(name, meta.get(name)) : undefined));
    for (const [i, delegation] of open.entries()) {
      if ((files[i]?.length ?? 0) > LONG_WORK_BYTES) await options.pause?.();
      // Delegations that were skipped when the copy was made are not part of it.
      repository = isCopy && !files[i] && meta.has(delegation.name)
        ? skipDelegation(repository, delegation, "there is no copy of it here")
        : await advanceDelegation(repository, delegation, files[i]);
    }
  }
  return { repository, firstUse, offline: undefined };
}

/** The newest root, held to the copy that is trusted already and to the pin, to each of them where there are both. */
async function trustedRoot(options: ReadOptions, newest: Bytes, cached: Copy): Promise<RootPhase> {
  const { server, gun, pin, at, store, before } = options;
  const known = cached.get("root");
  const seen = before?.seen ?? new KnownSignatures();
  const judgement = { gun, at, floors: cached, folder: store.folderOf?.(gun), before, seen };
  const fromKnown = known && await followKnown(server, judgement, known, newest);
  if (pin && pin !== "required") {
    const fromPin = await openPinned(server, judgement, pin, newest);
    return fromKnown ?? fromPin;
  }
  return fromKnown ?? await openRoot(gun, newest, { kind: "first-use" }, cached, at, seen);
}

async function byHash(server: TrustServer, gun: string, name: RoleName, meta: FileMeta): Promise<Bytes | undefined> {
  const sha256 = meta.hashes.get("sha256");
  // Files are addressed by this hash only; where the parent names another one, the newest has to be the right one.
  const file = sha256 ? `${name}.${sha256.toHex()}` : name;
  return await server.read(gun, file, { maxBytes: meta.length }).catch((error) => {
    throw isTooLong(error) ? notAsNamed(name, error) : error;
  });
}

/** One hash is enough to take another one for it: whatever is taken is looked at whole by the step that takes it. */
async function fits(bytes: Bytes, meta: FileMeta): Promise<boolean> {
  const [name, named] = [...meta.hashes][0]!;
  return bytes.length === meta.length && equalBytes(await digest(name, bytes), named);
}

function existing(name: string, bytes: Bytes | undefined): Bytes {
  if (bytes) return bytes;
  throw new TagsealError("trust-invalid", `The Notary server does not have "${name}", though it must exist`, {
    remedy: "Do not use this repository: its server is damaged or withholds data. Tell its operator",
    details: { role: name },
    reason: "role",
  });
}

function notAsNamed(name: RoleName, cause: unknown): TagsealError {
  return new TagsealError("trust-invalid", `The Notary server has another "${name}" than the one that must be there`, {
    remedy: "Do not use this repository: its server is damaged or was tampered with. Tell its operator",
    details: { role: name },
    reason: "role",
    cause,
  });
}

function noRepository(url: URL, gun: string): TagsealError {
  return new TagsealError("not-found", `The Notary server "${url.origin}" has no trust data for "${gun}"`, {
    remedy: "Check the repository's name and the Notary server's address; a new repository has to be set up first",
    next: { do: "check-repository" },
    details: { repository: gun, url: url.origin },
  });
}

function notPinned(gun: string): TagsealError {
  return new TagsealError("trust-invalid", `The root of "${gun}" is not known here and not pinned`, {
    ...PIN_ROOT,
    details: { repository: gun },
  });
}

function tooMany(gun: string): TagsealError {
  return new TagsealError("trust-invalid", `The repository "${gun}" has more than ${MAX_DELEGATIONS} delegations`, {
    remedy: "Ask the repository's administrator to remove what is not needed",
    details: { repository: gun },
  });
}
