/**
 * The keys that a token shows: by their public key objects, and by the certificates of keys that have none, as PIV
 * cards keep them. What is no key of Notary's, or garbage, is passed over: a token holds other people's objects too.
 *
 * @see PKCS#11 v2.40: 4.6 certificates, 4.8 public keys, 4.9 private keys; Mechanisms 2.1.2 (RSA) and 2.3.3 (ECDSA:
 * EC_POINT as a DER OCTET STRING)
 * @module
 */
import { Buffer } from "node:buffer";
import { createPublicKey, type JsonWebKey } from "node:crypto";
import { type Bytes, utf8 } from "../bytes/bytes.ts";
import { derElements } from "../crypto/der.ts";
import { type KeyId, keyOfSpki, type PublicKey } from "../crypto/keys.ts";
import { readCertificate } from "../crypto/x509.ts";
import { TagsealError } from "../errors.ts";
import { CKA, CKC, CKK, CKO, type Handle } from "./pkcs11_addon.ts";
import { SIGNING_KEY } from "./pkcs11_failures.ts";
import type { Token } from "./pkcs11_token.ts";

/** A key, as its public part shows it. */
export interface TokenKey {
  /** The plain key. */
  readonly publicKey: PublicKey;
  /** CKA_LABEL; "" where there is none. */
  readonly label: string;
  /** CKA_ID: what the objects of one key have in common. */
  readonly objectId: Bytes | undefined;
}

/** Certificates of companies, with all their extensions, stay far below. */
const MAX_CERTIFICATE_BYTES = 65_536;
/** The curves of Notary, by CKA_EC_PARAMS: the DER of their names. */
const CURVES = new Map([
  ["06082a8648ce3d030107", "P-256"],
  ["06052b81040022", "P-384"],
  ["06052b81040023", "P-521"],
]);

/** The keys of the token, each once; those with a public key object first. It needs no PIN. */
export function keysOf(token: Token): TokenKey[] {
  const found = new Map<KeyId, TokenKey>();
  const take = (key: TokenKey | undefined) => {
    if (key && !found.has(key.publicKey.canonicalId)) found.set(key.publicKey.canonicalId, key);
  };
  for (const type of [CKK.EC, CKK.RSA]) {
    const template = [{ type: CKA.CLASS, value: CKO.PUBLIC_KEY }, { type: CKA.KEY_TYPE, value: type }];
    for (const object of token.find(template)) take(keyOfObject(token, object));
  }
  // A certificate beside a public key may be an old one, of a key that was replaced since.
  const nameOf = ({ publicKey, objectId }: TokenKey) => `${publicKey.shape.family} ${objectId?.toHex()}`;
  const shown = new Set([...found.values()].map(nameOf));
  const certificates = [{ type: CKA.CLASS, value: CKO.CERTIFICATE }, { type: CKA.CERTIFICATE_TYPE, value: CKC.X_509 }];
  for (const object of token.find(certificates)) {
    const key = keyOfCertificateObject(token, object);
    if (key && !shown.has(nameOf(key))) take(key);
  }
  return [...found.values()];
}

/** The key of a public key object; nothing where Notary could not use it. */
export function keyOfObject(token: Token, object: Handle): TokenKey | undefined {
  const [curve, point, modulus, exponent] = [CKA.EC_PARAMS, CKA.EC_POINT, CKA.MODULUS, CKA.PUBLIC_EXPONENT]
    .map((type) => token.attribute(object, type));
  return described(token, object, () => {
    if (curve && point) return keyOfJwk(ecJwk(curve, point));
    if (modulus && exponent) return keyOfJwk({ kty: "RSA", n: base64Url(modulus), e: base64Url(exponent) });
    return undefined;
  });
}

/** The key of a certificate; nothing for those of CAs, those without an id to find a private key by, and Ed25519. */
function keyOfCertificateObject(token: Token, object: Handle): TokenKey | undefined {
  const der = token.attribute(object, CKA.VALUE, MAX_CERTIFICATE_BYTES);
  const key = der && described(token, object, () => {
    const certificate = readCertificate(der);
    return certificate.isCa && !certificate.isSelfIssued ? undefined : keyOfSpki(certificate.spki);
  });
  return key?.objectId && key.publicKey.shape.family !== "ed25519" ? key : undefined;
}

/** `read` only reads bytes that are here: whatever it throws, they are no usable key. */
function described(token: Token, object: Handle, read: () => PublicKey | undefined): TokenKey | undefined {
  const [label, objectId] = [token.attribute(object, CKA.LABEL), token.attribute(object, CKA.ID)];
  try {
    const publicKey = read();
    return publicKey && { publicKey, label: new TextDecoder().decode(label), objectId }; // in Latin-1 at some vendors
  } catch {
    return undefined;
  }
}

/** By way of a JWK, whose numbers the runtime checks: on the curve, a sane exponent, a size that can be verified. */
function keyOfJwk(key: JsonWebKey): PublicKey {
  return keyOfSpki(new Uint8Array(createPublicKey({ key, format: "jwk" }).export({ type: "spki", format: "der" })));
}

function ecJwk(curve: Bytes, value: Bytes): JsonWebKey {
  const crv = CURVES.get(curve.toHex());
  const point = rawPoint(value);
  const size = (point.length - 1) / 2;
  if (crv === undefined || point[0] !== 0x04) throw new SyntaxError("not an uncompressed point of a known curve");
  return { kty: "EC", crv, x: base64Url(point.subarray(1, 1 + size)), y: base64Url(point.subarray(1 + size)) };
}

/** The point 04‖x‖y. The standard wraps it in an OCTET STRING, which some modules leave out. */
function rawPoint(value: Bytes): Bytes {
  if (value[0] === 0x04 && [65, 97, 133].includes(value.length)) return value;
  const [octets, ...rest] = derElements(value);
  if (octets?.tag === 0x04 && rest.length === 0) return octets.content;
  throw new SyntaxError("not a point");
}

function base64Url(bytes: Bytes): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/**
 * The private key of a key. It needs the PIN.
 *
 * @throws {TagsealError} `not-found` where there is none, `bad-input` where there are several, or it may not sign
 */
export function privateKeyOf(token: Token, { publicKey, label, objectId }: TokenKey): Handle {
  const type = publicKey.shape.family === "rsa" ? CKK.RSA : CKK.EC;
  const kind = [{ type: CKA.CLASS, value: CKO.PRIVATE_KEY }, { type: CKA.KEY_TYPE, value: type }];
  const sameId = objectId ? token.find([...kind, { type: CKA.ID, value: Buffer.from(objectId) }]) : [];
  const [found, ...more] = sameId.length > 0 || label === ""
    ? sameId
    : token.find([...kind, { type: CKA.LABEL, value: Buffer.from(utf8(label)) }]);
  const key = `the key ${publicKey.canonicalId.slice(0, 7)}…`;
  const details = { token: token.label, keyId: publicKey.canonicalId };
  if (!found || more.length > 0) {
    const [code, how] = found
      ? ["bad-input", "several private keys"] as const
      : ["not-found", "no private key"] as const;
    throw new TagsealError(code, `The token "${token.label}" has ${how} for ${key}`, {
      remedy: "Give the private key and its public key the same id (CKA_ID) with the token's own tool",
      details,
    });
  }
  if (token.attribute(found, CKA.SIGN)?.[0] === 0) {
    throw new TagsealError("bad-input", `The token "${token.label}" does not let ${key} sign (CKA_SIGN is false)`, {
      remedy: SIGNING_KEY,
      details,
    });
  }
  return found;
}
