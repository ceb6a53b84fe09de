/** Command lines are read as the platform's own parser reads them. */
import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import { type FlagWord, tokensOf } from "../../lib/cli/words.ts";

const FLAGS: readonly FlagWord[] = [
  { long: "repository", short: "r", takesValue: true },
  { long: "tag", short: "t", takesValue: true },
  { long: "json", takesValue: false },
  { long: "help", short: "h", takesValue: false },
  { long: "verbose", short: "v", takesValue: false },
];

function byPlatform(args: readonly string[]): ReturnType<typeof tokensOf> {
  const options = Object.fromEntries(
    FLAGS.map(({ long, short, takesValue }) => [
      long,
      { type: takesValue ? "string" as const : "boolean" as const, ...(short ? { short } : {}) },
    ]),
  );
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true });
  return {
    options: tokens.flatMap(({ kind, ...token }) => {
      if (kind !== "option") return [];
      const { name, rawName, value, inlineValue, index } = token as ReturnType<typeof tokensOf>["options"][number];
      return { name, rawName, value, inlineValue, index };
    }),
    values: tokens.flatMap((token) => token.kind === "positional" ? { value: token.value, index: token.index } : []),
  };
}

/** What command lines are made of: flags whole, short, cut, unknown, with values and without, and every odd word. */
const WORDS: readonly string[] = [
  ...[
    "--repository",
    "--repository=a",
    "--repository=",
    "--tag",
    "--tag=x=y",
    "--json",
    "--json=yes",
    "--help",
    "--none",
  ],
  ...[
    "--none=1",
    "--no-json",
    "--=",
    "--=x",
    "--==",
    "---",
    "---x",
    "--r",
    "--",
    "-",
    "",
    "=",
    "a",
    "a=b",
    "--tag ",
    "é",
  ],
  ...[
    "-r",
    "-ra",
    "-r=a",
    "-t",
    "-h",
    "-hv",
    "-hvr",
    "-hvra",
    "-rh",
    "-x",
    "-xr",
    "-hx",
    "-hxt",
    "-v=1",
    "-é",
    "-r-",
  ],
  ...["-h=", "- ", "-1", "__proto__", "--__proto__", "--constructor", "-rv--", "-hh"],
];

Deno.test("words: as the platform reads them, each alone and each pair", () => {
  for (const a of WORDS) {
    assert.deepEqual(tokensOf([a], FLAGS), byPlatform([a]), a);
    for (const b of WORDS) assert.deepEqual(tokensOf([a, b], FLAGS), byPlatform([a, b]), `${a} ${b}`);
  }
});

Deno.test("words: as the platform reads them, thousands of lines", () => {
  let seed = 7;
  const next = (below: number) => (seed = (seed * 48271) % 2147483647) % below;
  for (let line = 0; line < 5_000; line++) {
    const args = Array.from({ length: 3 + next(6) }, () => WORDS[next(WORDS.length)]!);
    assert.deepEqual(tokensOf(args, FLAGS), byPlatform(args), JSON.stringify(args));
  }
});

Deno.test("words: a dash among letters ends nothing", () => {
  const rows = tokensOf(["-h-v", "x"], FLAGS);
  assert.deepEqual(rows.options.map(({ name }) => name), ["help", "-", "verbose"]);
  assert.deepEqual(rows.values, [{ value: "x", index: 1 }]);
});
