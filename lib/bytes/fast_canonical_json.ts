/**
 * Canonical JSON by the engine's own reader and printer, which are several times faster than a reader and a printer in
 * TypeScript. All that these two functions do not know for certain is left to `json.ts` and `canonical_json.ts`. What
 * justifies them: `deno task bench --only inside`, rows "strict JSON", "canonical JSON" and "parse and check every entry".
 * What holds them to the strict ones: `tests/bytes/fast_reader_test.ts`.
 *
 * @module
 */
import { type JsonObject, type JsonValue, MAX_DEPTH } from "./json.ts";

/** UTF-16 order and UTF-8 order differ only where a surrogate meets a character above it (U+E000…U+FFFF). */
export const SURROGATE = /[\ud800-\udfff]/;

/**
 * `JSON.parse`, or nothing. Only for documents that are then compared with how their value is written: what is written
 * in just the same way again has no repeated names, no odd numbers, nothing that two readers take for different things.
 */
export function parsePlainly(source: string): JsonValue | undefined {
  if (source.includes("\\")) return undefined; // `canonicalText` says nothing of such documents anyway
  try {
    return JSON.parse(source) as JsonValue;
  } catch {
    return undefined;
  }
}

/**
 * The canonical form by the engine's own printer, which is several times faster, and differs from canonical JSON only
 * where names are not in order, and where something is escaped. `undefined` where that may be, or where values nest too
 * deeply; `depth` says how deep the value itself stands.
 */
export function canonicalText(value: JsonValue | undefined, depth = 0): string | undefined {
  if (value === undefined || !isInOrder(value, depth)) return undefined;
  const source = JSON.stringify(value);
  return source.includes("\\") || SURROGATE.test(source) ? undefined : source;
}

function isInOrder(value: JsonValue, depth: number): boolean {
  if (depth > MAX_DEPTH) return false;
  if (typeof value === "string" || typeof value === "boolean" || value === null) return true;
  if (typeof value === "number") return Number.isSafeInteger(value);
  if (typeof value !== "object") return false;
  if (Array.isArray(value)) return value.every((item: JsonValue) => isInOrder(item, depth + 1));
  let before: string | undefined;
  for (const name of Object.keys(value)) {
    if (before !== undefined && before >= name) return false;
    if (!isInOrder((value as JsonObject)[name]!, depth + 1)) return false;
    before = name;
  }
  return true;
}
