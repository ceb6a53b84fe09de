/**
 * Signatures by the rules of formats that are not Notary's: which hash, which RSA padding. ECDSA keys need the hash
 * only; Ed25519 keys have no place in these formats.
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import {
  createSignature,
  ecdsaReadings,
  type KeyShape,
  type MethodVariant,
  type SignatureMethod,
  verifySignature,
} from "./algorithms.ts";
import type { SignatureHash } from "./hash.ts";
import type { PublicKey } from "./keys.ts";
import { DIGEST_BYTES, pssSaltLength } from "./rsa_padding.ts";

/** How an RSA key pads. */
export type RsaPadding = "pkcs1" | "pss";

/** How bytes are signed. */
export interface SignatureRules {
  /** What they are hashed with. */
  readonly hash: SignatureHash;
  /** What RSA keys pad with. Salts are made as long as the digest; which ones are taken is told where they are read. */
  readonly rsaPadding: RsaPadding;
}

/** A signature that was verified. */
export interface RecognizedSignature {
  /** RSA bytes, or r‖s of fixed length. */
  readonly bytes: Bytes;
  /** How long the salt is, in bytes: for PSS. */
  readonly saltLength?: number;
}

/** The name in metadata of what a key does by these rules; `undefined` for Ed25519. */
export function methodByRules(shape: KeyShape, rules: SignatureRules): SignatureMethod | undefined {
  if (shape.family === "ecdsa") return "ecdsa";
  if (shape.family === "rsa") return rules.rsaPadding === "pss" ? "rsapss" : "rsapkcs1v15";
  return undefined;
}

/** The variant that is made by these rules: the salt of PSS is as long as the digest. */
export function variantByRules(rules: SignatureRules): MethodVariant {
  return { hash: rules.hash, saltLength: DIGEST_BYTES[rules.hash] };
}

/**
 * The signature in `raw` if it is one of `bytes` by these rules: ECDSA as r‖s or as DER, PSS with a salt of any length.
 * Never throws for a bad signature.
 */
export async function recognizeByRules(
  key: Pick<PublicKey, "shape" | "spki">,
  rules: SignatureRules,
  bytes: Bytes,
  raw: Bytes,
): Promise<RecognizedSignature | undefined> {
  const { shape, spki } = key;
  const method = methodByRules(shape, rules);
  if (method === undefined) return undefined;
  if (shape.family === "ecdsa") {
    for (const reading of ecdsaReadings(raw, shape.curve)) {
      if (await verifySignature(method, key, bytes, reading, variantByRules(rules))) return { bytes: reading };
    }
    return undefined;
  }
  const saltLength = method === "rsapss" && shape.family === "rsa"
    ? pssSaltLength(rules.hash, { spki, bits: shape.bits }, raw)
    : 0; // PKCS#1 v1.5 has none
  if (saltLength === undefined) return undefined;
  if (!await verifySignature(method, key, bytes, raw, { hash: rules.hash, saltLength })) return undefined;
  return method === "rsapss" ? { bytes: raw, saltLength } : { bytes: raw };
}

/**
 * Signs `bytes` with a private key (PKCS#8 DER): RSA bytes, or r‖s.
 *
 * @throws {TypeError} for a key that these rules have no place for
 */
export async function createSignatureByRules(
  key: { readonly shape: KeyShape; readonly pkcs8: Bytes },
  rules: SignatureRules,
  bytes: Bytes,
): Promise<{ readonly method: SignatureMethod; readonly bytes: Bytes }> {
  const method = methodByRules(key.shape, rules);
  if (method === undefined) {
    throw new TypeError(`a key of the family "${key.shape.family}" signs by its own rules only`);
  }
  return { method, bytes: await createSignature(method, key, bytes, variantByRules(rules)) };
}
