/**
 * Encrypted PKCS#8 (RFC 5958) as Notary and Docker write it: PBES2 with PBKDF2 and AES-256-CBC (RFC 8018).
 *
 * Written by hand, because `node:crypto` can neither write a file that the notary client opens (it names HMAC-SHA256,
 * notary knows the default HMAC-SHA1 only) nor read one (notary marks EC keys as version 1).
 *
 * @module
 */
import { type Bytes, equalBytes, utf8 } from "../bytes/bytes.ts";
import { type DerElement, derEncoded, derInteger, derSequence, derUnsigned, TAG } from "./der.ts";
import { type PrivateKey, privateKeyFrom, type PrivateKeyInfo, privateKeyInfo } from "./private_key.ts";

/** Object identifiers, DER: of RFC 8018, A.2 to A.4 and B.1.1, and AES-256-CBC. */
const OID = {
  pbes2: Uint8Array.fromHex("06092a864886f70d01050d"),
  pbkdf2: Uint8Array.fromHex("06092a864886f70d01050c"),
  aes256Cbc: Uint8Array.fromHex("060960864801650304012a"),
} as const;
/** The hash of PBKDF2 by the identifier of its HMAC, DER in hex. */
const HASHES: ReadonlyMap<string, "SHA-1" | "SHA-256"> = new Map([
  ["06082a864886f70d0207", "SHA-1"],
  ["06082a864886f70d0209", "SHA-256"],
]);
const ITERATIONS = 2048; // what notary writes; its files are made to be opened by it
const MAX_ITERATIONS = 10_000_000;
const IV_BYTES = 16;

/** How a key is sealed. */
interface Sealing {
  readonly salt: Bytes;
  readonly iterations: number;
  readonly hash: "SHA-1" | "SHA-256";
  readonly iv: Bytes;
}

/** The passphrase does not open the key. */
export class WrongPassphrase extends Error {
  /** Always `WrongPassphrase`. */
  override readonly name = "WrongPassphrase";
}

/** Encrypts a PrivateKeyInfo (DER) with a passphrase; returns the DER of an EncryptedPrivateKeyInfo. */
export async function encryptPrivateKey(pkcs8: Bytes, passphrase: string): Promise<Bytes> {
  const salt = crypto.getRandomValues(new Uint8Array(8)), iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const key = await derive(passphrase, { salt, iterations: ITERATIONS, hash: "SHA-1", iv }, "encrypt");
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-CBC", iv }, key, pkcs8));
  const sequence = (...parts: Bytes[]) => derEncoded(TAG.sequence, ...parts);
  const octets = (bytes: Bytes) => derEncoded(TAG.octetString, bytes);
  const iterations = derInteger(Uint8Array.of(ITERATIONS >> 8, ITERATIONS & 0xff));
  const kdf = sequence(OID.pbkdf2, sequence(octets(salt), iterations));
  return sequence(sequence(OID.pbes2, sequence(kdf, sequence(OID.aes256Cbc, octets(iv)))), octets(sealed));
}

/**
 * Opens an EncryptedPrivateKeyInfo.
 *
 * @throws {WrongPassphrase}
 * @throws {SyntaxError} where the file is malformed or of a kind that Notary does not write
 */
export async function decryptPrivateKey(der: Bytes, passphrase: string): Promise<PrivateKey> {
  const { sealed, ...sealing } = readPbes2(der);
  const key = await derive(passphrase, sealing, "decrypt");
  let plain: Bytes;
  try {
    plain = new Uint8Array(await crypto.subtle.decrypt({ name: "AES-CBC", iv: sealing.iv }, key, sealed));
  } catch {
    throw new WrongPassphrase("the passphrase does not open the key");
  }
  let info: PrivateKeyInfo;
  try {
    info = privateKeyInfo(plain);
  } catch {
    // One wrong passphrase in 256 leaves something that ends like padding.
    throw new WrongPassphrase("the passphrase does not open the key");
  }
  return await privateKeyFrom(info);
}

async function derive(
  passphrase: string,
  { salt, iterations, hash }: Sealing,
  use: "encrypt" | "decrypt",
): Promise<CryptoKey> {
  const words = await crypto.subtle.importKey("raw", utf8(passphrase), "PBKDF2", false, ["deriveKey"]);
  const algorithm = { name: "PBKDF2", salt, iterations, hash };
  return await crypto.subtle.deriveKey(algorithm, words, { name: "AES-CBC", length: 256 }, false, [use]);
}

function readPbes2(der: Bytes): Sealing & { readonly sealed: Bytes } {
  const [scheme, sealed] = sequenceOf(der);
  const [pbes2, parameters] = sequenceOf(scheme?.bytes);
  if (!isSame(pbes2, OID.pbes2)) throw unreadable("it is not encrypted with PBES2");
  const [kdf, cipher] = sequenceOf(parameters?.bytes);
  const [pbkdf2, kdfParameters] = sequenceOf(kdf?.bytes);
  const [aes, iv] = sequenceOf(cipher?.bytes);
  if (!isSame(pbkdf2, OID.pbkdf2) || !isSame(aes, OID.aes256Cbc)) throw unreadable("other algorithms were used");
  const [salt, iterations, ...rest] = sequenceOf(kdfParameters?.bytes);
  const vector = octetsOf(iv);
  if (vector.length !== IV_BYTES) throw unreadable("its initialization vector has the wrong size");
  return {
    salt: octetsOf(salt),
    iterations: countOf(iterations),
    hash: hashOf(rest.find(({ tag }) => tag === TAG.sequence)),
    iv: vector,
    sealed: octetsOf(sealed),
  };
}

function countOf(iterations: DerElement | undefined): number {
  if (iterations?.tag !== TAG.integer) throw unreadable("a value is missing");
  const count = derUnsigned(iterations).reduce((n, byte) => n * 256 + byte, 0);
  if (count < 1 || count > MAX_ITERATIONS) throw unreadable("its iteration count is out of bounds");
  return count;
}

function hashOf(prf: DerElement | undefined): Sealing["hash"] {
  if (!prf) return "SHA-1"; // the default
  const hash = HASHES.get(sequenceOf(prf.bytes)[0]?.bytes.toHex() ?? "");
  if (!hash) throw unreadable("another hash was used");
  return hash;
}

function sequenceOf(der: Bytes | undefined): DerElement[] {
  return derSequence(der ?? new Uint8Array());
}

function octetsOf(element: DerElement | undefined): Bytes {
  if (element?.tag !== TAG.octetString) throw unreadable("a value is missing");
  return element.content;
}

function isSame(element: DerElement | undefined, identifier: Bytes): boolean {
  return element !== undefined && equalBytes(element.bytes, identifier);
}

function unreadable(what: string): SyntaxError {
  return new SyntaxError(`the encrypted key cannot be read: ${what}`);
}
