/**
 * The names in Notation signatures, and what a key signs with.
 *
 * @see {@link https://github.com/notaryproject/specifications/blob/main/specs/signature-specification.md | Notary Project}
 * @module
 */
import type { KeyShape } from "../../crypto/algorithms.ts";
import type { SignatureRules } from "../../crypto/signature_rules.ts";

/** What a signature is, for registries: `artifactType` in lists of referrers. */
export const SIGNATURE_TYPE = "application/vnd.cncf.notary.signature";
/** The one form of envelope that is written and read here; the other one is COSE. */
export const JWS_TYPE = "application/jose+json";
/** What the payload is. */
export const PAYLOAD_TYPE = "application/vnd.cncf.notary.payload.v1+json";
/** The signing scheme: the signer's own clock. */
export const SCHEME = "notary.x509";
/** What begins so belongs to the format. */
export const RESERVED = "io.cncf.notary.";
/** Names of attributes. */
export const ATTRIBUTE = {
  scheme: "io.cncf.notary.signingScheme",
  time: "io.cncf.notary.signingTime",
  expiry: "io.cncf.notary.expiry",
  agent: "io.cncf.notary.signingAgent",
  timestamp: "io.cncf.notary.timestampSignature",
} as const;
/** The annotation with SHA-256 of each certificate, the signer's first. */
export const THUMBPRINTS = "io.cncf.notary.x509chain.thumbprint#S256";
/** The annotation with the time of making. */
export const CREATED = "org.opencontainers.image.created";
/** The annotation, in the payload, with the tag that was signed. */
export const TAG = "tag";

/** How a key signs: its name in JWS (RFC 7518, 3.1), and the rules. */
export interface NotationAlgorithm {
  /** `PS256` … `ES512`. */
  readonly alg: string;
  /** The same as rules. */
  readonly rules: SignatureRules;
}

const algorithm = (alg: string, hash: SignatureRules["hash"]): NotationAlgorithm => ({
  alg,
  rules: { hash, rsaPadding: "pss" },
});
/** By bytes of the modulus. */
const RSA: ReadonlyMap<number, NotationAlgorithm> = new Map([
  [256, algorithm("PS256", "sha256")],
  [384, algorithm("PS384", "sha384")],
  [512, algorithm("PS512", "sha512")],
]);
const ECDSA = {
  "P-256": algorithm("ES256", "sha256"),
  "P-384": algorithm("ES384", "sha384"),
  "P-521": algorithm("ES512", "sha512"),
} as const;

/** The one algorithm that a key signs with; none for keys that Notation has no place for. */
export function algorithmOf(shape: KeyShape): NotationAlgorithm | undefined {
  if (shape.family === "ecdsa") return ECDSA[shape.curve];
  return shape.family === "rsa" ? RSA.get(Math.ceil(shape.bits / 8)) : undefined;
}
