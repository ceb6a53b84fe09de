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
import { hash } from "../crypto/hash.ts";
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

const PAYLOAD = /^payload\/[^/]+\.json$/;

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
    if (!PAYLOAD.test(name)) continue;
    signed.push({ name: `${name}.sig`, bytes: await rawSignature(bytes, key, format) });
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

async function rawSignature(payload: Bytes, key: LocalSigningKey, format: RawSignatureFormat): Promise<Bytes> {
  const sha256 = hash("sha256", payload);
  if (key.publicKey.shape.family === "rsa") {
    return await key.signHash(sha256, format.rsaPadding === "pss" ? "RsaPss" : "RsaPkcs1");
  }
  const signature = await key.signHash(sha256, "Ecdsa");
  return format.ecdsaFormat === "asn1" ? derOfRs(signature) : signature;
}
