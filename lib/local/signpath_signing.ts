/**
 * What the embedded SignPath service does to an artifact: the work of the artifact configuration that users paste into
 * SignPath for Docker signing data,
 * `<zip-file><file path="payload/*.json" max-matches="unbounded"><create-raw-signature
 * output-file-name="${file.name}.sig" hash-algorithm="sha256" rsa-padding="pkcs1"/></file></zip-file>`
 * (https://docs.signpath.io/, artifact configuration, "create-raw-signature").
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { readZip, writeZip, type ZipFile } from "../bytes/zip.ts";
import { derOfRs } from "../crypto/algorithms.ts";
import { hash, type SignatureHash } from "../crypto/hash.ts";
import { TagsealError } from "../errors.ts";
import type { LocalSigningKey } from "./signpath_keys.ts";

/** The forms in which raw signatures are made. */
export interface RawSignatureFormat {
  /** RSA padding (PSS with a 32-byte salt); `pkcs1` unless given. */
  readonly rsaPadding?: "pkcs1" | "pss";
  /** Form of ECDSA signatures: r‖s (`ieee`, unless given) or DER. */
  readonly ecdsaFormat?: "ieee" | "asn1";
}

/** No artifact may be longer than this many bytes, packed or unpacked. */
export const MAX_ARTIFACT_BYTES: number = 256 * 1024 * 1024;

const PAYLOAD = /^payload\/[^/]+\.(json|dsse|jws)$/;

/**
 * The same ZIP with `<name>.sig` behind each `payload/*.json`: its raw signature over SHA-256.
 *
 * @throws {TagsealError} `bad-input` where it is no ZIP, has no payload, or has a signature already
 */
export async function signArtifact(
  artifact: Bytes,
  key: LocalSigningKey,
  format: RawSignatureFormat,
): Promise<Bytes> {
  const limits = { entries: 100_000, entryBytes: MAX_ARTIFACT_BYTES, totalBytes: MAX_ARTIFACT_BYTES };
  const signed: ZipFile[] = [];
  let payloads = 0;
  for (const [name, bytes] of await readZip(artifact, limits)) {
    signed.push({ name, bytes });
    const kind = PAYLOAD.exec(name)?.[1];
    if (kind === undefined) continue;
    signed.push({ name: `${name}.sig`, bytes: await rawSignature(bytes, key, kind === "jws", format) });
    payloads++;
  }
  // `min-matches` is 1 unless an artifact configuration says otherwise.
  if (payloads === 0) {
    throw new TagsealError("bad-input", 'The artifact has no file that matches "payload/*.json"', {
      remedy: "Submit a ZIP file that tagseal signing-data wrote",
    });
  }
  return await writeZip(signed);
}

/** What the artifact configuration says of Notation's envelopes: by the size of the key, as JWS has it. */
function notationHash({ publicKey: { shape } }: LocalSigningKey): SignatureHash {
  if (shape.family === "ecdsa") {
    return ({ "P-256": "sha256", "P-384": "sha384", "P-521": "sha512" } as const)[shape.curve];
  }
  return shape.family === "rsa" && shape.bits >= 3072 ? (shape.bits >= 4096 ? "sha512" : "sha384") : "sha256";
}

async function rawSignature(
  payload: Bytes,
  key: LocalSigningKey,
  isJws: boolean,
  format: RawSignatureFormat,
): Promise<Bytes> {
  const digest = hash(isJws ? notationHash(key) : "sha256", payload);
  if (key.publicKey.shape.family === "rsa") {
    return await key.signHash(digest, isJws || format.rsaPadding === "pss" ? "RsaPss" : "RsaPkcs1");
  }
  const signature = await key.signHash(digest, "Ecdsa");
  return format.ecdsaFormat === "asn1" ? derOfRs(signature) : signature;
}
