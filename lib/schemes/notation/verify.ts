/**
 * Verifies Notation signatures: what is accepted here, `notation verify` accepts at the level `strict`, with the trusted
 * certificates as its trust store and any identity. The other way round there are differences: time stamps and
 * revocation need other servers, so that a signature whose certificate expired, or may have been revoked, is none here.
 *
 * @see {@link https://github.com/notaryproject/specifications/blob/main/specs/trust-store-trust-policy.md | Notary Project}
 * @module
 */
import { type Bytes, equalBytes } from "../../bytes/bytes.ts";
import { keyOfSpki } from "../../crypto/keys.ts";
import { DIGEST_BYTES } from "../../crypto/rsa_padding.ts";
import { recognizeByRules } from "../../crypto/signature_rules.ts";
import type { Certificate } from "../../crypto/x509.ts";
import { signatureOfCertificate } from "../../crypto/x509_signature.ts";
import { isTagsealError, TagsealError } from "../../errors.ts";
import type { Descriptor } from "../../registry/descriptor.ts";
import type { Digest } from "../../registry/image_ref.ts";
import { OCI_MANIFEST } from "../../registry/manifest_type.ts";
import { algorithmOfCertificate, type CertificateProblem, judgeChain, revocable } from "./certificates.ts";
import { JWS_TYPE } from "./formats.ts";
import {
  MAX_ENVELOPE_BYTES,
  objectOf,
  plainDescriptor,
  type ReadEnvelope,
  readEnvelope,
  sameDescriptor,
  textsOf,
} from "./read_envelope.ts";

/** What is to be proved. */
export interface NotationQuestion {
  /** The image, as the registry has it now. */
  readonly image: Descriptor;
  /** The tag that must have been signed; any, and none, where it is left out. */
  readonly tag?: string;
  /** What is trusted: CAs, and self-signed certificates of signers. */
  readonly trusted: readonly Certificate[];
  /** Now. */
  readonly at: Date;
}

/** Where signatures are read: a registry, or a folder. `undefined` stands for what is not there. */
export interface NotationSource {
  /** A manifest; a word where what is there is none that can be used. */
  manifest(digest: Digest): Promise<{ readonly bytes: Bytes } | string | undefined>;
  /** A blob. */
  blob(digest: Digest, maxBytes: number): Promise<Bytes | undefined>;
}

/** Why a signature is none. */
export type NotationReason =
  /** Its manifest or envelope is not there, or not what its digest says. */
  | { readonly reason: "missing" }
  /** Its manifest is none, or has not just one envelope, in JWS. */
  | { readonly reason: "manifest" }
  /** Its envelope cannot be read, or asks for what is not known here. */
  | { readonly reason: "envelope"; readonly why: string }
  /** It was made with another algorithm than the key's. */
  | { readonly reason: "algorithm" }
  /** A certificate of its chain is refused. */
  | { readonly reason: "certificate"; readonly problems: readonly CertificateProblem[] }
  /** It is wrong. */
  | { readonly reason: "signature" }
  /** Nobody of those who are trusted made it. */
  | { readonly reason: "untrusted"; readonly signer: Certificate }
  /** It was to be taken until then. */
  | { readonly reason: "expired"; readonly expiry: Date }
  /** It is of another image, or of this one with another type or size. */
  | { readonly reason: "other-image"; readonly image: Descriptor }
  /** It is of another tag, or of none. */
  | { readonly reason: "other-tag"; readonly tag: string | undefined };

/** A signature that is none, and why. */
export type SkippedNotation = NotationReason & {
  /** Of its manifest. */
  readonly digest: Digest;
};

/** A good signature. */
export interface VerifiedNotation {
  /** The signer's certificate. */
  readonly signer: Certificate;
  /** The tag that was signed, where one was. */
  readonly tag?: string;
  /** The signer's clock. */
  readonly signingTime: Date;
  /** How long the salt is, in bytes, where it is not as long as the digest; other verifiers than JWS's refuse it. */
  readonly oddSaltLength?: number;
}

/** What was found. */
export interface NotationReport {
  /** The first good signature. */
  readonly verified?: VerifiedNotation & {
    /** Of its manifest. */
    readonly digest: Digest;
  };
  /** Those before it, or all. */
  readonly skipped: readonly SkippedNotation[];
  /** How many were not looked at: others may attach as many as they like. */
  readonly untried: number;
}

const MAX_SIGNATURES = 100;

/**
 * Looks for a good signature of an image among what was attached to it. One is enough; those that are none are skipped
 * and told.
 *
 * @param attached the list of referrers of the kind `SIGNATURE_TYPE`
 * @throws {TagsealError} `bad-input` where a trusted certificate is neither a CA's nor self-signed; what `source` throws,
 *   but for contents that do not have their digest
 */
export async function verifyNotation(
  question: NotationQuestion,
  attached: readonly Descriptor[],
  source: NotationSource,
): Promise<NotationReport> {
  for (const certificate of question.trusted) await requireAnchor(certificate);
  return await firstGood(attached, source, (envelope) => judge(envelope, question));
}

/**
 * Those of `tags` that the signer has signed the image with already, so that nothing has to be signed: the same
 * certificate, a good signature. That it may have been revoked is no reason to sign again. Signatures are read once for
 * all tags, and no more of them than it takes.
 */
export async function tagsSignedAlready(
  { image, tags, chain, at }: {
    readonly image: Descriptor;
    readonly tags: readonly string[];
    readonly chain: readonly [Certificate, ...Certificate[]];
    readonly at: Date;
  },
  attached: readonly Descriptor[],
  source: NotationSource,
): Promise<ReadonlySet<string>> {
  const question = { image, at, trusted: [chain.at(-1)!] };
  const signed = new Set<string>();
  for (const descriptor of attached.slice(0, MAX_SIGNATURES)) {
    if (tags.every((tag) => signed.has(tag))) break;
    const read = await readSignature(descriptor, source);
    if ("reason" in read || !equalBytes(read.chain[0].der, chain[0].der)) continue;
    const judgement = await judge(read, question, false);
    const tag = "good" in judgement ? judgement.good.tag : undefined;
    if (tag !== undefined && tags.includes(tag)) signed.add(tag);
  }
  return signed;
}

type Judgement = NotationReason | { readonly good: VerifiedNotation };

async function firstGood(
  attached: readonly Descriptor[],
  source: NotationSource,
  judgeEnvelope: (envelope: ReadEnvelope) => Promise<Judgement>,
): Promise<NotationReport> {
  const skipped: SkippedNotation[] = [];
  for (const [i, descriptor] of attached.slice(0, MAX_SIGNATURES).entries()) {
    const { digest } = descriptor;
    const read = await readSignature(descriptor, source);
    const judgement = "reason" in read ? read : await judgeEnvelope(read);
    if ("good" in judgement) {
      return { verified: { digest, ...judgement.good }, skipped, untried: attached.length - i - 1 };
    }
    skipped.push({ digest, ...judgement });
  }
  return { skipped, untried: attached.length - skipped.length };
}

async function readSignature(
  descriptor: Descriptor,
  source: NotationSource,
): Promise<ReadEnvelope | NotationReason> {
  try {
    const found = descriptor.mediaType === OCI_MANIFEST ? await source.manifest(descriptor.digest) : undefined;
    if (typeof found !== "object" || found.bytes.length !== descriptor.size) return { reason: "missing" };
    const layer = layerOf(found.bytes);
    if (!layer) return { reason: "manifest" };
    if (layer.size > MAX_ENVELOPE_BYTES) return { reason: "envelope", why: "it is too long" };
    const envelope = await source.blob(layer.digest, MAX_ENVELOPE_BYTES);
    return envelope?.length === layer.size ? readEnvelope(envelope) : { reason: "missing" };
  } catch (error) {
    if (error instanceof SyntaxError) return { reason: "envelope", why: error.message };
    if (isTagsealError(error, "trust-invalid")) return { reason: "missing" };
    throw error;
  }
}

/** The one envelope that a manifest of a signature has; nothing where Go could not read it, or another one. */
function layerOf(bytes: Bytes): Descriptor | undefined {
  try {
    const names = ["schemaVersion", "mediaType", "artifactType", "config", "layers", "subject", "annotations"];
    const { mediaType, layers, config, subject, annotations } = objectOf(bytes, names);
    textsOf(annotations);
    for (const other of [config, subject]) if (other !== undefined) plainDescriptor(other);
    if (mediaType !== OCI_MANIFEST || !Array.isArray(layers) || layers.length !== 1) return undefined;
    const { descriptor } = plainDescriptor(layers[0]);
    return descriptor.mediaType === JWS_TYPE ? descriptor : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function judge(
  envelope: ReadEnvelope,
  { image, tag, trusted, at }: NotationQuestion,
  asksRevocation = true,
): Promise<Judgement> {
  const { chain, alg, signingInput, signature, expiry } = envelope;
  const [signer] = chain;
  const algorithm = algorithmOfCertificate(signer);
  if (!algorithm) return { reason: "certificate", problems: [{ certificate: signer, reason: "key" }] };
  if (alg !== algorithm.alg) return { reason: "algorithm" };
  const recognized = await recognizeByRules(keyOfSpki(signer.spki), algorithm.rules, signingInput, signature);
  if (!recognized || !equalBytes(recognized.bytes, signature)) return { reason: "signature" }; // DER is no JWS
  if (!trusted.some((anchor) => chain.some(({ der }) => equalBytes(der, anchor.der)))) {
    return { reason: "untrusted", signer };
  }
  const { problems } = await judgeChain(chain, at);
  const all = [...problems, ...(asksRevocation ? revocable(chain) : [])];
  if (all.length > 0) return { reason: "certificate", problems: all };
  if (expiry && at >= expiry) return { reason: "expired", expiry };
  if (!sameDescriptor(envelope.image, image)) return { reason: "other-image", image: envelope.image };
  if (tag !== undefined && envelope.tag !== tag) return { reason: "other-tag", tag: envelope.tag };
  const { saltLength } = recognized;
  const usual = DIGEST_BYTES[algorithm.rules.hash];
  return {
    good: {
      signer,
      signingTime: envelope.signingTime,
      ...(envelope.tag === undefined ? {} : { tag: envelope.tag }),
      ...(saltLength === undefined || saltLength === usual ? {} : { oddSaltLength: saltLength }),
    },
  };
}

/** What may stand in a trust store of Notation's: all else makes it refuse every signature. */
async function requireAnchor(certificate: Certificate): Promise<void> {
  if (certificate.isCa || await signatureOfCertificate(certificate, certificate, true) === "good") return;
  throw new TagsealError(
    "bad-input",
    `The certificate "${certificate.subject}" is neither a CA's nor self-signed: nobody trusts a signature by it`,
    { remedy: "Give the certificate of the CA that issued it", details: { subject: certificate.subject } },
  );
}
