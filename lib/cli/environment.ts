/** `tagseal env`: what flags and variables come to, and where each value is from; secrets are told of and never shown. @module */
import type { JsonObject } from "../bytes/json.ts";
import type { Command, CommandEntry } from "./command.ts";
import { attributeOf, type Flag, type Flags, nameOf } from "./flags.ts";
import { wrapped } from "./help.ts";
import type { Host } from "./host.ts";
import { nearest } from "./nearest.ts";
import { SECRETS } from "./needs.ts";
import { PROXY_VARIABLES } from "../http/proxy.ts";
import { findProject } from "./open_project.ts";
import { type Project, type Source, sourceOf } from "./project.ts";
import { contentOf, projectFrom } from "./project_reader.ts";

/** A variable. */
export interface VariableFact {
  /** Its name. */
  readonly name: string;
  /** Whether it is set; an empty one is not. */
  readonly isSet: boolean;
  /** What it holds, unless that is a secret. */
  readonly value: string | null;
}

/** A flag for some commands. */
export interface FlagFact {
  /** `--notary-url`. */
  readonly flag: string;
  /** The commands for which it comes to this. */
  readonly commands: readonly string[];
  /** What it comes to, as it would be typed; `null` where nothing is given, or a secret. */
  readonly value: string | null;
  /** Where that is from. */
  readonly source: "flag" | "variable" | "file" | "default" | "none";
  /** The variable that counts. */
  readonly variable?: string;
  /** Where it stands in the project file. */
  readonly pointer?: string;
  /** `false` for what counts only once the file is named: commands that need it stop. */
  readonly counts?: boolean;
}

/** All that is known. */
export interface Environment {
  /** The project file, where there is one. */
  readonly projectFile?: { readonly path: string; readonly isNamed: boolean };
  /** All variables that some command reads. */
  readonly variables: readonly VariableFact[];
  /** All flags. */
  readonly flags: readonly FlagFact[];
  /** Variables that no command reads, with the name that was probably meant. */
  readonly unknown: readonly { readonly name: string; readonly meant: string | null }[];
}

/** What is asked. */
export interface Question {
  /** Loaded commands by name. */
  readonly commands: ReadonlyMap<string, { readonly entry: CommandEntry; readonly command: Command }>;
  /** The flags of every command. */
  readonly common: Flags;
  /** All variables that some command reads. */
  readonly variables: readonly string[];
  /** What was typed; it counts for the flags of every command. */
  readonly typed: Parameters<typeof sourceOf>[1];
}

/** Looks all of it up; nothing is called, opened or asked. @throws {TagsealError} `bad-input`, `not-found` for the project file */
export async function environmentOf(
  { commands, common, variables, typed }: Question,
  host: Host,
): Promise<Environment> {
  const file = await findProject({ typed, needs: ["variables"] }, host);
  const content = file && contentOf(file);
  const facts: FlagFact[] = [];
  for (const [name, { entry, command }] of commands) {
    const call = { command: name, needs: entry.needs, flags: command.flags, typed };
    const project = file && projectFrom(content as JsonObject, file.path, file.isNamed, call, host);
    for (const flag of Object.values(command.flags)) facts.push(factOf(flag, [name], typed, project, host));
  }
  for (const flag of Object.values(common)) facts.push(factOf(flag, [], typed, undefined, host));
  return {
    ...file ? { projectFile: { path: file.path, isNamed: file.isNamed } } : {},
    variables: variables.toSorted().map((name) => variableFact(name, host)),
    flags: joined(facts).toSorted((a, b) => a.flag < b.flag ? -1 : a.flag > b.flag ? 1 : 0),
    unknown: unknownVariables(variables, host),
  };
}

function variableFact(name: string, host: Host): VariableFact {
  const value = host.env(name);
  if (value !== undefined && SECRETS.includes(name)) host.secret(value);
  return {
    name,
    isSet: value !== undefined,
    value: value === undefined || SECRETS.includes(name) ? null : shown(value, PROXY_VARIABLES.includes(name)),
  };
}

/** Addresses may hold a password, with whatever characters; those of proxies need no scheme. */
function shown(value: string, isAddress = false): string {
  return value.replace(isAddress ? /^([a-z][a-z0-9+.-]*:\/\/)?.*@/is : /(:\/\/).*@/s, "$1***@");
}

function factOf(
  flag: Flag<unknown>,
  commands: readonly string[],
  typed: Question["typed"],
  project: Project | undefined,
  host: Host,
): FlagFact {
  const fact = { flag: nameOf(flag.spec), commands };
  const repositories = attributeOf(flag) === "repository" ? project?.repositories ?? [] : [];
  if (project && repositories.length > 0) {
    const isLost = !project.isNamed && project.secrets.length > 0;
    const value = repositories.join(" ");
    return { ...fact, value, source: "file", pointer: "/repositories", ...isLost ? { counts: false } : {} };
  }
  const source = sourceOf(flag, typed, project, host);
  const value = valueOf(flag, source, typed, host);
  switch (source.kind) {
    case "flag":
      return { ...fact, value, source: "flag" };
    case "variable":
      return { ...fact, value, source: "variable", variable: source.variable };
    case "file": {
      const isLost = source.setting.needsName && !project?.isNamed;
      return { ...fact, value, source: "file", pointer: source.setting.pointer, ...isLost ? { counts: false } : {} };
    }
    case "none":
      return { ...fact, value, source: flag.standard === undefined && flag.kind !== "toggle" ? "none" : "default" };
  }
}

function valueOf(flag: Flag<unknown>, source: Source, typed: Question["typed"], host: Host): string | null {
  if (flag.secret) return null;
  const given = source.kind === "flag"
    ? typed[attributeOf(flag)]
    : source.kind === "variable"
    ? [host.env(source.variable)!]
    : source.kind === "file"
    ? source.setting.given
    : flag.standard === undefined
    ? undefined
    : [flag.standard];
  if (Array.isArray(given)) return given.map((value) => shown(value)).join(" ");
  return flag.kind === "toggle" ? given === true ? "on" : "off" : null;
}

/** Flags that come to the same for several commands, once. */
function joined(facts: readonly FlagFact[]): FlagFact[] {
  const found = new Map<string, FlagFact>();
  for (const { commands, ...fact } of facts) {
    const key = JSON.stringify(fact);
    const before = found.get(key);
    found.set(key, { ...fact, commands: [...before?.commands ?? [], ...commands] });
  }
  return [...found.values()];
}

/** What all variables of tagseal begin with, and what other variables that it reads do. */
const OURS = "TAGSEAL_";
const ALIKE = /^(?:NOTARY|REGISTRY|SIGNPATH|DOCKER)_/;
/** Set by tasks, and by tests. */
const INSIDE = new Set(["TAGSEAL_CWD", "TAGSEAL_REQUIRE_PEERS", "TAGSEAL_VERIFIERS"]);

function unknownVariables(known: readonly string[], host: Host): Environment["unknown"] {
  const others = host.variableNames().filter((name) =>
    !known.includes(name) && !INSIDE.has(name) && host.env(name) !== undefined
  );
  return others.toSorted().flatMap((name) => {
    const meant = nearest(name, known);
    const isTold = name.startsWith(OURS) || (ALIKE.test(name) && meant !== undefined && host.env(meant) === undefined);
    return isTold ? [{ name, meant: meant ?? null }] : [];
  });
}

/** The same for people, as lines of `width` characters wherever words allow it. */
export function environmentLines({ projectFile, variables, flags }: Environment, width: number): string[] {
  const isAlone = ({ flag }: FlagFact) => flags.filter((other) => other.flag === flag).length === 1;
  const path = projectFile?.path ?? "";
  return [
    projectFile ? `Project file: ${path}${projectFile.isNamed ? "" : " (found, not named)"}` : "Project file: none",
    "",
    ...columns(variables.map((fact) => [fact.name, ofVariable(fact)]), width),
    "",
    ...columns(flags.map((fact) => [fact.flag, ofFlag(fact, path) + (isAlone(fact) ? "" : forWhom(fact))]), width),
  ];
}

/** Where two columns have no room side by side, words go below each other all the same. */
const MIN_WIDTH = 20;

function columns(rows: readonly (readonly [string, string])[], width: number): string[] {
  const terms = Math.max(...rows.map(([term]) => term.length));
  return rows.flatMap(([term, text]) =>
    wrapped(text, Math.max(MIN_WIDTH, width - terms - 4)).map((line, i) =>
      `  ${(i === 0 ? term : "").padEnd(terms)}  ${line}`
    )
  );
}

const HIDDEN = "set, not shown";

function ofVariable({ isSet, value }: VariableFact): string {
  return isSet ? value === null ? HIDDEN : value : "not set";
}

function ofFlag({ value, source, variable, pointer, counts }: FlagFact, path: string): string {
  const told = value === null ? HIDDEN : value;
  switch (source) {
    case "none":
      return "not given";
    case "default":
      return `${told} (default)`;
    case "flag":
      return `${told} (typed)`;
    case "variable":
      return `${told} (${variable})`;
    case "file": {
      const where = `${path.slice(path.search(/[^/\\]*$/))} ${pointer}`;
      return counts === false ? `${told} (${where}, once the file is named)` : `${told} (${where})`;
    }
  }
}

function forWhom({ commands }: FlagFact): string {
  return ` for ${commands.join(", ")}`;
}
