/** The project file, `tagseal.json`: the values that it gives to a command's flags. @module */
import { TagsealError } from "../errors.ts";
import { remedyOf } from "./hints.ts";
import { attributeOf, type Flag, type Flags, nameOf, type Typed } from "./flags.ts";
import type { Host } from "./host.ts";
import type { Need } from "./needs.ts";
import type { PinText } from "./root_pins.ts";
import { shellLine } from "./command_line.ts";

/** What a project file comes to, for one command. */
export interface Project {
  /** Its absolute path. */
  readonly path: string;
  /** Whether the user has named it; one that was only found is not believed in all. */
  readonly isNamed: boolean;
  /** The repositories that the command works on, as nobody has named any; several only where it can. */
  readonly repositories: readonly string[];
  /** What secrets the hosts of those repositories would be sent that belong to no host: `NOTARY_AUTH`. */
  readonly secrets: readonly string[];
  /** Its pins, where those of the command line or of a variable go before them. */
  readonly overruledPins: readonly PinText[];
  /** Whether pins count that prove nothing by themselves, as the file was only found: they come on top of all else. */
  readonly pinsOnlyNarrow: boolean;
  /** What it sets, by {@linkcode attributeOf} of the flags. */
  readonly settings: ReadonlyMap<string, Setting>;
}

/** One value of a project file. */
export interface Setting {
  /** As it would stand on the command line; `undefined` for a flag that stays off. */
  readonly given: readonly string[] | true | undefined;
  /** Where it stands, as a JSON Pointer: `/defaults/notary-url`. */
  readonly pointer: string;
  /** Whether it counts only in a file that was named. */
  readonly needsName: boolean;
}

/** Which command, and what was typed. */
export interface Call {
  /** Its own name. */
  readonly command: string;
  /** What it needs. */
  readonly needs: readonly Need[];
  /** Its own flags. */
  readonly flags: Flags;
  /** What was typed. */
  readonly typed: Typed;
}

/** Where a value came from. */
export type Source =
  | { readonly kind: "flag" }
  | { readonly kind: "variable"; readonly variable: string }
  | { readonly kind: "file"; readonly setting: Setting }
  | { readonly kind: "none" };

/** Which of the places that a flag's value can stand at counts. */
export function sourceOf(flag: Flag<unknown>, typed: Typed, project: Project | undefined, host: Host): Source {
  if (typed[attributeOf(flag)] !== undefined) return { kind: "flag" };
  const { variable } = flag;
  if (variable !== undefined && host.env(variable) !== undefined) return { kind: "variable", variable };
  const setting = project?.settings.get(attributeOf(flag));
  return setting ? { kind: "file", setting } : { kind: "none" };
}

/** A flag's value: what was typed, else its variable's, else that of the project file, else its standard. */
export async function readFlag<T>(flag: Flag<T>, typed: Typed, project: Project | undefined, host: Host): Promise<T> {
  const source = sourceOf(flag, typed, project, host);
  if (source.kind !== "file" || project === undefined) return await flag.read(typed[attributeOf(flag)], host);
  const { given, pointer, needsName } = source.setting;
  if (needsName && !project.isNamed) throw notBelieved(nameOf(flag.spec), [], pointer, project.path);
  try {
    return await flag.read(given, host);
  } catch (error) {
    if (!(error instanceof TagsealError)) throw error;
    throw new TagsealError("bad-input", `${error.message} (${pointer} in "${project.path}")`, {
      remedy: remedyOf(error),
      details: { path: project.path, pointer },
    });
  }
}

/** Refuses what was only found; `secrets` are those that would be sent to a host that it names. */
export function notBelieved(
  flag: string,
  secrets: readonly string[],
  pointer: string,
  path: string,
): TagsealError {
  const what = secrets.length > 0
    ? `names the hosts that would be sent ${secrets.join(" and ")}`
    : "sets what decides whom to trust or what is done";
  return new TagsealError("usage", `"${path}" was only found, and ${what}: ${pointer}`, {
    remedy: `If the file is yours, name it: --config ${shellLine(path)}, or TAGSEAL_CONFIG once for all; or give ` +
      `${flag} yourself. --config none goes without the file`,
    details: { path, pointer },
  });
}
