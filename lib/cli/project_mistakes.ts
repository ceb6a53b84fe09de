/** What the schema has against a project file, in words: where it stands, what is wanted there, what may have been meant. @module */
import { shown } from "../bytes/printable.ts";
import { TagsealError } from "../errors.ts";
import { nearest } from "./nearest.ts";
import { OWN_WORDS } from "./project_rules.ts";
import { kebab } from "./project_secrets.ts";

/** A JSON Schema, as far as ours goes. */
export interface Schema {
  /** `object`, `string`, … */
  readonly type?: string;
  /** Members by name. */
  readonly properties?: Readonly<Record<string, Schema>>;
  /** Other members. */
  readonly additionalProperties?: Schema | false;
  /** Elements. */
  readonly items?: Schema;
  /** Alternatives. */
  readonly anyOf?: readonly Schema[];
  /** Words. */
  readonly enum?: readonly string[];
  /** Flags that no project file sets. */
  readonly "x-of-a-single-call"?: readonly string[];
  /** The same as at another place of the schema, as a fragment. */
  readonly $ref?: string;
}

/** What a validator finds. */
export interface Finding {
  /** Where, as a fragment: `#/defaults/notary-url`. */
  readonly instanceLocation: string;
  /** Which rule. */
  readonly keyword: string;
}

/** Rules that only say that something within is wrong. */
const AROUND = new Set(["properties", "additionalProperties", "items", "anyOf"]);

/** The first mistake as an error. */
export function schemaMistake(path: string, findings: readonly Finding[], schema: Schema): TagsealError {
  const places = findings.filter(({ keyword }) => !AROUND.has(keyword));
  // A member that is known and wrong counts as unknown, too, and so does each one around it.
  const at = (parts: readonly string[]) => subschema(schema, schema, parts);
  const known = (place: string) => at(partsAt(place)) !== undefined;
  const first = places.find(({ keyword, instanceLocation }) => keyword !== "false" || !known(instanceLocation)) ??
    findings[0]!;
  const parts = partsAt(first.instanceLocation);
  const wanted = at(parts);
  const pointer = shown(decodeURI(first.instanceLocation.slice(1)), 120) || "/";
  const what = wanted ? `${pointer} must be ${described(wanted)}` : `${pointer} is not known`;
  return new TagsealError("bad-input", `${what} (in "${path}")`, {
    remedy: wanted ? "Correct the file; REFERENCE.md says what stands in it" : meant(parts, schema),
    details: { path, pointer },
  });
}

function partsAt(location: string): string[] {
  return decodeURI(location).slice(1).split("/").slice(1).map((part) =>
    part.replaceAll("~1", "/").replaceAll("~0", "~")
  );
}

function subschema(root: Schema, { $ref, ...schema }: Schema, parts: readonly string[]): Schema | undefined {
  if ($ref !== undefined) {
    const place = partsAt($ref).filter((part) => part !== "properties");
    return subschema(root, root, [...place, ...parts]);
  }
  const [part, ...rest] = parts;
  if (part === undefined) return schema;
  const own = schema.properties !== undefined && Object.hasOwn(schema.properties, part)
    ? schema.properties[part]
    : undefined;
  const inner = own ?? (schema.additionalProperties || undefined) ?? schema.items ??
    schema.anyOf?.map((one) => one.items).find((items) => items !== undefined);
  return inner && subschema(root, inner, rest);
}

function described({ type, enum: words, anyOf, items }: Schema): string {
  if (anyOf) return anyOf.map(described).join(", or ");
  if (words) return words.map((word) => `"${word}"`).join(" or ");
  switch (type) {
    case "string":
      return "a text that is not empty";
    case "integer":
      return "a whole number";
    case "boolean":
      return "true or false";
    case "array":
      return items?.enum ? `a list of ${items.enum.join(", ")}` : "a list of texts";
    default:
      return "an object: { … }";
  }
}

/** What to do about a member that nobody knows. */
function meant(parts: readonly string[], schema: Schema): string {
  const name = kebab(parts.at(-1)!);
  const around = parts.slice(0, -1);
  const own = OWN_WORDS.get(name);
  if (own !== undefined && around.length > 0) return `Write it as "${own}", beside "defaults"`;
  if (schema["x-of-a-single-call"]?.includes(name)) {
    return `--${name} belongs to a single call and has no default: take it out of the file`;
  }
  const siblings = Object.keys(subschema(schema, schema, around)?.properties ?? {});
  const near = siblings.includes(name) ? name : nearest(name, siblings);
  if (near !== undefined) return `Did you mean "${near}"?`;
  const flags = Object.keys(schema.properties?.["defaults"]?.properties ?? {});
  const flag = flags.includes(name) ? name : nearest(name, flags);
  if (flag !== undefined) return `Did you mean "${flag}"? It stands in "defaults"`;
  return "Take it out; REFERENCE.md says what stands in the file";
}
