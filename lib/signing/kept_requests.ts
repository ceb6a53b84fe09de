/**
 * Signing requests that were filed from here and may still go on: a run that is begun anew goes on with its own request
 * instead of filing another one, which somebody would have to approve again.
 *
 * What is kept decides nothing but which request is asked after. What comes back is held to what is to be signed now, and
 * its signatures to the keys, so that whoever can change what is kept can at most have a request filed, or refused.
 *
 * @module
 */
import type { WorkUnit } from "./work_unit.ts";

/** A signing request as it is kept. */
export interface KeptRequest {
  /** Its id; nothing from just before it is filed until the answer is here. */
  readonly signingRequestId?: string;
  /** When it was filed. */
  readonly filedAt: Date;
  /** SHA-256 of under which organization, project, policy and configuration, with which parameters. */
  readonly account: string;
  /** What it is to sign. */
  readonly work: readonly Pick<WorkUnit, "repository" | "purpose" | "sha256">[];
  /** When all of it was published: it is kept a while longer, for a run that read the repository before that. */
  readonly publishedAt?: Date;
}

/** Where signing requests are kept. */
export interface KeptRequests {
  /** All that are kept, in no order; what cannot be read is left out. */
  list(): Promise<KeptRequest[]>;
  /** Keeps one, in place of what was kept for the same work. @throws {TagsealError} `bad-input` */
  keep(request: KeptRequest): Promise<void>;
  /** Forgets one. */
  forget(request: KeptRequest): Promise<void>;
  /**
   * Runs `use` while no other process files a request for the same work.
   *
   * @throws {TagsealError} `unavailable` where another one does for a minute; what `use` throws
   */
  alone<T>(request: KeptRequest, use: () => Promise<T>): Promise<T>;
}
