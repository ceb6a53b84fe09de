/** A repository as it was read: what is in it, whatever that is worth. `trusted.ts` alone says that it is trusted. @module */
import type { Delegation, Listing, Root, Targets } from "./models.ts";
import type { DelegationRole } from "./roles.ts";

/** What is known of one delegation. */
export type DelegationState =
  | { readonly kind: "trusted"; readonly delegation: Delegation; readonly file: Targets }
  | { readonly kind: "unpublished"; readonly delegation: Delegation }
  | {
    readonly kind: "skipped";
    readonly delegation: Delegation;
    readonly reason: string;
    /** What the file says of its version: the next one must be higher, or the server refuses it. Nothing else counts. */
    readonly version?: number;
    /** The file, where it is well signed and has only expired. */
    readonly expired?: Targets;
  };

/** What tags are resolved from, and what is shown: a trusted repository, one that has expired, or one that might be. */
export interface RepositoryView {
  /** The repository. */
  readonly gun: string;
  /** The one time that everything was judged at. */
  readonly at: Date;
  /** Its root. */
  readonly root: Root;
  /** Its timestamp. */
  readonly timestamp: Listing;
  /** Its snapshot. */
  readonly snapshot: Listing;
  /** Its targets. */
  readonly targets: Targets;
  /** Delegations by name, parents first. */
  readonly delegations: ReadonlyMap<DelegationRole, DelegationState>;
}
