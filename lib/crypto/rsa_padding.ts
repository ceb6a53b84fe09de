/**
 * The encoded messages of RSA signatures: for digests that are made elsewhere, and for salts whose length nobody names.
 *
 * @see RFC 8017, 9.1 (EMSA-PSS) and 9.2 (EMSA-PKCS1-v1_5)
 * @module
 */
import { constants, createPublicKey, publicEncrypt } from "node:crypto";
import { type Bytes, concat } from "../bytes/bytes.ts";
import { hash, type SignatureHash } from "./hash.ts";

/** How many bytes a digest has. */
export const DIGEST_BYTES: Readonly<Record<SignatureHash, number>> = { sha256: 32, sha384: 48, sha512: 64 };

/** Which hash makes digests of this length; `undefined` where none of them does. */
export function hashOfDigest(digest: Bytes): SignatureHash | undefined {
  return (Object.keys(DIGEST_BYTES) as SignatureHash[]).find((name) => DIGEST_BYTES[name] === digest.length);
}

/** DigestInfo, up to the digest (RFC 8017, 9.2, note 1): what PKCS#1 v1.5 signs before the digest. */
export const DIGEST_INFO: Readonly<Record<SignatureHash, Bytes>> = {
  sha256: Uint8Array.fromHex("3031300d060960864801650304020105000420"),
  sha384: Uint8Array.fromHex("3041300d060960864801650304020205000430"),
  sha512: Uint8Array.fromHex("3051300d060960864801650304020305000440"),
};

/**
 * The encoded message of RSASSA-PSS, as long as the modulus (RFC 8017, 9.1.1); with a salt as long as the digest, unless
 * another length is given in bytes.
 */
export function encodePss(
  name: SignatureHash,
  digest: Bytes,
  modulusBits: number,
  saltLength: number = DIGEST_BYTES[name],
): Bytes {
  const length = encodedBytes(modulusBits);
  const salt = crypto.getRandomValues(new Uint8Array(saltLength));
  const h = hash(name, concat(new Uint8Array(8), digest, salt));
  const block = new Uint8Array(length - h.length - 1);
  block[block.length - salt.length - 1] = 1;
  block.set(salt, block.length - salt.length);
  const masked = masking(name, h, block, modulusBits);
  return concat(new Uint8Array(Math.ceil(modulusBits / 8) - length), masked, h, Uint8Array.of(0xbc));
}

/**
 * How long the salt of a PSS signature is, read from its encoded message (RFC 8017, 9.1.2, steps 4 to 10); `undefined`
 * where it is no such message. Nothing is verified with that: whoever has the length can verify.
 *
 * @param key an RSA key: SubjectPublicKeyInfo, DER
 */
export function pssSaltLength(
  name: SignatureHash,
  key: { readonly spki: Bytes; readonly bits: number },
  signature: Bytes,
): number | undefined {
  const message = publicOperation(key.spki, signature);
  const length = encodedBytes(key.bits);
  const digestBytes = DIGEST_BYTES[name];
  if (message?.at(-1) !== 0xbc || message.length < length || length < 2 * digestBytes + 2) return undefined;
  const encoded = message.subarray(message.length - length);
  const h = encoded.subarray(length - digestBytes - 1, length - 1);
  const block = masking(name, h, encoded.subarray(0, length - digestBytes - 1), key.bits);
  const one = block.findIndex((byte) => byte !== 0);
  return block[one] === 1 ? block.length - one - 1 : undefined;
}

/** The bare public operation, which Deno's `node:crypto` has under this name only. */
function publicOperation(spki: Bytes, signature: Bytes): Bytes | undefined {
  try {
    const key = createPublicKey({ key: spki as never, format: "der", type: "spki" });
    return new Uint8Array(publicEncrypt({ key, padding: constants.RSA_NO_PADDING }, signature));
  } catch {
    return undefined; // no number below the modulus
  }
}

function encodedBytes(modulusBits: number): number {
  return Math.ceil((modulusBits - 1) / 8);
}

/** `block` with its mask on or off, and without the bits that a number below the modulus has no room for. */
function masking(name: SignatureHash, seed: Bytes, block: Bytes, modulusBits: number): Bytes {
  const mask = mgf1(name, seed, block.length);
  const out = block.map((byte, i) => byte ^ mask[i]!);
  out[0]! &= 0xff >> (8 * encodedBytes(modulusBits) - (modulusBits - 1));
  return out;
}

/** The mask generation function of RFC 8017, B.2.1. */
function mgf1(name: SignatureHash, seed: Bytes, length: number): Bytes {
  const blocks = Array.from(
    { length: Math.ceil(length / DIGEST_BYTES[name]) },
    (_, i) => hash(name, concat(seed, Uint8Array.of(0, 0, i >> 8, i & 0xff))),
  );
  return concat(...blocks).subarray(0, length);
}
