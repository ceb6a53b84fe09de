/**
 * Documents of others that get additions of ours: JSON, read as strictly as trust data, and YAML.
 *
 * @module
 */
import { type Bytes, text, utf8 } from "../../bytes/bytes.ts";
import { type JsonObject, type JsonValue, parseJson } from "../../bytes/json.ts";
import { messageOf, TagsealError } from "../../errors.ts";
import { additions, addTo, Contradiction, type Lists } from "./graft.ts";
import type { PolicyFile, PolicyFolder } from "./policy.ts";

/**
 * A JSON file with `ours` in it; the bytes that are there where nothing is missing.
 *
 * @throws {TagsealError} `exists` where it says otherwise; `bad-input` where it is no JSON
 */
export async function mergedJson(
  folder: PolicyFolder,
  path: string,
  ours: JsonObject,
  lists: Lists = {},
): Promise<PolicyFile> {
  const present = await folder.read(path);
  if (!present) return { path, content: utf8(`${JSON.stringify(ours, null, 2)}\n`) };
  const document = readJson(present, path);
  const missing = missingOf(document, ours, lists, path);
  if (missing.length === 0) return { path, content: present };
  addTo(document, missing);
  const indent = /\n([ \t]+)\S/.exec(text(present))?.[1] ?? "  ";
  return { path, content: utf8(`${JSON.stringify(document, null, indent)}\n`) };
}

/** The JSON of a file that is there. @throws {TagsealError} `bad-input` */
export function readJson(bytes: Bytes, path: string): JsonValue {
  try {
    return parseJson(bytes, "any");
  } catch (error) {
    throw unreadable(path, error);
  }
}

/**
 * A YAML file with `ours` in it, its comments kept; the bytes that are there where nothing is missing.
 *
 * @throws {TagsealError} `exists` where it says otherwise; `bad-input` where it is no YAML
 */
export async function mergedYaml(
  folder: PolicyFolder,
  path: string,
  ours: JsonObject,
  lists: Lists = {},
): Promise<PolicyFile> {
  const { stringify } = await loadYaml();
  const present = await folder.read(path);
  if (!present) return { path, content: utf8(stringify(ours, STYLE)) };
  const document = await parseYaml(present, path);
  if (document.contents === null) return { path, content: utf8(text(present) + stringify(ours, STYLE)) };
  const missing = missingOf(plain(document, path), ours, lists, path);
  if (missing.length === 0) return { path, content: present };
  try {
    for (const { place, value } of missing) document.setIn(place, document.createNode(value));
  } catch (error) {
    throw unreadable(path, error); // an alias stands where something is to be added
  }
  return { path, content: utf8(document.toString(STYLE)) };
}

/** What a YAML file says; `undefined` where it says nothing. @throws {TagsealError} `bad-input` */
export async function readYaml(bytes: Bytes, path: string): Promise<JsonValue | undefined> {
  return plain(await parseYaml(bytes, path), path) ?? undefined;
}

/** Plain words that YAML 1.1, which Go's programs read, takes for other things than words are quoted. */
const STYLE = { lineWidth: 0, compat: "yaml-1.1" } as const;

async function parseYaml(bytes: Bytes, path: string) {
  const { parseDocument } = await loadYaml();
  try {
    const document = parseDocument(text(bytes));
    if (document.errors[0]) throw document.errors[0];
    return document;
  } catch (error) {
    throw unreadable(path, error);
  }
}

function plain(document: { toJS(options: { maxAliasCount: number }): unknown }, path: string): JsonValue {
  try {
    return document.toJS({ maxAliasCount: 100 }) as JsonValue;
  } catch (error) {
    throw unreadable(path, error);
  }
}

function missingOf(present: JsonValue, ours: JsonValue, lists: Lists, path: string) {
  try {
    return additions(present, ours, lists);
  } catch (error) {
    if (!(error instanceof Contradiction)) throw error;
    throw saysOtherwise(path, error.place.join(" / "));
  }
}

/** Another rule stands where ours would go. */
export function saysOtherwise(path: string, place: string): TagsealError {
  return new TagsealError("exists", `"${path}" says otherwise already at "${place}"`, {
    remedy: "Nothing was written. Look whose entry that is; take it out, or choose another folder",
    details: { path },
  });
}

function unreadable(path: string, error: unknown): TagsealError {
  return new TagsealError("bad-input", `"${path}" cannot be read: ${messageOf(error).split("\n")[0]}`, {
    remedy: "Nothing was written. Mend that file, which verifiers could not read either, or choose another folder",
    details: { path },
    cause: error,
  });
}

/** The library, which is CommonJS: in the single file all of it is behind `default`. */
async function loadYaml(): Promise<typeof import("yaml")> {
  const loaded: typeof import("yaml") | { readonly default: typeof import("yaml") } = await import("yaml");
  return "parseDocument" in loaded ? loaded : loaded.default;
}
