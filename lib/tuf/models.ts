/**
 * Trust data as typed, read-only views over what was received.
 *
 * The views name what the rules of this library look at; `signed` keeps everything that was received, unknown members
 * included, and is what edits start from.
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import type { JsonObject } from "../bytes/json.ts";
import type { HashName } from "../crypto/hash.ts";
import type { KeyId, PublicKey } from "../crypto/keys.ts";
import type { BaseRole, DelegationRole } from "./roles.ts";

/** One signature of an envelope, not yet verified. */
export interface Signature {
  /** The id of the key that is said to have made it. */
  readonly keyId: KeyId;
  /** The method as written. */
  readonly method: string;
  /** The signature's bytes. */
  readonly bytes: Bytes;
}

/** A metadata file: the bytes as served, and the two halves of its envelope. */
export interface Envelope {
  /** The bytes as served: what lengths and hashes speak of. */
  readonly bytes: Bytes;
  /** The canonical form of `signed`: what signatures speak of. */
  readonly payload: Bytes;
  /** What is signed. */
  readonly signed: JsonObject;
  /** Who says to have signed it. */
  readonly signatures: readonly Signature[];
}

/** Which keys must sign for a role, and how many of them. */
export interface RoleKeys {
  /** The keys that may sign, by the id that metadata files them under. */
  readonly keys: ReadonlyMap<KeyId, PublicKey>;
  /** How many different keys must have signed. */
  readonly threshold: number;
  /** Keys that the role names, too, and whose signatures count for nothing; by the id that metadata files them under. */
  readonly unusable?: ReadonlyMap<KeyId, UnusableKey>;
}

/** A key that cannot be read or must not be trusted. It is the role's matter, not the repository's. */
export interface UnusableKey {
  /** Why, as the end of a sentence. */
  readonly reason: string;
  /** Whether nothing that the role signs may be trusted, whoever else signs: Notary refuses it then. */
  readonly bars: boolean;
}

/** All keys that a role names, by both ids; a key that cannot be read has one. */
export function namedKeys({ keys, unusable }: RoleKeys): Pick<PublicKey, "id" | "canonicalId">[] {
  return [...keys.values(), ...[...unusable?.keys() ?? []].map((id) => ({ id, canonicalId: id }))];
}

/** What all metadata has. */
export interface Metadata {
  /** The file it came from. */
  readonly envelope: Envelope;
  /** The version: 1 and up. */
  readonly version: number;
  /** Not to be trusted at or after this instant. */
  readonly expires: Date;
  /** `expires` as written (RFC 3339, often with nanoseconds). */
  readonly expiresText: string;
}

/** root: which keys speak for the four base roles (TUF 4.3). */
export interface Root extends Metadata {
  /** The keys of each base role. */
  readonly roles: Readonly<Record<BaseRole, RoleKeys>>;
}

/** The expected length and hashes of a metadata file (TUF 4.4). */
export interface FileMeta {
  /** Bytes as served. */
  readonly length: number;
  /** The hashes that stand there; one at least. */
  readonly hashes: ReadonlyMap<HashName, Bytes>;
}

/** snapshot and timestamp: which files belong together (TUF 4.4, 4.6). */
export interface Listing extends Metadata {
  /** File by role name. */
  readonly meta: ReadonlyMap<string, FileMeta>;
}

/** A signed tag: the manifest it stands for (TUF 4.5; Notary names a target after its tag). */
export interface Target {
  /** The manifest's size in bytes. */
  readonly length: number;
  /** The manifest's digest, lower-case hex. */
  readonly sha256: string;
}

/** A delegation, as its parent describes it (TUF 4.5). */
export interface Delegation extends RoleKeys {
  /** Its name. */
  readonly name: DelegationRole;
  /** Prefixes of the tags it may sign; `""` allows all, no prefix allows none. */
  readonly paths: readonly string[];
}

/** targets and delegations: tags, and who else may sign tags (TUF 4.5). */
export interface Targets extends Metadata {
  /** Tag to manifest. */
  readonly targets: ReadonlyMap<string, Target>;
  /** Delegations in the order of the file. */
  readonly delegations: readonly Delegation[];
  /** Where `targets` were left where they stand in the file. */
  readonly inPlace?: TagsInPlace;
}

/** Tags that stand in a canonical file as they did: those that do not change are copied, and nothing is made of them. */
export interface TagsInPlace {
  /** What is signed, without any tags. */
  readonly rest: JsonObject;
  /**
   * The entries, with `changes` made to them: a tag's entry in canonical form, `undefined` for a tag that goes. Bytes to be
   * put one behind the other.
   */
  changed(changes: ReadonlyMap<string, Bytes | undefined>): Bytes[];
}
