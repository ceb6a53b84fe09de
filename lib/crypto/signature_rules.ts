/**
 * Signatures by rules: which hash, which RSA padding. Formats differ in them. ECDSA keys need the hash only, and Ed25519
 * keys neither.
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
  /** RSA and Ed25519 bytes, or r‖s of fixed length. */
  readonly bytes: Bytes;
  /** How long the salt is, in bytes: for PSS. */
  readonly saltLength?: number;
}

function methodByRules(shape: KeyShape, rules: SignatureRules): SignatureMethod {
  if (shape.family === "ecdsa") return "ecdsa";
  if (shape.family === "ed25519") return "eddsa";
  return rules.rsaPadding === "pss" ? "rsapss" : "rsapkcs1v15";
}

/** What is made by these rules. */
function variantByRules(rules: SignatureRules): MethodVariant {
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
  const saltLength = method === "rsapss" && shape.family === "rsa"
    ? pssSaltLength(rules.hash, { spki, bits: shape.bits }, raw)
    : 0; // the others have none
  if (saltLength === undefined) return undefined;
  const variant = { hash: rules.hash, saltLength };
  const readings = shape.family === "ecdsa" ? ecdsaReadings(raw, shape.curve) : [raw];
  for (const reading of readings) {
    if (!await verifySignature(method, key, bytes, reading, variant)) continue;
    return method === "rsapss" ? { bytes: reading, saltLength } : { bytes: reading };
  }
  return undefined;
}

/** Signs `bytes` with a private key (PKCS#8 DER): RSA bytes, or r‖s. */
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
