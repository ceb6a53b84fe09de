/**
 * What the embedded SignPath service does to the artifact of a fast signing request: the document comes back with its
 * hash signed (https://docs.signpath.io/, crypto providers, REST API, "Artifact format for signing hash digests").
 *
 * @module
 */
import { type Bytes, utf8 } from "../bytes/bytes.ts";
import { isJsonObject, type JsonObject, parseJson } from "../bytes/json.ts";
import { messageOf } from "../errors.ts";
import type { HashScheme, LocalSigningKey } from "./signpath_keys.ts";
import { wrong } from "./signpath_refusals.ts";
import { asn1Signature } from "./signpath_signing.ts";

/** SHA-256; SignPath takes other hashes as well, which Notary has no use for. */
const SHA256_OID = "2.16.840.1.101.3.4.2.1";
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
  if (scheme !== "Ecdsa" && document["RsaHashAlgorithm"] !== SHA256_OID) {
    throw wrong("artifact", "RsaHashAlgorithm is not that of SHA-256");
  }
  const form = document["EcdsaSignatureFormat"] ?? "Ieee";
  if (form !== "Ieee" && form !== "Asn1") throw wrong("artifact", "EcdsaSignatureFormat is neither Ieee nor Asn1");
  const raw = await key.signHash(hashOf(document["Base64EncodedHash"]), scheme);
  const signature = scheme === "Ecdsa" && form === "Asn1" ? asn1Signature(raw) : raw;
  return utf8(JSON.stringify({ ...document, Signature: signature.toBase64() }));
}

function documentOf(artifact: Bytes): JsonObject {
  try {
    const document = parseJson(artifact);
    if (isJsonObject(document)) return document;
  } catch (error) {
    throw wrong("artifact", `It is not JSON: ${messageOf(error)}`);
  }
  throw wrong("artifact", "It is not a JSON object");
}

function hashOf(value: unknown): Bytes {
  try {
    return Uint8Array.fromBase64(String(value), { lastChunkHandling: "strict" });
  } catch {
    throw wrong("artifact", "Base64EncodedHash is not base64");
  }
}
