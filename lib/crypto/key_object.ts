/** Keys as the runtime's own cryptography holds them, for what WebCrypto cannot read or make. @module */
import { createPublicKey, type KeyObject } from "node:crypto";
import { keyOfSpki, type PublicKey } from "./keys.ts";
import type { PrivateKey } from "./private_key.ts";

/** The key in plain. @throws {SyntaxError} for keys that Notary has no use for */
export function privateKeyOf(key: KeyObject): PrivateKey {
  return { publicKey: publicKeyOf(key), pkcs8: new Uint8Array(key.export({ type: "pkcs8", format: "der" })) };
}

/** The plain public key of a private key. @throws {SyntaxError} for keys that Notary has no use for */
export function publicKeyOf(privateKey: KeyObject): PublicKey {
  return keyOfSpki(new Uint8Array(createPublicKey(privateKey).export({ type: "spki", format: "der" })));
}
