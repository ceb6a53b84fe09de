/** PEM (RFC 7468), with the header lines that Docker's key files carry (RFC 1421 style). @module */
import type { Bytes } from "./bytes.ts";

/** One PEM block. */
export interface PemBlock {
  /** What stands between `BEGIN` and the dashes: `CERTIFICATE`. */
  readonly label: string;
  /** Header lines before the blank line: `role` → `targets`. */
  readonly headers: ReadonlyMap<string, string>;
  /** The decoded body. */
  readonly bytes: Bytes;
}

// A body has no line that starts like a boundary: that keeps the search linear, whatever the text.
const BLOCK = /^-----BEGIN ([A-Z0-9 ]{1,64})-----\r?\n((?:(?!-----)[^\n]*\n)*)-----END \1-----/gm;
const HEADER = /^([A-Za-z][A-Za-z0-9-]*): (.*)$/;

/**
 * All blocks of a text, in order; text around them is passed over.
 *
 * @throws {SyntaxError} where a block's header or base64 is malformed
 */
export function parsePem(source: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  for (const [, label, inner] of source.matchAll(BLOCK)) blocks.push(parseBlock(label!, inner!));
  return blocks;
}

function parseBlock(label: string, inner: string): PemBlock {
  const lines = inner.split(/\r?\n/);
  const headers = new Map<string, string>();
  let at = 0;
  for (; HEADER.test(lines[at] ?? ""); at++) {
    const [, name, value] = HEADER.exec(lines[at]!)!;
    if (headers.has(name!)) throw new SyntaxError(`the PEM header "${name}" stands there twice`);
    headers.set(name!, value!);
  }
  if (headers.size > 0 && lines[at++] !== "") throw new SyntaxError("the blank line after the PEM headers is missing");
  return { label, headers, bytes: Uint8Array.fromBase64(lines.slice(at).join(""), { lastChunkHandling: "strict" }) };
}

/** Writes one block as Go's `pem.Encode` does: headers sorted by name, base64 in lines of 64, a final line end. */
export function formatPem(label: string, bytes: Uint8Array, headers: ReadonlyMap<string, string> = new Map()): string {
  const lines = [...headers].sort(([a], [b]) => a < b ? -1 : 1).map(([name, value]) => `${name}: ${value}\n`);
  const body = bytes.toBase64().replaceAll(/.{1,64}/g, "$&\n");
  return `-----BEGIN ${label}-----\n${lines.join("")}${lines.length ? "\n" : ""}${body}-----END ${label}-----\n`;
}
