/** The way from a root that is trusted already, or pinned, to the one that the server shows. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { isTagsealError, TagsealError } from "../errors.ts";
import { parseRoot } from "../tuf/parse.ts";
import { isPinned, type RootPin } from "../tuf/root_keys.ts";
import { advanceRoot, type Floors, openRoot, type RootPhase } from "../tuf/trusted.ts";
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
}

/** How many root versions may lie between the trusted root and the newest one. */
const MAX_ROOT_STEPS = 256;

/** The local copy of root. @throws {TagsealError} `trust-invalid` where it is damaged: it is never silently replaced */
export async function openKnown({ gun, at, floors }: Judgement, root: Bytes): Promise<RootPhase> {
  try {
    return await openRoot(gun, root, { kind: "known", root }, floors, at);
  } catch (error) {
    if (!isTagsealError(error, "trust-invalid")) throw error;
    throw new TagsealError("trust-invalid", `The local copy of the root of "${gun}" is damaged: ${error.message}`, {
      remedy: "Restore it from a backup. If there is none, ask the repository's administrator for the root " +
        "certificate, move the repository's folder below tuf/ in the trust directory away, and give the certificate " +
        "as --root-pin",
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
  { gun, at, floors }: Judgement,
  pin: RootPin,
  newest: Bytes,
): Promise<RootPhase> {
  const root = parseRoot(newest);
  const anchor = { kind: "pin", pin } as const;
  if (root.version > 1 && !await isPinned(root, gun, pin, at)) {
    const older = await readRoots(server, gun, Math.max(1, root.version - MAX_ROOT_STEPS), root.version - 1);
    for (const [i, bytes] of [...older.entries()].reverse()) {
      if (!await isPinned(parseRoot(bytes), gun, pin, at)) continue;
      let phase = await openRoot(gun, newest, { ...anchor, root: bytes }, floors, at);
      for (const next of [...older.slice(i + 1), newest]) phase = await advanceRoot(phase, next);
      return phase;
    }
  }
  return await openRoot(gun, newest, anchor, floors, at);
}

/** Follows the versions between a trusted root and the newest one (TUF 5.3). @throws {TagsealError} `trust-invalid` */
export async function followRoots(server: TrustServer, phase: RootPhase, newest: Bytes): Promise<RootPhase> {
  const { gun, root } = phase;
  const target = parseRoot(newest).version;
  const steps = target - root.version - 1;
  if (steps > MAX_ROOT_STEPS) {
    throw new TagsealError("trust-invalid", `The root of "${gun}" is ${steps} versions ahead of the trusted one`, {
      remedy: `Ask the repository's administrator; at most ${MAX_ROOT_STEPS} are followed`,
      details: { gun },
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
