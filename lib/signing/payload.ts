/**
 * What signers sign: bytes, the rules that the signature must keep, and the keys that may make it. A signer knows
 * nothing else of what it signs; what the bytes mean, and where the signature goes, is a scheme's.
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import type { PublicKey } from "../crypto/keys.ts";
import type { SignatureRules } from "../crypto/signature_rules.ts";

/** Keys that may sign, one at least; the first one is named where only one can be. */
export type SigningKeys = readonly [PublicKey, ...PublicKey[]];

/** One thing to sign. */
export interface Payload {
  /** By which its signature is found: its entry in the signing data, such as `payload/0001.json`. */
  readonly id: string;
  /** The bytes to sign: exactly these, unhashed. */
  readonly bytes: Bytes;
  /** How. */
  readonly rules: SignatureRules;
  /** By whom. */
  readonly keys: SigningKeys;
  /** What it is for, in facts for whoever approves and for the audit log. */
  readonly about: PayloadFacts;
}

/** What a payload is for. */
export interface PayloadFacts {
  /** The repository: host, perhaps port, and path. */
  readonly repository: string;
  /** What is signed, in a few words: `targets/releases, version 3`. */
  readonly subject: string;
  /** The same as facts, by names in the scheme's own words: `Role`, `Version`. */
  readonly facts: Readonly<Record<string, string | number>>;
  /** The tags that are signed with it, and the manifests (`sha256:<hex>`) they shall stand for. */
  readonly tags: readonly { readonly tag: string; readonly digest: string }[];
  /** The tags that are withdrawn with it. */
  readonly removedTags: readonly { readonly tag: string }[];
}
