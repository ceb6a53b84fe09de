/**
 * tagseal as a library: sign Docker tags with Docker Content Trust while the signing key stays at SignPath.
 *
 * The use cases are plain functions over interfaces: {@linkcode initRepository}, {@linkcode addDelegation},
 * {@linkcode signTags} and its steps {@linkcode createSigningData} and {@linkcode pushTrustData},
 * {@linkcode listTags} and {@linkcode verifyTags}. What they need is bound by the caller: a {@linkcode TrustServer}, a
 * {@linkcode MetadataStore}, a {@linkcode KeyStore}, a clock. `lib/cli/session.ts` shows how the command line binds it.
 *
 * Everything that is exported here keeps its meaning within one major version; until 1.0.0 a minor version may change
 * it, and the changelog says so. Failures are always a {@linkcode TagsealError} with a closed set of codes.
 *
 * @example What is a tag signed as?
 * ```ts
 * import { authorize, createMemoryMetadataStore, createSend, createTrustServer, verifyTags } from "./mod.ts";
 *
 * export async function digestOf(gun: string, tag: string, rootKeyId: string): Promise<string> {
 *   const { send } = createSend();
 *   const service = authorize(send, { service: "Notary server", allowHttp: false, remedy: "Set NOTARY_AUTH" });
 *   const server = createTrustServer({ url: new URL("https://notary.example.com"), service, access: "pull" });
 *   const trust = {
 *     server,
 *     store: createMemoryMetadataStore(),
 *     pin: { keyId: rootKeyId },
 *     now: () => new Date(),
 *     sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
 *   };
 *   const { tags } = await verifyTags(trust, gun, [tag]);
 *   return `sha256:${tags[0]!.sha256}`;
 * }
 * ```
 *
 * @module
 */
export * from "./lib/errors.ts";
export type { Bytes } from "./lib/bytes/bytes.ts";
export type { JsonArray, JsonObject, JsonValue } from "./lib/bytes/json.ts";
export type { KeyShape, MethodVariant, SignatureMethod } from "./lib/crypto/algorithms.ts";
export type { HashName, SignatureHash } from "./lib/crypto/hash.ts";
export { type KeyId, keyOfCertificate, type KeyType, type PublicKey } from "./lib/crypto/keys.ts";
export { localSigner, type RawSignature, type Signer } from "./lib/crypto/signer.ts";
export * from "./lib/crypto/signature_rules.ts";
export { type Certificate, certificatePem, readCertificate } from "./lib/crypto/x509.ts";
export * from "./lib/http/auth.ts";
export { createSend, type SendOptions } from "./lib/http/network.ts";
export type { Answer, ByteBudget, Call, Send } from "./lib/http/send.ts";
export type { Sleep } from "./lib/http/retry.ts";
export * from "./lib/keystore/keystore.ts";
export { createFileKeyStore } from "./lib/keystore/file_keystore.ts";
export * from "./lib/notary/metadata_store.ts";
export * from "./lib/notary/trust_server.ts";
export * from "./lib/notary/update.ts";
export { type Doubt } from "./lib/notary/doubt.ts";
export * from "./lib/notary/publish.ts";
export * from "./lib/registry/image_ref.ts";
export { digestOf, pushBlob, type Pushed, readBlob } from "./lib/registry/blob.ts";
export type { Descriptor } from "./lib/registry/descriptor.ts";
export * from "./lib/registry/image_entries.ts";
export * from "./lib/registry/manifest.ts";
export * from "./lib/registry/referrers.ts";
export {
  openRepository,
  type RegistryRepository,
  type RepositoryAnswer,
  type RepositoryCall,
  type RepositoryOptions,
} from "./lib/registry/repository.ts";
export * from "./lib/registry/tagged.ts";
export * from "./lib/signpath/client.ts";
export * from "./lib/signpath/hash_signing.ts";
export * from "./lib/signing/signing_data.ts";
export * from "./lib/signpath/types.ts";
export * from "./lib/signpath/wait.ts";
export * from "./lib/tuf/models.ts";
export * from "./lib/tuf/resolve.ts";
export * from "./lib/tuf/roles.ts";
export type { CaPin, KeyPin, RootPin } from "./lib/tuf/root_keys.ts";
export type { Floors, Proof, RootPhase, SnapshotPhase, TimestampPhase, TrustedRepository } from "./lib/tuf/trusted.ts";
export * from "./lib/tuf/view.ts";
export * from "./lib/flows/add_delegation.ts";
export * from "./lib/schemes/create_signing_data.ts";
export * from "./lib/flows/delegation_certificate.ts";
export * from "./lib/flows/delete_key.ts";
export { type DockerInspection, dockerInspection, type DockerSigner } from "./lib/flows/docker_inspection.ts";
export * from "./lib/flows/export_file.ts";
export * from "./lib/flows/export_repository.ts";
export * from "./lib/flows/init_repository.ts";
export {
  type Inspection,
  inspectRepository,
  type RoleFacts,
  type SignerFacts,
} from "./lib/flows/inspect_repository.ts";
export type { Destination, Found, Goal } from "./lib/flows/move_destination.ts";
export * from "./lib/flows/move_repository.ts";
export type { MoveSource } from "./lib/flows/move_source.ts";
export { type Look, lookAtRepository } from "./lib/flows/look_at_expired.ts";
export * from "./lib/flows/list_keys.ts";
export * from "./lib/signing/hash_signer.ts";
export type { FailedRepository, Outcome, SignResult } from "./lib/signing/outcomes.ts";
export * from "./lib/signing/payload_signer.ts";
export {
  type PreparedChange,
  type PreparedRepository,
  prepareTags,
  type RolePayload,
  type TagsToSign,
} from "./lib/schemes/notary_v1/prepare_tags.ts";
export * from "./lib/schemes/notary_v1/push_trust_data.ts";
export * from "./lib/flows/remove_delegation.ts";
export * from "./lib/schemes/notary_v1/renewal_consent.ts";
export * from "./lib/notary/repository.ts";
export * from "./lib/flows/repository_status.ts";
export type { CertificateStatus, KeyHere, RoleStatus, StatusFacts } from "./lib/flows/status_facts.ts";
export * from "./lib/signing/request_signature.ts";
export * from "./lib/flows/root_certificate.ts";
export * from "./lib/flows/rotate_key.ts";
export type { RootTrust } from "./lib/flows/root_trust.ts";
export * from "./lib/signing/sign.ts";
export { signTags } from "./lib/schemes/notary_v1/sign_tags.ts";
export * from "./lib/signing/signed_file.ts";
export type { Problem } from "./lib/flows/status_advice.ts";
export type { ManifestOfTag, TagEdit, TagEntry } from "./lib/schemes/notary_v1/tag_change.ts";
export * from "./lib/schemes/notary_v1/verify_tags.ts";
export * from "./lib/signing/payload.ts";
export * from "./lib/signing/batch.ts";
export * from "./lib/signing/scheme.ts";
export * from "./lib/signing/key_signer.ts";
export * from "./lib/signing/zip_signer.ts";
export { dctJob, type DctTask, notaryV1 } from "./lib/schemes/notary_v1/scheme.ts";
export * from "./lib/schemes/signing_data.ts";
export * from "./lib/schemes/cosign/attached.ts";
export {
  type Bundle,
  bundleArtifact,
  preAuthenticationEncoding,
  statementOf,
  type UnusableBundle,
} from "./lib/schemes/cosign/bundle.ts";
export * from "./lib/schemes/cosign/classic.ts";
export * from "./lib/schemes/cosign/forms.ts";
export * from "./lib/schemes/cosign/keys.ts";
export * from "./lib/schemes/cosign/missing.ts";
export { type SignedImage, simpleSigningPayload } from "./lib/schemes/cosign/payload.ts";
export { COSIGN_RULES, publishedSignature } from "./lib/schemes/cosign/signature.ts";
export * from "./lib/schemes/cosign/verify.ts";
export { refusedCertificate } from "./lib/schemes/notation/certificate_words.ts";
export * from "./lib/schemes/notation/certificates.ts";
export * from "./lib/schemes/notation/envelope.ts";
export { algorithmOf, type NotationAlgorithm } from "./lib/schemes/notation/formats.ts";
export * from "./lib/schemes/notation/verify.ts";
