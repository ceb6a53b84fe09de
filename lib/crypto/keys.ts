/**
 * Public keys as Notary v1 metadata holds them, and their ids.
 *
 * A key's id is the lower-case hex SHA-256 of the canonical JSON of its key object, `"private":null` included. A key
 * that comes as a certificate (`ecdsa-x509`, `rsa-x509`) has a second id, the one of its plain key: the *canonical key
 * id*, which Docker's key files and people use (Notary `tuf/data/keys.go`, `tuf/utils/x509.go`).
 *
 * @module
 */
import { type Bytes, equalBytes, text, utf8 } from "../bytes/bytes.ts";
import { canonicalJson } from "../bytes/canonical_json.ts";
import { isJsonObject, type JsonObject, jsonObject, type JsonValue } from "../bytes/json.ts";
import type { KeyShape } from "./algorithms.ts";
import { sha256Hex } from "./hash.ts";
import { type ReadSpki, readSpki } from "./spki.ts";
import { type Certificate, certificatePem, readBundle } from "./x509.ts";

/** A key id: 64 lower-case hex digits. */
export type KeyId = string;

/** The key types of Notary v1 metadata. */
export type KeyType = "ecdsa" | "rsa" | "ed25519" | "ecdsa-x509" | "rsa-x509";

/** A public key. */
export interface PublicKey {
  /** The type as metadata names it. */
  readonly type: KeyType;
  /** The id under which metadata files it. */
  readonly id: KeyId;
  /** The id of the plain key; the same as `id` for plain keys. Two forms of one key share it. */
  readonly canonicalId: KeyId;
  /** What the key can do. */
  readonly shape: KeyShape;
  /** The plain key: SubjectPublicKeyInfo, DER. */
  readonly spki: Bytes;
  /** The certificate, for the x509 types. */
  readonly certificate?: Certificate;
  /** The key object as it stands in metadata. */
  readonly json: JsonObject;
}

const ED25519_SPKI_PREFIX = Uint8Array.fromHex("302a300506032b6570032100");
// The points of order 1, 2, 4 and 8, which anybody can sign for, by y as encoded (libsodium's list; 0 and 1 have a
// second encoding as p and p + 1).
const SMALL_ORDER_Y: ReadonlySet<string> = new Set([
  `00${"00".repeat(31)}`,
  `01${"00".repeat(31)}`,
  `ec${"ff".repeat(30)}7f`,
  `ed${"ff".repeat(30)}7f`,
  `ee${"ff".repeat(30)}7f`,
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
]);

/**
 * Reads a key object of metadata.
 *
 * @throws {SyntaxError} where it is not a usable public key
 * @throws {ShortKey}
 */
export function readPublicKey(json: JsonValue): PublicKey {
  const keyval = isJsonObject(json) ? json["keyval"] : undefined;
  if (!isJsonObject(json) || !isJsonObject(keyval)) throw new SyntaxError("a key is not an object with a keyval");
  if (keyval["private"] !== null && keyval["private"] !== undefined && keyval["private"] !== "") {
    throw new SyntaxError("a key object holds a private key");
  }
  const encoded = keyval["public"];
  if (typeof encoded !== "string") throw new SyntaxError("a key has no public part");
  const key = readPublicPart(json["keytype"], Uint8Array.fromBase64(encoded, { lastChunkHandling: "strict" }));
  // The id stands for the bytes. Of one key in two encodings, two readers may make two ids.
  if ((key.json["keyval"] as JsonObject)["public"] !== encoded) throw new SyntaxError("a key is oddly encoded");
  return key;
}

function readPublicPart(type: JsonValue | undefined, bytes: Bytes): PublicKey {
  switch (type) {
    case "ecdsa":
    case "rsa":
      return plainKey(readSpki(bytes), type);
    case "ed25519":
      if (bytes.length !== 32) throw new SyntaxError("an ed25519 key does not have 32 bytes");
      if (isSmallOrder(bytes)) throw new SyntaxError("an ed25519 key is of small order, which anybody can sign for");
      return plainKey(readSpki(new Uint8Array([...ED25519_SPKI_PREFIX, ...bytes])), "ed25519");
    case "ecdsa-x509":
    case "rsa-x509": {
      const [own, ...chain] = readBundle(pemText(bytes));
      return certificateKey(own, type, chain);
    }
    default:
      throw new SyntaxError("a key is of an unknown type");
  }
}

function pemText(bytes: Bytes): string {
  try {
    return text(bytes);
  } catch {
    throw new SyntaxError("a certificate is not in PEM");
  }
}

function isSmallOrder(point: Bytes): boolean {
  const y = point.slice();
  y[31]! &= 0x7f; // the highest bit is the sign of x
  return SMALL_ORDER_Y.has(y.toHex());
}

/** The key of a certificate, as delegations and root hold it. */
export function keyOfCertificate(certificate: Certificate): PublicKey {
  const family = readSpki(certificate.spki).shape.family;
  if (family === "ed25519") throw new SyntaxError("Notary has no certificates for ed25519 keys");
  return certificateKey(certificate, `${family}-x509`);
}

/** The plain key of a SubjectPublicKeyInfo (DER). */
export function keyOfSpki(spki: Bytes): PublicKey {
  const read = readSpki(spki);
  return plainKey(read, read.shape.family);
}

function plainKey({ shape, spki }: ReadSpki, type: KeyType): PublicKey {
  if (shape.family !== type) throw new SyntaxError(`a key labelled "${type}" is of another type`);
  const raw = type === "ed25519" ? spki.subarray(ED25519_SPKI_PREFIX.length) : spki;
  const json = keyObject(type, raw.toBase64());
  const id = keyIdOf(json);
  return { type, id, canonicalId: id, shape, spki, json };
}

function certificateKey(
  certificate: Certificate,
  type: "ecdsa-x509" | "rsa-x509",
  chain: readonly Certificate[] = [],
): PublicKey {
  const plain = keyOfSpki(certificate.spki);
  // Of other encodings (compressed points, say) Go makes nothing, or another key id.
  if (!equalBytes(plain.spki, certificate.spki)) throw new SyntaxError("the key of a certificate is oddly encoded");
  if (`${plain.type}-x509` !== type) throw new SyntaxError(`a key labelled "${type}" is of another type`);
  const json = keyObject(type, utf8([certificate, ...chain].map(certificatePem).join("")).toBase64());
  return { ...plain, type, id: keyIdOf(json), json, certificate };
}

function keyObject(type: KeyType, encoded: string): JsonObject {
  return jsonObject([
    ["keytype", type],
    ["keyval", jsonObject([["private", null], ["public", encoded]])],
  ]);
}

function keyIdOf(json: JsonObject): KeyId {
  return sha256Hex(canonicalJson(json));
}
