/**
 * The keys of the embedded SignPath service. SignPath never sees what it signs with: it hands a hash to a key store and
 * takes a signature. So does the embedded one, which lets a key sit in a file as well as on a PKCS#11 token.
 *
 * @module
 */
import { constants, type KeyObject, privateDecrypt, privateEncrypt } from "node:crypto";
import { type Bytes, concat } from "../bytes/bytes.ts";
import { hash } from "../crypto/hash.ts";
import type { PublicKey } from "../crypto/keys.ts";
import { publicKeyOf } from "../crypto/signer.ts";
import { TagsealError } from "../errors.ts";

/** How a hash is signed, by the names of SignPath's hash signing artifacts. */
export type HashScheme = "RsaPkcs1" | "RsaPss" | "Ecdsa";

/** A key that signs hashes, wherever it is. */
export interface LocalSigningKey {
  /** Its public half. */
  readonly publicKey: PublicKey;
  /**
   * Signs a SHA-256 hash: RSA bytes (PSS with a salt of 32 bytes), or r‖s.
   *
   * @throws {TagsealError} `bad-input` where the key cannot sign so, or what is to be signed is no SHA-256 hash
   */
  signHash(sha256: Bytes, scheme: HashScheme): Promise<Bytes>;
}

/** A key whose private half is in memory, read from a file or made there. */
export function fileSigningKey(key: KeyObject): LocalSigningKey {
  const publicKey = publicKeyOf(key);
  return {
    publicKey,
    signHash: async (sha256, scheme) => {
      const { shape } = publicKey;
      if (sha256.length !== HASH_BYTES) throw refused("What is to be signed is not a SHA-256 hash");
      if (scheme === "Ecdsa" && shape.family === "ecdsa") return await ecdsa(key, shape.curve, sha256);
      if (scheme === "RsaPkcs1" && shape.family === "rsa") return pkcs1(key, sha256);
      if (scheme === "RsaPss" && shape.family === "rsa") return pss(key, shape.bits, sha256);
      throw refused(`A key of the family "${shape.family}" does not sign with "${scheme}"`);
    },
  };
}

const HASH_BYTES = 32;
/** DigestInfo of SHA-256, up to the hash (RFC 8017, section 9.2, note 1). */
const DIGEST_INFO = Uint8Array.fromHex("3031300d060960864801650304020105000420");

function refused(message: string): TagsealError {
  return new TagsealError("bad-input", message, { remedy: "Ask for the algorithm of the signing policy's key" });
}

/** RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2.1). */
function pkcs1(key: KeyObject, sha256: Bytes): Bytes {
  return bytesOf(privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, concat(DIGEST_INFO, sha256)));
}

/** RSASSA-PSS with MGF1 over SHA-256 and a salt as long as the hash (RFC 8017, sections 8.1.1 and 9.1.1). */
function pss(key: KeyObject, bits: number, sha256: Bytes): Bytes {
  const length = Math.ceil((bits - 1) / 8);
  const salt = crypto.getRandomValues(new Uint8Array(HASH_BYTES));
  const h = hash("sha256", concat(new Uint8Array(8), sha256, salt));
  const db = new Uint8Array(length - HASH_BYTES - 1);
  db[db.length - salt.length - 1] = 1;
  db.set(salt, db.length - salt.length);
  const mask = mgf1(h, db.length);
  const masked = db.map((byte, i) => byte ^ mask[i]!);
  masked[0]! &= 0xff >> (8 * length - (bits - 1));
  const encoded = concat(new Uint8Array(Math.ceil(bits / 8) - length), masked, h, Uint8Array.of(0xbc));
  // The bare private operation, which Deno's node:crypto has under this name only.
  return bytesOf(privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, encoded));
}

/** The mask generation function of RFC 8017, appendix B.2.1. */
function mgf1(seed: Bytes, length: number): Bytes {
  const blocks = Array.from(
    { length: Math.ceil(length / HASH_BYTES) },
    (_, i) => hash("sha256", concat(seed, Uint8Array.of(0, 0, i >> 8, i & 0xff))),
  );
  return concat(...blocks).subarray(0, length);
}

/** WebCrypto and Deno's node:crypto hash on their own: for a given hash there is a library, loaded when it is needed. */
async function ecdsa(key: KeyObject, curve: "P-256" | "P-384" | "P-521", sha256: Bytes): Promise<Bytes> {
  const { p256, p384, p521 } = await import("@noble/curves/nist.js");
  const scalar = Uint8Array.fromBase64(key.export({ format: "jwk" }).d ?? "", { alphabet: "base64url" });
  return bytesOf({ "P-256": p256, "P-384": p384, "P-521": p521 }[curve].sign(sha256, scalar, { prehash: false }));
}

function bytesOf(bytes: Uint8Array): Bytes {
  return new Uint8Array(bytes);
}
