/**
 * `deno task faults`: each fault of the table at each request of each command that writes. Prints Markdown.
 *
 * `--only sign,push` runs these commands alone, `--every 7` each seventh cell, `--fault NAME` and `--at REQUEST` that one;
 * `--say` shows what every cell came to.
 *
 * @module
 */
import { parseArgs } from "node:util";
import type { Cell, Result } from "./cells.ts";
import { FAULTS } from "./faults.ts";
import { withTable } from "./grounds.ts";
import { SCENES } from "./scenes.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    only: { type: "string" },
    every: { type: "string", default: "1" },
    fault: { type: "string" },
    at: { type: "string" },
    say: { type: "boolean", default: false },
  },
});
const say = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
const words = (text: string) => text.replaceAll(/\s+/g, " ").replaceAll("|", "\\|").trim();
const scenes = SCENES.filter(({ name }) => values.only?.split(",").includes(name) ?? true);
if (scenes.length === 0) throw new Error(`--only knows ${SCENES.map(({ name }) => name).join(", ")}`);

function isWanted({ fault, at }: Cell, i: number): boolean {
  return i % Number(values.every) === 0 && [undefined, fault.name].includes(values.fault) &&
    [undefined, at.kind].includes(values.at);
}

/** A row: how many cells, what they ended with, how long the slowest took, how many were wrong. */
function rowOf(name: string, results: readonly Result[]): string {
  const codes = Map.groupBy(results, ({ code }) => code);
  const ends = [...codes].sort(([a], [b]) => a - b).map(([code, all]) => `${code}: ${all.length}`).join(", ");
  const slowest = Math.max(0, ...results.map(({ seconds }) => seconds));
  const wrong = results.filter(({ wrong }) => wrong.length > 0).length;
  return `| ${name} | ${results.length} | ${ends} | ${slowest.toFixed(0)} | ${wrong} |`;
}

const results: Result[] = [];
const started = Date.now();
await withTable(async (table) => {
  for (const scene of scenes) {
    const cells = (await table.cells(scene)).filter(isWanted);
    for (const cell of cells) {
      const result = await table.run(cell);
      results.push(result);
      if (result.wrong.length === 0 && !values.say) continue;
      const { at, fault, times } = cell;
      const what = result.wrong.length > 0 ? `WRONG: ${result.wrong.join("; ")}` : result.said;
      say(`- ${scene.name}, ${at.kind} (${at.nth}), ${fault.name}, ${times}: ${result.code}. ${words(what)}`);
    }
    say(`- ${scene.name}: ${cells.length} cells`);
  }
});
const head = (first: string) => ["", `| ${first} | cells | exit codes | longest, s | wrong |`, "|---|---|---|---|---|"];
const commands = Map.groupBy(results, ({ cell }) => cell.scene.name);
const faults = Map.groupBy(results, ({ cell }) => cell.fault.name);
[
  ...head("fault"),
  ...FAULTS.flatMap(({ name }) => faults.has(name) ? [rowOf(name, faults.get(name)!)] : []),
  ...head("command"),
  ...[...commands].map(([name, all]) => rowOf(name, all)),
  rowOf("all", results),
  "",
  `${Math.round((Date.now() - started) / 1000)} s. Seconds in the table are those of the commands' clock.`,
].forEach(say);
Deno.exitCode = results.some(({ wrong }) => wrong.length > 0) ? 1 : 0;
