/**
 * The signature methods of Notary v1, as one table over WebCrypto.
 *
 * WebCrypto, not `node:crypto`: Deno's `node:crypto` cannot sign or verify P-521 over SHA-256, and Notary hashes with
 * SHA-256 for every curve. Rules (Notary `tuf/signed/verifiers.go`): ECDSA is r‖s of exactly twice the field size; PSS
 * salts are exactly 32 bytes; RSA moduli have at least 2048 bits; method names are matched in any case.
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { derEncoded, derInteger, derSequence, derUnsigned, TAG } from "./der.ts";
import { type SignatureHash, WEB_HASHES } from "./hash.ts";

/** The names of signature methods in metadata. */
export type SignatureMethod = "ecdsa" | "rsapss" | "rsapkcs1v15" | "eddsa";

/** What a key can do, read from the key itself and never from a label beside it. */
export type KeyShape =
  | { readonly family: "ecdsa"; readonly curve: "P-256" | "P-384" | "P-521" }
  | { readonly family: "rsa"; readonly bits: number }
  | { readonly family: "ed25519" };

/** The smallest RSA modulus that is accepted. */
export const MIN_RSA_BITS = 2048;

/** How many bytes a coordinate has, and each half of a signature. */
export const FIELD_BYTES = { "P-256": 32, "P-384": 48, "P-521": 66 } as const;

/** What a method leaves open. Ed25519 leaves nothing open. */
export interface MethodVariant {
  /** What is hashed with, MGF1 of PSS as well. */
  readonly hash: SignatureHash;
  /** The salt of PSS, in bytes. */
  readonly saltLength: number;
}

/** How Notary signs. */
const NOTARY: MethodVariant = { hash: "sha256", saltLength: 32 };

interface Algorithm {
  readonly family: KeyShape["family"];
  importAs(shape: KeyShape, hash: SignatureHash): AlgorithmIdentifier | RsaHashedImportParams | EcKeyImportParams;
  operation(variant: MethodVariant): AlgorithmIdentifier | EcdsaParams | RsaPssParams;
  /** The exact length of a signature, where it is fixed by the key. */
  signatureBytes(shape: KeyShape): number;
}

const rsaBytes = (shape: KeyShape) => shape.family === "rsa" ? Math.ceil(shape.bits / 8) : 0;

const ALGORITHMS: Readonly<Record<SignatureMethod, Algorithm>> = {
  ecdsa: {
    family: "ecdsa",
    importAs: (shape) => ({ name: "ECDSA", namedCurve: shape.family === "ecdsa" ? shape.curve : "" }),
    operation: ({ hash }) => ({ name: "ECDSA", hash: WEB_HASHES[hash] }),
    signatureBytes: (shape) => shape.family === "ecdsa" ? 2 * FIELD_BYTES[shape.curve] : 0,
  },
  rsapss: {
    family: "rsa",
    importAs: (_, hash) => ({ name: "RSA-PSS", hash: WEB_HASHES[hash] }),
    operation: ({ saltLength }) => ({ name: "RSA-PSS", saltLength }),
    signatureBytes: rsaBytes,
  },
  rsapkcs1v15: {
    family: "rsa",
    importAs: (_, hash) => ({ name: "RSASSA-PKCS1-v1_5", hash: WEB_HASHES[hash] }),
    operation: () => ({ name: "RSASSA-PKCS1-v1_5" }),
    signatureBytes: rsaBytes,
  },
  eddsa: {
    family: "ed25519",
    importAs: () => ({ name: "Ed25519" }),
    operation: () => ({ name: "Ed25519" }),
    signatureBytes: () => 64,
  },
};

/** The method that metadata names, or `undefined` if it is none of Notary's. */
export function signatureMethod(name: string): SignatureMethod | undefined {
  const lower = name.toLowerCase();
  return Object.hasOwn(ALGORITHMS, lower) ? lower as SignatureMethod : undefined;
}

/** The methods a key can be verified with; the first is the one Notary signs with. */
export function methodsOf(shape: KeyShape): SignatureMethod[] {
  return (Object.keys(ALGORITHMS) as SignatureMethod[]).filter((name) => ALGORITHMS[name].family === shape.family);
}

/**
 * Whether `signature` is good for `payload` under a public key (SPKI DER). Never throws for a bad signature.
 *
 * @param variant for signatures that are no metadata's
 */
export async function verifySignature(
  method: SignatureMethod,
  key: { readonly shape: KeyShape; readonly spki: Bytes },
  payload: Bytes,
  signature: Bytes,
  variant: MethodVariant = NOTARY,
): Promise<boolean> {
  const algorithm = ALGORITHMS[method];
  if (algorithm.family !== key.shape.family || signature.length !== algorithm.signatureBytes(key.shape)) return false;
  const importAs = algorithm.importAs(key.shape, variant.hash);
  const imported = await crypto.subtle.importKey("spki", key.spki, importAs, false, ["verify"]);
  return await crypto.subtle.verify(algorithm.operation(variant), imported, signature, payload);
}

/** Signs `payload` with a private key (PKCS#8 DER), as Notary does unless `variant` says otherwise. */
export async function createSignature(
  method: SignatureMethod,
  key: { readonly shape: KeyShape; readonly pkcs8: Bytes },
  payload: Bytes,
  variant: MethodVariant = NOTARY,
): Promise<Bytes> {
  const algorithm = ALGORITHMS[method];
  const importAs = algorithm.importAs(key.shape, variant.hash);
  const imported = await crypto.subtle.importKey("pkcs8", key.pkcs8, importAs, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign(algorithm.operation(variant), imported, payload));
}

/**
 * An ECDSA signature as r‖s, read both ways: as it is, if it has the right size, and as DER, if it is one. A signing
 * service may give either form; which one it is, only verification tells for sure.
 */
export function ecdsaReadings(signature: Bytes, curve: "P-256" | "P-384" | "P-521"): Bytes[] {
  const size = FIELD_BYTES[curve];
  const fromDer = derToIeee(signature, size);
  return [...(signature.length === 2 * size ? [signature] : []), ...(fromDer ? [fromDer] : [])];
}

/** `SEQUENCE { INTEGER r, INTEGER s }`, both positive (RFC 3279, 2.2.3). */
function derToIeee(signature: Bytes, size: number): Bytes | undefined {
  try {
    const integers = derSequence(signature).map(derUnsigned);
    if (integers.length !== 2 || integers.some((integer) => integer.length > size)) return undefined;
    const out = new Uint8Array(2 * size);
    integers.forEach((integer, i) => out.set(integer, (i + 1) * size - integer.length));
    return out;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** r‖s as `SEQUENCE { INTEGER r, INTEGER s }` in DER (RFC 3279, section 2.2.3). */
export function derOfRs(rs: Bytes): Bytes {
  const half = rs.length / 2;
  return derEncoded(TAG.sequence, derInteger(rs.subarray(0, half)), derInteger(rs.subarray(half)));
}
