/**
 * Which releases there are: the metadata of a TUF repository, followed from the root that came with the program. What is
 * trusted is decided by tuf-js; what is asked for, in which order, and what is kept, is decided here: its own updater
 * writes files in place, wraps failures as words, and goes round this project's limits on calls.
 *
 * @see {@link https://theupdateframework.github.io/specification/v1.0.33/#detailed-client-workflow | TUF, 5}
 * @module
 */
import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import type { Metadata, Root } from "@tufjs/models";
import { EqualVersionError, ExpiredMetadataError } from "tuf-js/dist/error.js";
import { TrustedMetadataStore } from "tuf-js/dist/store.js";
import type { Bytes } from "../bytes/bytes.ts";
import { messageOf, TagsealError } from "../errors.ts";
import type { ReleaseServer } from "./release_server.ts";

/**
 * Files of metadata that were verified before, by the names that {@linkcode isMetadataName} knows: floors below which the
 * server may not go, and roots that need not be asked for. None of them is trusted by lying there.
 */
export type Floors = Map<string, Bytes>;

/** A file that the metadata lists. */
export interface Target {
  /** Its length in bytes. */
  readonly length: number;
  /** Its hashes by name, in hex. */
  readonly hashes: Readonly<Record<string, string>>;
  /** What is said of it. */
  readonly custom: Readonly<Record<string, unknown>>;
  /** Throws unless these are its bytes. */
  verify(bytes: Bytes): Promise<void>;
}

const TIMESTAMP = "timestamp.json";
const SNAPSHOT = "snapshot.json";
const TARGETS = "targets.json";
/** Most bytes of each file. */
const MAX_BYTES = { root: 512_000, timestamp: 16_384, snapshot: 2_000_000, targets: 5_000_000 };
/** Most roots after the first one. */
const MAX_ROTATIONS = 256;

/** Most bytes of a file of metadata. */
export const MAX_METADATA_BYTES: number = Math.max(...Object.values(MAX_BYTES));

/** Whether a file of this name is one of the floors. */
export function isMetadataName(name: string): boolean {
  return /^[1-9]\d{0,8}\.root\.json$/.test(name) || [TIMESTAMP, SNAPSHOT, TARGETS].includes(name);
}

/**
 * The targets by path, as the newest metadata lists them. `floors` gets whatever has been verified, also where this fails
 * afterwards.
 *
 * @param firstRoot the root that the program has been built with
 * @throws {TagsealError} `trust-invalid` where the metadata is not to be trusted; `unavailable`
 */
export async function followReleases(
  firstRoot: Bytes,
  floors: Floors,
  server: ReleaseServer,
): Promise<ReadonlyMap<string, Target>> {
  const judge = <T>(name: string, decide: () => T): T => {
    try {
      return decide();
    } catch (error) {
      if (error instanceof EqualVersionError) throw error;
      throw notTrusted(server, name, error);
    }
  };
  const required = async (name: string, maxBytes: number) => {
    const bytes = await server.metadata(name, maxBytes);
    if (bytes) return bytes;
    throw new TagsealError("unavailable", `The release server at "${server.address}" does not have "${name}"`, {
      remedy: "Check the address; then try again later. Nothing was changed",
    });
  };

  const trusted = judge("the first root", () => new TrustedMetadataStore(Buffer.from(firstRoot)));
  await followRoots(trusted, floors, server, judge);

  const known = floors.get(TIMESTAMP);
  if (known) isTaken(() => trusted.updateTimestamp(Buffer.from(known)));
  const timestamp = await required(TIMESTAMP, MAX_BYTES.timestamp);
  try {
    judge(TIMESTAMP, () => trusted.updateTimestamp(Buffer.from(timestamp)));
    floors.set(TIMESTAMP, timestamp);
  } catch (error) {
    if (!(error instanceof EqualVersionError)) throw error; // the one of this version that is known counts
  }

  /** The file that is known, where it is the newest one still; else the server's. */
  const follow = async (
    name: string,
    { version, length }: { readonly version: number; readonly length?: number | undefined },
    maxBytes: number,
    take: (bytes: Buffer, isKnown: boolean) => void,
  ) => {
    const known = floors.get(name);
    if (known && isTaken(() => take(Buffer.from(known), true))) return;
    const bytes = await required(`${version}.${name}`, Math.min(length ?? maxBytes, maxBytes));
    judge(name, () => take(Buffer.from(bytes), false));
    floors.set(name, bytes);
  };
  await follow(SNAPSHOT, trusted.timestamp!.signed.snapshotMeta, MAX_BYTES.snapshot, (bytes, isKnown) => {
    trusted.updateSnapshot(bytes, isKnown);
  });
  const listed = trusted.snapshot!.signed.meta[TARGETS];
  if (!listed) throw notTrusted(server, SNAPSHOT, new Error(`It does not list "${TARGETS}"`));
  await follow(TARGETS, listed, MAX_BYTES.targets, (bytes) => {
    trusted.updateDelegatedTargets(bytes, "targets", "root");
  });
  return new Map(
    Object.entries(trusted.targets!.signed.targets).map(([path, file]) => {
      const { length, hashes, custom } = file;
      return [path, { length, hashes, custom, verify: (bytes) => file.verify(Readable.from([bytes])) }];
    }),
  );
}

/** From the first root over each one that the one before it has signed, to the newest. */
async function followRoots(
  trusted: TrustedMetadataStore,
  floors: Floors,
  server: ReleaseServer,
  judge: <T>(name: string, decide: () => T) => T,
): Promise<void> {
  for (let rotations = 0; rotations < MAX_ROTATIONS; rotations++) {
    const name = `${trusted.root.signed.version + 1}.root.json`;
    const known = floors.get(name);
    if (known && isTaken(() => trusted.updateRoot(Buffer.from(known)))) continue;
    const bytes = await server.metadata(name, MAX_BYTES.root);
    if (!bytes) return;
    const before = onlineKeys(trusted.root);
    judge(name, () => trusted.updateRoot(Buffer.from(bytes)));
    floors.set(name, bytes);
    // Whoever had these keys may have signed versions so high that no honest one is ever higher (5.3.11).
    if (onlineKeys(trusted.root) !== before) [TIMESTAMP, SNAPSHOT].forEach((role) => floors.delete(role));
  }
  throw notTrusted(server, "root", new Error(`There are more than ${MAX_ROTATIONS} roots`));
}

function onlineKeys({ signed: { roles } }: Metadata<Root>): string {
  return JSON.stringify(["timestamp", "snapshot"].map((role) => [...roles[role]?.keyIDs ?? []].sort()));
}

function isTaken(take: () => void): boolean {
  try {
    take();
    return true;
  } catch {
    return false; // it is too old by now, or not of these keys; as a floor it counts as far as it is good
  }
}

function notTrusted({ address }: ReleaseServer, name: string, error: unknown): TagsealError {
  const isExpired = error instanceof ExpiredMetadataError;
  return new TagsealError(
    "trust-invalid",
    `The releases at "${address}" are not trusted ("${name}"): ${messageOf(error)}`,
    {
      remedy: isExpired
        ? "Check this machine's clock. If it is right, somebody may be holding newer releases back: tell whoever " +
          "publishes them. Nothing was changed"
        : "Nothing was changed. Install nothing from there by hand; tell whoever publishes the releases",
      details: { url: address, file: name },
      cause: error,
    },
  );
}
