/** Signatures as cosign and containers-image take them from a plain key: SHA-256 for every key, RSA with PKCS #1 v1.5. @module */
import type { Bytes } from "../../bytes/bytes.ts";
import { derOfRs } from "../../crypto/algorithms.ts";
import type { PublicKey } from "../../crypto/keys.ts";
import { recognizeByRules, type SignatureRules } from "../../crypto/signature_rules.ts";

/** The rules of the payloads, whatever the key. */
export const COSIGN_RULES: SignatureRules = { hash: "sha256", rsaPadding: "pkcs1" };

/** A raw signature in the form that is published, ECDSA as DER; `undefined` where the key did not make it. */
export async function publishedSignature(key: PublicKey, payload: Bytes, raw: Bytes): Promise<Bytes | undefined> {
  const good = await recognizeByRules(key, COSIGN_RULES, payload, raw);
  return good && (key.shape.family === "ecdsa" ? derOfRs(good.bytes) : good.bytes);
}

/** The first of `keys` that made a signature. */
export async function signerOf(
  keys: readonly PublicKey[],
  payload: Bytes,
  signature: Bytes,
): Promise<PublicKey | undefined> {
  for (const key of keys) if (await recognizeByRules(key, COSIGN_RULES, payload, signature)) return key;
  return undefined;
}

/** Base64 in the one form that every reader takes: the standard alphabet, padded, nothing in between. */
export function fromStrictBase64(encoded: string): Bytes | undefined {
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return undefined;
  try {
    return Uint8Array.fromBase64(encoded, { lastChunkHandling: "strict" });
  } catch {
    return undefined;
  }
}
