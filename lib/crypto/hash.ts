/**
 * SHA-2: by WebCrypto where the caller can wait, and at once where key ids are compared in the midst of reading.
 *
 * The runtime's own `node:crypto` takes 30 to 80 ms to load, which is a tenth of a command; so what signing and
 * verifying hash at once, a few kilobytes, is hashed by a library, and `node:crypto` has what is large or rare.
 *
 * @module
 */
import { sha256 } from "@noble/hashes/sha2.js";
import { createHash } from "node:crypto";
import type { Bytes } from "../bytes/bytes.ts";

/** The hashes that Notary v1 metadata names. */
export type HashName = "sha256" | "sha512";

/** The hashes of signatures: Notary v1 has the first, other formats have all. */
export type SignatureHash = "sha256" | "sha384" | "sha512";

/** Their names in WebCrypto. */
export const WEB_HASHES: Readonly<Record<SignatureHash, string>> = {
  sha256: "SHA-256",
  sha384: "SHA-384",
  sha512: "SHA-512",
};

/** From this length on the library takes longer than loading the runtime's own does. */
const LARGE_BYTES = 256 * 1024;

/** The digest of `bytes`, which must not change before it is there. */
export async function digest(name: SignatureHash, bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest(WEB_HASHES[name], bytes));
}

/** The digest of `bytes`, at once. */
export function hash(name: SignatureHash, bytes: Uint8Array): Bytes {
  if (name === "sha256" && bytes.length < LARGE_BYTES) return new Uint8Array(sha256(bytes));
  return new Uint8Array(createHash(name).update(bytes).digest());
}

/** SHA-256 in lower-case hex, at once: key ids, manifest digests. */
export function sha256Hex(bytes: Uint8Array): string {
  return hash("sha256", bytes).toHex();
}
