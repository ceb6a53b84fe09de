/** SHA-2, synchronous: trust data is hashed where it is compared. @module */
import { createHash } from "node:crypto";
import type { Bytes } from "../bytes/bytes.ts";

/** The hashes that Notary v1 metadata names. */
export type HashName = "sha256" | "sha512";

/** The hashes of signatures: Notary v1 has the first, other formats have all. */
export type SignatureHash = "sha256" | "sha384" | "sha512";

/** The digest of `bytes`. */
export function hash(name: HashName | SignatureHash, bytes: Uint8Array): Bytes {
  return new Uint8Array(createHash(name).update(bytes).digest());
}

/** SHA-256 in lower-case hex: key ids, manifest digests. */
export function sha256Hex(bytes: Uint8Array): string {
  return hash("sha256", bytes).toHex();
}
