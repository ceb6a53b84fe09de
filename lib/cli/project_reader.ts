/**
 * Reads a project file: strict JSON, held to the published schema, without secrets.
 *
 * @module
 */
import { Validator } from "@cfworker/json-schema";
import { fileText, utf8 } from "../bytes/bytes.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJson } from "../bytes/json.ts";
import { shown } from "../bytes/printable.ts";
import { messageOf, TagsealError } from "../errors.ts";
import { entryOf, folderOf, isAbsolute } from "../files/names.ts";
import type { NearestFile } from "../files/nearest.ts";
import { parseImageName } from "../registry/image_ref.ts";
import SCHEMA from "../../tagseal.schema.json" with { type: "json" };
import { type Schema, schemaMistake } from "./project_mistakes.ts";
import { attributeOf, type Flag, nameOf, partsOf, type Typed } from "./flags.ts";
import type { Host } from "./host.ts";
import { type Call, notBelieved, type Project, type Setting, sourceOf } from "./project.ts";
import { repositoriesFor, ruleOf } from "./project_rules.ts";
import { requireNoSecret } from "./project_secrets.ts";
import { isPrefix, parsePin } from "./root_pins.ts";

/** A key id of 64 digits is a pin; of 7 or more it names a signing key. */
const PIN_ID = /^[0-9a-f]{64}$/i;
const KEY_ID = /^[0-9a-f]{7,64}$/i;
const NAMED_AT_ONCE = 5;

/** What a file comes to for a call, which is told what it works on. @throws {TagsealError} `bad-input`, which says where; `usage` */
export async function readProject(file: NearestFile, wasNamed: boolean, call: Call, host: Host): Promise<Project> {
  const { path } = file;
  const content = contentOf(file);
  const isNamed = wasNamed || await isAgreedTo(projectFrom(content, path, false, call, host), call, host);
  const project = projectFrom(content, path, isNamed, call, host);
  const { repositories, settings, secrets } = project;
  if (!isNamed && secrets.length > 0) throw notBelieved("--repository", secrets, "/repositories", path);
  if (!isNamed && call.typed["requirePin"] !== undefined && settings.has("rootPin")) {
    host.warn(`--require-pin: the pins of "${path}" do not count, as it was only found; name it with --config`);
    return { ...project, settings: new Map([...settings].filter(([name]) => name !== "rootPin")) };
  }
  if (repositories.length > 1 && repositoriesFor(call.command, call.flags) === "one") {
    throw new TagsealError(
      "usage",
      `"${path}" lists ${repositories.length} repositories, and ${call.command} works on one`,
      {
        remedy: `Give --repository: ${repositories.slice(0, 10).join(", ")}${repositories.length > 10 ? ", …" : ""}`,
        details: { path },
      },
    );
  }
  if (repositories.length > 0) {
    const more = repositories.length - NAMED_AT_ONCE;
    const some = repositories.slice(0, NAMED_AT_ONCE).join(", ") + (more > 0 ? ` and ${more} more` : "");
    host.info(`Repositories of "${path}": ${some}`);
  }
  return project;
}

/** Whoever sits at the terminal and is shown what a found file sets can name it with a word. */
async function isAgreedTo(project: Project, call: Call, host: Host): Promise<boolean> {
  const doubted = Object.values(call.flags).flatMap((flag) => {
    const source = sourceOf(flag, call.typed, project, host);
    return source.kind === "file" && source.setting.needsName ? source.setting : [];
  });
  const { repositories, secrets } = project;
  const said = doubted.map(({ pointer, given }) =>
    `${pointer}: ${Array.isArray(given) ? given.join(" ") : given === true}`
  );
  if (secrets.length > 0) {
    said.push(`/repositories, whose hosts are sent ${secrets.join(" and ")}: ${repositories.join(" ")}`);
  }
  if (said.length === 0) return false;
  const question = `"${project.path}" was found, and sets what decides whom to trust or what is done (${
    said.join("; ")
  }). Use it this once?`;
  return await host.confirm(question) === true;
}

/** What a file's content comes to for a call. @throws {TagsealError} `bad-input` */
export function projectFrom(content: JsonObject, path: string, isNamed: boolean, call: Call, host: Host): Project {
  const settings = settingsOf(content, path, call);
  const pins = settings.get("rootPin")?.given;
  const isOverruled = Object.values(call.flags).some((flag) =>
    attributeOf(flag) === "rootPin" && sourceOf(flag, call.typed, undefined, host).kind !== "none"
  );
  const repositories = repositoriesOf(content, path, call);
  return {
    path,
    isNamed,
    repositories,
    secrets: repositories.length > 0 ? secretsFor(call, host) : [],
    overruledPins: isOverruled && Array.isArray(pins) ? pins.map(parsePin) : [],
    pinsOnlyNarrow: !isNamed && !isOverruled && pins !== undefined,
    settings: withRepository(settings, repositories, call),
  };
}

/**
 * Docker's config holds credentials for hosts by name. These belong to none: they go to the host that a repository's
 * name begins with, unless the server's address was given otherwise.
 */
const OF_NO_HOST = [["notaryUrl", "notaryPassword", "NOTARY_AUTH"], [
  "registryUrl",
  "registryPassword",
  "REGISTRY_AUTH",
]] as const;

function secretsFor({ flags, typed }: Call, host: Host): string[] {
  return OF_NO_HOST.flatMap(([address, password, variable]) => {
    const [of, secret] = [flags[address], flags[password]];
    if (!of || !secret || sourceOf(of, typed, undefined, host).kind !== "none") return [];
    if (typed[attributeOf(secret)] !== undefined) return nameOf(secret.spec);
    return host.env(variable) === undefined ? [] : variable;
  });
}

/** What a file holds, once it is JSON without secrets that the schema allows. @throws {TagsealError} `bad-input` */
export function contentOf({ path, bytes }: NearestFile): JsonObject {
  let source = "";
  let value: JsonValue;
  try {
    source = fileText(bytes); // PowerShell writes marks, and UTF-16
    value = parseJson(utf8(source));
  } catch (error) {
    throw new TagsealError("bad-input", `"${path}" is not JSON: ${inLine(messageOf(error), source)}`, {
      remedy: "Mend the file; comments, trailing commas and members that stand there twice are no JSON",
      details: { path },
    });
  }
  requireNoSecret(path, value);
  const { valid, errors } = new Validator(partFor(value), "2020-12", true).validate(value);
  if (!valid || !isJsonObject(value)) throw schemaMistake(path, errors, SCHEMA as Schema);
  return value;
}

/** The schema without flags and commands that a file does not name: a validator takes its time for each of them. */
function partFor(value: JsonValue): object {
  const { properties, ...rest } = SCHEMA;
  const content = object(isJsonObject(value) ? value : {});
  const commands = object(content["commands"]);
  const named = new Set(
    [content["defaults"], ...Object.values(commands)].flatMap((flags) => Object.keys(object(flags))),
  );
  const only = <T extends { readonly properties: object }>(schema: T, isWanted: (name: string) => boolean) => ({
    ...schema,
    properties: Object.fromEntries(Object.entries(schema.properties).filter(([name]) => isWanted(name))),
  });
  const { defaults, commands: ofCommands } = properties;
  const wanted = only(ofCommands, (name) => Object.hasOwn(commands, name));
  const parts = Object.entries(wanted.properties).map((
    [name, flags],
  ) => [name, only(flags, (flag) => named.has(flag))]);
  return {
    ...rest,
    properties: {
      ...properties,
      defaults: only(defaults, (flag) => named.has(flag)),
      commands: { ...wanted, properties: Object.fromEntries(parts) },
    },
  };
}

/** The place in lines, as editors count, instead of characters. */
function inLine(said: string, source: string): string {
  const [, what, position] = /^(.*) at position (\d+)$/s.exec(said) ?? [];
  if (what === undefined) return said;
  const before = source.slice(0, Number(position)).split("\n");
  return `${what.slice(0, 100)} in line ${before.length}, column ${before.at(-1)!.length + 1}`;
}

function settingsOf(content: JsonObject, path: string, { command, flags }: Call): Map<string, Setting> {
  const commands = object(content["commands"]);
  const [own, shared] = [object(commands[command]), object(content["defaults"])];
  return new Map(
    Object.values(flags).flatMap((flag) => {
      const { long } = partsOf(flag.spec);
      const places = [
        [own[long], `/commands/${command}/${long}`],
        [long === "scheme" ? content["schemes"] : undefined, "/schemes"],
        [shared[long], `/defaults/${long}`],
      ] as const;
      const [value, pointer] = long === "root-pin"
        ? [content["pins"], "/pins"] as const
        : places.find(([value]) => value !== undefined) ?? [];
      const rule = ruleOf(command, flag);
      if (value === undefined || pointer === undefined || rule === "never") return [];
      const given = long === "root-pin" ? pinsOf(object(value), path) : typedAs(flag, command, value, path);
      const needsName = rule === "named" && given !== undefined; // what stays off decides nothing
      return given === "nothing" ? [] : [[attributeOf(flag), { given, pointer, needsName }] as const];
    }),
  );
}

function object(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function texts(value: JsonValue): string[] {
  return [value].flat().map(String);
}

/** A value as it would be typed; the schema has seen to its kind. */
function typedAs(flag: Flag<unknown>, command: string, value: JsonValue, path: string): Setting["given"] | "nothing" {
  switch (flag.kind) {
    case "toggle":
      return value === true ? true : undefined;
    case "pairs":
      return Object.entries(object(value)).map(([name, text]) => `${name}=${text}`);
    case "list": {
      // Where tags of content trust are carried over, it is the other schemes that are meant.
      const words = texts(value).filter((word) => command !== "migrate" || word !== "dct");
      return words.length === 0 ? "nothing" : [words.join(",")];
    }
    default:
      return [pathOf(flag, String(value), path)];
  }
}

/** Paths of the file are those of its folder. */
function pathOf({ spec }: Flag<unknown>, value: string, path: string): string {
  const { placeholder } = partsOf(spec);
  const isPath = ["file", "dir", "pem"].includes(placeholder) || (placeholder === "file|id" && !KEY_ID.test(value));
  return isPath ? besides(path, value) : value;
}

function besides(path: string, value: string): string {
  const folder = folderOf(path);
  return folder === undefined || isAbsolute(value) ? value : entryOf(folder, value.replace(/^(?:\.[/\\]+)+/, ""));
}

function pinsOf(pins: JsonObject, path: string): string[] {
  const seen = new Map<string, string>();
  return Object.entries(pins).flatMap(([prefix, value]) => {
    const bare = prefix.replace(/\/$/, "");
    const pointer = `/pins/${prefix.replaceAll("~", "~0").replaceAll("/", "~1")}`;
    const twin = seen.get(bare);
    if (twin !== undefined || (prefix !== "*" && !isPrefix(prefix))) {
      const what = twin === undefined
        ? `"${shown(prefix, 100)}" cannot begin a repository's name`
        : `"${twin}" and "${prefix}" are the same prefix, and have pins each`;
      throw new TagsealError("bad-input", `${what} (${pointer} in "${path}")`, {
        remedy: 'Write a name or how it begins, each once, "*" for all; several pins of one prefix as a list',
        details: { path, pointer },
      });
    }
    seen.set(bare, prefix);
    const pins = texts(value).map((pin) => PIN_ID.test(pin) ? pin : besides(path, pin));
    return pins.map((pin) => prefix === "*" ? pin : `${prefix}=${pin}`);
  });
}

/** The repositories that the command works on as nothing was typed that names any. */
function repositoriesOf(content: JsonObject, path: string, { command, flags, typed }: Call): readonly string[] {
  const many = repositoriesFor(command, flags);
  if (many === undefined || namesWork(command, typed)) return [];
  const names = [...new Set(texts(content["repositories"] ?? []))];
  for (const [i, name] of names.entries()) {
    try {
      parseImageName(name);
    } catch (error) {
      throw new TagsealError("bad-input", `${messageOf(error)} (/repositories/${i} in "${path}")`, {
        remedy: "Write full names without tag, such as registry.example.com/team/app",
        details: { path, pointer: `/repositories/${i}` },
      });
    }
  }
  return names;
}

/** Commands that are told by a repository's name what of an export they are about; others take all that a file holds. */
const ONE_OF_EXPORT = ["verify", "migrate"];

function namesWork(command: string, typed: Typed): boolean {
  const isFile = !ONE_OF_EXPORT.includes(command);
  return ["repository", "repositoriesFrom", "printArtifactConfiguration", ...isFile ? ["from"] : []]
    .some((name) => typed[name] !== undefined);
}

function withRepository(
  settings: Map<string, Setting>,
  repositories: readonly string[],
  { flags }: Call,
): Map<string, Setting> {
  const isList = flags["repository"]?.kind === "list";
  if (repositories.length === 1 || (isList && repositories.length > 0)) {
    settings.set("repository", { given: repositories, pointer: "/repositories", needsName: false });
  }
  return settings;
}
