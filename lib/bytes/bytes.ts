/** Byte arrays: the one array type WebCrypto and `fetch` take, and text to and from it. @module */

/** Bytes backed by an `ArrayBuffer`, as WebCrypto, `Blob` and `Request` want them. */
export type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();

/** `text` as UTF-8. */
export function utf8(text: string): Bytes {
  return encoder.encode(text);
}

/**
 * UTF-8 as text, a leading byte order mark kept.
 *
 * @throws {TypeError} where `bytes` are not UTF-8
 */
export function text(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

/**
 * The text of a file that a person or another program wrote: UTF-8, or UTF-16 where its byte order mark says so, as
 * programs of Windows write it. The mark is no part of the text.
 *
 * @param fatal whether the file must be one of them; if not, what cannot be read is replaced by U+FFFD
 * @throws {TypeError} where the file is neither
 */
export function fileText(bytes: Uint8Array, fatal = true): string {
  const mark = bytes.subarray(0, 2).toHex();
  const encoding = mark === "fffe" ? "utf-16le" : mark === "feff" ? "utf-16be" : "utf-8";
  return new TextDecoder(encoding, { fatal }).decode(bytes);
}

/** Whether both hold the same bytes (not constant in time: for public data only). */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false; // ten times faster than every(), for large roles
  return true;
}

/** {@linkcode equalBytes} for what may be missing: two that are missing are the same; the very same array costs nothing. */
export function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && equalBytes(a, b));
}

/** Whether `bytes` are these parts, one after the other. */
export function areJoined(bytes: Uint8Array, parts: readonly Uint8Array[]): boolean {
  let at = 0;
  return bytes.length === parts.reduce((sum, { length }) => sum + length, 0) &&
    parts.every((part) => equalBytes(part, bytes.subarray(at, at += part.length)));
}

/** All `parts`, one after the other. */
export function concat(...parts: Uint8Array[]): Bytes {
  return joined(parts);
}

/** {@linkcode concat} for any number of parts: a body may come in more pieces than a call can take arguments. */
export function joined(parts: readonly Uint8Array[]): Bytes {
  const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
