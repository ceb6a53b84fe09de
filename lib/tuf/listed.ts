/** Is a file the one that another one names? @module */
import { type Bytes, equalBytes } from "../bytes/bytes.ts";
import { digest } from "../crypto/hash.ts";
import type { FileMeta } from "./models.ts";

/** Whether `bytes` have the length and every hash that snapshot or timestamp give (TUF 5.4, 5.5, 5.6). */
export async function isListed(bytes: Bytes, { length, hashes }: FileMeta): Promise<boolean> {
  if (bytes.length !== length) return false;
  const same = [...hashes].map(async ([name, listed]) => equalBytes(await digest(name, bytes), listed));
  return (await Promise.all(same)).every((one) => one);
}
