/**
 * Sigstore bundles as `cosign sign` 3 makes them with a key: a statement in a DSSE envelope, attached as a referrer.
 *
 * @see {@link https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md | cosign's bundle specification}
 * @see {@link https://github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md | DSSE}
 * @module
 */
import { type Bytes, concat, utf8 } from "../../bytes/bytes.ts";
import { isJsonObject, type JsonValue } from "../../bytes/json.ts";
import { hash } from "../../crypto/hash.ts";
import type { PublicKey } from "../../crypto/keys.ts";
import type { Descriptor } from "../../registry/descriptor.ts";
import { type Digest, isDigest } from "../../registry/image_ref.ts";
import { OCI_MANIFEST } from "../../registry/manifest_type.ts";
import { trustTime } from "../../tuf/edit.ts";
import { pushable, type PushableSignature } from "./classic.ts";
import { exactly, parseOrNothing, type SignedImage } from "./payload.ts";
import { fromStrictBase64 } from "./signature.ts";

/** The bundles that cosign makes and reads. */
export const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";
/** How the types of all sigstore bundles begin. */
export const ANY_BUNDLE = "application/vnd.dev.sigstore.bundle";
const IN_TOTO = "application/vnd.in-toto+json";
const STATEMENT = "https://in-toto.io/Statement/v1";
const PREDICATE = "https://sigstore.dev/cosign/sign/v1";
const EMPTY = "application/vnd.oci.empty.v1+json";

/** A bundle that has been read; its signature is not verified. */
export interface Bundle {
  /** The bytes that are signed. */
  readonly signedBytes: Bytes;
  /** The signature. */
  readonly signature: Bytes;
  /** The manifest that the statement is about. */
  readonly digest: Digest;
  /** The tag that it names, if any. No bundle names a repository. */
  readonly tag?: string;
}

/** Why a bundle is not taken. */
export type UnusableBundle =
  /** It is no bundle, or one that is not read the same by all. */
  | "malformed-bundle"
  /** It is signed with a certificate, or logged or time-stamped, which is not verified here. */
  | "bundle-of-other-kind"
  /** It is a signed statement, an attestation say, and no signature of an image. */
  | "bundle-is-no-signature";

/** The statement about one image and tag. */
export function statementOf({ digest, tag }: Pick<SignedImage, "digest" | "tag">): Bytes {
  return utf8(JSON.stringify({
    _type: STATEMENT,
    subject: [{ digest: { sha256: digest.slice("sha256:".length) }, annotations: { tag } }],
    predicateType: PREDICATE,
    predicate: {},
  }));
}

/** The bytes to sign for a statement: DSSE's pre-authentication encoding. */
export function preAuthenticationEncoding(statement: Bytes): Bytes {
  return concat(utf8(`DSSEv1 ${IN_TOTO.length} ${IN_TOTO} ${statement.length} `), statement);
}

/** The bundle and its manifest. Nothing finds it by a tag: it is pushed by its digest, and listed as a referrer. */
export function bundleArtifact(
  key: PublicKey,
  signed: { readonly statement: Bytes; readonly signature: Bytes },
  subject: Descriptor,
  at: Date,
): PushableSignature {
  const bundle = pushable(
    BUNDLE,
    utf8(JSON.stringify({
      mediaType: BUNDLE,
      verificationMaterial: { publicKey: { hint: hash("sha256", key.spki).toBase64() } },
      dsseEnvelope: {
        payload: signed.statement.toBase64(),
        payloadType: IN_TOTO,
        signatures: [{ sig: signed.signature.toBase64() }],
      },
    })),
  );
  const config = pushable(EMPTY, utf8("{}"));
  const manifest = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: BUNDLE,
    config: { mediaType: EMPTY, digest: config.digest, size: config.bytes.length },
    layers: [{ mediaType: BUNDLE, digest: bundle.digest, size: bundle.bytes.length }],
    subject: { mediaType: subject.mediaType, digest: subject.digest, size: subject.size },
    annotations: {
      "dev.sigstore.bundle.content": "dsse-envelope",
      "dev.sigstore.bundle.predicateType": PREDICATE,
      "org.opencontainers.image.created": trustTime(at),
    },
  };
  return { blobs: [bundle, config], manifest: pushable(OCI_MANIFEST, utf8(JSON.stringify(manifest))) };
}

/** Reads a bundle in the form that cosign takes with a key, or says why it is none. */
export function readBundle(bytes: Bytes): Bundle | UnusableBundle {
  const document = parseOrNothing(bytes);
  if (!isJsonObject(document) || document["mediaType"] !== BUNDLE) return "malformed-bundle";
  const [, material, envelope] = exactly(document, "mediaType", "verificationMaterial", "dsseEnvelope") ?? [];
  const [publicKey] = exactly(material, "publicKey") ?? [];
  if (publicKey === undefined || envelope === undefined) return "bundle-of-other-kind";
  const { hint = "" } = isJsonObject(publicKey) ? publicKey : { hint: null };
  if (typeof hint !== "string" || !hasOnly(publicKey, ["hint"])) return "malformed-bundle";
  const [payload, payloadType, signatures] = exactly(envelope, "payload", "payloadType", "signatures") ?? [];
  const [signature] = Array.isArray(signatures) && signatures.length === 1 ? signatures : [];
  const { sig, keyid = "" } = isJsonObject(signature) ? signature : {};
  if (typeof payload !== "string" || typeof sig !== "string" || !hasOnly(signature, ["sig", "keyid"])) {
    return "malformed-bundle";
  }
  if (payloadType !== IN_TOTO) return "bundle-is-no-signature";
  const [statement, raw] = [fromStrictBase64(payload), fromStrictBase64(sig)];
  if (statement === undefined || raw === undefined || keyid !== "") return "malformed-bundle";
  const about = readStatement(statement);
  if (typeof about === "string") return about;
  return { signedBytes: preAuthenticationEncoding(statement), signature: raw, ...about };
}

function readStatement(bytes: Bytes): Pick<Bundle, "digest" | "tag"> | UnusableBundle {
  const document = parseOrNothing(bytes);
  const [type, subjects, predicateType, predicate] =
    exactly(document, "_type", "subject", "predicateType", "predicate") ?? [];
  if (type !== STATEMENT || !isJsonObject(predicate)) return "malformed-bundle";
  if (predicateType !== PREDICATE) return "bundle-is-no-signature";
  const [subject] = Array.isArray(subjects) && subjects.length === 1 ? subjects : [];
  const { name = "", digest: digests, annotations = {} } = isJsonObject(subject) ? subject : {};
  if (typeof name !== "string" || !hasOnly(subject, ["name", "digest", "annotations"])) return "malformed-bundle";
  const [sha256] = exactly(digests, "sha256") ?? [];
  const digest = `sha256:${sha256}`;
  if (typeof sha256 !== "string" || !isDigest(digest) || !isJsonObject(annotations)) return "malformed-bundle";
  const { tag } = annotations;
  return { digest, ...(typeof tag === "string" ? { tag } : {}) };
}

function hasOnly(value: JsonValue | undefined, names: readonly string[]): boolean {
  return isJsonObject(value) && Object.keys(value).every((name) => names.includes(name));
}
