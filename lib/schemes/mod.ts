/**
 * `@signpath/tagseal/schemes`: signature formats: what is to be signed, and where the signatures go.
 *
 * Unstable: a part of the inside, which any version may change. What keeps its meaning is in `@signpath/tagseal`.
 *
 * @module
 */
export * from "./create_signing_data.ts";
export {
  type PreparedChange,
  type PreparedRepository,
  prepareTags,
  type RolePayload,
  type TagsToSign,
} from "./notary_v1/prepare_tags.ts";
export * from "./notary_v1/push_trust_data.ts";
export * from "./notary_v1/renewal_consent.ts";
export { signTags } from "./notary_v1/sign_tags.ts";
export type { ManifestOfTag, TagEdit, TagEntry } from "./notary_v1/tag_change.ts";
export * from "./notary_v1/verify_tags.ts";
export { dctJob, type DctTask, notaryV1 } from "./notary_v1/scheme.ts";
export * from "./signing_data.ts";
export * from "./cosign/attached.ts";
export {
  type Bundle,
  bundleArtifact,
  preAuthenticationEncoding,
  statementOf,
  type UnusableBundle,
} from "./cosign/bundle.ts";
export * from "./cosign/classic.ts";
export * from "./cosign/forms.ts";
export * from "./cosign/keys.ts";
export * from "./cosign/missing.ts";
export { type SignedImage, simpleSigningPayload } from "./cosign/payload.ts";
export { COSIGN_RULES, publishedSignature } from "./cosign/signature.ts";
export * from "./cosign/verify.ts";
export { refusedCertificate } from "./notation/certificate_words.ts";
export * from "./notation/certificates.ts";
export * from "./notation/envelope.ts";
export { algorithmOf, type NotationAlgorithm } from "./notation/formats.ts";
export * from "./notation/verify.ts";
