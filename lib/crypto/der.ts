/**
 * DER (X.690), as strictly as Go reads it (`cryptobyte`): lengths in their shortest form, nothing behind an element that
 * does not belong to it, no tags of several octets. What is read otherwise here and there is two things to two readers.
 *
 * @module
 */
import { type Bytes, concat } from "../bytes/bytes.ts";

/** One element. */
export interface DerElement {
  /** The identifier octet: `0x30` for a SEQUENCE. */
  readonly tag: number;
  /** Its contents. */
  readonly content: Bytes;
  /** All of it: identifier, length and contents. */
  readonly bytes: Bytes;
}

/** Identifier octets of X.690, 8. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  sequence: 0x30,
  set: 0x31,
} as const;

/**
 * The elements that `bytes` are made of, one after the other.
 *
 * @throws {SyntaxError} where they are not DER
 */
export function derElements(bytes: Bytes): DerElement[] {
  const elements: DerElement[] = [];
  for (let at = 0; at < bytes.length;) {
    const element = firstElement(bytes.subarray(at));
    elements.push(element);
    at += element.bytes.length;
  }
  return elements;
}

/**
 * The one element that `bytes` begin with; whatever stands behind it is left.
 *
 * @throws {SyntaxError} where they do not begin with DER
 */
export function firstElement(bytes: Bytes): DerElement {
  const tag = bytes[0] ?? 0x1f;
  const first = bytes[1] ?? 0xff;
  const lengthBytes = first < 0x80 ? 0 : first - 0x80;
  if ((tag & 0x1f) === 0x1f || lengthBytes > 3 || first === 0x80) throw new SyntaxError("not DER");
  const start = 2 + lengthBytes;
  const length = lengthBytes === 0 ? first : bytes.subarray(2, start).reduce((n, byte) => n * 256 + byte, 0);
  const isShortest = lengthBytes === 0 || (length >= 0x80 && length >= 256 ** (lengthBytes - 1));
  if (!isShortest || start + length > bytes.length) throw new SyntaxError("not DER");
  return { tag, content: bytes.subarray(start, start + length), bytes: bytes.subarray(0, start + length) };
}

/**
 * The one element that `bytes` are, of the kind that is wanted.
 *
 * @throws {SyntaxError} where they are anything else, or something stands behind it
 */
export function onlyElement(bytes: Bytes, tag: number): DerElement {
  const element = firstElement(bytes);
  if (element.tag !== tag || element.bytes.length !== bytes.length) throw new SyntaxError("not the expected DER");
  return element;
}

/** The members of the one SEQUENCE that `bytes` are. @throws {SyntaxError} where they are none */
export function derSequence(bytes: Bytes): DerElement[] {
  return derElements(onlyElement(bytes, TAG.sequence).content);
}

/**
 * An INTEGER that is not negative, without the zero octet that keeps it so.
 *
 * @throws {SyntaxError} where it is none, or is longer than it must be
 */
export function derUnsigned({ tag, content }: DerElement): Bytes {
  const [first = 0x80, second = 0x80] = content;
  if (tag !== TAG.integer || first >= 0x80 || (first === 0 && content.length > 1 && second < 0x80)) {
    throw new SyntaxError("not an unsigned INTEGER");
  }
  return first === 0 ? content.subarray(1) : content;
}

/** An element of these contents, its length in the shortest form; of less than 64 KiB. */
export function derEncoded(tag: number, ...contents: readonly Bytes[]): Bytes {
  const content = concat(...contents);
  const { length } = content;
  const written = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return concat(Uint8Array.of(tag, ...written), content);
}

/** An INTEGER of a number that is not negative, given in octets, the highest first. */
export function derInteger(unsigned: Bytes): Bytes {
  const first = unsigned.findIndex((byte) => byte !== 0);
  const digits = unsigned.subarray(first < 0 ? unsigned.length - 1 : first);
  return derEncoded(TAG.integer, ...(digits[0]! >= 0x80 ? [Uint8Array.of(0)] : []), digits);
}
