/** A signer, repositories and a folder in memory, for tests of verifiers' files. @module */
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { text, utf8 } from "../../lib/bytes/bytes.ts";
import { type Certificate, certificatePem, readCertificate } from "../../lib/crypto/x509.ts";
import { keyPem, type PolicyFolder, type PolicyInput } from "../../lib/flows/policies/policy.ts";
import { type PreparedPolicy, preparePolicies } from "../../lib/flows/policies/write_policies.ts";
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import { parseImageName } from "../../lib/registry/image_ref.ts";

/** A subject with all that Notation wants. */
export const ACME: readonly (readonly [string, string])[] = [["C", "AT"], ["ST", "Vienna"], ["O", "Acme GmbH"]];

/** A certificate of a new key, shaped as SignPath's. */
export async function signer(attributes: readonly (readonly [string, string])[] = ACME): Promise<Certificate> {
  const request = { commonName: "Release", algorithm: "ecdsa-p256", now: new Date(), days: 3650, attributes } as const;
  return readCertificate((await createSigningCertificate(request)).certificateDer);
}

/** A signing certificate below a CA of its own, and that CA. */
export async function issuedByCa(): Promise<{ own: Certificate; ca: Certificate; privateKey: CryptoKey }> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const [top, low] = await Promise.all(
    [0, 1].map(() => crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as Promise<CryptoKeyPair>),
  );
  const make = async (subject: string, publicKey: CryptoKey, extensions: x509.Extension[]) => {
    const made = await x509.X509CertificateGenerator.create({
      subject,
      issuer: "CN=Acme CA, O=Acme, ST=Vienna, C=AT",
      notBefore: new Date(Date.now() - 60_000),
      notAfter: new Date(Date.now() + 86_400_000),
      publicKey,
      signingKey: top!.privateKey,
      signingAlgorithm: algorithm,
      extensions,
    });
    return readCertificate(new Uint8Array(made.rawData));
  };
  const { keyCertSign, digitalSignature } = x509.KeyUsageFlags;
  return {
    ca: await make("CN=Acme CA, O=Acme, ST=Vienna, C=AT", top!.publicKey, [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(keyCertSign, true),
    ]),
    own: await make("CN=Release, O=Acme, ST=Vienna, C=AT", low!.publicKey, [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.codeSigning]),
    ]),
    privateKey: low!.privateKey,
  };
}

/** The input for these repositories. */
export function inputFor(certificate: Certificate, ...names: [string, ...string[]]): PolicyInput {
  const [first, ...others] = names.map(parseImageName);
  const folder = "/srv/verifiers";
  return {
    repositories: [first!, ...others],
    signer: "signpath",
    certificate,
    anchor: certificate,
    folder,
    keyPath: `${folder}/cosign.pub`,
  };
}

/** Files by path, as text; a folder's entry that is no file is `null`. */
export class FolderInMemory implements PolicyFolder {
  /** What is there. */
  readonly files: Map<string, string | null>;

  constructor(files: Readonly<Record<string, string | null>> = {}) {
    this.files = new Map(Object.entries(files));
  }

  read(path: string) {
    const found = this.files.get(path);
    return Promise.resolve(typeof found === "string" ? utf8(found) : undefined);
  }

  list(folder: string) {
    const below = [...this.files].filter(([path]) => path.startsWith(`${folder}/`));
    return Promise.resolve(
      below.map(([path, content]) => ({ name: path.slice(folder.length + 1), isFile: content !== null })),
    );
  }

  /** Prepares a verifier's files and puts them there; by path what became of each, and all that was told. */
  async put(verifier: string, input: PolicyInput): Promise<PreparedPolicy & { outcomes: Record<string, string> }> {
    const [policy] = await preparePolicies([verifier], input, this);
    for (const { path, content } of policy!.files) this.files.set(path, text(content));
    return { ...policy!, outcomes: Object.fromEntries(policy!.files.map(({ path, outcome }) => [path, outcome])) };
  }

  /** A JSON file's value. */
  json(path: string): ReturnType<typeof JSON.parse> {
    return JSON.parse(this.files.get(path)!);
  }
}

/** PEM as it stands in a YAML block that is indented by so many blanks. */
export function indented(pem: string, blanks: number): string {
  return pem.trimEnd().replaceAll(/^/gm, " ".repeat(blanks)).trimStart();
}

/** The signer's key and certificate, as PEM. */
export function pems(certificate: Certificate): { key: string; certificate: string } {
  return { key: keyPem({ certificate }), certificate: certificatePem(certificate) };
}
