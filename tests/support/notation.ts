/**
 * Notation signatures made by hand, right and wrong: certificates of all kinds, envelopes with whatever in them.
 *
 * @module
 */
import "reflect-metadata";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { privateKeyOf, publicKeyOf } from "../../lib/crypto/key_object.ts";
import { localSigner } from "../../lib/crypto/signer.ts";
import type { SignatureRules } from "../../lib/crypto/signature_rules.ts";
import { type Certificate, readCertificate } from "../../lib/crypto/x509.ts";
import { digestOf } from "../../lib/registry/blob.ts";
import type { Descriptor } from "../../lib/registry/descriptor.ts";
import type { Digest } from "../../lib/registry/image_ref.ts";
import { OCI_MANIFEST } from "../../lib/registry/manifest_type.ts";
import { algorithmOf, CREATED, JWS_TYPE, SIGNATURE_TYPE, THUMBPRINTS } from "../../lib/schemes/notation/formats.ts";
import type { NotationSource } from "../../lib/schemes/notation/verify.ts";
import { type RsaBits, rsaKey } from "./rsa_keys.ts";

const FIXTURES = new URL("../../fixtures/after_dct/", import.meta.url);

/** A recorded file, as bytes. */
export function fixture(name: string): Bytes {
  return Deno.readFileSync(new URL(name, FIXTURES));
}

/** Keys that Notation has a place for. */
export type KeyKind = "RSA 2048" | "RSA 3072" | "RSA 4096" | "P-256" | "P-384" | "P-521";
/** All of them. */
export const KEY_KINDS: readonly KeyKind[] = ["RSA 2048", "RSA 3072", "RSA 4096", "P-256", "P-384", "P-521"];

const made = new Map<KeyKind, KeyObject>();

/** A key for signers, one of each kind for the whole run. */
export function keyOf(kind: KeyKind): KeyObject {
  const [, bits] = /^RSA (.*)$/.exec(kind) ?? [];
  const key = made.get(kind) ??
    (bits === undefined ? newKey(kind) : rsaKey(Number(bits) as RsaBits));
  made.set(kind, key);
  return key;
}

/** Another key. */
export function newKey(kind: KeyKind): KeyObject {
  return kind.startsWith("RSA")
    ? generateKeyPairSync("rsa", { modulusLength: Number(kind.slice(4)) }).privateKey
    : generateKeyPairSync("ec", { namedCurve: kind }).privateKey;
}

/** A certificate and its private key. */
export interface Identity {
  readonly certificate: Certificate;
  readonly key: KeyObject;
}

/** What is special about a certificate: it is a signer's, self-signed, valid from 2026 to 2046 where nothing is said. */
export interface IdentityOptions {
  readonly name?: string;
  readonly issuer?: Identity;
  readonly ca?: boolean;
  readonly pathLength?: number;
  /** Bits of key usage; `null` for none. */
  readonly usage?: number | null;
  readonly usageCritical?: boolean;
  readonly purposes?: readonly string[];
  readonly from?: string;
  readonly to?: string;
  readonly hash?: "SHA-1" | "SHA-256" | "SHA-384" | "SHA-512";
  readonly pssSalt?: number;
  readonly crl?: string;
}

/** Makes a certificate. */
export async function identity(key: KeyObject, options: IdentityOptions = {}): Promise<Identity> {
  const { issuer, ca = false, hash = "SHA-256", pssSalt } = options;
  const name = (text: string) => `C=AT, ST=Vienna, O=Acme, CN=${text}`;
  const signer = issuer?.key ?? key;
  const rsa = signer.asymmetricKeyType === "rsa";
  const curve = { prime256v1: "P-256", secp384r1: "P-384", secp521r1: "P-521" }[
    signer.asymmetricKeyDetails?.namedCurve ?? ""
  ];
  const algorithm = rsa
    ? { name: pssSalt === undefined ? "RSASSA-PKCS1-v1_5" : "RSA-PSS", hash, saltLength: pssSalt ?? 0 }
    : { name: "ECDSA", namedCurve: curve!, hash };
  const own = options.name ?? (ca ? "A CA" : "A signer");
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: "0123",
    subject: name(own),
    issuer: issuer ? issuer.certificate.subject : name(own),
    notBefore: new Date(options.from ?? "2026-01-01T00:00:00Z"),
    notAfter: new Date(options.to ?? "2046-01-01T00:00:00Z"),
    publicKey: new Uint8Array(publicKeyOf(key).spki),
    signingKey: await crypto.subtle.importKey("pkcs8", pkcs8(signer), algorithm, false, ["sign"]),
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(ca, options.pathLength, true),
      ...(options.usage === null
        ? []
        : [new x509.KeyUsagesExtension(options.usage ?? (ca ? 0x60 : 0x01), options.usageCritical ?? true)]),
      ...(ca ? [] : [new x509.ExtendedKeyUsageExtension([...(options.purposes ?? ["1.3.6.1.5.5.7.3.3"])], false)]),
      ...(options.crl === undefined ? [] : [new x509.CRLDistributionPointsExtension([options.crl])]),
    ],
  });
  return { certificate: readCertificate(new Uint8Array(certificate.rawData)), key };
}

function pkcs8(key: KeyObject): Bytes {
  return new Uint8Array(key.export({ type: "pkcs8", format: "der" }));
}

/** The members of a JSON object, as written; `undefined` leaves one out. */
type Members = Readonly<Record<string, unknown>>;

/** An envelope by its parts. What is given replaces what would be right; signatures are made over what is there then. */
export interface EnvelopePlan {
  readonly identity: Identity;
  readonly above?: readonly Certificate[];
  readonly image: Descriptor;
  readonly tag?: string;
  /** Other members of the protected header, or all of it as text. */
  readonly header?: Members | string;
  /** Other members of the target, or the payload as text. */
  readonly target?: Members | string;
  /** Other members of the unprotected header. */
  readonly unprotected?: Members;
  /** Other rules to sign by. */
  readonly rules?: SignatureRules;
  /** Makes another signature of the bytes. */
  readonly sign?: (input: Bytes, key: KeyObject) => Bytes;
  /** Changes the envelope's members. */
  readonly members?: (envelope: Record<string, unknown>) => Members;
  /** Changes the envelope's bytes. */
  readonly sealed?: (envelope: string) => string | Bytes;
}

/** Encodes as JWS does. */
export function base64Url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** The envelope of a plan. */
export async function envelopeBy(plan: EnvelopePlan): Promise<Bytes> {
  const { identity: { certificate, key }, image, tag = "1.4.2" } = plan;
  const algorithm = algorithmOf(publicKeyOf(key).shape);
  const header = typeof plan.header === "string" ? plan.header : JSON.stringify({
    alg: algorithm?.alg,
    crit: ["io.cncf.notary.signingScheme"],
    cty: "application/vnd.cncf.notary.payload.v1+json",
    "io.cncf.notary.signingScheme": "notary.x509",
    "io.cncf.notary.signingTime": "2026-11-28T00:00:00Z",
    ...plan.header,
  });
  const payload = typeof plan.target === "string"
    ? plan.target
    : JSON.stringify({ targetArtifact: { annotations: { tag }, ...image, ...plan.target } });
  const [protectedPart, payloadPart] = [base64Url(utf8(header)), base64Url(utf8(payload))];
  const input = utf8(`${protectedPart}.${payloadPart}`);
  const rules = plan.rules ?? algorithm?.rules ?? { hash: "sha256", rsaPadding: "pss" };
  const signature = plan.sign ? plan.sign(input, key) : (await localSigner(privateKeyOf(key)).sign(input, rules)).bytes;
  const envelope = {
    payload: payloadPart,
    protected: protectedPart,
    header: {
      x5c: [certificate, ...(plan.above ?? [])].map(({ der }) => der.toBase64()),
      "io.cncf.notary.signingAgent": "tests",
      ...plan.unprotected,
    },
    signature: base64Url(signature),
  };
  const source = JSON.stringify(plan.members?.(envelope) ?? envelope);
  const sealed = plan.sealed?.(source) ?? source;
  return typeof sealed === "string" ? utf8(sealed) : sealed;
}

/** The manifest that attaches an envelope; other members replace what would be right. */
export function manifestOf(envelope: Bytes, image: Descriptor, members: Members = {}): Bytes {
  return utf8(JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: SIGNATURE_TYPE, digest: digestOf(utf8("{}")), size: 2 },
    layers: [{ mediaType: JWS_TYPE, digest: digestOf(envelope), size: envelope.length }],
    subject: image,
    annotations: { [THUMBPRINTS]: "[]", [CREATED]: "2026-11-28T00:00:00Z" },
    ...members,
  }));
}

/** What is attached to an image, in memory. */
export class Attached implements NotationSource {
  readonly #content = new Map<Digest, Bytes>();
  /** The list of it. */
  readonly list: Descriptor[] = [];

  /** Attaches an envelope. */
  add(envelope: Bytes, image: Descriptor, members: Members = {}): this {
    return this.addManifest(manifestOf(envelope, image, members), envelope);
  }

  /** Attaches a manifest with what it names. */
  addManifest(manifest: Bytes, ...blobs: readonly Bytes[]): this {
    for (const bytes of [manifest, ...blobs]) this.#content.set(digestOf(bytes), bytes);
    this.list.push({ mediaType: OCI_MANIFEST, digest: digestOf(manifest), size: manifest.length });
    return this;
  }

  manifest(digest: Digest): Promise<{ readonly bytes: Bytes } | undefined> {
    const bytes = this.#content.get(digest);
    return Promise.resolve(bytes && { bytes });
  }

  blob(digest: Digest): Promise<Bytes | undefined> {
    return Promise.resolve(this.#content.get(digest));
  }
}
