/** Holds values to shapes: what commands print, and the files that are made for other programs. @module */
import type { Shape } from "../../tasks/documents.ts";

const PLAIN: Readonly<Record<string, (value: unknown) => boolean>> = {
  "any": () => true,
  "string": (value) => typeof value === "string",
  "integer": (value) => Number.isSafeInteger(value),
  "number": (value) => typeof value === "number",
  "boolean": (value) => typeof value === "boolean",
  "true": (value) => value === true,
  "null": (value) => value === null,
  "digest": (value) => typeof value === "string" && /^sha256:[0-9a-f]{64}$/.test(value),
  "time": (value) =>
    typeof value === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value),
};

/** Where `value` is not of `shape`; nothing where it is. */
export function* differences(value: unknown, shape: Shape, at: string): Iterable<string> {
  if (typeof shape === "string") {
    const fits = shape.split(" | ").some((word) => PLAIN[word]?.(value) ?? value === word);
    if (!fits) yield `${at}: ${JSON.stringify(value)} is no ${shape}`;
  } else if (Array.isArray(shape)) {
    if (!Array.isArray(value)) return yield `${at}: no list`;
    for (const [i, one] of value.entries()) yield* differences(one, shape[0], `${at}[${i}]`);
  } else {
    if (typeof value !== "object" || value === null) return yield `${at}: no object`;
    const members = shape as Readonly<Record<string, Shape>>;
    const any = Object.keys(members).find((name) => name.startsWith("<"));
    for (const [name, one] of Object.entries(value)) {
      const own = members[name] ?? members[`${name}?`] ?? (any && members[any]);
      if (own === undefined) yield `${at}.${name}: the reference does not name it`;
      else yield* differences(one, own, `${at}.${name}`);
    }
    for (const name of Object.keys(members)) {
      if (!/^<|\?$/.test(name) && !Object.hasOwn(value, name)) yield `${at}.${name}: missing`;
    }
  }
}
