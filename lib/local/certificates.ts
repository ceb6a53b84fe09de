/**
 * Certificates made on the spot: TLS for servers on loopback, and signing certificates of the kind SignPath makes.
 *
 * `@peculiar/x509` is imported where it is used, because loading it takes longer than everything else tagseal loads.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { isIP } from "node:net";
import type { Bytes } from "../bytes/bytes.ts";

/** A certificate and its private key (PKCS#8), both PEM: what a TLS server is set up with. */
export interface TlsIdentity {
  /** The certificate. */
  readonly certPem: string;
  /** Its unencrypted private key; good for loopback only. */
  readonly keyPem: string;
}

/** A certificate authority for loopback. Its private key dies with the process, unless somebody keeps it. */
export interface LocalCa {
  /** The CA's certificate: what clients are told to trust. */
  readonly caPem: string;
  /** Its unencrypted private key (PKCS#8): who has it can be any server to those who trust the CA. */
  readonly caKeyPem: string;
  /** Issues a TLS server (and client) certificate for DNS names and IP addresses. */
  issue(names: readonly string[]): Promise<TlsIdentity>;
}

/** A self-signed signing certificate with its private key. */
export interface SigningCertificate {
  /** The certificate as PEM. */
  readonly certificatePem: string;
  /** The certificate as DER, the form of a `.cer` file. */
  readonly certificateDer: Bytes;
  /** The private key that belongs to it. */
  readonly privateKey: KeyObject;
}

/** The keys that a signing certificate may have. */
export const SIGNING_ALGORITHMS = [
  "rsa-2048",
  "rsa-3072",
  "rsa-4096",
  "ecdsa-p256",
  "ecdsa-p384",
  "ecdsa-p521",
] as const;
/** One of them. */
export type SigningAlgorithm = typeof SIGNING_ALGORITHMS[number];

/** The names a server on loopback is reached by. */
export const LOOPBACK_NAMES: readonly string[] = ["localhost", "127.0.0.1", "::1"];

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const P256 = ecdsa("P-256", "SHA-256");
const ALGORITHMS: Readonly<Record<SigningAlgorithm, KeyAlgorithmOf>> = {
  "rsa-2048": rsa(2048),
  "rsa-3072": rsa(3072),
  "rsa-4096": rsa(4096),
  "ecdsa-p256": P256,
  "ecdsa-p384": ecdsa("P-384", "SHA-384"),
  "ecdsa-p521": ecdsa("P-521", "SHA-512"),
};

type KeyAlgorithmOf = ReturnType<typeof ecdsa> | ReturnType<typeof rsa>;

function ecdsa(
  namedCurve: string,
  hash: string,
): { readonly name: "ECDSA"; readonly namedCurve: string; readonly hash: string } {
  return { name: "ECDSA", namedCurve, hash };
}

function rsa(modulusLength: number) {
  const publicExponent = new Uint8Array([1, 0, 1]);
  return { name: "RSASSA-PKCS1-v1_5", modulusLength, publicExponent, hash: "SHA-256" } as const;
}

/** How long what a CA issues is valid, and a CA that nobody keeps. */
const THROW_AWAY_DAYS = 30;

/**
 * Creates an ECDSA P-256 CA for TLS on loopback. It is valid from an hour before `now` (clocks differ) until `days` after,
 * and all it issues until 30 days after.
 */
export async function createLocalCa(now: Date, name: string, days: number = THROW_AWAY_DAYS): Promise<LocalCa> {
  const x509 = await loadX509();
  const keys = await newKeys(P256);
  const subject = [{ CN: [name] }];
  const certificate = await x509.X509CertificateGenerator.create({
    ...validity(now, days),
    signingAlgorithm: P256,
    subject,
    issuer: subject,
    publicKey: keys.publicKey,
    signingKey: keys.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return await openLocalCa(certificate.toString("pem") + "\n", await pkcs8Pem(keys.privateKey), now);
}

/** The CA that {@linkcode createLocalCa} made, from what was kept of it. It throws where that is damaged. */
export async function openLocalCa(caPem: string, caKeyPem: string, now: Date): Promise<LocalCa> {
  const x509 = await loadX509();
  const ca = new x509.X509Certificate(caPem);
  const pkcs8 = createPrivateKey(caKeyPem).export({ type: "pkcs8", format: "der" });
  const signingKey = await crypto.subtle.importKey("pkcs8", new Uint8Array(pkcs8), P256, false, ["sign"]);
  return {
    caPem,
    caKeyPem,
    issue: async (names) => {
      const leaf = await newKeys(P256);
      const certificate = await x509.X509CertificateGenerator.create({
        ...validity(now, THROW_AWAY_DAYS),
        signingAlgorithm: P256,
        subject: [{ CN: [names[0] ?? "localhost"] }],
        issuer: ca.subjectName,
        publicKey: leaf.publicKey,
        signingKey,
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          // Also for clients: notary-server shows its own certificate to notary-signer.
          new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
          new x509.SubjectAlternativeNameExtension(
            names.map((value) => ({ type: isIP(value) ? "ip" as const : "dns" as const, value })),
          ),
          await x509.SubjectKeyIdentifierExtension.create(leaf.publicKey),
          await x509.AuthorityKeyIdentifierExtension.create(ca),
        ],
      });
      return { certPem: certificate.toString("pem") + "\n", keyPem: await pkcs8Pem(leaf.privateKey) };
    },
  };
}

/** What a signing certificate is made from. */
export interface SigningCertificateRequest {
  /** The subject's and issuer's common name. */
  readonly commonName: string;
  /** The kind of key. */
  readonly algorithm: SigningAlgorithm;
  /** A private key of that kind; a new one unless given. */
  readonly key?: KeyObject;
  /** The reference time; validity begins an hour before. */
  readonly now: Date;
  /** For how many days it is valid. */
  readonly days: number;
  /** What stands before the common name in the subject: `["O", "Acme"]`. */
  readonly attributes?: readonly (readonly [type: string, value: string])[];
}

/**
 * Creates a self-signed certificate and its key for digital signatures (code signing, no CA), like those SignPath
 * makes for a signing policy.
 */
export async function createSigningCertificate(request: SigningCertificateRequest): Promise<SigningCertificate> {
  const x509 = await loadX509();
  const algorithm = ALGORITHMS[request.algorithm];
  // Of values that do not name their encoding the library takes quotes and "#" for its own.
  const subject = [...request.attributes ?? [], ["CN", request.commonName] as const];
  const keys = await (request.key ? importKeys(algorithm, request.key) : newKeys(algorithm));
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(request.now, request.days),
    signingAlgorithm: algorithm,
    name: new x509.Name(subject.map(([type, value]) => ({ [type]: [{ utf8String: value }] }))),
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.codeSigning]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    certificatePem: certificate.toString("pem") + "\n",
    certificateDer: new Uint8Array(certificate.rawData),
    privateKey: privateKeyObject(await crypto.subtle.exportKey("pkcs8", keys.privateKey)),
  };
}

async function loadX509(): Promise<typeof import("@peculiar/x509")> {
  await import("reflect-metadata"); // must come first: x509's dependency injection throws without it
  return await import("@peculiar/x509");
}

function newKeys(algorithm: KeyAlgorithmOf): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as Promise<CryptoKeyPair>;
}

async function importKeys(algorithm: KeyAlgorithmOf, key: KeyObject): Promise<CryptoKeyPair> {
  const pkcs8 = new Uint8Array(key.export({ type: "pkcs8", format: "der" }));
  const spki = new Uint8Array(createPublicKey(key).export({ type: "spki", format: "der" }));
  const [privateKey, publicKey] = await Promise.all([
    crypto.subtle.importKey("pkcs8", pkcs8, algorithm, true, ["sign"]),
    crypto.subtle.importKey("spki", spki, algorithm, true, ["verify"]),
  ]);
  return { privateKey, publicKey };
}

/** From an hour before `now` on; X.509 times know whole seconds only. */
function validity(now: Date, days: number): { notBefore: Date; notAfter: Date } {
  const second = Math.floor(now.getTime() / 1000) * 1000;
  return {
    notBefore: new Date(second - HOUR),
    notAfter: new Date(second + days * DAY),
  };
}

async function pkcs8Pem(key: CryptoKey): Promise<string> {
  return privateKeyObject(await crypto.subtle.exportKey("pkcs8", key)).export({ type: "pkcs8", format: "pem" })
    .toString();
}

function privateKeyObject(pkcs8: ArrayBuffer): KeyObject {
  return createPrivateKey({ key: Buffer.from(pkcs8), format: "der", type: "pkcs8" });
}
