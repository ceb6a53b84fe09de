/**
 * The trusted state of one repository. No I/O and no clock: bytes in, a new state out.
 *
 * Order (TUF 5.3 to 5.6), each step taking the state that the one before returned, so that a wrong order does not
 * compile:
 *
 *  1. `openRoot`: a first root is held to the anchor: the copy that is trusted already, a pin, or nothing (first use);
 *  2. `advanceRoot`: each newer root is signed by the keys of the root before it and by its own;
 *  3. `advanceTimestamp`: the final root must not have expired; signed, not older than the floor, not expired;
 *  4. `advanceSnapshot`: is the file the timestamp names; signed, not older, not expired; names this very root;
 *  5. `advanceTargets`: is the file the snapshot names; signed, not older, not expired;
 *  6. `advanceDelegation`: the same against its parent. Badly signed or expired, it is skipped with a reason, and with
 *     it all below; anything else that is wrong fails the repository. A delegation that the snapshot does not name has
 *     never been published.
 *
 * Notary v1 differs from the TUF specification: `_type` is capitalised, roles list no `spec_version`, snapshot lists
 * root, versions of listed files are not listed but their hashes, and root keys are certificates for the GUN.
 *
 * @module
 */
import { type Bytes, equalBytes, sameBytes } from "../bytes/bytes.ts";
import { KnownSignatures } from "../crypto/known_signatures.ts";
import { TagsealError } from "../errors.ts";
import type { Delegation, FileMeta, Metadata, Targets } from "./models.ts";
import { parseKept, parseListing, parseRoot, parseTargets } from "./parse.ts";
import { type DelegationRole, parentOf, type RoleName } from "./roles.ts";
import { isListed } from "./listed.ts";
import { requirePinned, type RootPin, usableRootKeys } from "./root_keys.ts";
import { requireSigned, signatureFault } from "./threshold.ts";
import type { DelegationState, RepositoryView } from "./view.ts";

/** What the first root is held to. */
export type Anchor =
  /** The copy that is trusted already. */
  | { readonly kind: "known"; readonly root: Bytes }
  /** A pin; with `root`, an older root that holds it, where the newest one does not. */
  | { readonly kind: "pin"; readonly pin: RootPin; readonly root?: Bytes }
  | { readonly kind: "first-use"; readonly root?: undefined };

/**
 * The files that were trusted before. No role may fall below the version of its file, nor show other content under the
 * same version (TUF 5.4.3.1, 5.5.5, 5.6.4). Of what was damaged since, nothing can be said.
 */
export type Floors = ReadonlyMap<RoleName, Bytes>;

/**
 * What this file alone can make: nothing that is written down, or made from one by a spread, is of this type. Steps take
 * the kind of the step before, and no other.
 */
class Proof<Kind extends string> {
  /** Nothing at all; without a member that is not public the type would be its shape, which anything can have. */
  declare protected readonly proven: true;
  /** How far it has come. */
  readonly kind: Kind;

  /** What was proved. */
  constructor(kind: Kind) {
    this.kind = kind;
  }
}
export type { Proof };

function proven<Kind extends string, Facts extends Judged & { readonly kind?: string }>(
  kind: Kind,
  { kind: _before, ...facts }: Facts,
): Proof<Kind> & Omit<Facts, "kind"> {
  return Object.assign(new Proof(kind), facts);
}

/** What every step knows. */
export interface Judged extends Pick<RepositoryView, "gun" | "at" | "root"> {
  /** The files trusted before. */
  readonly floors: Floors;
  /** What need not be verified again. */
  readonly seen: KnownSignatures;
}

/** Root is trusted, though perhaps not the newest one yet. */
export type RootPhase = Proof<"root"> & Judged;

/** Root is final, timestamp is trusted. */
export type TimestampPhase = Proof<"timestamp"> & Judged & Pick<RepositoryView, "timestamp">;

/** Snapshot is trusted. */
export type SnapshotPhase = Proof<"snapshot"> & Judged & Pick<RepositoryView, "timestamp" | "snapshot">;

/** The whole repository is trusted, delegations as far as they were advanced. */
export type TrustedRepository = Proof<"repository"> & Judged & RepositoryView;

/**
 * Step 1. The anchor's kind `known` returns the known root; go on with {@linkcode advanceRoot} to what the server has.
 *
 * @throws {TagsealError} `trust-invalid`
 */
export async function openRoot(
  gun: string,
  bytes: Bytes,
  anchor: Anchor,
  floors: Floors,
  at: Date,
  seen: KnownSignatures = new KnownSignatures(),
): Promise<RootPhase> {
  const older = anchor.root;
  const root = parseRoot(older ?? bytes);
  if (anchor.kind === "pin") await requirePinned(root, gun, anchor.pin, at, seen);
  // An older root may have expired since, its certificates too: it still speaks for its successor.
  const keys = older ? root.roles.root : await usableRootKeys(root, gun, at, seen);
  await requireSigned(root.envelope, keys, "root", "its own keys", seen);
  return proven("root", { gun, at, floors, root, seen });
}

/** Step 1 where this very root was trusted a moment ago, to be judged at another time and by other floors. */
export function reopenRoot(gun: string, { root, seen }: TrustedRepository, floors: Floors, at: Date): RootPhase {
  return proven("root", { gun, at, floors, root, seen });
}

/**
 * Step 2: takes the same root again, or a newer one (TUF 5.3.3 to 5.3.7). Versions may be jumped where the keys of the
 * trusted root signed the newer one.
 *
 * @throws {TagsealError} `trust-invalid`
 */
export async function advanceRoot(phase: RootPhase, bytes: Bytes): Promise<RootPhase> {
  const next = parseRoot(bytes);
  if (next.version === phase.root.version) {
    // The same content, perhaps in other bytes; the snapshot names those that the server shows now.
    if (equalBytes(next.envelope.payload, phase.root.envelope.payload)) return proven("root", { ...phase, root: next });
    throw replaced("root", next.version);
  }
  if (next.version < phase.root.version) throw rollback("root", next.version, phase.root.version);
  await requireSigned(next.envelope, phase.root.roles.root, "root", "the keys of the root trusted so far", phase.seen);
  await requireSigned(next.envelope, next.roles.root, "root", "its own keys", phase.seen);
  return proven("root", { ...phase, root: next });
}

/** Step 3 (TUF 5.4). @throws {TagsealError} `trust-invalid` */
export async function advanceTimestamp(phase: RootPhase, bytes: Bytes): Promise<TimestampPhase> {
  const { root, gun, at, floors, seen } = phase;
  const keys = await usableRootKeys(root, gun, at, seen);
  await requireSigned(root.envelope, keys, "root", "its own keys that count for this name", seen);
  requireFresh(root, "root", at); // TUF 5.3.10: the final root only
  const timestamp = parseListing("timestamp", bytes);
  await requireSigned(timestamp.envelope, root.roles.timestamp, "timestamp", "the key that root names", seen);
  requireSuccessor(timestamp, "timestamp", floors.get("timestamp"));
  requireFresh(timestamp, "timestamp", at);
  return proven("timestamp", { ...phase, timestamp });
}

/** Step 4 (TUF 5.5). @throws {TagsealError} `trust-invalid` */
export async function advanceSnapshot(phase: TimestampPhase, bytes: Bytes): Promise<SnapshotPhase> {
  await requireListed(bytes, phase.timestamp.meta.get("snapshot")!, "snapshot", "timestamp");
  const snapshot = parseListing("snapshot", bytes);
  await requireSigned(snapshot.envelope, phase.root.roles.snapshot, "snapshot", "the key that root names", phase.seen);
  requireSuccessor(snapshot, "snapshot", phase.floors.get("snapshot"));
  requireFresh(snapshot, "snapshot", phase.at);
  await requireListed(phase.root.envelope.bytes, snapshot.meta.get("root")!, "root", "snapshot");
  return proven("snapshot", { ...phase, snapshot });
}

/**
 * Step 5 (TUF 5.6).
 *
 * @param before the repository a moment ago: a file that it had in the same bytes is judged, and not parsed again
 * @throws {TagsealError} `trust-invalid`
 */
export async function advanceTargets(
  phase: SnapshotPhase,
  bytes: Bytes,
  before?: TrustedRepository,
): Promise<TrustedRepository> {
  const targets = await namedTargets(phase, "targets", bytes, before?.targets);
  await requireSigned(targets.envelope, phase.root.roles.targets, "targets", "the key that root names", phase.seen);
  requireSuccessor(targets, "targets", phase.floors.get("targets"));
  requireFresh(targets, "targets", phase.at);
  return proven("repository", { ...phase, targets, delegations: new Map() });
}

/**
 * The delegations that can be advanced next: their parent is trusted, and nothing is known of them yet. In the order
 * of their parent's file, parents first.
 */
export function openDelegations(repository: TrustedRepository): Delegation[] {
  const trusted = [...repository.delegations.values()].flatMap((d) => d.kind === "trusted" ? [d.file] : []);
  return [repository.targets, ...trusted].flatMap((file) => file.delegations)
    .filter((delegation) => !repository.delegations.has(delegation.name));
}

/**
 * Step 6 (TUF 5.6.7). `bytes` is `undefined` where the snapshot does not name the delegation.
 *
 * @throws {TagsealError} `trust-invalid` where the file is not the one the snapshot names, or malformed, or older
 */
export async function advanceDelegation(
  repository: TrustedRepository,
  delegation: Delegation,
  bytes: Bytes | undefined,
): Promise<TrustedRepository> {
  return withState(repository, delegation, await delegationState(repository, delegation, bytes));
}

/** A delegation that cannot be looked at, for another reason than what it says. */
export function skipDelegation(
  repository: TrustedRepository,
  delegation: Delegation,
  reason: string,
): TrustedRepository {
  return withState(repository, delegation, { kind: "skipped", delegation, reason });
}

function withState(repository: TrustedRepository, { name }: Delegation, state: DelegationState): TrustedRepository {
  const delegations = new Map([...repository.delegations, [name, state] as const]);
  return proven("repository", { ...repository, delegations });
}

async function delegationState(
  repository: TrustedRepository,
  delegation: Delegation,
  bytes: Bytes | undefined,
): Promise<DelegationState> {
  if (!repository.snapshot.meta.has(delegation.name)) {
    if (!parseKept(repository.floors.get(delegation.name))) return { kind: "unpublished", delegation };
    throw invalid(delegation.name, "it was published before, and the snapshot does not name it any more");
  }
  if (!bytes) throw invalid(delegation.name, "the snapshot names it, and the server does not have it");
  const { name } = delegation;
  const file = await namedTargets(repository, name, bytes);
  const { version } = file;
  const whose = `the keys that "${parentOf(name)}" names`;
  const unsigned = await signatureFault(file.envelope, delegation, name, whose, repository.seen);
  if (unsigned) return { kind: "skipped", delegation, reason: unsigned.message, version };
  requireSuccessor(file, name, repository.floors.get(name));
  const expired = expiryFault(file, name, repository.at);
  if (expired) return { kind: "skipped", delegation, reason: expired.message, version, expired: file };
  return { kind: "trusted", delegation, file };
}

/** The file of a role that lists tags, as the snapshot names it; its signatures have not been looked at. */
async function namedTargets(
  phase: Pick<SnapshotPhase, "snapshot">,
  role: "targets" | DelegationRole,
  bytes: Bytes,
  before?: Targets,
): Promise<Targets> {
  await requireListed(bytes, phase.snapshot.meta.get(role)!, role, "snapshot");
  return before && sameBytes(before.envelope.bytes, bytes) ? before : parseTargets(role, bytes);
}

async function requireListed(bytes: Bytes, meta: FileMeta, role: RoleName, parent: RoleName): Promise<void> {
  if (!await isListed(bytes, meta)) throw invalid(role, `it is not the file that the ${parent} names`);
}

function requireSuccessor(next: Metadata, role: RoleName, kept: Bytes | undefined): void {
  const { bytes } = next.envelope;
  if (sameBytes(kept, bytes)) return; // the usual case: nothing is read a second time
  const before = parseKept(kept);
  if (!before || next.version > before.version) return;
  if (next.version < before.version) throw rollback(role, next.version, before.version);
  if (!equalBytes(before.payload(), next.envelope.payload)) throw replaced(role, next.version);
}

function rollback(role: RoleName, version: number, trusted: number): TagsealError {
  return invalid(role, `it has version ${version}, and version ${trusted} was trusted before (rollback)`);
}

function replaced(role: RoleName, version: number): TagsealError {
  return invalid(role, `it has version ${version} like the trusted one, but other content`);
}

function requireFresh(metadata: Metadata, role: RoleName, at: Date): void {
  const fault = expiryFault(metadata, role, at);
  if (fault) throw fault;
}

function expiryFault(metadata: Metadata, role: RoleName, at: Date): TagsealError | undefined {
  if (at < metadata.expires) return undefined;
  return new TagsealError("trust-invalid", `The trust data of "${role}" expired on ${metadata.expiresText}`, {
    remedy: `Ask the repository's administrator to publish it anew (${
      role === "timestamp" || role === "snapshot" ? "the server signs this role" : "with the key of this role"
    }), and check this machine's clock`,
    details: { role, expires: metadata.expiresText },
    reason: "role",
    byClock: "over",
  });
}

function invalid(role: RoleName, why: string): TagsealError {
  return new TagsealError("trust-invalid", `The trust data of "${role}" is not acceptable: ${why}`, {
    remedy: "Do not use this data: the server may have been tampered with. Tell the repository's administrator",
    details: { role },
    reason: "role",
  });
}
