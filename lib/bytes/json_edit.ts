/**
 * Changing one member of a JSON document and leaving every other byte as it is: what others wrote stays theirs, however
 * they wrote it.
 *
 * @module
 */
import { type Bytes, text as decode, utf8 } from "./bytes.ts";
import type { JsonValue } from "./json.ts";

const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/**
 * The document with `items` behind those that the array in its member `name` holds.
 *
 * @throws {SyntaxError} where the document, which must be one that `parseJson` reads, has no such array
 */
export function withItems(document: Bytes, name: string, items: readonly JsonValue[]): Bytes {
  if (items.length === 0) return document;
  const source = decode(document);
  const { start, end, tokens } = memberOf(source, name);
  if (source[start] !== "[") throw new SyntaxError(`the member ${JSON.stringify(name)} is no array`);
  const written = items.map((item) => JSON.stringify(item)).join(",");
  const last = end - 1; // the array's own bracket
  return utf8(`${source.slice(0, last)}${tokens > 2 ? "," : ""}${written}${source.slice(last)}`);
}

/**
 * The document with `value` in its member `name`.
 *
 * @throws {SyntaxError} where the document, which must be one that `parseJson` reads, has no such member
 */
export function withMember(document: Bytes, name: string, value: JsonValue): Bytes {
  const source = decode(document);
  const { start, end } = memberOf(source, name);
  return utf8(`${source.slice(0, start)}${JSON.stringify(value)}${source.slice(end)}`);
}

/** Where the value of a member of the outermost object stands, and how many tokens it has. */
function memberOf(source: string, name: string): { start: number; end: number; tokens: number } {
  let depth = 0;
  let member: unknown; // whose value is being read
  let before = ""; // the token before this one
  let start = 0, end = 0, tokens = 0;
  for (const { 0: token, index } of source.matchAll(TOKEN)) {
    const closes = token === "}" || token === "]";
    if (depth === 1 && (token === "," || closes) && member === name) return { start, end, tokens };
    if (depth === 1 && token === ":") {
      member = JSON.parse(before);
      tokens = 0;
    } else {
      if (tokens++ === 0) start = index;
      end = index + token.length;
    }
    if (token === "{" || token === "[") depth++;
    if (closes) depth--;
    before = token;
  }
  throw new SyntaxError(`the member ${JSON.stringify(name)} is missing`);
}
