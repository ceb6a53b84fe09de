/** Two states of repositories, from exports or from the server of today. @module */
import type { ReadRepository } from "../flows/export_file.ts";
import { exportedTrust } from "../flows/exported_trust.ts";
import { compareStates, type Comparison } from "../flows/history/compare.ts";
import { createMemoryMetadataStore } from "../notary/metadata_store.ts";
import { openRepository, type Trust } from "../notary/repository.ts";
import { type ImageName, parseImageName } from "../registry/image_ref.ts";
import type { TrustedRepository } from "../tuf/trusted.ts";
import { notInExport, readFrom, trustOfExport } from "./exported.ts";
import type { Host } from "./host.ts";
import type { Repositories } from "./repositories.ts";
import { type NotaryValues, openSession, trustOf } from "./session.ts";

/** Where a state came from, and which time it was judged at (RFC 3339). */
export interface StateSource {
  /** The export; missing where the server was asked. */
  readonly file?: string;
  /** The time. */
  readonly judgedAt: string;
  /** The version of its timestamp. */
  readonly version: number;
}

/** Both states of one repository, and what lies between them. */
export interface Compared {
  /** The older; missing where the repository was not there. */
  readonly before?: StateSource;
  /** The newer, likewise. */
  readonly after?: StateSource;
  /** What has changed. */
  readonly comparison: Comparison;
}

/**
 * Opens two exports, or one to be compared with the server. Everything is verified; the newer state starts from the root
 * of the older one, so that it leads on from there or is refused.
 *
 * @throws {TagsealError} `not-found`, `bad-input` where a file is no export; `not-found` where neither holds the repository
 */
export async function openComparison(
  values: NotaryValues & { readonly repository?: string | undefined },
  host: Host,
  older: string,
  newer: string | undefined,
): Promise<{ readonly repositories: Repositories; compare(name: ImageName): Promise<Compared> }> {
  const exportOf = async (path: string) => {
    const all = await readFrom({ from: path }, host) ?? [];
    return new Map(all.map((read) => [read.repository, read]));
  };
  const was = await exportOf(older);
  const is = newer === undefined ? undefined : await exportOf(newer);
  const there = [...new Set([...was.keys(), ...is?.keys() ?? []])].sort();
  const only = values.repository === undefined ? undefined : parseImageName(values.repository);
  if (only && !there.includes(only.gun)) throw notInExport(newer ?? older, only.gun, there);
  const session = openSession(values, host);

  const fromFile = async (
    name: ImageName,
    read: ReadRepository,
    root: TrustedRepository | undefined,
  ): Promise<Trust> => {
    if (!root) return await trustOfExport(read, values, host, name);
    const { pin: _, ...trusted } = await trustOf(values, host, name);
    return await startingFrom(root, name.gun, exportedTrust(read, trusted));
  };
  const fromServer = async (name: ImageName, root: TrustedRepository | undefined): Promise<Trust> => {
    const trust = await session.notary(name, "pull");
    return (await trust.store.read(name.gun)).has("root") ? trust : startingFrom(root, name.gun, trust);
  };

  return {
    repositories: { names: only ? [only] : there.map(parseImageName), fromFile: only === undefined },
    async compare(name) {
      const { gun } = name;
      const [old, now] = [was.get(gun), is?.get(gun)];
      const before = old && (await openRepository(await fromFile(name, old, undefined), gun)).repository;
      const opened = is ? now && await fromFile(name, now, before) : await fromServer(name, before);
      const after = opened && (await openRepository(opened, gun)).repository;
      if (before && after && after.timestamp.version < before.timestamp.version) {
        host.warn(`what is compared with is older than "${older}" for "${gun}": did you mean the other way round?`);
      }
      return {
        ...(before ? { before: sourceOf(before, older) } : {}),
        ...(after ? { after: sourceOf(after, newer) } : {}),
        comparison: compareStates(before, after),
      };
    },
  };
}

/** The same trust data, held to a root that is known already. */
async function startingFrom(root: TrustedRepository | undefined, gun: string, trust: Trust): Promise<Trust> {
  if (!root) return trust;
  const store = createMemoryMetadataStore();
  await store.write(gun, new Map([["root", root.root.envelope.bytes]]));
  return { ...trust, store };
}

function sourceOf({ at, timestamp: { version } }: TrustedRepository, file: string | undefined): StateSource {
  return { ...(file === undefined ? {} : { file }), judgedAt: at.toISOString(), version };
}
