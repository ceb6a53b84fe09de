/** Additions to a document that is there already: everything of others stays, and nothing is contradicted. @module */
import { isJsonObject, type JsonValue } from "../../bytes/json.ts";

/**
 * How a list grows, by the name of the member that holds it: `values`, a set of plain values; `each`, element by
 * element; else the member that tells its elements apart. A list that is not named is taken as a whole.
 */
export type Lists = Readonly<Record<string, "values" | "each" | { readonly by: string }>>;

/** Where something stands: names of members and places in lists. */
export type Place = readonly (string | number)[];

/** One addition. Where `place` ends with the length of a list, `value` is its new last element. */
export interface Addition {
  /** Where it goes. */
  readonly place: Place;
  /** What goes there. */
  readonly value: JsonValue;
}

/** What is there says otherwise. */
export class Contradiction extends Error {
  /** `place` is where. */
  constructor(readonly place: Place) {
    super("the document says otherwise");
  }
}

/**
 * What `present` lacks of `ours`.
 *
 * @throws {Contradiction}
 */
export function additions(present: JsonValue, ours: JsonValue, lists: Lists = {}): Addition[] {
  const found: Addition[] = [];
  const compare = (there: JsonValue, wanted: JsonValue, place: Place): void => {
    if (isJsonObject(wanted) && isJsonObject(there)) {
      for (const [name, value] of Object.entries(wanted)) {
        if (Object.hasOwn(there, name)) compare(there[name]!, value, [...place, name]);
        else found.push({ place: [...place, name], value });
      }
    } else if (Array.isArray(wanted) && Array.isArray(there)) {
      compareLists(there, wanted, place);
    } else if (!isSame(there, wanted)) {
      throw new Contradiction(place);
    }
  };
  const compareLists = (there: readonly JsonValue[], wanted: readonly JsonValue[], place: Place): void => {
    const how = lists[String(place.at(-1))];
    if (how === undefined || (how === "each" && there.length !== wanted.length)) {
      if (!isSame(there, wanted)) throw new Contradiction(place);
      return;
    }
    let length = there.length;
    const known = new Map(there.map((one, i) => [how === "each" ? i : idOf(one, how), i]));
    for (const [i, one] of wanted.entries()) {
      const at = known.get(how === "each" ? i : idOf(one, how));
      if (at !== undefined) compare(there[at]!, one, [...place, at]);
      else found.push({ place: [...place, length++], value: one });
    }
  };
  compare(present, ours, []);
  return found;
}

function idOf(element: JsonValue, how: "values" | { readonly by: string }): JsonValue | undefined {
  if (how === "values") return element;
  return isJsonObject(element) && Object.hasOwn(element, how.by) ? element[how.by] : undefined;
}

/** Whether both say the same; the order of members does not count. */
export function isSame(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((one, i) => isSame(one, b[i]));
  if (isJsonObject(a) && isJsonObject(b)) {
    const names = Object.keys(a);
    return names.length === Object.keys(b).length &&
      names.every((name) => Object.hasOwn(b, name) && isSame(a[name], b[name]));
  }
  return a === b;
}

/** Puts additions into a document that nobody else holds. */
export function addTo(document: JsonValue, all: readonly Addition[]): void {
  for (const { place, value } of all) {
    let at = document as Record<string | number, JsonValue>;
    for (const step of place.slice(0, -1)) at = at[step] as typeof at;
    at[place.at(-1)!] = value;
  }
}
