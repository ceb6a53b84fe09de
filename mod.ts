/**
 * tagseal as a library: sign Docker tags with Docker Content Trust while the signing key stays at SignPath, and verify
 * what is signed.
 *
 * {@linkcode connect} gives a {@linkcode Repository}, with everything wired: its Notary server, its registry, what is
 * trusted of it. {@linkcode signPathSigner} and {@linkcode keyFileSigner} are who signs; {@linkcode openExport} reads
 * without any network. Nothing is asked for, printed, or read from variables; every call to a server takes an
 * `AbortSignal`, and all failures are a {@linkcode TagsealError} with a closed set of codes and the next safe move.
 *
 * These names keep their meaning within one major version; until 1.0.0 a minor version may change it, and the changelog
 * says so. What they are made of is in `@signpath/tagseal/tuf`, `/notary`, `/registry`, `/signpath`, `/signing`,
 * `/schemes`, `/flows`, `/keystore`, `/http`, `/crypto` and `/errors`; a stack to try it on is in `/local`. Any version
 * may change those.
 *
 * @example What does a tag stand for, if it is signed?
 * ```ts
 * import { connect, isTagsealError } from "@signpath/tagseal";
 *
 * export async function digestOf(repository: string, tag: string, rootCertificate: string): Promise<string | undefined> {
 *   using connection = connect({ repository, rootPin: rootCertificate });
 *   try {
 *     const { tags: [signed] } = await connection.verify([tag], { signal: AbortSignal.timeout(30_000) });
 *     return signed!.digest;
 *   } catch (error) {
 *     if (isTagsealError(error, "not-signed")) return undefined;
 *     throw error;
 *   }
 * }
 * ```
 *
 * @module
 */
export {
  isTagsealError,
  type Published,
  type RequestInQuestion,
  TagsealError,
  type TagsealErrorCode,
} from "./lib/errors.ts";
export type { AddDelegationResult } from "./lib/flows/add_delegation.ts";
export type { RepositoryStatus } from "./lib/flows/repository_status.ts";
export type { Problem } from "./lib/flows/status_advice.ts";
export type { Credentials } from "./lib/http/access.ts";
export type { KeyInfo, KeyStore } from "./lib/keystore/keystore.ts";
export { connect } from "./lib/library/connect.ts";
export type { ConnectOptions } from "./lib/library/connection.ts";
export { type CredentialsOption, dockerCredentials } from "./lib/library/credentials.ts";
export { type ExportedTrust, openExport } from "./lib/library/exported.ts";
export { keyFiles, type Passphrase } from "./lib/library/keys.ts";
export type { SchemeChoice } from "./lib/library/images.ts";
export type { CallOptions, NetworkOptions } from "./lib/library/network.ts";
export type { Pin, RootPins } from "./lib/library/pins.ts";
export type { RepositoryFacts, TrustReader } from "./lib/library/reader.ts";
export type {
  DelegationOptions,
  InitOptions,
  NewRepository,
  Repository,
  SignerChoice,
  TagChanges,
} from "./lib/library/repository.ts";
export { type SigningWork, type SignOptions, signTogether } from "./lib/library/sign.ts";
export {
  keyFileSigner,
  keyStoreSigner,
  type SignPathSigner,
  signPathSigner,
  type SignPathSignerOptions,
  type TagSigner,
} from "./lib/library/signers.ts";
export type { TagSelection } from "./lib/library/tags.ts";
export type { SchemeName } from "./lib/schemes/names.ts";
export type { RepositoryResult } from "./lib/schemes/results.ts";
export type { PushedTag } from "./lib/schemes/notary_v1/push_trust_data.ts";
export type { ListOptions, TagFacts, TagListFacts } from "./lib/schemes/notary_v1/verify_tags.ts";
export type { SignResult } from "./lib/signing/outcomes.ts";
