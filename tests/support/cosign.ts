/** Cosign signatures for tests: the samples that real tools accepted, a registry in memory, keys that sign anything. @module */
import { createPublicKey } from "node:crypto";
import { type Bytes, text, utf8 } from "../../lib/bytes/bytes.ts";
import { derOfRs } from "../../lib/crypto/algorithms.ts";
import { parsePem } from "../../lib/bytes/pem.ts";
import { keyOfSpki, type PublicKey } from "../../lib/crypto/keys.ts";
import { digestOf } from "../../lib/registry/blob.ts";
import type { Descriptor } from "../../lib/registry/descriptor.ts";
import type { Digest } from "../../lib/registry/image_ref.ts";
import type { StoredManifest } from "../../lib/registry/manifest.ts";
import { OCI_MANIFEST } from "../../lib/registry/manifest_type.ts";
import type { CosignSource } from "../../lib/schemes/cosign/attached.ts";
import { bundleArtifact, preAuthenticationEncoding } from "../../lib/schemes/cosign/bundle.ts";
import {
  type PushableSignature,
  SIGNATURE_ANNOTATION,
  SIGNATURE_LAYER,
  signatureTag,
} from "../../lib/schemes/cosign/classic.ts";

const SAMPLES = new URL("../../fixtures/after_dct/", import.meta.url);

/** The image that the samples sign. */
export const SAMPLE_IMAGE = {
  gun: "registry.example.com/team/app",
  tag: "1.4.2",
  digest: "sha256:51aa8e175f75c98856ee2e735eab4dd02dbe5cdb32c9784d332358cf0357d3e2",
} as const;
/** The keys of the samples. */
export const SAMPLE_KEYS = ["rsa2048", "rsa4096", "p256", "p384"] as const;

/** A file of the samples. */
export async function sample(path: string): Promise<Bytes> {
  return await Deno.readFile(new URL(path, SAMPLES));
}

/** One repository in memory. */
export class SignatureStore implements CosignSource {
  /** By tag and digest. */
  readonly manifests = new Map<string, StoredManifest>();
  /** By digest. */
  readonly blobs = new Map<string, Bytes>();
  /** By the digest of the subject. */
  readonly referring = new Map<string, { readonly digest: Digest }[]>();
  /** What was asked for. */
  readonly requests: string[] = [];

  manifest(reference: string): Promise<StoredManifest | undefined> {
    this.requests.push(`manifest ${reference}`);
    return Promise.resolve(this.manifests.get(reference));
  }

  blob(digest: Digest): Promise<Bytes | undefined> {
    this.requests.push(`blob ${digest}`);
    return Promise.resolve(this.blobs.get(digest));
  }

  referrers(digest: Digest): Promise<readonly { readonly digest: Digest }[]> {
    this.requests.push(`referrers ${digest}`);
    return Promise.resolve(this.referring.get(digest) ?? []);
  }

  /** Puts a blob. */
  put(bytes: Bytes): Digest {
    const digest = digestOf(bytes);
    this.blobs.set(digest, bytes);
    return digest;
  }

  /** Puts classic signatures under their tag. */
  sign(image: Digest, { blobs, manifest }: PushableSignature): void {
    for (const { bytes } of blobs) this.put(bytes);
    this.manifests.set(signatureTag(image), manifest);
  }

  /** Puts a referrer. */
  attach(image: Digest, { blobs, manifest }: PushableSignature): void {
    for (const { bytes } of blobs) this.put(bytes);
    this.manifests.set(manifest.digest, manifest);
    this.referring.set(image, [...this.referring.get(image) ?? [], manifest]);
  }
}

/** Kinds of keys that sign. */
export type TestKeyKind = "rsa2048" | "rsa3072" | "rsa4096" | "p256" | "p384" | "p521";
/** All of them. */
export const TEST_KEY_KINDS: readonly TestKeyKind[] = ["rsa2048", "rsa3072", "rsa4096", "p256", "p384", "p521"];

/** How to sign otherwise than cosign wants it. */
export interface OddSigning {
  /** The hash. */
  readonly hash?: "SHA-256" | "SHA-384" | "SHA-512";
  /** Pad RSA with PSS. */
  readonly pss?: boolean;
  /** Leave ECDSA as r‖s. */
  readonly ieee?: boolean;
}

/** A key pair that signs anything. */
export interface TestKey {
  /** The public half. */
  readonly key: PublicKey;
  /** PKCS #8. */
  readonly pkcs8: Bytes;
  /** A signature: PKCS #1 v1.5 or DER over SHA-256, unless told otherwise. */
  sign(bytes: Bytes, odd?: OddSigning): Promise<Bytes>;
}

/** A key of its own for each call; RSA keys, which take seconds to make, are those of the samples. */
export async function testKey(kind: TestKeyKind): Promise<TestKey> {
  if (kind.startsWith("rsa")) {
    const pem = text(await sample(`${kind}/key.pem`));
    const spki = createPublicKey(pem).export({ type: "spki", format: "der" });
    return keyPair(keyOfSpki(new Uint8Array(spki)), parsePem(pem)[0]!.bytes);
  }
  const params = { name: "ECDSA", namedCurve: `P-${kind.slice(1)}` };
  const pair = await crypto.subtle.generateKey(params, true, ["sign", "verify"]) as CryptoKeyPair;
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", pair.privateKey));
  const spki = new Uint8Array(await crypto.subtle.exportKey("spki", pair.publicKey));
  return keyPair(keyOfSpki(spki), pkcs8);
}

function keyPair(key: PublicKey, pkcs8: Bytes): TestKey {
  const sign = async (bytes: Bytes, { hash = "SHA-256", pss = false, ieee = false }: OddSigning = {}) => {
    if (key.shape.family === "rsa") {
      const name = pss ? "RSA-PSS" : "RSASSA-PKCS1-v1_5";
      const imported = await crypto.subtle.importKey("pkcs8", pkcs8, { name, hash }, false, ["sign"]);
      return new Uint8Array(await crypto.subtle.sign({ name, saltLength: 32 }, imported, bytes));
    }
    if (key.shape.family !== "ecdsa") throw new Error("No such key is used");
    const algorithm = { name: "ECDSA", namedCurve: key.shape.curve };
    const imported = await crypto.subtle.importKey("pkcs8", pkcs8, algorithm, false, ["sign"]);
    const rs = new Uint8Array(await crypto.subtle.sign({ name: "ECDSA", hash }, imported, bytes));
    return ieee ? rs : derOfRs(rs);
  };
  return { key, pkcs8, sign };
}

/** A layer as the manifest names it; anything may be changed. */
export type LayerJson = Record<string, unknown>;

/** The layer of a payload with its signature. */
export function layerJson(payload: Bytes, signature: Bytes, annotations: Record<string, string> = {}): LayerJson {
  return {
    mediaType: SIGNATURE_LAYER,
    size: payload.length,
    digest: digestOf(payload),
    annotations: { [SIGNATURE_ANNOTATION]: signature.toBase64(), ...annotations },
  };
}

/** A signature image out of anything. */
export function signatureImage(
  layers: readonly LayerJson[],
  payloads: readonly Bytes[],
  change: Record<string, unknown> = {},
): PushableSignature {
  const config = utf8("{}");
  const manifest = utf8(JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", size: config.length, digest: digestOf(config) },
    layers,
    ...change,
  }));
  const blob = (bytes: Bytes) => ({ digest: digestOf(bytes), mediaType: "application/octet-stream", bytes });
  const mediaType = typeof change["mediaType"] === "string" ? change["mediaType"] : OCI_MANIFEST;
  return { blobs: [...payloads, config].map(blob), manifest: { ...blob(manifest), mediaType } };
}

/** JSON whatever it is. */
// deno-lint-ignore no-explicit-any -- forgeries change it in every way
export type AnyJson = any;

/** What is odd about a bundle. */
export interface OddBundle {
  /** The statement; it is signed as it is. */
  readonly about: Bytes;
  /** What is signed instead of the statement's encoding. */
  readonly signed?: Bytes;
  /** How it is signed. */
  readonly odd?: OddSigning;
  /** Changes the bundle after it was signed. */
  readonly change?: (bundle: AnyJson) => void;
  /** Changes the text of the bundle. */
  readonly text?: (bundle: string) => string;
  /** Changes the manifest. */
  readonly manifest?: (manifest: AnyJson) => void;
}

/** Attaches a bundle. */
export async function attachBundle(
  store: SignatureStore,
  subject: Descriptor,
  signer: TestKey,
  { about, signed = preAuthenticationEncoding(about), odd, change, text: rewrite, manifest }: OddBundle,
): Promise<void> {
  const signature = await signer.sign(signed, odd);
  const at = new Date("2026-11-28T12:00:00Z");
  const made = bundleArtifact(signer.key, { statement: about, signature }, subject, at);
  const bundle = JSON.parse(text(made.blobs[0]!.bytes));
  change?.(bundle);
  const json = JSON.stringify(bundle);
  const bytes = utf8(rewrite?.(json) ?? json);
  const outer = JSON.parse(text(made.manifest.bytes));
  store.put(made.blobs[1]!.bytes);
  Object.assign(outer.layers[0], { digest: store.put(bytes), size: bytes.length });
  manifest?.(outer);
  const manifestBytes = utf8(JSON.stringify(outer));
  const pushed = { digest: digestOf(manifestBytes), mediaType: OCI_MANIFEST, bytes: manifestBytes };
  store.attach(subject.digest, { blobs: [], manifest: pushed });
}
