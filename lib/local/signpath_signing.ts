/**
 * What the embedded SignPath service does to an artifact: the work of the artifact configuration that users paste into
 * SignPath for Docker signing data, such as
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
import type { SignatureRules } from "../crypto/signature_rules.ts";
import { TagsealError } from "../errors.ts";
import { rulesOf } from "../schemes/payload_rules.ts";
import { PAYLOAD_EXTENSIONS, type PayloadExtension } from "../signing/signing_data.ts";
import type { LocalSigningKey } from "./signpath_keys.ts";

/** What the artifact configuration signs, and the forms in which raw signatures are made. */
export interface RawSignatureFormat {
  /**
   * What the entries end in that are signed; all payloads unless given. Artifact configurations that are older than the
   * schemes cosign and Notation sign `json` alone.
   */
  readonly signs?: readonly PayloadExtension[];
  /** RSA padding of entries that end in `json` and `dsse`; `pkcs1` unless given. */
  readonly rsaPadding?: "pkcs1" | "pss";
  /** Form of ECDSA signatures: r‖s (`ieee`, unless given) or DER. */
  readonly ecdsaFormat?: "ieee" | "asn1";
}

/** No artifact may be longer than this many bytes, packed or unpacked. */
export const MAX_ARTIFACT_BYTES: number = 256 * 1024 * 1024;

const PAYLOAD = /^payload\/[^/]+\.(json|dsse|jws)$/;

/**
 * The same ZIP with `<name>.sig` behind each payload that the artifact configuration signs: its raw signature, as the
 * format of the payload and the key want it.
 *
 * @throws {TagsealError} `bad-input` where it is no ZIP, has no payload to sign, or has a signature already
 */
export async function signArtifact(
  artifact: Bytes,
  key: LocalSigningKey,
  format: RawSignatureFormat,
): Promise<Bytes> {
  const limits = { entries: 100_000, entryBytes: MAX_ARTIFACT_BYTES, totalBytes: MAX_ARTIFACT_BYTES };
  const { signs = PAYLOAD_EXTENSIONS, rsaPadding = "pkcs1" } = format;
  const signed: ZipFile[] = [];
  let payloads = 0;
  for (const [name, bytes] of await readZip(artifact, limits)) {
    signed.push({ name, bytes });
    const extension = signs.find((one) => PAYLOAD.exec(name)?.[1] === one);
    const rules = extension && rulesOf(extension, key.publicKey.shape);
    if (!rules) continue;
    const padded = rules.rsaPadding === "pss" ? rules : { ...rules, rsaPadding };
    signed.push({ name: `${name}.sig`, bytes: await rawSignature(bytes, key, padded, format) });
    payloads++;
  }
  // `min-matches` is 1 unless an artifact configuration says otherwise.
  if (payloads === 0) {
    const patterns = signs.map((extension) => `"payload/*.${extension}"`).join(", ");
    throw new TagsealError("bad-input", `The artifact has no file that matches ${patterns}`, {
      remedy: "Submit a ZIP file of Docker signing data",
    });
  }
  return await writeZip(signed);
}

async function rawSignature(
  payload: Bytes,
  key: LocalSigningKey,
  rules: SignatureRules,
  format: RawSignatureFormat,
): Promise<Bytes> {
  const digest = hash(rules.hash, payload);
  if (key.publicKey.shape.family === "rsa") {
    return await key.signHash(digest, rules.rsaPadding === "pss" ? "RsaPss" : "RsaPkcs1");
  }
  const signature = await key.signHash(digest, "Ecdsa");
  return format.ecdsaFormat === "asn1" ? derOfRs(signature) : signature;
}
