/** What signing data is for, so that two files can be told to sign the same. @module */
import type { UnsignedFile } from "./signing_data.ts";

/** One thing that is to be signed. */
export interface WorkUnit {
  /** The repository. */
  readonly repository: string;
  /** The payload's entry in its file. */
  readonly payload: string;
  /** SHA-256 of what it is for: repository, scheme, role or form, tags, digests. */
  readonly purpose: string;
  /** SHA-256 of all that is signed, but for the time. */
  readonly sha256: string;
}

/** Says what a file is to sign. @throws {TagsealError} `bad-input` where its manifest is malformed */
export type ReadWork = (file: UnsignedFile) => readonly WorkUnit[];
