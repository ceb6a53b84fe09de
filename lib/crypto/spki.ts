/**
 * SubjectPublicKeyInfo: what a public key can do, and its one encoding.
 *
 * Keys as everybody writes them, on the curves of Notary or for RSA, are read here; everything else is left to the
 * runtime's own reader, which is the measure for this one and takes 30 to 80 ms to load.
 *
 * @see RFC 5280, 4.1.2.7; RFC 5480, 2 (elliptic curves); RFC 8017, A.1.1 (RSA)
 * @module
 */
import { createPublicKey, type KeyObject } from "node:crypto";
import { type Bytes, equalBytes } from "../bytes/bytes.ts";
import { FIELD_BYTES, type KeyShape, MIN_RSA_BITS } from "./algorithms.ts";
import { derSequence, derUnsigned, TAG } from "./der.ts";

/** A public key as it is encoded, and what it can do. */
export interface ReadSpki {
  /** What the key can do. */
  readonly shape: KeyShape;
  /** The key in its usual encoding, DER: where it came in another one, these are other bytes. */
  readonly spki: Bytes;
}

/** An RSA key that is too short to be trusted: Notary refuses all of a delegation whose certificates have such keys. */
export class ShortKey extends SyntaxError {}

/**
 * Reads a public key.
 *
 * @throws {SyntaxError} where it is none, or of a kind that is not used here
 * @throws {ShortKey} for RSA keys under 2048 bits
 */
export function readSpki(der: Bytes): ReadSpki {
  const usual = usualShape(der);
  if (usual) return { shape: usual, spki: der.slice() };
  let key: KeyObject;
  try {
    key = createPublicKey({ key: der as never, format: "der", type: "spki" });
  } catch {
    throw new SyntaxError("a public key is not a SubjectPublicKeyInfo");
  }
  return { shape: shapeOf(key), spki: new Uint8Array(key.export({ type: "spki", format: "der" })) };
}

/**
 * What a key can do.
 *
 * @throws {SyntaxError} for other curves and other algorithms
 * @throws {ShortKey} for RSA keys under 2048 bits
 */
export function shapeOf(key: KeyObject): KeyShape {
  const { namedCurve, modulusLength: bits } = key.asymmetricKeyDetails!;
  switch (key.asymmetricKeyType) {
    case "ec": {
      const curve = CURVES.find(({ openssl }) => openssl === namedCurve);
      if (curve) return { family: "ecdsa", curve: curve.name };
      throw new SyntaxError("an ECDSA key is not on P-256, P-384 or P-521");
    }
    case "rsa":
      if (bits! >= MIN_RSA_BITS) return { family: "rsa", bits: bits! };
      throw new ShortKey(`an RSA key has ${bits} bits; at least ${MIN_RSA_BITS} are needed`);
    case "ed25519":
      return { family: "ed25519" };
    default:
      throw new SyntaxError("a key is neither ECDSA, RSA nor Ed25519");
  }
}

/** A curve y² = x³ − 3x + b over the numbers below a prime (FIPS 186-4, D.1.2). */
interface Curve {
  readonly name: "P-256" | "P-384" | "P-521";
  readonly openssl: string;
  /** All that stands before the point: algorithm, curve, BIT STRING, and that the point is not compressed. */
  readonly prefix: Bytes;
  readonly prime: bigint;
  readonly b: bigint;
}

const CURVES: readonly Curve[] = [
  {
    name: "P-256",
    openssl: "prime256v1",
    prefix: Uint8Array.fromHex("3059301306072a8648ce3d020106082a8648ce3d03010703420004"),
    prime: 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n,
    b: 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn,
  },
  {
    name: "P-384",
    openssl: "secp384r1",
    prefix: Uint8Array.fromHex("3076301006072a8648ce3d020106052b8104002203620004"),
    prime: 2n ** 384n - 2n ** 128n - 2n ** 96n + 2n ** 32n - 1n,
    b: 0xb3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aefn,
  },
  {
    name: "P-521",
    openssl: "secp521r1",
    prefix: Uint8Array.fromHex("30819b301006072a8648ce3d020106052b81040023038186" + "0004"),
    prime: 2n ** 521n - 1n,
    b: BigInt(
      "0x51953eb9618e1c9a1f929a21a0b68540eea2da725b99b315f3b8b489918ef109e156193951ec7e937b1652c0bd3bb1bf073573df883d2c34f1ef451fd46b503f00",
    ),
  },
];

/** `rsaEncryption` with the parameters that it must have, NULL. */
const RSA_ALGORITHM = Uint8Array.fromHex("300d06092a864886f70d0101010500");
/** Of longer keys, other exponents and even numbers the runtime says what becomes. */
const [MAX_RSA_BITS, MAX_EXPONENT_BYTES] = [4096, 4];

/**
 * What a key in its usual encoding can do: on a curve of Notary's, or RSA of 2048 to 4096 bits with an exponent below 2^32;
 * `undefined` for all others, and for what is no key.
 */
export function usualShape(der: Bytes): KeyShape | undefined {
  const curve = CURVES.find(({ prefix }) => equalBytes(der.subarray(0, prefix.length), prefix));
  if (curve) {
    return isOnCurve(curve, der.subarray(curve.prefix.length)) ? { family: "ecdsa", curve: curve.name } : undefined;
  }
  try {
    return rsaShape(der);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isOnCurve({ name, prime, b }: Curve, point: Bytes): boolean {
  const size = FIELD_BYTES[name];
  if (point.length !== 2 * size) return false;
  const [x, y] = [point.subarray(0, size), point.subarray(size)].map((half) => BigInt(`0x${half.toHex()}`));
  return [x!, y!].every((number) => number < prime) && (y! * y! - (x! * x! * x! - 3n * x! + b)) % prime === 0n;
}

function rsaShape(der: Bytes): KeyShape | undefined {
  const [algorithm, key, ...others] = derSequence(der);
  const isRsa = algorithm && equalBytes(algorithm.bytes, RSA_ALGORITHM) && key?.tag === TAG.bitString;
  if (!isRsa || key.content[0] !== 0 || others.length > 0) return undefined;
  const [modulus, exponent, ...more] = derSequence(key.content.subarray(1)).map(derUnsigned);
  if (!exponent || more.length > 0) return undefined;
  const bits = 8 * modulus!.length - (Math.clz32(modulus![0]!) - 24);
  const isUsual = bits >= MIN_RSA_BITS && bits <= MAX_RSA_BITS && isOdd(modulus!) &&
    exponent.length <= MAX_EXPONENT_BYTES && isOdd(exponent) && !equalBytes(exponent, Uint8Array.of(1));
  return isUsual ? { family: "rsa", bits } : undefined;
}

function isOdd(number: Bytes): boolean {
  return (number.at(-1)! & 1) === 1;
}
