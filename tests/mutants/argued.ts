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

/** The arguments about one file: the line, and what is changed on it, with the reason. */
function of(file: string, ...rows: readonly (readonly [line: string, change: string, why: string])[]): Argument[] {
  return rows.map(([line, change, why]) => ({ file, line, change, why }));
}

/** All arguments. */
export const ARGUED: readonly Argument[] = [
  ...of(
    "lib/tuf/trusted.ts",
    [
      'if (next.version < phase.root.version) throw rollback("root", next.version, phase.root.version);',
      "next.version < phase.root.version => next.version <= phase.root.version",
      "the same version was dealt with above",
    ],
    [
      "if (sameBytes(kept, bytes)) return; // the usual case: nothing is read a second time",
      "sameBytes(kept, bytes) => false",
      "spares reading the same file twice, which has the same version and content",
    ],
  ),
  ...of("lib/schemes/notary_v1/verify_tags.ts", [
    "const list = tagListOf(repository, found.flatMap(([, signed]) => signed ?? []));",
    "signed ?? [] => signed",
    "where one is not signed, the tags of the list are not looked at; the types do not know that",
  ]),
  ...of(
    "lib/http/send.ts",
    [
      "...(call.body === undefined ? {} : { body: call.body }),",
      "call.body === undefined => false",
      "no body and a body that is undefined are the same to Request; the types tell them apart",
    ],
    ["#received = 0;", "0 => 1", "one byte more gives an exchange no time that can be measured"],
    ["patience.end();", "patience.end(); => nothing", "leaves a timer, which the sanitizers of `deno test` see"],
    ["const PACKED_BYTES = 4096;", "4096 => 8192", "a bound of memory, not of what is read"],
    ["const PACKED_BYTES = 4096;", "4096 => 2048", "a bound of memory, not of what is read"],
    ["this.#cancel?.();", "this.#cancel?.(); => nothing", "leaves a timer, which the sanitizers of `deno test` see"],
    [
      'if (left <= 0) return this.#controller.abort(new Error("Time is up"));',
      "left <= 0 => left < 0",
      "with no time left the timer ends at once",
    ],
    [
      'if (left <= 0) return this.#controller.abort(new Error("Time is up"));',
      "0 => 1",
      "a millisecond more or less",
    ],
    [
      "return parts.length === 1 ? new Uint8Array(parts[0]!) : concat(...parts);",
      "parts.length === 1 => false",
      "spares nothing but copying twice: the bytes are the same",
    ],
    [
      "return parts.length === 1 ? new Uint8Array(parts[0]!) : concat(...parts);",
      "1 => 0",
      "of no parts there are no bytes either way",
    ],
    [
      "for (let at = 0; at < part.length; at += PACKED_BYTES) yield part.subarray(at, at + PACKED_BYTES);",
      "at < part.length => at <= part.length",
      "one more piece, of no bytes",
    ],
  ),
];
