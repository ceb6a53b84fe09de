/** Writes or completes a project file, so that later commands know a repository and hold it to its root. @module */
import { dirname, isAbsolute, relative } from "node:path";
import { fileText, utf8 } from "../bytes/bytes.ts";
import { isJsonObject, type JsonObject, parseJson } from "../bytes/json.ts";
import { shellLine } from "./command_line.ts";
import type { CommandValues } from "./command.ts";
import { attributeOf, type Flag, type Flags, partsOf } from "./flags.ts";
import type { Host } from "./host.ts";
import { MAX_PROJECT_BYTES, PROJECT_FILE } from "./file_names.ts";
import { contentOf } from "./project_reader.ts";
import { DIFFERENT_EVERYWHERE, OWN_WORDS, ruleOf } from "./project_rules.ts";
import { writeArtifact } from "./signing.ts";

/** A repository that was set up. */
export interface NewRepository {
  /** The command that did it. */
  readonly command: string;
  /** That command's flags. */
  readonly flags: Flags;
  /** Its name. */
  readonly gun: string;
  /** The canonical id of its root key. */
  readonly rootKeyId: string;
}

/**
 * Writes the file where `--write-config` or the user at the terminal says so; the path of what was written.
 *
 * @throws {TagsealError} `bad-input`, `exists`
 */
export async function offerProject(
  values: CommandValues<Flags> & { readonly writeConfig: boolean },
  host: Host,
  repository: NewRepository,
): Promise<string | undefined> {
  const there = values.project?.path;
  const path = there ?? host.path(PROJECT_FILE);
  const question =
    `${there === undefined ? "Write" : "Complete"} "${path}", so that commands know "${repository.gun}" ` +
    "and hold it to this root?";
  const isWanted = values.writeConfig || (!values.json && !values.yes && await host.confirm(question) === true);
  if (!isWanted) return undefined;
  const before = there === undefined ? undefined : fileText(await host.readFile(there, MAX_PROJECT_BYTES));
  const content = before === undefined ? {} : parseJson(utf8(before));
  const [next, needsName] = completed(isJsonObject(content) ? content : {}, path, values, host, repository);
  const bytes = utf8(`${JSON.stringify(next, undefined, indentOf(before))}\n`);
  contentOf({ path, bytes });
  await writeArtifact(host, path, bytes, before !== undefined);
  host.info(`"${path}" names "${repository.gun}" and its root key.`);
  if (needsName) {
    host.info(
      `What it says of servers, keys and CAs counts once it is named: --config ${shellLine(path)}, or TAGSEAL_CONFIG.`,
    );
  }
  return path;
}

function indentOf(before: string | undefined): string {
  return /^[ \t]+/m.exec(before ?? "")?.[0] ?? "  ";
}

/** The content with the repository in it, and whether it has what counts only in a file that is named. */
function completed(
  content: JsonObject,
  path: string,
  values: CommandValues<Flags>,
  host: Host,
  { command, flags, gun, rootKeyId }: NewRepository,
): [JsonObject, boolean] {
  const repositories = (content["repositories"] ?? []) as readonly string[];
  const pins = (content["pins"] ?? {}) as JsonObject;
  const { [gun]: _, [`${gun}/`]: __, ...otherPins } = pins; // a pin of the repository's root before this one
  const before = (content["defaults"] ?? {}) as JsonObject;
  const given = Object.values(flags).flatMap((flag) => {
    const value = givenTo(flag, command, path, values, host);
    const { long } = partsOf(flag.spec);
    return value === undefined || Object.hasOwn(before, long) ? [] : [[long, value, ruleOf(command, flag)] as const];
  });
  const defaults = { ...before, ...Object.fromEntries(given) };
  return [{
    ...content,
    repositories: repositories.includes(gun) ? repositories : [...repositories, gun],
    pins: { ...otherPins, [gun]: rootKeyId },
    ...Object.keys(defaults).length > 0 ? { defaults } : {},
  }, given.some(([long]) => !COUNT_AT_ONCE.has(long))];
}

/** What is taken from variables as well, and counts for signing wherever the file is found. */
const COUNT_AT_ONCE = new Set(["organization-id", "project-slug", "signing-policy-slug"]);

/** What was typed, or for SignPath's names what their variables say. */
function givenTo(
  flag: Flag<unknown>,
  command: string,
  path: string,
  { typed }: CommandValues<Flags>,
  host: Host,
): string | undefined {
  const { long, placeholder } = partsOf(flag.spec);
  const isOwn = flag.kind !== "text" || DIFFERENT_EVERYWHERE.has(long) || OWN_WORDS.has(long);
  if (isOwn || ruleOf(command, flag) === "never") return undefined;
  const given = typed[attributeOf(flag)];
  const variable = COUNT_AT_ONCE.has(long) && flag.variable !== undefined ? host.env(flag.variable) : undefined;
  const value = Array.isArray(given) ? given[0] as string : variable;
  if (value === undefined || !["file", "dir", "pem"].includes(placeholder)) return value;
  const within = relative(dirname(path), host.path(value)).replaceAll("\\", "/");
  return isAbsolute(within) || within === "" ? host.path(value) : within;
}
