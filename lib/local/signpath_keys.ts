/**
 * The keys of the embedded SignPath service. SignPath never sees what it signs with: it hands a hash to a key store and
 * takes a signature. So does the embedded one, which lets a key sit in a file as well as on a PKCS#11 token.
 *
 * @module
 */
import { constants, type KeyObject, privateDecrypt, privateEncrypt } from "node:crypto";
import { type Bytes, concat } from "../bytes/bytes.ts";
import type { PublicKey } from "../crypto/keys.ts";
import { DIGEST_INFO, encodePss, hashOfDigest } from "../crypto/rsa_padding.ts";
import { publicKeyOf } from "../crypto/key_object.ts";
import { TagsealError } from "../errors.ts";

/** How a hash is signed, by the names of SignPath's hash signing artifacts. */
export type HashScheme = "RsaPkcs1" | "RsaPss" | "Ecdsa";

/** A key that signs hashes, wherever it is. */
export interface LocalSigningKey {
  /** Its public half. */
  readonly publicKey: PublicKey;
  /**
   * Signs a hash of SHA-256, SHA-384 or SHA-512, told by its length: RSA bytes (PSS with a salt as long as the hash,
   * unless the key has another habit), or r‖s.
   *
   * @throws {TagsealError} `bad-input` where the key cannot sign so, or what is to be signed is no such hash
   */
  signHash(digest: Bytes, scheme: HashScheme): Promise<Bytes>;
}

/**
 * A key whose private half is in memory, read from a file or made there.
 *
 * @param saltLength bytes of PSS salts, as key stores differ in them and SignPath does not name theirs; as long as the
 *   hash unless given
 */
export function fileSigningKey(key: KeyObject, { saltLength }: { readonly saltLength?: number } = {}): LocalSigningKey {
  const publicKey = publicKeyOf(key);
  return {
    publicKey,
    signHash: async (digest, scheme) => {
      const { shape } = publicKey;
      const name = hashOfDigest(digest);
      if (!name) throw refused("What is to be signed is not a hash of SHA-256, SHA-384 or SHA-512");
      if (scheme === "Ecdsa" && shape.family === "ecdsa") return await ecdsa(key, shape.curve, digest);
      if (scheme === "RsaPkcs1" && shape.family === "rsa") return pkcs1(key, concat(DIGEST_INFO[name], digest));
      if (scheme === "RsaPss" && shape.family === "rsa") {
        return pss(key, encodePss(name, digest, shape.bits, saltLength));
      }
      throw refused(`A key of the family "${shape.family}" does not sign with "${scheme}"`);
    },
  };
}

function refused(message: string): TagsealError {
  return new TagsealError("bad-input", message, { remedy: "Ask for the algorithm of the signing policy's key" });
}

/** RSASSA-PKCS1-v1_5 (RFC 8017, section 8.2.1). */
function pkcs1(key: KeyObject, digestInfo: Bytes): Bytes {
  return bytesOf(privateEncrypt({ key, padding: constants.RSA_PKCS1_PADDING }, digestInfo));
}

/** RSASSA-PSS (RFC 8017, section 8.1.1): the bare private operation, which Deno's node:crypto has under this name only. */
function pss(key: KeyObject, encoded: Bytes): Bytes {
  return bytesOf(privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, encoded));
}

/** WebCrypto and Deno's node:crypto hash on their own: for a given hash there is a library, loaded when it is needed. */
async function ecdsa(key: KeyObject, curve: "P-256" | "P-384" | "P-521", digest: Bytes): Promise<Bytes> {
  const { p256, p384, p521 } = await import("@noble/curves/nist.js");
  const scalar = Uint8Array.fromBase64(key.export({ format: "jwk" }).d ?? "", { alphabet: "base64url" });
  return bytesOf({ "P-256": p256, "P-384": p384, "P-521": p521 }[curve].sign(digest, scalar, { prehash: false }));
}

function bytesOf(bytes: Uint8Array): Bytes {
  return new Uint8Array(bytes);
}
