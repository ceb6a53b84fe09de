/**
 * How the embedded SignPath service signs hashes: those of `SignHash`, and the artifacts of fast signing requests, which
 * come back with their hash signed (https://docs.signpath.io/, crypto providers, REST API, "Sign hash" and "Artifact
 * format for signing hash digests").
 *
 * @module
 */
import { type Bytes, utf8 } from "../bytes/bytes.ts";
import { isJsonObject, type JsonObject, jsonObject, type JsonValue, parseJson } from "../bytes/json.ts";
import { derOfRs } from "../crypto/algorithms.ts";
import type { SignatureHash } from "../crypto/hash.ts";
import { DIGEST_BYTES } from "../crypto/rsa_padding.ts";
import { messageOf } from "../errors.ts";
import { HASH_NAMES } from "../signpath/hash_signing.ts";
import type { HashScheme, LocalSigningKey } from "./signpath_keys.ts";
import { wrong } from "./signpath_refusals.ts";

const HASHES = Object.keys(HASH_NAMES) as SignatureHash[];
const SCHEMES: readonly HashScheme[] = ["RsaPkcs1", "RsaPss", "Ecdsa"];

/**
 * `artifact` with a `Signature`.
 *
 * @throws {TagsealError} `bad-input`
 */
export async function signHashArtifact(artifact: Bytes, key: LocalSigningKey): Promise<Bytes> {
  const document = documentOf(artifact);
  const scheme = SCHEMES.find((name) => name === document["SignatureAlgorithm"]);
  if (!scheme) throw wrong("artifact", "SignatureAlgorithm is none");
  const named = HASHES.find((one) => HASH_NAMES[one].oid === document["RsaHashAlgorithm"]);
  if (scheme !== "Ecdsa" && !named) throw wrong("artifact", "RsaHashAlgorithm is none of SHA-256, SHA-384 and SHA-512");
  const form = document["EcdsaSignatureFormat"] ?? "Ieee";
  if (form !== "Ieee" && form !== "Asn1") throw wrong("artifact", "EcdsaSignatureFormat is neither Ieee nor Asn1");
  const hash = hashOf(document["Base64EncodedHash"], "artifact", "Base64EncodedHash");
  if (scheme !== "Ecdsa") requireHashOf(named!, hash, "artifact");
  const signature = await signatureOf(hash, key, scheme, form);
  return utf8(JSON.stringify({ ...document, Signature: signature.toBase64() }));
}

/**
 * `hashSigningData` of the answer to `SignHash`, and the signature.
 *
 * @throws {TagsealError} `bad-input`
 */
export async function signHashData(
  data: JsonObject,
  key: LocalSigningKey,
): Promise<{ hash: JsonValue; signature: string }> {
  const options = (name: string) => isJsonObject(data[name]) ? data[name] : jsonObject();
  const { hashAlgorithmName, hashAlgorithmOid, paddingMode } = options("rsaOptions");
  const algorithm = data["signatureAlgorithm"];
  const scheme = algorithm === "Ecdsa" ? "Ecdsa" : `Rsa${String(paddingMode)}`;
  const known = SCHEMES.find((name) => name === scheme);
  if (!known || (algorithm !== "Rsa" && algorithm !== "Ecdsa")) {
    throw wrong("hashSigningData", "signatureAlgorithm or rsaOptions.paddingMode is none");
  }
  const named = HASHES.find((one) =>
    hashAlgorithmName === HASH_NAMES[one].name || hashAlgorithmOid === HASH_NAMES[one].oid
  );
  if (algorithm === "Rsa" && !named) {
    throw wrong("hashSigningData", "rsaOptions name none of SHA-256, SHA-384 and SHA-512");
  }
  const form = options("ecdsaOptions")["signatureFormat"] ?? "Ieee";
  if (form !== "Ieee" && form !== "Asn1") throw wrong("hashSigningData", "signatureFormat is neither Ieee nor Asn1");
  const hash = hashOf(data["hash"], "hashSigningData", "hash");
  if (algorithm === "Rsa") requireHashOf(named!, hash, "hashSigningData");
  return { hash: data["hash"]!, signature: (await signatureOf(hash, key, known, form)).toBase64() };
}

async function signatureOf(
  hash: Bytes,
  key: LocalSigningKey,
  scheme: HashScheme,
  form: "Ieee" | "Asn1",
): Promise<Bytes> {
  const raw = await key.signHash(hash, scheme);
  return scheme === "Ecdsa" && form === "Asn1" ? derOfRs(raw) : raw;
}

function requireHashOf(name: SignatureHash, hash: Bytes, field: string): void {
  if (hash.length !== DIGEST_BYTES[name]) {
    throw wrong(field, `The hash is none of ${name}: it has ${hash.length} bytes`);
  }
}

/** The JSON object in `bytes`. @throws {TagsealError} `bad-input`, about `field` */
export function documentOf(bytes: Bytes, field = "artifact"): JsonObject {
  try {
    const document = parseJson(bytes);
    if (isJsonObject(document)) return document;
  } catch (error) {
    throw wrong(field, `It is not JSON: ${messageOf(error)}`);
  }
  throw wrong(field, "It is not a JSON object");
}

function hashOf(value: unknown, field: string, member: string): Bytes {
  try {
    return Uint8Array.fromBase64(String(value), { lastChunkHandling: "strict" });
  } catch {
    throw wrong(field, `${member} is not base64`);
  }
}
