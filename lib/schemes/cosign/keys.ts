/** The keys that signatures are verified with, in files. @module */
import { createPublicKey } from "node:crypto";
import { type Bytes, fileText } from "../../bytes/bytes.ts";
import { parsePem, type PemBlock } from "../../bytes/pem.ts";
import { readCertificateFile } from "../../crypto/certificate_file.ts";
import { keyOfSpki, type PublicKey } from "../../crypto/keys.ts";

/**
 * Reads a file of public keys in PEM, as `cosign.pub` is one, or a certificate. Until when the certificate is valid does
 * not count: signatures outlive it, and verifiers see the key alone.
 *
 * @throws {SyntaxError} that says what the file is instead, as the end of a sentence
 */
export function readVerificationKeys(file: Bytes): [PublicKey, ...PublicKey[]] {
  const blocks = pemBlocks(file);
  const secret = blocks.find(({ label }) => label.includes("PRIVATE KEY"));
  if (secret) throw new SyntaxError("it holds a private key, where the public one is wanted");
  const spkis = blocks.flatMap((block) => spkiOf(block) ?? []);
  const [first, ...others] = (spkis.length > 0 ? spkis : [readCertificateFile(file).certificate.spki]).map(usable);
  return [first!, ...others];
}

function pemBlocks(file: Bytes): PemBlock[] {
  try {
    return parsePem(fileText(file));
  } catch (error) {
    if (error instanceof TypeError) return []; // a certificate in DER
    throw error;
  }
}

function spkiOf({ label, bytes }: PemBlock): Bytes | undefined {
  if (label === "PUBLIC KEY") return bytes;
  if (label !== "RSA PUBLIC KEY") return undefined;
  try {
    const key = createPublicKey({ key: bytes as never, format: "der", type: "pkcs1" });
    return new Uint8Array(key.export({ type: "spki", format: "der" }));
  } catch {
    throw new SyntaxError('its "RSA PUBLIC KEY" cannot be read');
  }
}

function usable(spki: Bytes): PublicKey {
  const key = keyOfSpki(spki);
  if (key.shape.family === "ed25519") throw new SyntaxError("its key is an Ed25519 key, where RSA or ECDSA is needed");
  return key;
}
