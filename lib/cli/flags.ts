/**
 * Flags as data: one table that parsing, help and REFERENCE.md are made from. Each flag knows its type, so that a
 * command reads `values.repository` and never a string key.
 *
 * @module
 */
import { fileText } from "../bytes/bytes.ts";
import { TagsealError } from "../errors.ts";
import type { Host } from "./host.ts";

/** A text, several of them separated by commas, nothing but on or off, whole seconds or days, or texts by name. */
export type ValueKind = "text" | "list" | "toggle" | "seconds" | "days" | "pairs";

/** A flag and how its value is read. */
export interface Flag<T> {
  /** As help shows it: `-r, --repository <fqn>`. */
  readonly spec: string;
  /** One line for `--help`. */
  readonly help: string;
  /** The variable that is read where the flag is not given. */
  readonly variable?: string;
  /** Its value is a secret, unless it names where that is. */
  readonly secret?: boolean;
  /** What its value is made of, in a project file as well. */
  readonly kind: ValueKind;
  /** What counts where nothing is given, as it would be typed. */
  readonly standard?: string;
  /** What to do where it is missing and needed, if "give it" does not say all. */
  readonly remedy?: string;
  /** All values that there are, where they are a few words. */
  readonly choices?: readonly string[];
  /** The value from what stands on the command line (and the variable). */
  read(given: readonly string[] | boolean | undefined, host: Host): T | Promise<T>;
}

/** A command's flags by the name its code uses. */
// deno-lint-ignore no-explicit-any -- each flag has a type of its own
export type Flags = Readonly<Record<string, Flag<any>>>;

/** The values of a command's flags. */
export type Values<F extends Flags> = { readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never };

/** The one value of a flag. @throws {TagsealError} `usage` where there are two: one of them would be left undone unsaid */
function single(spec: string, given: readonly string[] | boolean | undefined): string | undefined {
  if (!Array.isArray(given)) return undefined;
  const [value] = given;
  if (given.every((other) => other === value)) return value;
  const name = nameOf(spec);
  throw new TagsealError("usage", `${name} is given twice`, {
    remedy: name === "--repository" ? "Give it once; several repositories go into a file" : "Give it once",
  });
}

/** `--repository` of `-r, --repository <fqn>`. */
export function nameOf(spec: string): string {
  return `--${partsOf(spec).long}`;
}

/** A flag as it is parsed: its names without dashes, and whether a value follows. */
export interface FlagParts {
  /** As the table has it. */
  readonly spec: string;
  /** `repository` of `-r, --repository <fqn>`. */
  readonly long: string;
  /** `r` of the same. */
  readonly short: string | undefined;
  /** Whether it ends in `<…>`. */
  readonly takesValue: boolean;
  /** `fqn` of the same; "" where no value follows. */
  readonly placeholder: string;
}

/** Takes a flag's spec apart. */
export function partsOf(spec: string): FlagParts {
  const [, short, long = ""] = /^(?:-(\w), )?--([a-z0-9-]+)/.exec(spec) ?? [];
  const [, placeholder = ""] = /<(.*)>$/.exec(spec) ?? [];
  return { spec, long, short, takesValue: spec.includes("<"), placeholder };
}

/** What stands on a command line: values (or `true`) by {@linkcode attributeOf} of their flags. */
export type Typed = Readonly<Record<string, readonly string[] | boolean | undefined>>;

/** The name of a long flag, as code writes it. */
export function camelCase(long: string): string {
  return long.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** By what a flag's values are filed. */
export function attributeOf({ spec }: Pick<Flag<unknown>, "spec">): string {
  return camelCase(partsOf(spec).long);
}

/** By what the project file's name is filed, which every command takes. */
const CONFIG = { spec: "--config <file>" };

/**
 * Those of `flags` that were typed, as words to type again, and the project file, by which a command goes as well; a
 * secret only where it names where that is.
 */
export function retyped(flags: Flags, typed: Typed): string[] {
  const all: readonly Pick<Flag<unknown>, "spec" | "secret">[] = [...Object.values(flags), CONFIG];
  return all.flatMap((flag) => {
    const given = typed[attributeOf(flag)];
    if (given === true) return [nameOf(flag.spec)];
    if (!Array.isArray(given)) return [];
    const values = given.filter((value) => !flag.secret || /^(env|file):/.test(value));
    return values.flatMap((value) => [nameOf(flag.spec), value]);
  });
}

/** What stands before the "@" of an address is a secret like any other, as it was typed and as it is meant. */
function passwordsIn(value: string = ""): string[] {
  const [, before] = /:\/\/([^/?#]*)@/.exec(value) ?? [];
  const password = before?.slice(before.indexOf(":") + 1) ?? "";
  return [password, URL.canParse(value) ? decoded(password) : ""].filter(Boolean);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** A text that may be left out. */
export function text(spec: string, help: string, variable?: string): Flag<string | undefined> {
  return {
    spec,
    help,
    kind: "text",
    ...(variable ? { variable } : {}),
    read(given, host) {
      const value = single(spec, given) ?? (variable ? host.env(variable) : undefined);
      passwordsIn(value).forEach((password) => host.secret(password));
      if (value !== "") return value;
      // A variable that is not set in CI: quietly falling back to the standard could reach another server.
      throw new TagsealError("usage", `${nameOf(spec)} is empty`, {
        remedy: `Give ${nameOf(spec)} a value, or leave it out`,
      });
    },
  };
}

/** A text that must be there, on the command line or in its variable. */
export function required(spec: string, help: string, variable?: string): Flag<string> {
  const optional = text(spec, help, variable);
  return { ...optional, read: async (given, host) => requireGiven(optional, await optional.read(given, host)) };
}

/**
 * The value of a flag that is needed after all, as other flags are.
 *
 * @throws {TagsealError} `usage`
 */
export function requireGiven<T>({ spec, variable, remedy }: Flag<T | undefined>, value: T | undefined): T {
  if (value !== undefined) return value;
  throw new TagsealError("usage", `${nameOf(spec)} is missing`, {
    remedy: remedy ?? `Give ${nameOf(spec)}${variable ? `, or set ${variable}` : ""}; --help shows how`,
  });
}

/** `flag`, of which the command wants to know whether it was given: without its standard value. */
export function ifGiven<T>(flag: Flag<T>): Flag<T | undefined> {
  const { standard: _, ...rest } = flag;
  return { ...rest, read: (given, host) => given === undefined ? undefined : flag.read(given, host) };
}

/** One of a few words. */
export function choice<T extends string>(spec: string, help: string, words: readonly [T, ...T[]]): Flag<T> {
  const told = words.every((word) => help.includes(word)) ? help : `${help}: ${words.join(", ")}`;
  const flag = text(spec, `${told} (${words[0]})`);
  return {
    ...flag,
    choices: words,
    standard: words[0],
    async read(given, host) {
      const value = await flag.read(given, host) ?? words[0];
      const word = words.find((each) => each === value);
      if (word !== undefined) return word;
      throw new TagsealError("usage", `${nameOf(spec)} cannot be "${value.slice(0, 40)}"`, {
        remedy: `Give ${nameOf(spec)} ${words.join(" or ")}`,
      });
    },
  };
}

/** A list: repeated, or separated by commas. */
export function list(spec: string, help: string): Flag<string[]> {
  return {
    spec,
    help,
    kind: "list",
    read: (given) =>
      (Array.isArray(given) ? given : []).flatMap((value) => value.split(",")).map((value) => value.trim())
        .filter(Boolean),
  };
}

/** Something that is on or off. */
export function toggle(spec: string, help: string): Flag<boolean> {
  return { spec, help, kind: "toggle", read: (given) => given === true };
}

/** A span of time in seconds, as milliseconds. */
export function seconds(spec: string, help: string, standard: number): Flag<number> {
  return {
    spec,
    help: `${help} (${standard})`,
    kind: "seconds",
    standard: String(standard),
    read(given) {
      const value = single(spec, given) ?? String(standard);
      if (/^\d{1,7}$/.test(value)) return Number(value) * 1000;
      throw new TagsealError("usage", `${nameOf(spec)} wants whole seconds, not "${value.slice(0, 40)}"`, {
        remedy: `Give a number, for example ${nameOf(spec)} ${standard}`,
      });
    },
  };
}

/** A span of time in whole days, which may be left out. */
export function days(spec: string, help: string): Flag<number | undefined> {
  return {
    spec,
    help,
    kind: "days",
    read(given) {
      const value = single(spec, given);
      if (value === undefined) return undefined;
      if (/^\d{1,5}$/.test(value)) return Number(value);
      throw new TagsealError("usage", `${nameOf(spec)} wants whole days, not "${value.slice(0, 40)}"`, {
        remedy: `Give a number, for example ${nameOf(spec)} 90`,
      });
    },
  };
}

/** `name=value` pairs. */
export function pairs(spec: string, help: string): Flag<Map<string, string>> {
  return {
    spec,
    help,
    kind: "pairs",
    read(given) {
      const entries = new Map<string, string>();
      for (const pair of Array.isArray(given) ? given : []) {
        const [, name, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
        if (name === undefined || value === undefined) {
          throw new TagsealError("usage", `${nameOf(spec)} wants name=value, not "${pair.slice(0, 60)}"`, {
            remedy: `For example ${nameOf(spec)} ${spec.includes("digest") ? "v1=sha256:…" : "version=1.2"}`,
          });
        }
        if ((entries.get(name) ?? value) !== value) {
          throw new TagsealError(
            "usage",
            `${nameOf(spec)} is given twice for "${name.slice(0, 60)}", and not the same`,
            {
              remedy: "Leave one out",
            },
          );
        }
        entries.set(name, value);
      }
      return entries;
    },
  };
}

/** A secret: `env:NAME`, `file:PATH`, `-` for stdin, or the value itself, with a warning. */
export function secret(spec: string, help: string, variable?: string): Flag<string | undefined> {
  return {
    spec,
    help: `${help}; env:NAME, file:PATH or - (stdin)`,
    kind: "text",
    secret: true,
    ...(variable ? { variable } : {}),
    async read(given, host) {
      const value = single(spec, given);
      if (value === undefined) return variable ? host.secret(host.env(variable), variable) : undefined;
      const resolved = await resolveSecret(nameOf(spec), value, host);
      if (resolved !== "") return host.secret(resolved);
      throw new TagsealError("usage", `The secret of ${nameOf(spec)} is empty`, {
        remedy: "Check the variable, file or pipe that it comes from",
      });
    },
  };
}

/** What people call variables; nothing else is repeated, as it may be a secret. */
const VARIABLE = /^[A-Z]+(?:_[A-Z0-9]+)*$/;
const MAX_SECRET_BYTES = 64 * 1024;

async function resolveSecret(flag: string, value: string, host: Host): Promise<string> {
  if (value === "-") return (await host.readStdin()).replace(/\r?\n$/, "");
  if (value.startsWith("file:")) {
    const path = value.slice(5);
    // With a "$" too many this is the secret: the error that there is no such file must not repeat it.
    const bytes = await host.readFile(path, MAX_SECRET_BYTES).catch((error) => {
      host.secret(path);
      throw error;
    });
    return fileText(bytes, false).replace(/\r?\n$/, "");
  }
  if (value.startsWith("env:")) {
    const name = value.slice(4);
    const found = host.secret(host.env(name), name);
    if (found) return found;
    if (VARIABLE.test(name)) {
      throw new TagsealError("usage", `${flag} names the variable ${name}, which is not set`, {
        remedy: `Set ${name}, or name another one`,
      });
    }
    host.secret(name);
    throw new TagsealError("usage", `${flag} names no variable that is set`, {
      remedy: 'Write the variable\'s name behind "env:", without "$". What stands there now is not repeated here: it ' +
        "could be the secret itself",
    });
  }
  host.warn(
    `${flag}: a secret on the command line can be read by every user of this machine; use env:NAME or file:PATH`,
  );
  return value;
}
