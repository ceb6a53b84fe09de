/**
 * `@signpath/tagseal/keystore`: private keys in files and on PKCS#11 tokens.
 *
 * Unstable: a part of the inside, which any version may change. What keeps its meaning is in `@signpath/tagseal`.
 *
 * @module
 */
export * from "./keystore.ts";
export { createFileKeyStore } from "./file_keystore.ts";
export { loadPkcs11Addon, type Pkcs11Addon } from "./pkcs11_addon.ts";
export { createPkcs11KeyStore, type Pkcs11KeyStore, type Pkcs11Options } from "./pkcs11_keystore.ts";
