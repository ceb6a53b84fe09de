/** Which packages a program ships, and how they need each other, from `deno.lock`. @module */
import { isJsonObject, type JsonObject, type JsonValue } from "../bytes/json.ts";

/** A package whose code is in a program. */
export interface ShippedPackage {
  /** `name@version`. */
  readonly id: string;
  /** Its name, with its scope. */
  readonly name: string;
  /** Its version. */
  readonly version: string;
  /** SHA-512 of its archive, in hex. */
  readonly sha512: string;
  /** The ids of those that it needs, as far as they are shipped, too. */
  readonly needs: readonly string[];
}

/** The packages of a program. */
export interface Shipped {
  /** All of them, by id. */
  readonly packages: readonly ShippedPackage[];
  /** Those that the program itself names. */
  readonly direct: readonly string[];
}

const LOCKED = /^((?:@[^/@]+\/)?[^@]+)@([^_]+)/;

/**
 * The packages `ids`, as the lock file has them.
 *
 * @param lock the content of `deno.lock`, version 5
 * @param ids `name@version` of each package whose code is shipped
 * @throws {SyntaxError} where the lock file does not hold one of them
 */
export function shippedPackages(lock: JsonValue, ids: ReadonlySet<string>): Shipped {
  const locked = new Map(Object.entries(objectIn(lock, "npm")).map(([key, entry]) => [idOf(key), entry]));
  const byName = Map.groupBy(locked.keys(), nameOf);
  const resolve = (needed: string): string => LOCKED.test(needed) ? idOf(needed) : byName.get(needed)?.[0] ?? needed;
  const packages = [...ids].sort().map((id): ShippedPackage => {
    const entry = locked.get(id);
    const integrity = isJsonObject(entry) ? entry["integrity"] : undefined;
    const [, sha512] = /^sha512-(.+)$/.exec(String(integrity)) ?? [];
    if (!isJsonObject(entry) || sha512 === undefined) throw new SyntaxError(`deno.lock does not hold "${id}"`);
    const dependencies = Array.isArray(entry["dependencies"]) ? entry["dependencies"] : [];
    return {
      id,
      name: nameOf(id),
      version: id.slice(nameOf(id).length + 1),
      sha512: Uint8Array.fromBase64(sha512).toHex(),
      needs: dependencies.map((needed) => resolve(String(needed))).filter((needed) => ids.has(needed)).sort(),
    };
  });
  const workspace = objectIn(lock, "workspace")["dependencies"];
  const named = (Array.isArray(workspace) ? workspace : []).map((each) => idOf(String(each).replace(/^npm:/, "")));
  return { packages, direct: named.filter((id) => ids.has(id)).sort() };
}

/** `name@version`, without the packages beside which it was resolved. */
function idOf(key: string): string {
  return LOCKED.exec(key)?.[0] ?? key;
}

function nameOf(id: string): string {
  return LOCKED.exec(id)?.[1] ?? id;
}

function objectIn(value: JsonValue, name: string): JsonObject {
  const member = isJsonObject(value) ? value[name] : undefined;
  if (isJsonObject(member)) return member;
  throw new SyntaxError(`deno.lock has no "${name}"`);
}
