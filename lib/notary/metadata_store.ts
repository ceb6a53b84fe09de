/**
 * The local copy of trust data: what this user has trusted so far, and so the floor below which no server may go.
 *
 * Laid out as Docker and notary do: `<trust-dir>/tuf/<gun>/metadata/<role>.json`.
 *
 * @module
 */
import { type Bytes, equalBytes } from "../bytes/bytes.ts";
import { readFileBounded, writeFileAtomically } from "../files/files.ts";
import { isDelegation, type RoleName } from "../tuf/roles.ts";

/** Keeps the files of repositories that were verified. */
export interface MetadataStore {
  /** The copy of a repository; empty where there is none. */
  read(gun: string): Promise<ReadonlyMap<RoleName, Bytes>>;
  /** Keeps these files; only ever called with files that have been verified together. */
  write(gun: string, files: ReadonlyMap<RoleName, Bytes>): Promise<void>;
}

const MAX_FILE_BYTES = 128 * 2 ** 20;
// Root first: after a crash in between, the newer root still leads to whatever else is there.
const ORDER: readonly RoleName[] = ["root", "targets", "snapshot", "timestamp"];

/** The copy in a trust directory. */
export function createFileMetadataStore(trustDir: string): MetadataStore {
  const folder = (gun: string) => `${trustDir}/tuf/${gun}/metadata`;
  return {
    async read(gun) {
      const names = [...ORDER, ...await delegationFiles(folder(gun))];
      const files = await Promise.all(
        names.map(async (name) =>
          [name, await readFileBounded(`${folder(gun)}/${name}.json`, MAX_FILE_BYTES)] as const
        ),
      );
      return new Map(files.filter((entry): entry is [RoleName, Bytes] => entry[1] !== undefined));
    },
    async write(gun, files) {
      const before = await this.read(gun);
      const names = [...files.keys()].sort((a, b) => rank(a) - rank(b));
      for (const name of names) {
        const bytes = files.get(name)!;
        const kept = before.get(name);
        if (kept && equalBytes(kept, bytes)) continue;
        await writeFileAtomically(`${folder(gun)}/${name}.json`, bytes, {
          replace: true,
          mode: 0o600,
          folderMode: 0o700,
        });
      }
    },
  };
}

function rank(name: RoleName): number {
  const at = ORDER.indexOf(name);
  return at < 0 ? 1.5 : at;
}

async function delegationFiles(folder: string): Promise<RoleName[]> {
  const found: RoleName[] = [];
  async function walk(prefix: string): Promise<void> {
    if (found.length > 1000) return;
    try {
      for await (const entry of Deno.readDir(`${folder}/${prefix}`)) {
        const name = `${prefix}/${entry.name}`;
        if (entry.isDirectory && isDelegation(name)) await walk(name);
        const role = name.replace(/\.json$/, "");
        if (entry.isFile && role !== name && isDelegation(role)) found.push(role);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  await walk("targets");
  return found;
}

/** A copy that lives as long as the object: for tests, and where nothing may be kept. */
export function createMemoryMetadataStore(): MetadataStore {
  const repositories = new Map<string, Map<RoleName, Bytes>>();
  return {
    read: (gun) => Promise.resolve(new Map(repositories.get(gun))),
    write: (gun, files) => {
      repositories.set(gun, new Map([...repositories.get(gun) ?? [], ...files]));
      return Promise.resolve();
    },
  };
}
