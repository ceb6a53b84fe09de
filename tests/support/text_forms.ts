/** The forms in which programs of Windows write text files. @module */
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";

/** UTF-16 with its byte order mark, as PowerShell 5 writes files. */
export function utf16(text: string, bigEndian = false): Bytes {
  const units = [0xfeff, ...Array.from({ length: text.length }, (_, i) => text.charCodeAt(i))];
  return new Uint8Array(units.flatMap((unit) => bigEndian ? [unit >> 8, unit & 0xff] : [unit & 0xff, unit >> 8]));
}

/** `text`, whose lines end with `\n`, in each form, by what it is called. */
export function windowsForms(text: string): [form: string, file: Bytes][] {
  const lines = text.replaceAll("\n", "\r\n");
  return [
    ["UTF-8 with a byte order mark", utf8(`\ufeff${lines}`)],
    ["UTF-16, as > of PowerShell 5 writes it", utf16(lines)],
    ["UTF-16 of the other order", utf16(lines, true)],
  ];
}
