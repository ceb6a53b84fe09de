/**
 * Keys in Docker's layout: `<trust-dir>/private/<canonical key id>.key`, encrypted PKCS#8 PEM with header lines.
 *
 * Files are made with mode 0600 in a folder of mode 0700, and never appear half-written. The notary client and Docker
 * open what is written here, and the other way round.
 *
 * The first versions of Notary and Docker kept keys in `private/root_keys/<id>_root.key` and
 * `private/tuf_keys/<gun>/<id>_<role>.key`: those are listed and opened, and never changed.
 *
 * @see Notary `docs/advanced_usage.md`, "Files and state on disk"; `tuf/utils/x509.go`; `storage/filestore.go`
 * @module
 */
import { fileText, utf8 } from "../bytes/bytes.ts";
import { formatPem, parsePem, type PemBlock } from "../bytes/pem.ts";
import type { KeyId } from "../crypto/keys.ts";
import { decryptLegacyKey, isLegacyKey } from "../crypto/legacy_pem.ts";
import { decryptPrivateKey, encryptPrivateKey, WrongPassphrase } from "../crypto/pkcs8.ts";
import { newPrivateKey } from "../crypto/private_key.ts";
import { localSigner, type Signer } from "../crypto/signer.ts";
import { isTagsealError, messageOf, TagsealError } from "../errors.ts";
import {
  isDenied,
  isOpenToAll,
  listFolder,
  readFileBounded,
  removeFile,
  removeLeftovers,
  writeFileAtomically,
} from "../files/files.ts";
import { type LockWait, withLock } from "../files/lock.ts";
import type { AskPassphrase, KeyInfo, KeyStore } from "./keystore.ts";

const MAX_KEY_FILE_BYTES = 64 * 1024;
const MAX_KEYS = 10_000;
const ATTEMPTS = 3;
const MAX_DEPTH = 10;
/** How many files are looked into for a key under another name. */
const MAX_MISNAMED = 100;
const KEY_FILE = /^([0-9a-f]{64})\.key$/;
const OLD_KEY_FILE = /^([0-9a-f]{64})(?:_([a-z]+))?\.key$/;

/** A key file, and what its place says of it. */
interface KeyFile {
  readonly id: KeyId;
  readonly path: string;
  /** In the layout of old. */
  readonly old: boolean;
  readonly role?: string | undefined;
  readonly gun?: string | undefined;
}

/** The keys of a trust directory. Files that cannot be read are left out of its list, and `onDamaged` is told of them. */
export function createFileKeyStore(
  trustDir: string,
  ask: AskPassphrase,
  onDamaged: (error: TagsealError) => void = () => {},
  wait: LockWait = {},
): KeyStore {
  const folder = `${trustDir}/private`;
  /** One bad file, perhaps of another repository, does not stand in the way of all keys. */
  const skip = (error: unknown): undefined => {
    if (!isTagsealError(error, "bad-input")) throw error;
    onDamaged(error);
  };
  const pathOf = (id: KeyId) => `${folder}/${id}.key`;
  /** A folder of another user's holds no keys of this one's. */
  const present = (): KeyFile[] => {
    try {
      return [...currentFiles(folder), ...oldFiles(folder)];
    } catch (error) {
      if (isDenied(error)) return skip(error) ?? [];
      throw error;
    }
  };
  /** Where keys are written, under a lock: what lies about half-written is of a process that is gone. */
  const writing = (write: () => Promise<void>) =>
    withLock(`${folder}/.tagseal.lock`, "exclusive", () => {
      removeLeftovers(folder, (name) => KEY_FILE.test(name));
      return write();
    }, wait);

  async function find(id: KeyId): Promise<{ file: KeyFile; block: PemBlock }> {
    const current = { id, path: pathOf(id), old: false };
    const files = /^[0-9a-f]{64}$/.test(id) ? [current, ...oldFiles(folder).filter((one) => one.id === id)] : [];
    for (const file of files) {
      const block = await readBlock(file.path);
      if (block) return { file, block };
    }
    throw new TagsealError("not-found", `The key ${id.slice(0, 7)}… is not in "${folder}"`, {
      remedy: "Run this where the key is kept, or name its directory",
      next: { do: "name-key-folder" },
      details: { keyId: id, folder },
    });
  }

  async function open(id: KeyId): Promise<Signer> {
    const { file, block } = await find(id);
    const { path } = file;
    const decrypt = isLegacyKey(block)
      ? (passphrase: string) => Promise.resolve().then(() => decryptLegacyKey(block, passphrase))
      : (passphrase: string) => decryptPrivateKey(block.bytes, passphrase);
    if (block.label !== "ENCRYPTED PRIVATE KEY" && !isLegacyKey(block)) {
      throw damaged(path, `"${block.label}" is not read here`);
    }
    refuseIfOpenToAll(trustDir, folder);
    await refuseIfReadableByOthers(path);
    const key = infoOf(file, block);
    for (let attempt = 1;; attempt++) {
      const passphrase = await ask({ purpose: "open", key, attempt });
      try {
        const privateKey = await decrypt(passphrase);
        if (privateKey.publicKey.canonicalId !== id) {
          throw damaged(path, "it holds another key than it is named");
        }
        return localSigner(privateKey);
      } catch (error) {
        if (error instanceof SyntaxError) throw damaged(path, messageOf(error));
        if (!(error instanceof WrongPassphrase) || attempt === ATTEMPTS) {
          throw error instanceof WrongPassphrase ? wrongPassphrase(key) : error;
        }
      }
    }
  }

  return {
    async create(info) {
      refuseIfOpenToAll(trustDir, folder);
      await writing(() => Promise.resolve()); // nobody is asked for a passphrase in vain
      const privateKey = await newPrivateKey();
      const id = privateKey.publicKey.canonicalId;
      const passphrase = await ask({ purpose: "create", key: { id, ...info }, attempt: 1 });
      const headers = new Map([["role", info.role], ...(info.gun ? [["gun", info.gun] as const] : [])]);
      const pem = formatPem("ENCRYPTED PRIVATE KEY", await encryptPrivateKey(privateKey.pkcs8, passphrase), headers);
      const options = { replace: false, mode: 0o600, folderMode: 0o700 };
      await writing(() => writeFileAtomically(pathOf(id), utf8(pem), options));
      return { signer: localSigner(privateKey), discard: () => removeFile(pathOf(id)) };
    },

    async list() {
      const found = new Map<KeyId, KeyInfo>();
      for (const file of present().slice(0, MAX_KEYS)) {
        const block = found.has(file.id) ? undefined : await readBlock(file.path).catch(skip);
        if (block) found.set(file.id, infoOf(file, block));
      }
      return [...found.values()].sort((a, b) => a.id < b.id ? -1 : 1);
    },

    async places() {
      const misnamed: { name: string; role: string }[] = [];
      const others = listFolder(folder).filter(({ name, isDirectory }) => !isDirectory && !KEY_FILE.test(name));
      for (const { name } of others.slice(0, MAX_MISNAMED)) {
        const block = await readBlock(`${folder}/${name}`).catch(() => undefined);
        if (block) misnamed.push({ name, role: block.headers.get("role") ?? "" });
      }
      return [{ kind: "folder", path: folder, misnamed }];
    },

    open,

    async remove(id) {
      const { file } = await find(id);
      if (!file.old) return await removeFile(file.path);
      throw new TagsealError("bad-input", `The key ${id.slice(0, 7)}… is kept as old versions of Notary did`, {
        remedy: `Nothing is changed there. Delete the file yourself: "${file.path}"`,
        details: { keyId: id, path: file.path },
      });
    },
  };
}

async function readBlock(path: string): Promise<PemBlock | undefined> {
  const bytes = await readFileBounded(path, MAX_KEY_FILE_BYTES);
  if (!bytes) return undefined;
  try {
    const block = parsePem(fileText(bytes)).find(({ label }) => label.endsWith("PRIVATE KEY"));
    if (block) return block;
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof TypeError)) throw error;
  }
  throw damaged(path, "it holds no private key in PEM"); // no parser text: it could quote the key
}

function currentFiles(folder: string): KeyFile[] {
  return listFolder(folder).flatMap(({ name, isFile, isSymlink }) => {
    const id = isFile || isSymlink ? KEY_FILE.exec(name)?.[1] : undefined; // secrets are often mounted as links
    return id ? [{ id, path: `${folder}/${name}`, old: false }] : [];
  });
}

function oldFiles(folder: string): KeyFile[] {
  const found: KeyFile[] = [];
  function walk(path: string, gun: string | undefined, depth: number): void {
    for (const { name, isFile, isDirectory } of listFolder(path)) {
      const [, id, role] = (isFile && OLD_KEY_FILE.exec(name)) || [];
      if (id && found.length < MAX_KEYS) {
        found.push({ id, path: `${path}/${name}`, old: true, role: role ?? (gun ? undefined : "root"), gun });
      }
      if (isDirectory && gun !== undefined && depth < MAX_DEPTH) {
        walk(`${path}/${name}`, gun === "" ? name : `${gun}/${name}`, depth + 1);
      }
    }
  }
  walk(`${folder}/root_keys`, undefined, 0);
  walk(`${folder}/tuf_keys`, "", 0);
  return found;
}

function infoOf(file: KeyFile, { headers }: PemBlock): KeyInfo {
  const gun = headers.get("gun") || file.gun;
  return { id: file.id, role: headers.get("role") ?? file.role ?? "", ...(gun ? { gun } : {}), location: file.path };
}

/** Whoever may write where the keys are can take them away, and put others in their place. */
function refuseIfOpenToAll(...folders: string[]): void {
  const path = folders.find(isOpenToAll);
  if (path === undefined) return;
  throw new TagsealError("bad-input", `Every user of this machine may change the keys in "${path}"`, {
    remedy: `Protect it: chmod 700 "${path}"; and look whether the keys are those that you know`,
    next: { do: "protect-keys", folder: path },
    details: { path },
  });
}

async function refuseIfReadableByOthers(path: string): Promise<void> {
  const { mode } = await Deno.stat(path);
  if (mode === null || (mode & 0o077) === 0) return; // Windows has no mode
  throw new TagsealError(
    "bad-input",
    `The key file "${path}" can be read by others (mode ${(mode & 0o777).toString(8)})`,
    {
      remedy:
        `Protect it: chmod 600 "${path}". In a Kubernetes secret, set defaultMode: 0400 and no fsGroup; where it ` +
        "is mounted read-only, copy it into a folder of your own, with mode 600. If somebody may have copied it, " +
        "rotate the key",
      details: { path },
    },
  );
}

function damaged(path: string, why: string): TagsealError {
  return new TagsealError("bad-input", `The key file "${path}" cannot be used: ${why}`, {
    remedy: "Restore the file from a backup",
    details: { path },
  });
}

function wrongPassphrase(key: KeyInfo): TagsealError {
  return new TagsealError(
    "bad-input",
    `The passphrase does not open the ${key.role || "private"} key ${key.id.slice(0, 7)}…`,
    {
      remedy: "Run the command again with the passphrase that was set when the key was made",
      details: { keyId: key.id, role: key.role },
    },
  );
}
