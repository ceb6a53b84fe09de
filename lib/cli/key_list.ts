/** Keys as people read them: where they are is said once, and what they are for. @module */
import { shown, word } from "../bytes/printable.ts";
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
        const [first, ...more] = repositories(key);
        return [
          [key.role ? word(key.role) : "?", shortId(key.id), first === undefined ? "-" : word(first)],
          ...more.map((one) => ["", "", word(one)]),
        ];
      }),
      "  ",
    ),
  ]);
}

/** Where a key is kept, in words. */
export function placeOf({ location, token }: KeyInfo): string {
  if (token !== undefined) return `token "${shown(token)}"`;
  return location === undefined ? "elsewhere" : location.replace(/[/\\][^/\\]*$/, "");
}
