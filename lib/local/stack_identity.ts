/**
 * Who the services of an embedded stack are: the CA of its TLS certificate, SignPath's organization, token and key. Others
 * were told to trust them, so they outlive the stack where it has a folder, in one file that is written once.
 *
 * @module
 */
import { createPrivateKey } from "node:crypto";
import { type Bytes, utf8 } from "../bytes/bytes.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../bytes/json.ts";
import { keyOfCertificate } from "../crypto/keys.ts";
import { createRootCertificate } from "../crypto/root_certificate.ts";
import type { HashSigner } from "../crypto/signer.ts";
import { certificatePem, readCertificate } from "../crypto/x509.ts";
import { messageOf, TagsealError } from "../errors.ts";
import { readFileBounded, writeFileAtomically } from "../files/files.ts";
import {
  createLocalCa,
  createSigningCertificate,
  type LocalCa,
  openLocalCa,
  type SigningAlgorithm,
} from "./certificates.ts";
import { fileSigningKey, type LocalSigningKey } from "./signpath_keys.ts";

/** Who the services are. */
export interface StackIdentity {
  /** Issues the TLS certificate, anew at each start. */
  readonly ca: LocalCa;
  /** SignPath: the only organization. */
  readonly organizationId: string;
  /** SignPath: the only API token. */
  readonly apiToken: string;
  /** SignPath: the only key. */
  readonly signingKey: LocalSigningKey;
  /** Its certificate (DER). */
  readonly certificate: Bytes;
}

/** Which key SignPath signs with. */
export interface SigningKeyChoice {
  /** The algorithm of a key that is made, and kept with everything else; `rsa-2048` unless said. */
  readonly algorithm?: SigningAlgorithm;
  /** A key that lies elsewhere, on a PKCS#11 token; ECDSA P-256. */
  readonly signingKey?: HashSigner;
}

/** The file's content: private keys are PKCS#8 PEM, and `signingKey` is empty where that lies elsewhere. */
interface Kept {
  readonly organizationId: string;
  readonly apiToken: string;
  readonly caCertificate: string;
  readonly caKey: string;
  readonly signingCertificate: string;
  readonly signingKey: string;
}

const NAMES = ["organizationId", "apiToken", "caCertificate", "caKey", "signingCertificate", "signingKey"] as const;
const SIGNER_NAME = "Docker signing (local)";
const MAX_FILE_BYTES = 64 * 1024;
/** For how many days certificates are valid: with the process, and in a folder. */
const DAYS = { ca: 30, signing: 365, kept: 3650 } as const;

/** An identity that dies with the process. */
export async function newIdentity(choice: SigningKeyChoice, now: Date): Promise<StackIdentity> {
  return await open(await make(choice, now, DAYS), choice, now);
}

/**
 * The identity that `path` keeps, made at the first time.
 *
 * @throws {TagsealError} `bad-input` where the file is damaged, or was made for another key than `choice` names
 */
export async function keptIdentity(path: string, choice: SigningKeyChoice, now: Date): Promise<StackIdentity> {
  const bytes = await readFileBounded(path, MAX_FILE_BYTES);
  if (bytes) {
    const kept = await read(path, () => keptOf(parseJson(bytes)));
    requireChosen(path, kept, choice);
    return await read(path, () => open(kept, choice, now));
  }
  const made = await make(choice, now, { ca: DAYS.kept, signing: DAYS.kept });
  const content = utf8(JSON.stringify(made, null, 2) + "\n");
  await writeFileAtomically(path, content, { mode: 0o600, folderMode: 0o700, replace: false });
  return await open(made, choice, now);
}

async function make(choice: SigningKeyChoice, now: Date, days: { ca: number; signing: number }): Promise<Kept> {
  const ca = await createLocalCa(now, "tagseal local stack", days.ca);
  return {
    organizationId: crypto.randomUUID(),
    apiToken: crypto.getRandomValues(new Uint8Array(24)).toBase64({ alphabet: "base64url" }),
    caCertificate: ca.caPem,
    caKey: ca.caKeyPem,
    ...await makeSigningKey(choice, now, days.signing),
  };
}

type KeptKey = Pick<Kept, "signingCertificate" | "signingKey">;

async function makeSigningKey({ algorithm, signingKey }: SigningKeyChoice, now: Date, days: number): Promise<KeptKey> {
  if (signingKey) {
    const certificate = await createRootCertificate(signingKey, SIGNER_NAME, now);
    return { signingCertificate: certificatePem(certificate), signingKey: "" };
  }
  const request = { commonName: SIGNER_NAME, algorithm: algorithm ?? "rsa-2048", now, days };
  const { certificatePem: pem, privateKey } = await createSigningCertificate(request);
  return { signingCertificate: pem, signingKey: String(privateKey.export({ type: "pkcs8", format: "pem" })) };
}

async function open(kept: Kept, { signingKey: elsewhere }: SigningKeyChoice, now: Date): Promise<StackIdentity> {
  const certificate = readCertificate(kept.signingCertificate);
  const signingKey = elsewhere ? signingKeyOf(elsewhere) : fileSigningKey(createPrivateKey(kept.signingKey));
  if (keyOfCertificate(certificate).canonicalId !== signingKey.publicKey.canonicalId) {
    throw new Error("the certificate is not the one of the signing key");
  }
  return {
    ca: await openLocalCa(kept.caCertificate, kept.caKey, now),
    organizationId: kept.organizationId,
    apiToken: kept.apiToken,
    signingKey,
    certificate: certificate.der,
  };
}

function signingKeyOf(signer: HashSigner): LocalSigningKey {
  const { publicKey } = signer;
  return {
    publicKey,
    signHash: async (sha256, scheme) =>
      (await signer.signHash(sha256, scheme === "RsaPss" ? "rsapss" : "rsapkcs1v15")).bytes,
  };
}

function keptOf(json: JsonValue): Kept {
  const object: JsonObject = isJsonObject(json) ? json : {};
  for (const name of NAMES) if (typeof object[name] !== "string") throw new Error(`"${name}" is missing`);
  return object as unknown as Kept;
}

/** The key is part of what others trust: it is not exchanged for another one on the quiet. */
function requireChosen(path: string, kept: Kept, { algorithm, signingKey }: SigningKeyChoice): void {
  const { shape, canonicalId } = keyOfCertificate(readCertificate(kept.signingCertificate));
  const fits = signingKey
    ? kept.signingKey === "" && signingKey.publicKey.canonicalId === canonicalId
    : kept.signingKey !== "" && (!algorithm || algorithm.startsWith(shape.family));
  if (fits) return;
  const which = kept.signingKey === "" ? "a key on a PKCS#11 token" : `an ${shape.family.toUpperCase()} key of its own`;
  throw new TagsealError("bad-input", `"${path}" was begun with another key: ${which}`, {
    remedy: "Choose that key, or another folder",
    details: { path },
  });
}

async function read<T>(path: string, how: () => T | Promise<T>): Promise<T> {
  try {
    return await how();
  } catch (error) {
    throw new TagsealError("bad-input", `"${path}" is damaged: ${messageOf(error)}`, {
      remedy: "Restore it from a copy, or choose another folder",
      details: { path },
      cause: error,
    });
  }
}
