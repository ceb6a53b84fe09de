/**
 * The certificate of a root key, as Notary makes it: self-signed, CN = GUN, ten years, code signing, not a CA (Notary
 * `cryptoservice/certificate.go`, `tuf/utils/x509.go`).
 *
 * The key signs through its {@linkcode Signer}, so that it may as well live on a token.
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { TagsealError } from "../errors.ts";
import type { Signer } from "./signer.ts";
import { type Certificate, readCertificate } from "./x509.ts";

const LIFETIME_DAYS = 3650;
const DAY_MS = 86_400_000;

async function library(): Promise<typeof import("@peculiar/x509")> {
  await import("reflect-metadata"); // the library's dependency injection asks for it first
  return await import("@peculiar/x509");
}

/** Loads what making a certificate takes, while whoever is going to make one waits for something else. */
export function preloadRootCertificate(): void {
  library().catch(() => {}); // said where it is used
}

/**
 * Makes the certificate of a P-256 root key for a repository.
 *
 * @throws {TagsealError} `bad-input` for any other key: it would be a certificate that does not verify
 */
export async function createRootCertificate(signer: Signer, gun: string, at: Date): Promise<Certificate> {
  const { shape, canonicalId } = signer.publicKey;
  if (shape.family !== "ecdsa" || shape.curve !== "P-256") {
    throw new TagsealError("bad-input", `The key ${canonicalId.slice(0, 7)}… is not an ECDSA key on P-256`, {
      remedy: "Name a P-256 key: it is the only kind that root certificates are made for",
      details: { keyId: canonicalId },
    });
  }
  const x509 = await library();
  const notBefore = new Date(Math.floor(at.getTime() / 1000) * 1000);
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  // The library signs through WebCrypto's interface; ours hands the bytes to the signer. It wants raw r‖s back.
  const sign = async (_algorithm: unknown, _key: unknown, data: BufferSource): Promise<ArrayBuffer> => {
    const view = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : data;
    return (await signer.sign(new Uint8Array(view as Bytes))).bytes.buffer;
  };
  const engine = { getRandomValues: crypto.getRandomValues.bind(crypto), subtle: { sign } } as unknown as Crypto;
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: `00${crypto.getRandomValues(new Uint8Array(16)).toHex()}`,
    subject: [{ CN: [gun] }],
    issuer: [{ CN: [gun] }],
    notBefore,
    notAfter: new Date(notBefore.getTime() + LIFETIME_DAYS * DAY_MS),
    publicKey: signer.publicKey.spki,
    signingKey: { algorithm, type: "private" } as unknown as CryptoKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.codeSigning]),
      new x509.BasicConstraintsExtension(false, undefined, true),
    ],
  }, engine);
  return readCertificate(new Uint8Array(certificate.rawData));
}
