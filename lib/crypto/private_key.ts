/** Private keys in memory: PKCS#8 (RFC 5958), and the public key that was made of it. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { type DerElement, derEncoded, derInteger, derSequence, TAG } from "./der.ts";
import { keyOfSpki, type PublicKey } from "./keys.ts";

/** A private key. It does not leave the process but encrypted. */
export interface PrivateKey {
  /** What verifies its signatures. */
  readonly publicKey: PublicKey;
  /** PrivateKeyInfo of version 0, DER. */
  readonly pkcs8: Bytes;
}

type ImportAs = EcKeyImportParams | RsaHashedImportParams | AlgorithmIdentifier;

/** With its parameters, NULL, which notary leaves out (RFC 8017, A.1). */
const RSA = "06092a864886f70d0101010500";

/** The keys that Notary signs with, by the contents of their AlgorithmIdentifier in hex. */
const ALGORITHMS: ReadonlyMap<string, ImportAs> = new Map<string, ImportAs>([
  ["06072a8648ce3d020106082a8648ce3d030107", { name: "ECDSA", namedCurve: "P-256" }],
  ["06072a8648ce3d020106052b81040022", { name: "ECDSA", namedCurve: "P-384" }],
  ["06072a8648ce3d020106052b81040023", { name: "ECDSA", namedCurve: "P-521" }],
  [RSA, { name: "RSA-PSS", hash: "SHA-256" }],
  ["06032b6570", { name: "Ed25519" }],
]);

/** A new key, ECDSA on P-256. */
export async function newPrivateKey(): Promise<PrivateKey> {
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const exported = async (format: "pkcs8" | "spki", key: CryptoKey) =>
    new Uint8Array(await crypto.subtle.exportKey(format, key));
  return {
    publicKey: keyOfSpki(await exported("spki", pair.publicKey)),
    pkcs8: await exported("pkcs8", pair.privateKey),
  };
}

/**
 * Reads an unencrypted PrivateKeyInfo.
 *
 * @throws {SyntaxError} where it is none, or of a kind that Notary has no keys of
 */
export async function readPrivateKey(der: Bytes): Promise<PrivateKey> {
  return await privateKeyFrom(privateKeyInfo(der));
}

/** What stands in a PrivateKeyInfo. */
export interface PrivateKeyInfo {
  /** AlgorithmIdentifier. */
  readonly algorithm: DerElement;
  /** OCTET STRING. */
  readonly key: DerElement;
}

/**
 * Takes a PrivateKeyInfo apart; the key in it is not looked at.
 *
 * @throws {SyntaxError}
 */
export function privateKeyInfo(der: Bytes): PrivateKeyInfo {
  const [version, algorithm, key] = derSequence(der);
  if (version?.tag !== TAG.integer || algorithm?.tag !== TAG.sequence || key?.tag !== TAG.octetString) {
    throw new SyntaxError("not PKCS#8");
  }
  return { algorithm, key };
}

/** The key of a PrivateKeyInfo. @throws {SyntaxError} where it cannot be read, or Notary has no keys of its kind */
export async function privateKeyFrom({ algorithm, key }: PrivateKeyInfo): Promise<PrivateKey> {
  const written = algorithm.content.toHex();
  const usual = `${written}0500` === RSA ? RSA : written;
  const importAs = ALGORITHMS.get(usual);
  if (!importAs) throw new SyntaxError("a private key is neither ECDSA on a curve of Notary's, nor RSA, nor Ed25519");
  // Version 1 promises a public key (RFC 5958, 2), which notary leaves out; as version 0 the same bytes are right.
  const pkcs8 = derEncoded(
    TAG.sequence,
    derInteger(Uint8Array.of(0)),
    derEncoded(TAG.sequence, Uint8Array.fromHex(usual)),
    key.bytes,
  );
  let spki: Bytes;
  try {
    spki = await publicPartOf(await crypto.subtle.importKey("pkcs8", pkcs8, importAs, true, ["sign"]), importAs);
  } catch {
    throw new SyntaxError("the private key cannot be read");
  }
  return { publicKey: keyOfSpki(spki), pkcs8 };
}

/** The public part, DER: WebCrypto gives it from the private key as a JSON Web Key alone (RFC 7518, 6). */
async function publicPartOf(key: CryptoKey, importAs: ImportAs): Promise<Bytes> {
  const { kty, crv, x, y, n, e } = await crypto.subtle.exportKey("jwk", key);
  const own = { kty, crv, x, y, n, e } as JsonWebKey; // those of another kind of key are undefined
  const publicKey = await crypto.subtle.importKey("jwk", own, importAs, true, ["verify"]);
  return new Uint8Array(await crypto.subtle.exportKey("spki", publicKey));
}
