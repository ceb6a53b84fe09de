/**
 * Keeps everything of a repository: what was verified, as it was served, with all older roots.
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { isTagsealError } from "../errors.ts";
import { createMemoryMetadataStore } from "../notary/metadata_store.ts";
import { NamedBytes, unverifiedTotal } from "../notary/sizes.ts";
import type { TrustServer } from "../notary/trust_server.ts";
import { filesOf, readRepository } from "../notary/update.ts";
import { isListed } from "../tuf/listed.ts";
import type { FileMeta } from "../tuf/models.ts";
import { parseListing, parseRoot, parseTargets } from "../tuf/parse.ts";
import { type DelegationRole, isDelegation, type RoleName } from "../tuf/roles.ts";
import type { TrustedRepository } from "../tuf/trusted.ts";
import { type ExportedFile, type ExportedRepository, exportedServer } from "./export_file.ts";
import { canonicalIds } from "./inspect_repository.ts";
import { openRepository, type Trust } from "../notary/repository.ts";
import { rootTrust } from "./root_trust.ts";
import { tagListOf } from "../schemes/notary_v1/verify_tags.ts";

/** How many older roots are kept; older ones lead nowhere that the newer ones do not. */
const MAX_ROOTS = 256;

/**
 * Reads and verifies a repository, and gives all its files: trusted roles, skipped delegations, root versions. Before it
 * returns, the files are verified once more by themselves, as whoever has only them will do. Throws what reading throws.
 */
export async function exportRepository(trust: Trust, gun: string): Promise<ExportedRepository> {
  const { server } = trust;
  const before = await trust.store.read(gun);
  const { repository } = await openRepository(trust, gun);
  const [delegations, roots] = await Promise.all([untrustedFiles(server, repository), olderRoots(server, repository)]);
  const { root } = repository;
  const files: ExportedFile[] = [
    ...[...filesOf(repository), ...delegations].map(([role, bytes]) => described(role, role, bytes)),
    ...[...roots, root.envelope.bytes].map((bytes) => described("root", `${parseRoot(bytes).version}.root`, bytes)),
  ];
  const source = exportedServer({
    repository: gun,
    notaryUrl: server.url,
    verifiedAt: repository.at,
    files: new Map(files.map(({ name, bytes }) => [name, bytes])),
  });
  const options = { server: source, gun, at: repository.at };
  const rootAlone = createMemoryMetadataStore();
  await rootAlone.write(gun, new Map([["root", root.envelope.bytes]]));
  await readRepository({ ...options, store: rootAlone });

  return {
    repository: gun,
    notaryUrl: server.url.href.replace(/\/+$/, ""),
    verified: {
      at: repository.at.toISOString(),
      rootTrustedBy: rootTrust(trust, before),
      rootKeyIds: canonicalIds(root.roles.root),
      rootsFrom: roots[0] ? await chainStart(options, roots) : root.version,
    },
    skipped: tagListOf(repository, []).skipped,
    files,
  };
}

/** The oldest root that leads to the newest, each signed by the keys of the one before. */
async function chainStart(
  options: { readonly server: TrustServer; readonly gun: string; readonly at: Date },
  roots: readonly Bytes[],
): Promise<number | null> {
  for (const root of roots) {
    const store = createMemoryMetadataStore();
    await store.write(options.gun, new Map([["root", root]]));
    try {
      await readRepository({ ...options, store });
      return parseRoot(root).version;
    } catch (error) {
      if (!isTagsealError(error, "trust-invalid")) throw error;
    }
  }
  return null;
}

/** Roots before the newest, oldest first, as far as the server has them and they can be read. */
export async function olderRoots(server: TrustServer, { gun, root }: TrustedRepository): Promise<Bytes[]> {
  const first = Math.max(1, root.version - MAX_ROOTS);
  const versions = Array.from({ length: root.version - first }, (_, i) => first + i);
  const shared = unverifiedTotal();
  const files = await Promise.all(versions.map((version) => server.read(gun, `${version}.root`, { shared })));
  return files.flatMap((bytes, i) => bytes && versionOf("root", bytes).version === versions[i] ? [bytes] : []);
}

/** Delegations that the snapshot names and that are not trusted: kept as evidence of what was there. */
async function untrustedFiles(
  server: TrustServer,
  repository: TrustedRepository,
): Promise<[DelegationRole, Bytes][]> {
  const trusted = filesOf(repository);
  const named = [...repository.snapshot.meta].flatMap(([name, meta]): [DelegationRole, FileMeta][] =>
    isDelegation(name) && !trusted.has(name) ? [[name, meta]] : []
  );
  const budget = new NamedBytes(repository.gun, false);
  const files = await Promise.all(named.map(async ([name, meta]): Promise<[DelegationRole, Bytes][]> => {
    const sha256 = meta.hashes.get("sha256");
    budget.take(name, meta);
    const allowance = { maxBytes: meta.length };
    const bytes = sha256 && await server.read(repository.gun, `${name}.${sha256.toHex()}`, allowance) ||
      await server.read(repository.gun, name, allowance);
    return bytes && await isListed(bytes, meta) ? [[name, bytes]] : [];
  }));
  return files.flat();
}

function described(role: RoleName, name: string, bytes: Bytes): ExportedFile {
  return { role, name, bytes, ...versionOf(role, bytes) };
}

function versionOf(role: RoleName, bytes: Bytes): { version: number | null; expires: string | null } {
  try {
    const listing = role === "snapshot" || role === "timestamp";
    const file = role === "root" ? parseRoot(bytes) : listing ? parseListing(role, bytes) : parseTargets(role, bytes);
    return { version: file.version, expires: file.expiresText };
  } catch (error) {
    if (!isTagsealError(error, "trust-invalid")) throw error;
    return { version: null, expires: null };
  }
}
