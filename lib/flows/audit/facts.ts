/** What is known of a repository and its tags when it is audited. @module */
import type { TagsealError } from "../../errors.ts";
import type { Digest } from "../../registry/image_ref.ts";
import type { RoleName } from "../../tuf/roles.ts";
import type { RepositoryStatus } from "../repository_status.ts";
import type { JudgedImage } from "../verify_images.ts";

/** What content trust says of a tag. */
export interface SignedAs {
  /** The digest that is signed. */
  readonly digest: Digest;
  /** The role that Docker takes it from. */
  readonly role: RoleName;
  /** Who signed it, as Docker names them. */
  readonly signers: readonly string[];
  /** The roles that hold another digest under this tag. */
  readonly otherRoles: readonly RoleName[];
}

/**
 * How a tag stands:
 * `signed`, and the registry serves just that; `moved`, it serves something else; `gone`, it has no such tag any more;
 * `lapsed`, what signed it is not trusted any more; `unsigned`, it is in the registry alone; `unchecked`, signed, and the
 * registry was not asked; `unreadable`, what the registry serves is no image.
 */
export type Standing = "signed" | "moved" | "gone" | "lapsed" | "unsigned" | "unchecked" | "unreadable";

/** All of them, what is wrong first. */
export const STANDINGS: readonly Standing[] = [
  "moved",
  "lapsed",
  "unreadable",
  "unsigned",
  "gone",
  "unchecked",
  "signed",
];

/** A tag that is signed, or in the registry, or both. */
export interface AuditedTag {
  /** The tag. */
  readonly tag: string;
  /** How it stands with content trust. */
  readonly standing: Standing;
  /** What is signed. */
  readonly signed?: SignedAs;
  /** What the registry serves, where it was asked for the manifest. */
  readonly served?: Digest;
  /** Why what it serves cannot be read. */
  readonly unreadable?: string;
  /** What cosign and Notation signatures of it there are, where they were asked for. */
  readonly judged?: JudgedImage;
}

/** The registry's part. */
export type RegistryFacts =
  /** Nobody wanted it to be asked. */
  | { readonly state: "not-asked" }
  /** It was asked; `attachments` are tags that hold signatures and the like, and are not counted as images. */
  | { readonly state: "asked"; readonly attachments: number }
  /** It could not be asked; of its tags nothing is known. */
  | { readonly state: "failed"; readonly error: TagsealError };

/** All that is known of a repository. */
export interface AuditFacts {
  /** Roles, keys, certificates, what ends when. */
  readonly status: RepositoryStatus;
  /** All tags, by name. */
  readonly tags: readonly AuditedTag[];
  /** The registry's part. */
  readonly registry: RegistryFacts;
  /** Why the Notary server could not be asked, where the local copy or a file stood in. */
  readonly offline?: string;
}
