/**
 * Makes Notation signatures, byte by byte as the `notation` program writes them: a JWS envelope and the manifest that
 * attaches it to an image. Signing is somebody else's: the bytes go out, a signature comes back.
 *
 * @see {@link https://github.com/notaryproject/specifications/blob/main/specs/signature-envelope-jws.md | JWS envelope}
 * @module
 */
import { type Bytes, utf8 } from "../../bytes/bytes.ts";
import { sha256Hex } from "../../crypto/hash.ts";
import { keyOfSpki } from "../../crypto/keys.ts";
import { recognizeByRules } from "../../crypto/signature_rules.ts";
import type { Certificate } from "../../crypto/x509.ts";
import { digestOf } from "../../registry/blob.ts";
import type { Descriptor } from "../../registry/descriptor.ts";
import { OCI_MANIFEST } from "../../registry/manifest_type.ts";
import {
  ATTRIBUTE,
  CREATED,
  JWS_TYPE,
  type NotationAlgorithm,
  PAYLOAD_TYPE,
  SCHEME,
  SIGNATURE_TYPE,
  TAG,
  THUMBPRINTS,
} from "./formats.ts";

/** What is to be signed. */
export interface NotationTarget {
  /** The image: the very manifest or index that the tag stands for. */
  readonly image: Descriptor;
  /** The tag, which verifiers can ask for as user metadata. */
  readonly tag: string;
}

/** A signature that is still to be made. */
export interface UnsignedEnvelope {
  /** The protected header and the payload, as in the envelope: base64url. */
  readonly protected: string;
  /** The payload. */
  readonly payload: string;
  /** What is to be signed: ASCII. */
  readonly signingInput: Bytes;
}

/** A signature, ready for the registry. */
export interface NotationSignature {
  /** The blob that the manifest names. */
  readonly envelope: Bytes;
  /** The manifest, of the type {@linkcode OCI_MANIFEST}. */
  readonly manifest: Bytes;
  /** How long the salt of an RSA signature is, in bytes. JWS says as long as the digest; verifiers take any. */
  readonly saltLength?: number;
}

/** The blob of the empty configuration, which the manifest names. */
export const EMPTY_CONFIG: Bytes = utf8("{}");

/** What is signed. Times are in whole seconds. */
export function unsignedEnvelope(
  { image: { digest, mediaType, size }, tag }: NotationTarget,
  { alg }: NotationAlgorithm,
  signingTime: Date,
): UnsignedEnvelope {
  const header = {
    alg,
    crit: [ATTRIBUTE.scheme],
    cty: PAYLOAD_TYPE,
    [ATTRIBUTE.scheme]: SCHEME,
    [ATTRIBUTE.time]: inSeconds(signingTime),
  };
  const content = { targetArtifact: { annotations: { [TAG]: tag }, digest, mediaType, size } };
  const [protectedPart, payload] = [base64Url(utf8(JSON.stringify(header))), base64Url(utf8(JSON.stringify(content)))];
  return { protected: protectedPart, payload, signingInput: utf8(`${protectedPart}.${payload}`) };
}

/**
 * The signature for the registry; `undefined` where `raw` is no signature of what was to be signed, by the key of the
 * first certificate of the chain.
 *
 * @param agent who made it: `tagseal/<version>`
 */
export async function signedEnvelope(
  unsigned: UnsignedEnvelope,
  raw: Bytes,
  signer: {
    readonly chain: readonly [Certificate, ...Certificate[]];
    readonly algorithm: NotationAlgorithm;
    readonly agent: string;
  },
  image: Descriptor,
  created: Date,
): Promise<NotationSignature | undefined> {
  const { chain, algorithm, agent } = signer;
  const recognized = await recognizeByRules(keyOfSpki(chain[0].spki), algorithm.rules, unsigned.signingInput, raw);
  if (!recognized) return undefined;
  const envelope = utf8(JSON.stringify({
    payload: unsigned.payload,
    protected: unsigned.protected,
    header: { x5c: chain.map(({ der }) => der.toBase64()), [ATTRIBUTE.agent]: agent },
    signature: base64Url(recognized.bytes),
  }));
  const manifest = utf8(JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: SIGNATURE_TYPE, digest: digestOf(EMPTY_CONFIG), size: EMPTY_CONFIG.length },
    layers: [{ mediaType: JWS_TYPE, digest: digestOf(envelope), size: envelope.length }],
    subject: { mediaType: image.mediaType, digest: image.digest, size: image.size },
    annotations: {
      [THUMBPRINTS]: JSON.stringify(chain.map(({ der }) => sha256Hex(der))),
      [CREATED]: inSeconds(created),
    },
  }));
  const { saltLength } = recognized;
  return { envelope, manifest, ...(saltLength === undefined ? {} : { saltLength }) };
}

function inSeconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

function base64Url(bytes: Bytes): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}
