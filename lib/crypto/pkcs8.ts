/**
 * Encrypted PKCS#8 (RFC 5958) as Notary and Docker write it: PBES2 with PBKDF2 and AES-256-CBC (RFC 8018).
 *
 * Written by hand over `asn1js`, because `node:crypto` can neither write a file that the notary client opens (it names
 * HMAC-SHA256, notary knows the default HMAC-SHA1 only) nor read one (notary marks EC keys as version 1).
 *
 * @module
 */
import type * as Asn1 from "asn1js";
import { createCipheriv, createDecipheriv, createPrivateKey, type KeyObject, pbkdf2, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { type Bytes, utf8 } from "../bytes/bytes.ts";

const OID = {
  pbes2: "1.2.840.113549.1.5.13",
  pbkdf2: "1.2.840.113549.1.5.12",
  hmacSha1: "1.2.840.113549.2.7",
  hmacSha256: "1.2.840.113549.2.9",
  aes256Cbc: "2.16.840.1.101.3.4.1.42",
} as const;
const ITERATIONS = 2048; // what notary writes; its files are made to be opened by it
const MAX_ITERATIONS = 10_000_000;

/** A key from a passphrase. Made when it is called, as the platform's cryptography is large and loaded when it is used. */
const derive = (passphrase: string, salt: Uint8Array, iterations: number, prf: string): Promise<Uint8Array> =>
  promisify(pbkdf2)(utf8(passphrase), salt, iterations, 32, prf);
const asn1 = () => import("asn1js"); // only needed where key files are

/** Loads what opening a key takes, while whoever is going to open one waits for something else. */
export function preloadPkcs8(): void {
  asn1().catch(() => {}); // said where it is used
}

/** The passphrase does not open the key. */
export class WrongPassphrase extends Error {
  /** Always `WrongPassphrase`. */
  override readonly name = "WrongPassphrase";
}

/** Encrypts a private key with a passphrase; returns the DER of an EncryptedPrivateKeyInfo. */
export async function encryptPrivateKey(key: KeyObject, passphrase: string): Promise<Bytes> {
  const { Integer, ObjectIdentifier, OctetString, Sequence } = await asn1();
  const salt = randomBytes(8), iv = randomBytes(16);
  const cipher = createCipheriv("aes-256-cbc", await derive(passphrase, salt, ITERATIONS, "sha1"), iv);
  const plain = key.export({ type: "pkcs8", format: "der" });
  const sealed = new Uint8Array([...cipher.update(plain), ...cipher.final()]);
  const octets = (bytes: Uint8Array) => new OctetString({ valueHex: new Uint8Array(bytes).buffer });
  const sequence = (...value: Asn1.BaseBlock[]) => new Sequence({ value });
  const oid = (value: string) => new ObjectIdentifier({ value });
  const kdf = sequence(oid(OID.pbkdf2), sequence(octets(salt), new Integer({ value: ITERATIONS })));
  const scheme = sequence(oid(OID.pbes2), sequence(kdf, sequence(oid(OID.aes256Cbc), octets(iv))));
  return new Uint8Array(sequence(scheme, octets(sealed)).toBER());
}

/**
 * Opens an EncryptedPrivateKeyInfo.
 *
 * @throws {WrongPassphrase}
 * @throws {SyntaxError} where the file is malformed or of a kind that Notary does not write
 */
export async function decryptPrivateKey(der: Bytes, passphrase: string): Promise<KeyObject> {
  const { salt, iterations, prf, iv, sealed } = await readPbes2(der);
  const decipher = createDecipheriv("aes-256-cbc", await derive(passphrase, salt, iterations, prf), iv);
  let plain: Bytes;
  try {
    plain = new Uint8Array([...decipher.update(sealed), ...decipher.final()]);
  } catch {
    throw new WrongPassphrase("the passphrase does not open the key");
  }
  try {
    return await readPrivateKeyInfo(plain);
  } catch {
    // One wrong passphrase in 256 leaves something that ends like padding.
    throw new WrongPassphrase("the passphrase does not open the key");
  }
}

/** An unencrypted PrivateKeyInfo. @throws {SyntaxError} where it is none */
export async function readPrivateKeyInfo(der: Bytes): Promise<KeyObject> {
  const { Integer, OctetString, Sequence } = await asn1();
  const [version, algorithm, key] = children(await parse(der), Sequence);
  if (!(version instanceof Integer) || !(key instanceof OctetString) || !algorithm) throw new SyntaxError("not PKCS#8");
  // Version 1 promises a public key (RFC 5958), which notary leaves out; as version 0 the same bytes are right.
  const value = [new Integer({ value: 0 }), algorithm, key];
  const info = new Uint8Array(new Sequence({ value }).toBER());
  try {
    return createPrivateKey({ key: info as never, format: "der", type: "pkcs8" });
  } catch {
    throw new SyntaxError("the private key cannot be read");
  }
}

async function readPbes2(der: Bytes) {
  const { Integer, ObjectIdentifier, OctetString, Sequence } = await asn1();
  const fail = (what: string) => new SyntaxError(`the encrypted key cannot be read: ${what}`);
  const oidOf = (block: Asn1.BaseBlock | undefined) =>
    block instanceof ObjectIdentifier ? block.valueBlock.toString() : "";
  const octetsOf = (block: Asn1.BaseBlock | undefined) => {
    if (!(block instanceof OctetString)) throw fail("a value is missing");
    return new Uint8Array(block.valueBlock.valueHexView);
  };
  const [scheme, sealed] = children(await parse(der), Sequence);
  const [pbes2, parameters] = children(scheme, Sequence);
  if (oidOf(pbes2) !== OID.pbes2) throw fail("it is not encrypted with PBES2");
  const [kdf, cipher] = children(parameters, Sequence);
  const [pbkdf2Oid, kdfParameters] = children(kdf, Sequence);
  const [cipherOid, iv] = children(cipher, Sequence);
  if (oidOf(pbkdf2Oid) !== OID.pbkdf2 || oidOf(cipherOid) !== OID.aes256Cbc) throw fail("other algorithms were used");
  const [salt, iterations, ...rest] = children(kdfParameters, Sequence);
  if (!(iterations instanceof Integer)) throw fail("a value is missing");
  const count = iterations.valueBlock.valueDec;
  if (count < 1 || count > MAX_ITERATIONS) throw fail("its iteration count is out of bounds");
  const prfSequence = rest.find((block) => block instanceof Sequence);
  const prf = prfSequence ? oidOf(children(prfSequence, Sequence)[0]) : OID.hmacSha1;
  if (prf !== OID.hmacSha1 && prf !== OID.hmacSha256) throw fail("another hash was used");
  const vector = octetsOf(iv);
  if (vector.length !== 16) throw fail("its initialization vector has the wrong size");
  return {
    salt: octetsOf(salt),
    iterations: count,
    prf: prf === OID.hmacSha1 ? "sha1" : "sha256",
    iv: vector,
    sealed: octetsOf(sealed),
  };
}

async function parse(der: Bytes): Promise<Asn1.BaseBlock> {
  const { fromBER } = await asn1();
  let read: ReturnType<typeof fromBER> | undefined;
  try {
    read = fromBER(der);
  } catch {
    // Of some garbage it says so in a result, on other garbage it stumbles.
  }
  if (read?.offset !== der.length) throw new SyntaxError("not DER");
  return read.result as Asn1.BaseBlock;
}

function children(block: Asn1.BaseBlock | undefined, Sequence: typeof Asn1.Sequence): Asn1.BaseBlock[] {
  if (!(block instanceof Sequence)) throw new SyntaxError("not the expected ASN.1 structure");
  return block.valueBlock.value as Asn1.BaseBlock[];
}
