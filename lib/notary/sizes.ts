/**
 * How much trust data one reading may take. What nobody has vouched for yet is held to what repositories have in real life;
 * more than that is read only where a verified snapshot names the length, and where all of it together stays within bounds.
 *
 * @module
 */
import { type NextMove, TagsealError } from "../errors.ts";
import type { ByteBudget } from "../http/send.ts";
import type { FileMeta } from "../tuf/models.ts";
import { RELEASES, type RoleName } from "../tuf/roles.ts";

/** A file of a repository: a role, `<version>.<role>`, or `<role>.<sha256 hex>` for exactly that file. */
export type MetadataName = string;

const MIB = 2 ** 20;

/** Bytes of one file that nobody has vouched for: a role of 20,000 tags has 4 MiB, a root with 100 certificates 0.2. */
const UNVERIFIED_BYTES = 4 * MIB;
const SMALL_ROLE_BYTES = 1 * MIB;
/** Bytes of all files of one kind that nobody has vouched for: roles asked for on the off chance, and older roots. */
const UNVERIFIED_TOTAL_BYTES = 32 * MIB;
/** Bytes of one file that a verified parent names; a role of 600,000 tags has 55 MB. */
const FILE_BYTES = 128 * MIB;
/** Bytes of all that verified parents name, where root is known or pinned: it is the administrator's word. */
const TOTAL_BYTES = 256 * MIB;
/** The same where root is trusted on first use, so that the server may have signed all of it: two roles of 200,000 tags. */
const FIRST_USE_TOTAL_BYTES = 48 * MIB;

/** The most bytes to take of a file of which nothing is known but its name. */
export function unverifiedBytes(name: MetadataName): number {
  return /^(\d+\.)?(root|timestamp)\b/.test(name) ? SMALL_ROLE_BYTES : UNVERIFIED_BYTES;
}

/** What files that nobody has vouched for may take together. */
export function unverifiedTotal(): ByteBudget {
  return { left: UNVERIFIED_TOTAL_BYTES };
}

/** What all the files of one reading that verified parents name may take. */
export class NamedBytes {
  #left: number;

  /** `firstUse`: whether root is trusted without any proof. */
  constructor(readonly gun: string, readonly firstUse: boolean) {
    this.#left = firstUse ? FIRST_USE_TOTAL_BYTES : TOTAL_BYTES;
  }

  /**
   * Takes the length of a file that is about to be read, where its parent names it.
   *
   * @throws {TagsealError} `trust-invalid` where it, or all together, are too large
   */
  take(name: RoleName, { length }: Pick<FileMeta, "length"> = { length: 0 }): void {
    const most = name === "snapshot" ? UNVERIFIED_BYTES : FILE_BYTES;
    if (length > most) throw this.#tooLarge(`"${name}" has ${inMib(length)}, and at most ${inMib(most)} are read`);
    this.#left -= length;
    if (this.#left >= 0) return;
    const total = this.firstUse ? FIRST_USE_TOTAL_BYTES : TOTAL_BYTES;
    const where = this.firstUse ? "of a repository that is neither known here nor pinned, " : "";
    throw this.#tooLarge(`${where}at most ${inMib(total)} are read`);
  }

  #tooLarge(why: string): TagsealError {
    return new TagsealError("trust-invalid", `The trust data of "${this.gun}" is too large: ${why}`, {
      ...this.firstUse
        ? PIN_ROOT
        : { remedy: `Ask the repository's administrator to remove tags from "${RELEASES}" and other delegations` },
      details: { repository: this.gun },
    });
  }
}

/** The next safe move where a root is neither known nor pinned. */
export const PIN_ROOT: NextMove = {
  remedy: "Ask the repository's administrator for the root certificate, or for a CA that issues it, and pin it",
  next: { do: "pin-root" },
};

function inMib(bytes: number): string {
  return `${Math.ceil(bytes / MIB)} MiB`;
}
