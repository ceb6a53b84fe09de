/**
 * DER (X.690), as far as certificates need it: the runtime's X.509 reader shows a subject as lines of text, which cannot
 * be told from a name that holds a line end, and no key usage at all.
 *
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";

/** One element. */
export interface DerElement {
  /** The identifier octet: `0x30` for a SEQUENCE. */
  readonly tag: number;
  /** Its contents. */
  readonly content: Bytes;
}

/**
 * The elements that `bytes` are made of, one after the other.
 *
 * @throws {SyntaxError} where they are not DER
 */
export function derElements(bytes: Bytes): DerElement[] {
  const elements: DerElement[] = [];
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at]!;
    const first = bytes[at + 1] ?? 0xff;
    const lengthBytes = first < 0x80 ? 0 : first - 0x80;
    if (lengthBytes > 3 || (first >= 0x80 && lengthBytes === 0)) throw new SyntaxError("not DER");
    const start = at + 2 + lengthBytes;
    const length = lengthBytes === 0 ? first : bytes.subarray(at + 2, start).reduce((n, byte) => n * 256 + byte, 0);
    at = start + length;
    if (at > bytes.length) throw new SyntaxError("not DER");
    elements.push({ tag, content: bytes.subarray(start, at) });
  }
  return elements;
}
