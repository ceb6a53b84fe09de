/** Keys as people read them: where they are is said once, and what they are for. @module */
import { word } from "../bytes/printable.ts";
import type { KeyInfo } from "../keystore/keystore.ts";
import { shortId, table } from "./layout.ts";

const COLUMNS = ["ROLE", "KEY", "REPOSITORY"].map((title) => ({ title }));

/** One paragraph for each place; `repositories` are those that a key is for, as far as that is known. */
export function keyLines(keys: readonly KeyInfo[], repositories: (key: KeyInfo) => readonly string[]): string[] {
  const places = Map.groupBy(keys, placeOf);
  return [...places].flatMap(([place, held]) => [
    place,
    ...table(
      COLUMNS,
      held.flatMap((key) => {
        const [first = "-", ...more] = repositories(key).map(word);
        return [[key.role ? word(key.role) : "?", shortId(key.id), first], ...more.map((one) => ["", "", one])];
      }),
      "  ",
    ),
  ]);
}

/** Where a key is kept, in words. */
export function placeOf({ location, token }: KeyInfo): string {
  if (token !== undefined) return `token "${token}"`;
  return location === undefined ? "elsewhere" : location.replace(/[/\\][^/\\]*$/, "");
}
