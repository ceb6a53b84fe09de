/**
 * The TUF repository of releases in a folder: what is there is verified before anything is signed on top of it, and what
 * is written becomes visible with the last file, the timestamp.
 *
 * Its layout is what servers hand out: `metadata/` with consistent snapshots, `targets/` with hashes before names.
 *
 * @see {@link https://theupdateframework.github.io/specification/v1.0.31/ | The Update Framework, 4 and 6}
 * @module
 */
import * as tuf from "@tufjs/models";
import { type Bytes, text } from "../bytes/bytes.ts";
import { messageOf, TagsealError } from "../errors.ts";
import { readFileBounded, removeLeftoversOf, writeFileAtomically } from "../files/files.ts";
import { MAX_METADATA_BYTES } from "../updates/follow.ts";
import { bytesOf } from "./documents.ts";
import type { ReleaseDocument, ReleaseRole } from "./keys.ts";
import type { Metadata, Root, Snapshot, Targets, Timestamp } from "./models.ts";

/** What has been published, verified. */
export interface Published {
  /** The newest root. */
  readonly root: Metadata<Root>;
  /** The list of releases; `undefined` where there is none yet. */
  readonly targets: Metadata<Targets> | undefined;
  /** The newest snapshot, if any. */
  readonly snapshot: Metadata<Snapshot> | undefined;
  /** The newest timestamp, if any. */
  readonly timestamp: Metadata<Timestamp> | undefined;
}

const MAX_ROOTS = 256;

/** The repository in a folder. */
export class ReleaseFolder {
  /** What a server hands out. */
  readonly folder: string;

  /** The repository in `folder`, which need not be there yet. */
  constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * What is there; `undefined` where nothing is.
   *
   * @param trusted a root that must be among those that are there, as programs have it in them
   * @throws {TagsealError} `trust-invalid` where its own keys have not signed it
   */
  async read(trusted: Bytes | undefined): Promise<Published | undefined> {
    const roots = await this.#roots(trusted);
    const root = roots.at(-1);
    if (!root) return undefined;
    const signedBy = <T extends ReleaseDocument>(role: ReleaseRole, metadata: Metadata<T>): Metadata<T> => {
      // Where a new key was named and nothing signed with it yet, it is the key before that has signed.
      judge(role, () => accepted(roots.slice(-2), (by) => by.verifyDelegate(role, metadata as never)));
      return metadata;
    };
    const timestamp = await this.#document(tuf.MetadataKind.Timestamp, "timestamp.json");
    if (!timestamp) return { root, timestamp, snapshot: undefined, targets: undefined };
    signedBy("timestamp", timestamp);
    const snapshot = await this.#listed(tuf.MetadataKind.Snapshot, "snapshot.json", timestamp.signed.snapshotMeta);
    signedBy("snapshot", snapshot);
    const meta = snapshot.signed.meta["targets.json"];
    if (!meta) throw notTrusted("snapshot", "it names no list of targets");
    const targets = signedBy("targets", await this.#listed(tuf.MetadataKind.Targets, "targets.json", meta));
    return { root, timestamp, snapshot, targets };
  }

  /** A root as it is published. @throws {TagsealError} `trust-invalid` where it is not there */
  async rootText(version: number): Promise<string> {
    const bytes = await this.#bytes(`${version}.root.json`);
    if (bytes) return text(bytes);
    throw notTrusted(`${version}.root.json`, "it is missing");
  }

  /** Writes documents in this order: whoever reads meanwhile sees what the last timestamp names. */
  async write(documents: readonly Metadata<ReleaseDocument>[]): Promise<void> {
    for (const metadata of documents) {
      const { type, version } = metadata.signed;
      const isTimestamp = type === tuf.MetadataKind.Timestamp;
      const name = isTimestamp ? "timestamp.json" : `${version}.${type}.json`;
      // A document of the next version that nothing names is left from a run that was ended in between.
      const replace = type !== tuf.MetadataKind.Root;
      const path = `${this.folder}/metadata/${name}`;
      removeLeftoversOf(path);
      await writeFileAtomically(path, bytesOf(metadata), { replace });
    }
  }

  async #roots(trusted: Bytes | undefined): Promise<Metadata<Root>[]> {
    const roots: Metadata<Root>[] = [];
    let isKnown = trusted === undefined;
    for (let version = 1; version <= MAX_ROOTS; version++) {
      const name = `${version}.root.json`;
      const bytes = await this.#bytes(name);
      if (!bytes) break;
      const root = parsed(tuf.MetadataKind.Root, name, bytes);
      judge(name, () => {
        (roots.at(-1) ?? root).verifyDelegate("root", root);
        root.verifyDelegate("root", root);
        if (root.signed.version !== version) throw new Error(`it is version ${root.signed.version}`);
      });
      isKnown ||= text(bytes) === text(trusted!);
      roots.push(root);
    }
    if (!isKnown) throw notTrusted("root", "the root in lib/updates/release_root.ts is none of this repository's");
    return roots;
  }

  #bytes(name: string): Promise<Bytes | undefined> {
    return readFileBounded(`${this.folder}/metadata/${name}`, MAX_METADATA_BYTES);
  }

  async #document(kind: tuf.MetadataKind.Timestamp, name: string): Promise<Metadata<Timestamp> | undefined> {
    const bytes = await this.#bytes(name);
    return bytes && parsed(kind, name, bytes);
  }

  async #listed<K extends keyof Kinds>(
    kind: K,
    name: string,
    meta: { readonly version: number; verify(data: never): void },
  ): Promise<Metadata<Kinds[K]>> {
    const versioned = `${meta.version}.${name}`;
    const bytes = await this.#bytes(versioned);
    if (!bytes) throw notTrusted(versioned, "it is missing");
    judge(versioned, () => meta.verify(bytes as never));
    return parsed(kind, versioned, bytes);
  }
}

interface Kinds {
  [tuf.MetadataKind.Root]: Root;
  [tuf.MetadataKind.Timestamp]: Timestamp;
  [tuf.MetadataKind.Snapshot]: Snapshot;
  [tuf.MetadataKind.Targets]: Targets;
}

function parsed<K extends keyof Kinds>(kind: K, name: string, bytes: Bytes): Metadata<Kinds[K]> {
  return judge(name, () => tuf.Metadata.fromJSON(kind as never, JSON.parse(text(bytes)))) as unknown as Metadata<
    Kinds[K]
  >;
}

function accepted(roots: readonly Metadata<Root>[], verify: (root: Metadata<Root>) => void): void {
  const [newest, ...before] = roots.toReversed();
  try {
    verify(newest!);
  } catch (error) {
    if (before.length === 0) throw error;
    accepted(before, verify);
  }
}

function judge<T>(name: string, decide: () => T): T {
  try {
    return decide();
  } catch (error) {
    throw notTrusted(name, messageOf(error), error);
  }
}

function notTrusted(name: string, why: string, cause?: unknown): TagsealError {
  return new TagsealError("trust-invalid", `The release repository is not to be signed on ("${name}"): ${why}`, {
    remedy: "Nothing was written. Find out who changed it; go on from a copy that is whole",
    details: { file: name },
    cause,
  });
}
