/** What is known of a repository's health. @module */
import type { UnusableKey } from "../tuf/models.ts";
import type { KeyId } from "../crypto/keys.ts";
import type { RoleName } from "../tuf/roles.ts";
import type { RoleFacts, SignerFacts } from "./inspect_repository.ts";
import type { RootTrust } from "./root_trust.ts";

/** A role and how it is. */
export interface RoleStatus extends RoleFacts {
  /** `skipped`: not trusted for another reason than its expiry. */
  readonly state: "ok" | "expired" | "skipped" | "unpublished";
  /** The version that this machine trusted before; `null` where it had none. */
  readonly cachedVersion: number | null;
  /** Whole days until it expires, negative afterwards; `null` where there is no file. */
  readonly daysLeft: number | null;
  /** Why it was skipped. */
  readonly reason?: string;
  /** Keys that it names and that do not count, or bar it, by the id that metadata files them under. */
  readonly unusableKeys?: readonly ({ readonly keyId: KeyId } & UnusableKey)[];
}

/** A certificate in root or of a delegation. */
export interface CertificateStatus {
  /** The roles that hold it. */
  readonly roles: readonly RoleName[];
  /** Canonical id of its key. */
  readonly keyId: KeyId;
  /** Its subject. */
  readonly subject: string;
  /** Valid until (RFC 3339). */
  readonly expires: string;
  /** Whole days until then, negative afterwards. */
  readonly daysLeft: number;
}

/** A key of the repository that lies in the trust directory. */
export interface KeyHere {
  /** Canonical id. */
  readonly keyId: KeyId;
  /** The role that its file names. */
  readonly role: string;
  /** The roles that it may sign for now; empty for a key that was rotated away. */
  readonly signsFor: readonly RoleName[];
}

/** The health of a repository, without what is to be done about it. */
export interface StatusFacts {
  /** The GUN. */
  readonly repository: string;
  /** The Notary server. */
  readonly notaryUrl: string;
  /** When it was looked at (RFC 3339). */
  readonly checkedAt: string;
  /** Whether its trust data holds now. If not, all that follows was looked at and is not trusted. */
  readonly trusted: boolean;
  /** Why the root was taken: `--root-pin`, because this machine knew it, or because nothing was known. */
  readonly rootTrustedBy: RootTrust;
  /** The four base roles, then delegations. */
  readonly roles: readonly RoleStatus[];
  /** The certificates of root and delegation keys. */
  readonly certificates: readonly CertificateStatus[];
  /** Whose keys sign snapshot and timestamp; `unknown` where the server does not tell this user. */
  readonly managedBy: { readonly snapshot: "server" | "here" | "elsewhere" | "unknown"; readonly timestamp: "server" };
  /** Signers by name. */
  readonly signers: readonly SignerFacts[];
  /** Keys in the trust directory that are of this repository. */
  readonly keysHere: readonly KeyHere[];
}
