/** Trust data from a Notary server, or from a file that `tagseal export` wrote. @module */
import { TagsealError } from "../errors.ts";
import type { ReadRepository } from "../flows/export_file.ts";
import type { Trust } from "../notary/repository.ts";
import type { MetadataStore } from "../notary/metadata_store.ts";
import { type ImageName, parseImageName } from "../registry/image_ref.ts";
import { readRepositories, type Repositories, type RepositoriesValues } from "./repositories.ts";
import { parseRoot } from "../tuf/parse.ts";
import type { RootPin } from "../tuf/root_keys.ts";
import { type NotaryValues, openSession, type Session, trustOf } from "./session.ts";
import { openMetadataStore } from "./trust_dir.ts";
import { text } from "./flags.ts";
import type { Host } from "./host.ts";
import type { Offline } from "./tag_report.ts";

/** Where trust data comes from. */
export const fromFlag = {
  from: text("--from <file>", "read the trust data from this file of tagseal export, without any network"),
};

/** Trust data of one repository. */
export interface Reading {
  /** What flows take. */
  readonly trust: Trust;
  /** Where it came from a file. */
  readonly offline?: Offline;
}

/**
 * How repositories are opened for reading: the network, or the file, is opened once for all.
 *
 * From a file everything is verified as online (see {@linkcode exportedTrust}). Of the copy in the trust directory, which
 * may be newer than the file, the root alone counts: without a pin, one of its keys must have signed the file's root.
 */
export async function openReading(
  values: NotaryValues & { readonly from?: string | undefined },
  host: Host,
  session: Session = openSession(values, host),
): Promise<OpenOne> {
  return openerOf(values, host, session, await readFrom(values, host));
}

/** Opens one repository. */
export type OpenOne = (name: ImageName) => Promise<Reading>;

/** {@linkcode openReading}, and of which repositories: of those in the file where none is named. */
export async function openReadings<V extends NotaryValues & RepositoriesValues & { readonly from: string | undefined }>(
  values: V,
  host: Host,
  session: Session = openSession(values, host),
  named: (values: V, host: Host) => Promise<Repositories> = readRepositories,
): Promise<{ readonly repositories: Repositories; readonly open: OpenOne }> {
  const exported = await readFrom(values, host);
  const isNamed = values.repository !== undefined || values.repositoriesFrom !== undefined;
  const repositories = exported && !isNamed
    ? { names: exported.map(({ repository }) => parseImageName(repository)), fromFile: true }
    : await named(values, host);
  return { repositories, open: openerOf(values, host, session, exported) };
}

/** The repositories of the export that `from` names, if it names one: nothing of them is trusted yet. */
export async function readFrom(
  { from }: { readonly from?: string | undefined },
  host: Host,
): Promise<ReadRepository[] | undefined> {
  if (from === undefined) return undefined;
  // Who reads from the server does not wait for what reads files.
  const { MAX_EXPORT_BYTES, readExport } = await import("../flows/export_file.ts");
  return await readExport(await host.readFile(from, MAX_EXPORT_BYTES));
}

function openerOf(
  values: NotaryValues & { readonly from?: string | undefined },
  host: Host,
  session: Session,
  exported: readonly ReadRepository[] | undefined,
): OpenOne {
  const { from } = values;
  if (from === undefined || !exported) {
    return async (name) => ({ trust: { ...await session.notary(name, "pull"), offline: "allowed" } });
  }
  return async (name) => {
    const found = exported.find(({ repository }) => repository === name.gun);
    if (!found) throw notInExport(from, name.gun, exported.map(({ repository }) => repository));
    const trust = await trustOfExport(found, values, host, name);
    const judgedAt = trust.now().toISOString();
    host.warn(
      `"${name.gun}" is verified from "${from}", offline, as of ${judgedAt}: signatures are checked, but expiry is ` +
        "judged at that time, and nobody can tell offline whether anything has been withdrawn or replaced since",
    );
    return { trust, offline: { file: from, judgedAt } };
  };
}

/** One repository of an export, held to the pin, or else to what this machine knows. */
export async function trustOfExport(
  read: ReadRepository,
  values: NotaryValues,
  host: Host,
  name: ImageName,
): Promise<Trust> {
  const { pin, ...trusted } = await trustOf(values, host, name);
  const { exportedTrust } = await import("../flows/exported_trust.ts");
  return exportedTrust(read, {
    ...trusted,
    pin: await pinFor(pin, () => openMetadataStore(values, host, undefined), name.gun, host),
  });
}

/** The pin, or else what this machine knows: a file must not pass off another root where a server could not. */
export async function pinFor(
  pin: RootPin | undefined,
  open: () => MetadataStore,
  gun: string,
  host: Host,
): Promise<RootPin | undefined> {
  if (pin !== undefined && pin !== "required") return pin;
  const known = (await open().read(gun)).get("root");
  if (!known) return pin;
  host.info(`"${gun}" is held to the root key that is known here; --root-pin names another one, such as an older one`);
  const { canonicalIds } = await import("../flows/inspect_repository.ts");
  return { anyOf: canonicalIds(parseRoot(known).roles.root).map((keyId) => ({ keyId })) };
}

/** The export holds other repositories. */
export function notInExport(file: string, gun: string, there: readonly string[]): TagsealError {
  const some = there.slice(0, 10).join(", ");
  return new TagsealError("not-found", `The export "${file}" does not hold "${gun}"`, {
    remedy: there.length > 0 ? `It holds ${some}${there.length > 10 ? ", …" : ""}` : "It holds no repository at all",
    details: { repository: gun, file },
  });
}
