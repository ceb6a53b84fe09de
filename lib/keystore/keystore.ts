/** Key stores: they hold private keys and hand out signers, never the keys. @module */
import type { KeyId } from "../crypto/keys.ts";
import type { Signer } from "../crypto/signer.ts";

/** What a key store knows of a key without opening it. */
export interface KeyInfo {
  /** The canonical key id. */
  readonly id: KeyId;
  /** The role it was made for: `root`, `targets`, `delegation` …; "" where the store does not say. */
  readonly role: string;
  /** The repository it was made for; root keys have none. */
  readonly gun?: string;
  /** The path of its file, where it is kept in one. */
  readonly location?: string;
  /** The label of its token, where it is kept on one. */
  readonly token?: string;
}

/** A place where keys are looked for. */
export type KeyPlace =
  | {
    readonly kind: "folder";
    /** Keys are files in it, each named `<canonical key id>.key`. */
    readonly path: string;
    /** Files in it that hold a private key under another name; `role` is "" where they do not say. */
    readonly misnamed: readonly { readonly name: string; readonly role: string }[];
  }
  | { readonly kind: "token"; readonly label: string };

/** Which passphrase is wanted, and what for. */
export interface PassphraseRequest {
  /** `create` asks for a new one, to be confirmed; `open` for the one that was set. */
  readonly purpose: "create" | "open";
  /** The key. */
  readonly key: KeyInfo;
  /** 1 at first, then 2 and 3 where the passphrase before was wrong. */
  readonly attempt: number;
}

/** Gets a passphrase from wherever there is one. It throws where nobody can be asked, or nobody answers. */
export type AskPassphrase = (request: PassphraseRequest) => Promise<string>;

/** How many characters a new passphrase has at least (Notary's rule). */
export const MIN_PASSPHRASE = 8;

/** A key that was just made and is kept, but can still be taken back while nothing depends on it. */
export interface NewKey {
  /** Signs with it. */
  readonly signer: Signer;
  /** Removes it again. */
  discard(): Promise<void>;
}

/** Holds private keys. */
export interface KeyStore {
  /** Makes an ECDSA P-256 key (what Notary makes) and keeps it before anything can depend on it. */
  create(info: { readonly role: string; readonly gun?: string }): Promise<NewKey>;
  /** The keys of the store. */
  list(): Promise<KeyInfo[]>;
  /** Where the store looks for keys, to be told where one is missing. */
  places?(): Promise<readonly KeyPlace[]>;
  /**
   * A signer for a key; asks for the passphrase.
   *
   * @throws {TagsealError} `not-found`, `bad-input` (damaged file, wrong passphrase)
   */
  open(id: KeyId): Promise<Signer>;
  /**
   * Deletes a key for good, in stores that can.
   *
   * @throws {TagsealError} `not-found`, `bad-input` (it cannot be deleted)
   */
  remove?(id: KeyId): Promise<void>;
}
