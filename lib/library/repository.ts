/** A repository as scripts see it. @module */
import type { AddDelegationResult } from "../flows/add_delegation.ts";
import type { RepositoryStatus } from "../flows/repository_status.ts";
import type { ScopeAction } from "../http/access.ts";
import type { KeyStore } from "../keystore/keystore.ts";
import type { Trust } from "../notary/repository.ts";
import type { RepositoryResult } from "../schemes/results.ts";
import type { SchemeChoice } from "./images.ts";
import type { CallOptions } from "./network.ts";
import type { TrustReader } from "./reader.ts";
import type { SigningWork, SignOptions } from "./sign.ts";
import type { TagSelection } from "./tags.ts";

/** A certificate whose key shall sign tags. */
export interface DelegationOptions {
  /** The certificate, PEM or DER, as SignPath hands it out. */
  readonly certificate: string | Uint8Array;
  /** Names the signer, whom Docker shows: `targets/<delegation>`; `signpath` unless said. */
  readonly delegation?: string | undefined;
}

/** What a repository is set up with. */
export interface InitOptions extends CallOptions {
  /** Where root and targets keys are made, and kept. */
  readonly keys: KeyStore;
  /** Whose key may sign tags from the first publish on; nobody's without it. */
  readonly delegate?: DelegationOptions | undefined;
  /** The id of a root key in `keys` to use, or its first digits; a new one is made without it. */
  readonly rootKey?: string | undefined;
}

/** A repository that was set up. */
export interface NewRepository {
  /** The root certificate (PEM): the pin for everybody else, and what SignPath wants to have. */
  readonly rootCertificate: string;
  /** Id of the root key. */
  readonly rootKeyId: string;
  /** Id of the targets key. */
  readonly targetsKeyId: string;
}

/** Who signs tags, and as whom. */
export interface SignerChoice {
  /** The name of the signer's delegation; `signpath` unless said. */
  readonly delegation?: string | undefined;
  /** Id of the key that signs, or its first digits, where a delegation has several. */
  readonly keyId?: string | undefined;
  /** Roles that are signed anew whatever becomes of tags, such as `targets/releases` after it has expired. */
  readonly renew?: readonly string[] | undefined;
}

/** What is signed or withdrawn in one repository. */
export interface TagChanges extends SignerChoice, SchemeChoice {
  /** Tags to sign. Where digests are given, a tag counts only if the registry has just that manifest under it. */
  readonly sign?: TagSelection | undefined;
  /** Tags whose signature in Docker Content Trust is withdrawn. */
  readonly withdraw?: readonly string[] | undefined;
}

/** A repository at its Notary server and its registry. Nothing is connected before the first call. */
export interface Repository extends TrustReader, Disposable {
  /**
   * Sets the repository up at the Notary server: new keys in `keys`, snapshot and timestamp left to the server, all
   * published at once and read back.
   *
   * @throws {TagsealError} `exists` where it has trust data already; `bad-input` where the certificate cannot sign
   */
  init(options: InitOptions): Promise<NewRepository>;
  /**
   * Lets a certificate's key sign tags, with the targets key that is in `keys`. Doing it again changes nothing.
   *
   * @throws {TagsealError} `not-found` where the targets key is not there; `bad-input` where the certificate cannot
   *   sign
   */
  addDelegation(options: DelegationOptions & CallOptions & { readonly keys: KeyStore }): Promise<AddDelegationResult>;
  /**
   * Signs tags that are in the registry, publishes, and reads back. Doing it again changes nothing, and asks nobody.
   *
   * @throws {TagsealError} `not-found` (tag, delegation, key), `trust-invalid` (a tag stands for another digest, or a
   *   signature or trust data does not hold), `stale`, `signing-request-failed`, `timed-out`, `interrupted`
   */
  sign(options: SignerChoice & SchemeChoice & SignOptions & { readonly tags: TagSelection }): Promise<RepositoryResult>;
  /** Withdraws the signatures of tags in Docker Content Trust. Throws what `sign` throws. */
  withdraw(options: SignerChoice & SignOptions & { readonly tags: readonly string[] }): Promise<RepositoryResult>;
  /** Changes for {@linkcode signTogether}: many repositories, one signing request. */
  changes(changes: TagChanges): SigningWork;
  /**
   * Its health, and what to do about it. Expired data is looked at and marked, anything else that is wrong is thrown.
   *
   * @param options.keys where private keys are kept, to be told which of them belong to the repository
   */
  status(options?: CallOptions & { readonly keys?: KeyStore | undefined }): Promise<RepositoryStatus>;
  /** All trust data in one file, which {@linkcode openExport} verifies offline. */
  export(options?: CallOptions): Promise<Uint8Array>;
  /** The root certificate (PEM): a pin, and what SignPath wants to have. */
  rootCertificate(options?: CallOptions): Promise<string>;
  /**
   * What use cases of `@signpath/tagseal/flows` are given, wired as this repository is; `access` is what they may do.
   */
  trust(access: ScopeAction): Trust;
  /**
   * Closes its connections, and ends what is under way with `interrupted`. The same as leaving the scope of `using`.
   */
  close(): void;
}
