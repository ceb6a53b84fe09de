/** The way from a root that is trusted already, or pinned, to the one that the server shows. @module */
import { type Bytes, sameBytes } from "../bytes/bytes.ts";
import type { KeyId } from "../crypto/keys.ts";
import type { KnownSignatures } from "../crypto/known_signatures.ts";
import { isTagsealError, reworded, TagsealError } from "../errors.ts";
import type { Root } from "../tuf/models.ts";
import { parseRoot } from "../tuf/parse.ts";
import { isPinned, type RootPin } from "../tuf/root_keys.ts";
import {
  advanceRoot,
  type Floors,
  openRoot,
  reopenRoot,
  type RootPhase,
  type TrustedRepository,
} from "../tuf/trusted.ts";
import { unverifiedTotal } from "./sizes.ts";
import type { TrustServer } from "./trust_server.ts";

/** What roots are judged by. */
export interface Judgement {
  /** The repository. */
  readonly gun: string;
  /** The time everything is judged at. */
  readonly at: Date;
  /** What was trusted before. */
  readonly floors: Floors;
  /** The folder of what was trusted before, to be told. */
  readonly folder?: string | undefined;
  /** What was trusted a moment ago: the same is not verified again. */
  readonly before?: TrustedRepository | undefined;
  /** What was verified. */
  readonly seen: KnownSignatures;
}

/** How many root versions may lie between the trusted root and the newest one. */
const MAX_ROOT_STEPS = 256;

/**
 * The newest root, held to the local copy of an older one.
 *
 * @throws {TagsealError} `trust-invalid`, also where the copy is damaged: it is never silently replaced
 */
export async function followKnown(
  server: TrustServer,
  judgement: Judgement,
  known: Bytes,
  newest: Bytes,
): Promise<RootPhase> {
  const phase = await openKnown(judgement, known);
  if (sameBytes(known, newest)) return phase;
  try {
    return await followRoots(server, phase, newest);
  } catch (error) {
    throw perhapsAnew(error, judgement, phase.root, newest);
  }
}

/** A root without any key of the one before is either an attack or a repository that was set up anew. */
function perhapsAnew(error: unknown, { gun, folder }: Judgement, known: Root, newest: Bytes): unknown {
  if (!isTagsealError(error, "trust-invalid")) return error;
  const [before, now] = [known, parseRoot(newest)].map(({ roles }) =>
    [...roles.root.keys.values()].map(({ canonicalId }) => canonicalId)
  ) as [KeyId[], KeyId[]];
  if (now.some((id) => before.includes(id))) return error;
  const copy = folder === undefined ? "the copy of it" : `"${folder}"`;
  return reworded(
    error,
    `${error.message}. The server's root has the key ${now.join(", ")}, the one trusted here ${before.join(", ")}`,
    {
      remedy:
        `Do not use this data unless the administrator of "${gun}" confirms, not through this server, that it was ` +
        `set up anew and that the first of these keys is its root key. Then move ${copy} away, and pin the new root ` +
        "certificate",
      next: { do: "pin-confirmed-root", repository: gun, folder },
      details: { rootKeyIds: now, knownRootKeyIds: before },
    },
  );
}

async function openKnown({ gun, at, floors, folder, before, seen }: Judgement, root: Bytes): Promise<RootPhase> {
  if (before && sameBytes(before.root.envelope.bytes, root)) return reopenRoot(gun, before, floors, at);
  try {
    return await openRoot(gun, root, { kind: "known", root }, floors, at, seen);
  } catch (error) {
    if (!isTagsealError(error, "trust-invalid")) throw error;
    throw new TagsealError("trust-invalid", `The local copy of the root of "${gun}" is damaged: ${error.message}`, {
      remedy: "Restore it from a backup. If there is none, ask the repository's administrator for the root " +
        `certificate, move ${folder === undefined ? "the copy" : `"${folder}"`} away, and pin that certificate`,
      next: { do: "restore-root", folder },
      details: { repository: gun, role: "root" },
      cause: error,
    });
  }
}

/**
 * The newest root under a pin. Where it does not hold the pin itself, since the root key was rotated, the latest earlier
 * root that does is looked for, and followed to the newest one.
 *
 * @throws {TagsealError} `trust-invalid` where no root that is followed holds the pin
 */
export async function openPinned(
  server: TrustServer,
  { gun, at, floors, seen }: Judgement,
  pin: RootPin,
  newest: Bytes,
): Promise<RootPhase> {
  const root = parseRoot(newest);
  const anchor = { kind: "pin", pin } as const;
  if (root.version > 1 && !await isPinned(root, gun, pin, at, seen)) {
    const older = await readRoots(server, gun, Math.max(1, root.version - MAX_ROOT_STEPS), root.version - 1);
    for (const [i, bytes] of [...older.entries()].reverse()) {
      if (!await isPinned(parseRoot(bytes), gun, pin, at, seen)) continue;
      let phase = await openRoot(gun, newest, { ...anchor, root: bytes }, floors, at, seen);
      for (const next of [...older.slice(i + 1), newest]) phase = await advanceRoot(phase, next);
      return phase;
    }
  }
  return await openRoot(gun, newest, anchor, floors, at, seen);
}

/** Follows the versions between a trusted root and the newest one (TUF 5.3). @throws {TagsealError} `trust-invalid` */
async function followRoots(server: TrustServer, phase: RootPhase, newest: Bytes): Promise<RootPhase> {
  const { gun, root } = phase;
  const target = parseRoot(newest).version;
  const steps = target - root.version - 1;
  if (steps > MAX_ROOT_STEPS) {
    throw new TagsealError("trust-invalid", `The root of "${gun}" is ${steps} versions ahead of the trusted one`, {
      remedy: `Ask the repository's administrator; at most ${MAX_ROOT_STEPS} are followed`,
      details: { repository: gun },
    });
  }
  // Where one is missing, the next must be signed by the keys of the one before the gap: that is judged there.
  const between = await readRoots(server, gun, root.version + 1, target - 1);
  for (const file of [...between, newest]) phase = await advanceRoot(phase, file);
  return phase;
}

async function readRoots(server: TrustServer, gun: string, first: number, last: number): Promise<Bytes[]> {
  const versions = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
  const shared = unverifiedTotal();
  const files = await Promise.all(versions.map((version) => server.read(gun, `${version}.root`, { shared })));
  return files.filter((file) => file !== undefined);
}
