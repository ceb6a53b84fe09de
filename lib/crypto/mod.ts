/**
 * `@signpath/tagseal/crypto`: keys, certificates, signatures, and the plain values that everything is made of.
 *
 * Unstable: a part of the inside, which any version may change. What keeps its meaning is in `@signpath/tagseal`.
 *
 * @module
 */
export type { Bytes } from "../bytes/bytes.ts";
export type { JsonArray, JsonObject, JsonValue } from "../bytes/json.ts";
export type { KeyShape, MethodVariant, SignatureMethod } from "./algorithms.ts";
export type { HashName, SignatureHash } from "./hash.ts";
export { type KeyId, keyOfCertificate, type KeyType, type PublicKey } from "./keys.ts";
export { newPrivateKey, type PrivateKey, readPrivateKey } from "./private_key.ts";
export { localSigner, type RawSignature, type Signer } from "./signer.ts";
export * from "./signature_rules.ts";
export { type Certificate, certificatePem, readCertificate } from "./x509.ts";
