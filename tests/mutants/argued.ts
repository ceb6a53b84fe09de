/**
 * Mutants that no test can or need notice, each with the reason. One that is gone, or that a test notices, is an error.
 *
 * @module
 */

/** One argument. */
export interface Argument {
  /** The file. */
  readonly file: string;
  /** The line that the change is on, without the space around it. */
  readonly line: string;
  /** What is changed to what. */
  readonly change: string;
  /** Why the change may stay unnoticed. */
  readonly why: string;
}

/** All arguments. */
export const ARGUED: readonly Argument[] = [
  {
    file: "lib/signing/signed_file.ts",
    line: "if (!isTagsealError(error)) throw error;",
    change: "!isTagsealError(error) => false",
    why: "Nothing else is thrown there but by a defect",
  },
];
