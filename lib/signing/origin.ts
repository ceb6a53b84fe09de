/** Where signing data comes from, in its maker's own words: shown to whoever approves, and proved by nobody. @module */
import { isJsonObject, type JsonObject } from "../bytes/json.ts";
import { malformed, word } from "./manifest_words.ts";

/** What a CI system says of the job that asks. */
export interface Origin {
  /** The page of the build. */
  readonly build?: string;
  /** The commit that was built. */
  readonly commit?: string;
  /** Who has started it. */
  readonly by?: string;
}

const NAMES = ["build", "commit", "by"] as const;

/** The manifest's member, where there is something to say. */
export function originWords(origin: Origin | undefined): JsonObject {
  const said = NAMES.flatMap((name) => origin?.[name] === undefined ? [] : [[name, origin[name]] as const]);
  return said.length === 0 ? {} : { origin: Object.fromEntries(said) };
}

/** What a manifest says; members that are not known are left out. @throws {TagsealError} `bad-input` */
export function originIn(manifest: JsonObject): Origin | undefined {
  const value = manifest["origin"];
  if (value === undefined) return undefined;
  if (!isJsonObject(value)) throw malformed('"origin" is not an object');
  return Object.fromEntries(NAMES.flatMap((name) => value[name] === undefined ? [] : [[name, word(value, name)]]));
}
