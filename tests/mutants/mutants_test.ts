import assert from "node:assert/strict";
import { join } from "node:path";
import { judge } from "./judge.ts";
import { describe, type Mutant } from "./mutants.ts";
import { changesOf } from "./operators.ts";
import { Tests, tryMutants } from "./run.ts";
import { mutated } from "./schemata.ts";

/** What becomes of the lines of a function that are changed. */
function changed(source: string): string[] {
  return changesOf("x.ts", source).map(({ start, end, text }) => `${source.slice(start, end)} => ${text ?? "nothing"}`);
}

Deno.test("mutants: comparisons, conditions, defaults, statements, numbers, words of protocols and patterns are changed", () => {
  const rows: readonly (readonly [source: string, changes: readonly string[]])[] = [
    ["if (a < b) f(c);", ["a < b => true", "a < b => false", "a < b => a <= b", "f(c); => nothing"]],
    ["if (a && !b) return;", ["a && !b => false", "a => true", "!b => true"]],
    ["return a || b.c;", ["a || b.c => true", "a => false", "b.c => false"]],
    ["return a === 'x';", ["a === 'x' => true", "a === 'x' => false"]],
    ["return a ?? b;", ["a ?? b => a", "a ?? b => b"]],
    ["return a ? b : c;", ["a => true", "a => false"]],
    ["while (a) b = c;", ["a => false", "b = c; => nothing"]],
    ["return [5, 1000, 2 ** 10, 0];", [
      ...["5 => 6", "5 => 4", "1000 => 2000", "1000 => 500", "2 ** 10 => 2048", "2 ** 10 => 512", "0 => 1"],
    ]],
    ["return a.every(b);", ["a.every(b) => a.some(b)"]],
    ["return f('GET', `/v2/${a}`);", [`'GET' => "GET?"`, '`/v2/${a}` => ""']],
    ["return /^a$/.test(b);", ["/^a$/ => /a$/", "/^a$/ => /^a/"]],
    ["return a - b;", ["a - b => a + b"]],
    ["throw new TypedError('code', 'Some words', { remedy: 'Wait', reason: 'why' });", [
      ...[`'code' => "code?"`, `'why' => "why?"`],
    ]],
    ["const a: 'x' | 3 = b as 'y';", []],
  ];
  for (const [source, changes] of rows) assert.deepEqual(changed(source), changes, source);
});

Deno.test("mutants: one file holds all of them, each alone in force where its number is", () => {
  const source =
    "function f(a, b) { const out = []; out.push(1); if (a > 1 && (b ?? 5) < 7) out.push(2); return out; }";
  const changes = changesOf("f.ts", source);
  const text = mutated(source, changes, 1, "./active.ts").replace(/^import [^;]*;/, "");
  const make = (active: number) => new Function("__m", `${text} return f;`)((id: number) => id === active);
  const original = new Function(`${source} return f;`)();
  const inputs = [[0, 0], [1, 1], [2, 6], [2, 7], [2, undefined], [3, 9], [3, null]];
  const results = (f: (a: unknown, b: unknown) => unknown) => inputs.map(([a, b]) => f(a, b));
  assert.deepEqual(results(make(0)), results(original));
  changes.forEach(({ start, end, text }, index) => {
    const alone = source.slice(0, start) + (text ?? ";") + source.slice(end);
    assert.deepEqual(results(make(index + 1)), results(new Function(`${alone} return f;`)()), text);
  });
});

Deno.test("mutants: what runs as the file is loaded is told from what runs later", () => {
  const source = "const A = 5; class C { static B = 6; c = 7; } const f = () => 8;";
  const atLoad = changesOf("x.ts", source).filter((change) => change.atLoad);
  assert.deepEqual(atLoad.map(({ text }) => text), ["6", "4", "7", "5"]);
});

Deno.test("mutants: a survivor needs an argument, and an argument needs a survivor", () => {
  const mutant = (line: string): Mutant => ({ id: 1, file: "a.ts", at: 1, line, change: "a => b", atLoad: false });
  const argument = (line: string) => ({ file: "a.ts", line, change: "a => b", why: "because" });
  const { unargued, pointless, argued } = judge([mutant("one"), mutant("two")], [argument("two"), argument("three")]);
  assert.deepEqual(unargued.map(({ line }) => line), ["one"]);
  assert.deepEqual(pointless.map(({ line }) => line), ["three"]);
  assert.equal(argued, 1);
});

Deno.test("mutants: each is tried by the tests that reach it, and one that waits or works for ever is noticed", async () => {
  const source = `
    const LIMIT = 3;
    export const isLong = (text: string): boolean => text.length > LIMIT;
    export const unused = (a: number): boolean => a < 7;
    export async function done(): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>();
      resolve();
      await promise;
    }
    export function counted(n: number): number {
      let i = 0;
      while (i < n) i += 1;
      return i;
    }`;
  const tests = `
    import { counted, done, isLong } from "../lib/x.ts";
    Deno.test("long", () => { if (!isLong("four") || isLong("two")) throw new Error("wrong"); });
    Deno.test({ name: "done", ignore: false, fn: async (t) => void await t.step("it ends", done) });
    Deno.test("counted", () => { if (counted(2) !== 2) throw new Error("wrong"); });
    Deno.test("broken", () => { throw new Error("always"); });`;
  const folder = await Deno.makeTempDir();
  try {
    for (const path of ["lib", "tests/mutants"]) await Deno.mkdir(join(folder, path), { recursive: true });
    for (const name of ["active.ts", "worker.ts"]) {
      await Deno.copyFile(new URL(name, import.meta.url), join(folder, "tests/mutants", name));
    }
    const changes = changesOf("lib/x.ts", source);
    const mutants = changes.map((change, index) => describe("lib/x.ts", source, change, index + 1));
    await Deno.writeTextFile(join(folder, "lib/x.ts"), mutated(source, changes, 1, "../tests/mutants/active.ts"));
    await Deno.writeTextFile(join(folder, "tests/x_test.ts"), tests);
    const asked = new Tests(folder, mutants, 1);
    await asked.learn(["tests/x_test.ts"], () => {});
    assert.deepEqual(asked.failing, ["tests/x_test.ts: broken: Error: always"]);
    const killers = await tryMutants(asked, mutants, () => {}, () => {});
    const by = mutants.map((mutant) => `${mutant.change} | ${killers.get(mutant) ?? "nobody"}`);
    assert.deepEqual(by, [
      "3 => 4 | long",
      "3 => 2 | long",
      "text.length > LIMIT => text.length >= LIMIT | long",
      "text.length > LIMIT => true | long",
      "text.length > LIMIT => false | long",
      "a < 7 => a <= 7 | nobody",
      "a < 7 => true | nobody",
      "a < 7 => false | nobody",
      "7 => 8 | nobody",
      "7 => 6 | nobody",
      "resolve(); => nothing | done (time)",
      "0 => 1 | nobody",
      "i < n => false | counted",
      "i < n => i <= n | counted",
      "i += 1; => nothing | counted",
      "1 => 2 | nobody",
      "1 => 0 | counted",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
