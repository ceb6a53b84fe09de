/** Documents of the release repository, made from those before them and the clock. @module */
import * as tuf from "@tufjs/models";
import { type Bytes, utf8 } from "../bytes/bytes.ts";
import { sha256Hex } from "../crypto/hash.ts";
import type { PublicKey } from "../crypto/keys.ts";
import { type ReleaseDocument, releaseKeyOf, type ReleaseRole } from "./keys.ts";
import type { Metadata, MetaFile, Root, Snapshot, TargetFile, Targets, Timestamp } from "./models.ts";

/** Of the specification that tuf-js follows. */
const SPEC_VERSION = "1.0.31";
const DAY_MS = 86_400_000;

/** For how many days each role's documents count: people sign the first two, `renew` the others. */
const DAYS: Readonly<Record<ReleaseRole, number>> = { root: 365, targets: 365, snapshot: 30, timestamp: 10 };

/** A snapshot that ends within so many days is signed anew with the timestamp. */
export const RENEW_WITHIN_MS: number = 15 * DAY_MS;

/** What people sign is asked for anew so long before it ends. */
export const WARN_WITHIN_MS: number = 60 * DAY_MS;

/** The keys of a role, and how many of them must sign. */
export interface RoleKeys {
  /** All of them. */
  readonly keys: readonly PublicKey[];
  /** How many must sign. */
  readonly threshold: number;
}

function common(role: ReleaseRole, before: { readonly version: number } | undefined, now: Date) {
  const expires = new Date(now.getTime() + DAYS[role] * DAY_MS).toISOString().replace(/\.\d+/, "");
  return { version: (before?.version ?? 0) + 1, specVersion: SPEC_VERSION, expires };
}

/** The next root: as it was, but for the roles that are given. */
export function nextRoot(
  before: Root | undefined,
  changes: Readonly<Partial<Record<ReleaseRole, RoleKeys>>>,
  now: Date,
): Metadata<Root> {
  const keys = new Map(Object.entries(before?.keys ?? {}));
  const roles = new Map(
    Object.entries(before?.roles ?? {}).map(([name, { keyIDs, threshold }]) => [name, { keyids: keyIDs, threshold }]),
  );
  for (const [name, { keys: own, threshold }] of Object.entries(changes)) {
    const listed = own.map(releaseKeyOf);
    for (const key of listed) keys.set(key.keyID, key);
    roles.set(name, { keyids: listed.map(({ keyID }) => keyID), threshold });
  }
  const used = new Set([...roles.values()].flatMap(({ keyids }) => keyids));
  const { version, specVersion, expires } = common("root", before, now);
  const root = tuf.Root.fromJSON({
    _type: "root",
    version,
    spec_version: specVersion,
    expires,
    consistent_snapshot: true,
    keys: Object.fromEntries([...keys].filter(([id]) => used.has(id)).map(([id, key]) => [id, key.toJSON()])),
    roles: Object.fromEntries(roles),
  });
  return new tuf.Metadata(root);
}

/** The next list of targets: those before, and these. */
export function nextTargets(before: Targets | undefined, files: readonly TargetFile[], now: Date): Metadata<Targets> {
  const all = [...Object.values(before?.targets ?? {}), ...files];
  const targets = Object.fromEntries(all.map((file) => [file.path, file]));
  return new tuf.Metadata(new tuf.Targets({ ...common("targets", before, now), targets }));
}

/** The next snapshot, of this list of targets. */
export function nextSnapshot(before: Snapshot | undefined, targets: MetaFile, now: Date): Metadata<Snapshot> {
  return new tuf.Metadata(new tuf.Snapshot({ ...common("snapshot", before, now), meta: { "targets.json": targets } }));
}

/** The next timestamp, of this snapshot. */
export function nextTimestamp(before: Timestamp | undefined, snapshotMeta: MetaFile, now: Date): Metadata<Timestamp> {
  return new tuf.Metadata(new tuf.Timestamp({ ...common("timestamp", before, now), snapshotMeta }));
}

/** How another document names this one. */
export function metaOf(metadata: Metadata<ReleaseDocument>): MetaFile {
  const bytes = bytesOf(metadata);
  return new tuf.MetaFile({
    version: metadata.signed.version,
    length: bytes.length,
    hashes: { sha256: sha256Hex(bytes) },
  });
}

/** A document as it is published. */
export function bytesOf(metadata: Metadata<ReleaseDocument>): Bytes {
  return utf8(`${JSON.stringify(metadata.toJSON(), undefined, 1)}\n`);
}

/** The time until a document counts, in milliseconds from `now`. */
export function lifeLeft({ signed }: Metadata<ReleaseDocument>, now: Date): number {
  return Date.parse(signed.expires) - now.getTime();
}
