/**
 * The trust directory, and what becomes of commands where it cannot be used.
 *
 * Reading and publishing go on without it wherever that is as safe as on a new machine: what was trusted before can be
 * read, there is nothing, or a pin holds the root. All commands decide alike, so that the last of a chain does not refuse
 * what the first has taken. Keys must be kept, and are not made without it.
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { isTagsealError, reworded, TagsealError } from "../errors.ts";
import { isDenied, isOpenToAll } from "../files/files.ts";
import { type FolderHealth, lookAtFolder } from "../files/folder_health.ts";
import type { LockWait } from "../files/lock.ts";
import type { RootPin } from "../tuf/root_keys.ts";
import { createFileKeyStore } from "../keystore/file_keystore.ts";
import type { KeyStore } from "../keystore/keystore.ts";
import { forgivingStore } from "../notary/forgiving_store.ts";
import { createFileMetadataStore, keptRoots } from "../notary/file_metadata_store.ts";
import { createMemoryMetadataStore, type MetadataStore } from "../notary/metadata_store.ts";
import type { KeptRequests } from "../signing/kept_requests.ts";
import { createRequestFiles } from "../signing/request_files.ts";
import { type TrustDirValue, trustFolder } from "./docker_folder.ts";
import type { Host } from "./host.ts";
import { passphrasesFrom } from "./passphrases.ts";

/** Room for what is kept of a repository with some thousand tags. */
const PROBE_BYTES = 2 ** 20;

const ELSEWHERE = "name a folder that can be read and written with --trust-dir, or its parent with DOCKER_CONFIG";

/** Hosts that were told that nothing is remembered, and hosts that were told that others may write. */
const TOLD = { notKept: new WeakSet<Host>(), open: new WeakSet<Host>() };

function once(told: WeakSet<Host>, host: Host, line: string): void {
  if (!told.has(host)) host.warn(line);
  told.add(host);
}

/** What is trusted so far, as far as it can be looked at and kept. */
export function openMetadataStore(values: TrustDirValue, host: Host, pin: RootPin | undefined): MetadataStore {
  const forget = (why: string) =>
    once(
      TOLD.notKept,
      host,
      `${why}. What was verified is not remembered, so that nobody notices if the server goes back; ${ELSEWHERE}`,
    );
  const folder = trustFolder(values, host);
  if (folder === undefined) {
    forget("there is no home directory to find .docker in");
    return createMemoryMetadataStore();
  }
  const exposed = [folder, `${folder}/tuf`].find(isOpenToAll);
  if (exposed !== undefined) {
    once(
      TOLD.open,
      host,
      `every user of this machine may change what is trusted in "${exposed}"; take that right away (chmod o-w)`,
    );
  }
  const store = createFileMetadataStore(folder, lockWait(host));
  const isPinned = pin !== undefined && pin !== "required";
  const forgiving = forgivingStore(store, () => isPinned, ({ message }) => forget(message));
  return {
    ...forgiving,
    read: (gun) =>
      forgiving.read(gun).catch((error: unknown) => {
        throw unreadable(error);
      }),
  };
}

function lockWait(host: Host): LockWait {
  const onWait = (path: string) => host.info(`Waiting for another process that holds the lock "${path}"`);
  return { signal: host.signal, onWait };
}

function unreadable(error: unknown): unknown {
  if (!isTagsealError(error) || !isDenied(error)) return error;
  return reworded(error, `${error.message}. What was trusted before cannot be looked at`, {
    remedy: `Pin the root with --root-pin or TAGSEAL_ROOT_PIN, or ${ELSEWHERE}`,
  });
}

/** The roots that the trust directory keeps, by repository: to be shown, and trusted for nothing. */
export async function readKeptRoots(values: TrustDirValue, host: Host): Promise<ReadonlyMap<string, Bytes>> {
  const folder = trustFolder(values, host);
  return folder === undefined ? new Map() : await keptRoots(folder);
}

/** How the trust directory is; `undefined` where there is no home to have one in. */
export async function lookAtTrustDir(values: TrustDirValue, host: Host): Promise<FolderHealth | undefined> {
  const folder = trustFolder(values, host);
  return folder === undefined ? undefined : await lookAtFolder(folder, PROBE_BYTES, host.now());
}

/** The signing requests that are kept beside the trust data; `undefined` where there is no home to keep them in. */
export function openRequestFiles(values: TrustDirValue, host: Host): KeptRequests | undefined {
  const folder = trustFolder(values, host);
  return folder === undefined ? undefined : createRequestFiles(`${folder}/signing-requests`, lockWait(host));
}

/** The key files of the trust directory. */
export function openKeyFiles(values: TrustDirValue, host: Host): KeyStore {
  const folder = trustFolder(values, host);
  if (folder === undefined) return { create: homeless, open: homeless, list: () => Promise.resolve([]) };
  const files = createFileKeyStore(folder, passphrasesFrom(host), (error) => host.warn(error.message), lockWait(host));
  return {
    ...files,
    create: (info) =>
      files.create(info).catch((error: unknown) => {
        throw notMade(error);
      }),
  };
}

function homeless(): Promise<never> {
  const error = new TagsealError("usage", "There is no home directory to keep private keys in", {
    remedy: "Set HOME or DOCKER_CONFIG, or give --trust-dir",
  });
  return Promise.reject(error);
}

/** A key that is lost with its machine is worse than none: there is no going on without a place for it. */
function notMade(error: unknown): unknown {
  if (!isTagsealError(error) || !isDenied(error)) return error;
  return reworded(error, `No key can be kept: ${error.message}`, {
    remedy: `Nothing was published. To keep private keys, ${ELSEWHERE}`,
  });
}
