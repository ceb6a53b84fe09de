/**
 * `tagseal.schema.json`, the JSON Schema of project files, from the commands themselves. `deno task sync` writes it, and a
 * test fails where something else stands there.
 *
 * @module
 */
import { globalFlags } from "../lib/cli/common_flags.ts";
import type { Command } from "../lib/cli/command.ts";
import { type Flag, partsOf } from "../lib/cli/flags.ts";
import { DIFFERENT_EVERYWHERE, OWN_WORDS, ruleOf } from "../lib/cli/project_rules.ts";
import { SCHEMES } from "../lib/cli/scheme_flag.ts";
import { COMMANDS } from "./commands.ts";

const TEXT = { type: "string", minLength: 1 };
const MAX_REPOSITORIES = 10_000;

/** The schema. */
export async function projectSchema(): Promise<object> {
  const commands = await Promise.all(
    Object.entries(COMMANDS).map(async ([name, entry]) =>
      [name, settable(name, (await entry.load()).command)] as const
    ),
  );
  const all = commands.flatMap(([, flags]) => flags).filter(([long]) =>
    !DIFFERENT_EVERYWHERE.has(long) && !OWN_WORDS.has(long)
  );
  const shared = new Set(all.map(([long]) => long));
  const referring = ([long, value]: readonly [string, object]) =>
    [long, shared.has(long) ? { $ref: `#/properties/defaults/properties/${long}` } : value] as const;
  const spared = (await Promise.all(Object.values(COMMANDS).map(({ load }) => load())))
    .flatMap(({ command }) => Object.values({ ...command.flags, ...globalFlags }))
    .map(({ spec }) => partsOf(spec).long)
    .filter((long) => !shared.has(long) && !OWN_WORDS.has(long) && !DIFFERENT_EVERYWHERE.has(long));
  const own = commands.filter(([, flags]) => flags.length > 0);
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "tagseal.json",
    "x-of-a-single-call": [...new Set(spared)].sort(),
    description: "Project file of tagseal: what flags stand for where neither they nor their variables are given.",
    ...closed({
      $schema: { type: "string", description: "Where this schema is, for editors." },
      repositories: {
        description: "What commands work on that are given no repository; full names without tag.",
        ...list({ ...TEXT, maxLength: 255 }),
        maxItems: MAX_REPOSITORIES,
      },
      pins: {
        description:
          "By repository, by how names of repositories begin, or by * for all: what root must hold, a key id or " +
          "a certificate file. The longest beginning counts; of several pins one must hold.",
        type: "object",
        additionalProperties: { anyOf: [TEXT, list(TEXT)] },
      },
      schemes: { description: "Kinds of signatures (--scheme).", ...list({ enum: SCHEMES }) },
      defaults: { description: "Flags of all commands that have them.", ...closed(Object.fromEntries(sorted(all))) },
      commands: {
        description: "Flags of one command, which go before the defaults.",
        ...closed(
          Object.fromEntries(
            own.map(([name, flags]) => [name, closed(Object.fromEntries(sorted(flags).map(referring)))]),
          ),
        ),
      },
    }),
  };
}

/** The file's text, as `deno fmt` leaves it. */
export async function schemaText(): Promise<string> {
  return `${JSON.stringify(await projectSchema(), undefined, 2)}\n`;
}

function settable(name: string, { flags }: Command): (readonly [string, object])[] {
  return Object.values(flags).flatMap((flag) => {
    const { long } = partsOf(flag.spec);
    return ruleOf(name, flag) === "never" || long === "root-pin" ? [] : [[long, valueOf(flag)] as const];
  });
}

function sorted<T>(entries: readonly (readonly [string, T])[]): (readonly [string, T])[] {
  return [...entries].sort(([a], [b]) => a < b ? -1 : 1);
}

function closed(properties: object): object {
  return { type: "object", additionalProperties: false, properties };
}

function list(items: object): object {
  return { type: "array", minItems: 1, items };
}

function valueOf({ kind, choices, help }: Flag<unknown>): object {
  const description = help;
  switch (kind) {
    case "toggle":
      return { description, type: "boolean" };
    case "seconds":
      return { description, type: "integer", minimum: 0, maximum: 9_999_999 };
    case "days":
      return { description, type: "integer", minimum: 0, maximum: 99_999 };
    case "pairs":
      return { description, type: "object", additionalProperties: TEXT };
    case "list":
      return { description, ...list(choices ? { enum: choices } : { ...TEXT, pattern: "^[^,]+$" }) };
    case "text":
      return { description, ...choices ? { enum: choices } : TEXT };
  }
}
