/** Signers: something that knows its public key and signs bytes. Private keys do not travel. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { createSignature, methodsOf, type SignatureMethod } from "./algorithms.ts";
import type { PublicKey } from "./keys.ts";
import type { PrivateKey } from "./private_key.ts";
import { createSignatureByRules, type SignatureRules } from "./signature_rules.ts";

/** A raw signature and the method that verifies it, with the hash of the rules where it was made by rules. */
export interface RawSignature {
  /** The method, as metadata names it. */
  readonly method: SignatureMethod;
  /** RSA bytes, or r‖s for ECDSA. */
  readonly bytes: Bytes;
}

/** Signs with one key, wherever that key is. */
export interface Signer {
  /** The key that verifies; metadata may file it under another id, if it holds it as a certificate. */
  readonly publicKey: PublicKey;
  /** Signs exactly these bytes: as Notary's own keys do, or by the rules that are given. */
  sign(payload: Bytes, rules?: SignatureRules): Promise<RawSignature>;
}

/** The two schemes that Notary knows for RSA keys. */
export type RsaScheme = "rsapkcs1v15" | "rsapss";

/** A signer that also signs what somebody else hashed. */
export interface HashSigner extends Signer {
  /**
   * Signs a payload that is known by its digest only: of SHA-256, SHA-384 or SHA-512, told by its length. RSA keys sign
   * with `scheme`, PKCS#1 v1.5 unless said; ECDSA keys have one scheme, whatever is said.
   */
  signHash(digest: Bytes, scheme?: RsaScheme): Promise<RawSignature>;
}

/** A signer over a private key in memory. It signs as Notary does: RSA keys with `rsapss`. */
export function localSigner({ publicKey, pkcs8 }: PrivateKey): Signer {
  const method = methodsOf(publicKey.shape)[0]!;
  const key = { shape: publicKey.shape, pkcs8 };
  return {
    publicKey,
    sign: async (payload, rules) =>
      rules
        ? await createSignatureByRules(key, rules, payload)
        : { method, bytes: await createSignature(method, key, payload) },
  };
}
