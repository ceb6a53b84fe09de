/**
 * Keys in Docker's layout: `<trust-dir>/private/<canonical key id>.key`, encrypted PKCS#8 PEM with header lines.
 *
 * Files are made with mode 0600 in a folder of mode 0700, and never appear half-written. The notary client and Docker
 * open what is written here, and the other way round.
 *
 * @see Notary `docs/advanced_usage.md`, "Files and state on disk"; `tuf/utils/x509.go`
 * @module
 */
import { generateKeyPairSync } from "node:crypto";
import { text, utf8 } from "../bytes/bytes.ts";
import { formatPem, parsePem, type PemBlock } from "../bytes/pem.ts";
import type { KeyId } from "../crypto/keys.ts";
import { decryptPrivateKey, encryptPrivateKey, WrongPassphrase } from "../crypto/pkcs8.ts";
import { localSigner, publicKeyOf, type Signer } from "../crypto/signer.ts";
import { messageOf, TagsealError } from "../errors.ts";
import { readFileBounded, removeFile, writeFileAtomically } from "../files/files.ts";
import type { AskPassphrase, KeyInfo, KeyStore } from "./keystore.ts";

const MAX_KEY_FILE_BYTES = 64 * 1024;
const MAX_KEYS = 10_000;
const ATTEMPTS = 3;
const KEY_FILE = /^([0-9a-f]{64})\.key$/;

/** The keys of a trust directory. */
export function createFileKeyStore(trustDir: string, ask: AskPassphrase): KeyStore {
  const folder = `${trustDir}/private`;
  const pathOf = (id: KeyId) => `${folder}/${id}.key`;

  async function readBlock(id: KeyId): Promise<PemBlock> {
    const path = pathOf(id);
    const bytes = /^[0-9a-f]{64}$/.test(id) ? await readFileBounded(path, MAX_KEY_FILE_BYTES) : undefined;
    if (!bytes) {
      throw new TagsealError("not-found", `The key ${id.slice(0, 7)}… is not in "${folder}"`, {
        remedy: "Run this where the key is kept, or name its directory with --trust-dir",
        details: { keyId: id, folder },
      });
    }
    try {
      const block = parsePem(text(bytes)).find(({ label }) => label.endsWith("PRIVATE KEY"));
      if (block) return block;
    } catch (error) {
      if (!(error instanceof SyntaxError) && !(error instanceof TypeError)) throw error;
    }
    throw damaged(path, "it holds no private key in PEM"); // no parser text: it could quote the key
  }

  async function open(id: KeyId): Promise<Signer> {
    const block = await readBlock(id);
    if (block.label !== "ENCRYPTED PRIVATE KEY") throw damaged(pathOf(id), `"${block.label}" is not read here`);
    await refuseIfReadableByOthers(pathOf(id));
    const key = infoOf(id, block);
    for (let attempt = 1;; attempt++) {
      const passphrase = await ask({ purpose: "open", key, attempt });
      try {
        const privateKey = await decryptPrivateKey(block.bytes, passphrase);
        if (publicKeyOf(privateKey).canonicalId !== id) {
          throw damaged(pathOf(id), "it holds another key than it is named");
        }
        return localSigner(privateKey);
      } catch (error) {
        if (error instanceof SyntaxError) throw damaged(pathOf(id), messageOf(error));
        if (!(error instanceof WrongPassphrase) || attempt === ATTEMPTS) {
          throw error instanceof WrongPassphrase ? wrongPassphrase(key) : error;
        }
      }
    }
  }

  return {
    async create(info) {
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const id = publicKeyOf(privateKey).canonicalId;
      const passphrase = await ask({ purpose: "create", key: { id, ...info }, attempt: 1 });
      const headers = new Map([["role", info.role], ...(info.gun ? [["gun", info.gun] as const] : [])]);
      const pem = formatPem("ENCRYPTED PRIVATE KEY", await encryptPrivateKey(privateKey, passphrase), headers);
      await writeFileAtomically(pathOf(id), utf8(pem), { replace: false, mode: 0o600, folderMode: 0o700 });
      return { signer: localSigner(privateKey), discard: () => removeFile(pathOf(id)) };
    },

    async list() {
      const found: KeyInfo[] = [];
      for (const name of await names(folder)) {
        const id = KEY_FILE.exec(name)?.[1];
        if (id && found.length < MAX_KEYS) found.push(infoOf(id, await readBlock(id)));
      }
      return found.sort((a, b) => a.id < b.id ? -1 : 1);
    },

    open,
  };
}

async function names(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).filter((entry) => entry.isFile).map((entry) => entry.name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function infoOf(id: KeyId, block: PemBlock): KeyInfo {
  const gun = block.headers.get("gun");
  return { id, role: block.headers.get("role") ?? "", ...(gun ? { gun } : {}) };
}

async function refuseIfReadableByOthers(path: string): Promise<void> {
  const { mode } = await Deno.stat(path);
  if (mode === null || (mode & 0o077) === 0) return; // Windows has no mode
  throw new TagsealError(
    "bad-input",
    `The key file "${path}" can be read by others (mode ${(mode & 0o777).toString(8)})`,
    {
      remedy: `Protect it: chmod 600 "${path}"; if somebody may have copied it, rotate the key`,
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
