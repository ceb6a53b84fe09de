/**
 * What the embedded Notary server keeps: every version of every file, and the private keys it signs with.
 *
 * The interface is synchronous, so that an implementation can be one transaction per call: all that is ever decided from
 * what was read before is decided again by {@linkcode NotaryStore.add}.
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import type { RoleName } from "../tuf/roles.ts";

/** The roles that a Notary server can sign for. */
export type ManagedRole = "snapshot" | "timestamp";

/** One version of one file. */
export interface StoredFile {
  /** Its role. */
  readonly role: RoleName;
  /** Its version. */
  readonly version: number;
  /** The bytes as received or signed: what hashes speak of. */
  readonly bytes: Bytes;
  /** SHA-256 of the bytes, lower-case hex: the file's address. */
  readonly sha256: string;
  /** When it landed. */
  readonly added: Date;
}

/** Which version of a file is meant. */
export type FileVersion = { readonly version: number } | { readonly sha256: string };

/** Keeps repositories by GUN. */
export interface NotaryStore {
  /** That version of a role's file, else the newest. */
  find(gun: string, role: RoleName, which?: FileVersion): StoredFile | undefined;
  /** The roles that have a file. */
  roles(gun: string): RoleName[];
  /** Adds all of `files`, or none and returns `false`, where a role has that version or a newer one. */
  add(gun: string, files: readonly StoredFile[]): boolean;
  /** Forgets all files of a repository; its keys stay, so that what they signed can be published again. */
  remove(gun: string): void;
  /** The private keys (PKCS#8) made for a role, oldest first. */
  keys(gun: string, role: ManagedRole): readonly Bytes[];
  /** Keeps one more private key (PKCS#8) for a role. */
  addKey(gun: string, role: ManagedRole, pkcs8: Bytes): void;
}
