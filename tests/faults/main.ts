/**
 * `deno task faults`: each fault of the table at each request of each command that writes, `self-update` first. Prints
 * Markdown.
 *
 * `--only sign,push` runs these commands alone, `--every 7` about each seventh cell, `--fault "NAME;NAME"` those alone, `--at WORDS`
 * where these stand; `--say` shows what every cell came to. `--kills` ends each command with `kill -9` at each call with which
 * it changes files, in place of all that.
 *
 * @module
 */
import { parseArgs } from "node:util";
import type { Cell, Result, Table } from "./cells.ts";
import { withTable } from "./grounds.ts";
import { FAULTS } from "./faults.ts";
import { killsOf, runKill } from "./kills.ts";
import { SCENES } from "./scenes.ts";
import { runUpdate, UPDATE_REQUESTS } from "./updates.ts";

const { values } = parseArgs({
  args: Deno.args,
  options: {
    only: { type: "string" },
    every: { type: "string", default: "1" },
    fault: { type: "string" },
    at: { type: "string" },
    say: { type: "boolean", default: false },
    kills: { type: "boolean", default: false },
  },
});
const say = (line: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
const words = (text: string) => text.replaceAll(/\s+/g, " ").replaceAll("|", "\\|").trim();
const scenes = SCENES.filter(({ name }) => values.only?.split(",").includes(name) ?? true);
const UPDATE = "self-update";
if (scenes.length === 0 && values.only !== UPDATE) {
  throw new Error(`--only knows ${[UPDATE, ...SCENES.map(({ name }) => name)].join(", ")}`);
}

/** About one of `--every` is chosen: scattered, as the faults come round at each request. */
function isChosen(i: number): boolean {
  return (Math.imul(i, 0x9e3779b1) >>> 8) % Number(values.every) === 0;
}

function isWanted({ name, where }: Cell, i: number): boolean {
  const isNamed = values.fault?.split(";").includes(name) ?? true;
  return isChosen(i) && isNamed && where.includes(values.at ?? "");
}

/** A row: how many cells, what they ended with, how long the slowest took, how many were wrong. */
function rowOf(name: string, results: readonly Result[]): string {
  const codes = Map.groupBy(results, ({ code }) => code);
  const ends = [...codes].sort(([a], [b]) => a - b).map(([code, all]) => `${code}: ${all.length}`).join(", ");
  const slowest = Math.max(0, ...results.map(({ seconds }) => seconds));
  const wrong = results.filter(({ wrong }) => wrong.length > 0).length;
  return `| ${name} | ${results.length} | ${ends} | ${slowest.toFixed(0)} | ${wrong} |`;
}

async function runKills(table: Table): Promise<void> {
  say("| command | calls | killed | wrong |\n|---|---|---|---|");
  let all = 0, wrongs = 0;
  for (const scene of scenes) {
    const kills = await killsOf(table, scene);
    const chosen = kills.filter(({ call, nth }) => isChosen(nth) && `${call} (${nth})`.includes(values.at ?? ""));
    const found: string[] = [];
    for (const kill of chosen) {
      const { wrong } = await runKill(table, kill);
      if (wrong.length > 0) {
        found.push(`- ${scene.name}, ${kill.call} (${kill.nth}): WRONG: ${words(wrong.join("; "))}`);
      }
    }
    const calls = [...Map.groupBy(kills, ({ call }) => call)].map(([call, { length }]) => `${call} ${length}`);
    say(`| ${scene.name} | ${calls.join(", ")} | ${chosen.length} | ${found.length} |`);
    found.forEach(say);
    all += chosen.length;
    wrongs += found.length;
  }
  say(`| all | | ${all} | ${wrongs} |`);
  Deno.exitCode = wrongs > 0 ? 1 : 0;
}

async function runCells(table: Table): Promise<void> {
  const results: Result[] = [];
  const started = Date.now();
  for (const scene of scenes) {
    const cells = (await table.cells(scene)).filter(isWanted);
    for (const cell of cells) {
      const result = await table.run(cell);
      results.push(result);
      if (result.wrong.length === 0 && !values.say) continue;
      const wrong = result.wrong.length > 0 ? `WRONG: ${result.wrong.join("; ")}. ` : "";
      const end = `${result.code}, ${result.seconds.toFixed(0)} s`;
      say(`- ${scene.name}, ${cell.where}, ${cell.name}: ${end}. ${wrong}${words(values.say ? result.said : "")}`);
    }
    say(`- ${scene.name}: ${cells.length} cells`);
  }
  const head = (
    first: string,
  ) => ["", `| ${first} | cells | exit codes | longest, s | wrong |`, "|---|---|---|---|---|"];
  const commands = Map.groupBy(results, ({ cell }) => cell.scene.name);
  const faults = Map.groupBy(results, ({ cell }) => cell.name);
  [
    ...head("fault"),
    ...[...faults].map(([name, all]) => rowOf(name, all)),
    ...head("command"),
    ...[...commands].map(([name, all]) => rowOf(name, all)),
    rowOf("all", results),
    "",
    `${Math.round((Date.now() - started) / 1000)} s. Seconds in the table are those of the commands' clock.`,
  ].forEach(say);
  if (results.some(({ wrong }) => wrong.length > 0)) Deno.exitCode = 1;
}

/** `self-update`, whose server and whose state are others. */
async function runUpdates({ grounds }: Table): Promise<void> {
  let count = 0, wrongs = 0;
  for (const path of UPDATE_REQUESTS) {
    for (const fault of FAULTS) {
      for (const times of fault.times) {
        if (![undefined, fault.name].includes(values.fault) || !path.includes(values.at ?? "")) continue;
        const { code, seconds, wrong } = await runUpdate(grounds, path, fault, times);
        count++;
        if (wrong.length > 0) wrongs++;
        if (wrong.length === 0 && !values.say) continue;
        say(`- self-update, ${path}, ${times}, ${fault.name}: ${code}, ${seconds.toFixed(0)} s. ${wrong.join("; ")}`);
      }
    }
  }
  say(`- self-update: ${count} cells, ${wrongs} wrong`);
  if (wrongs > 0) Deno.exitCode = 1;
}

await withTable(async (table) => {
  if (!table.grounds.disk) say("No disk can be mounted here: none is full or read-only.");
  if (!values.kills && (values.only ?? UPDATE) === UPDATE) await runUpdates(table);
  if (values.only !== UPDATE) await (values.kills ? runKills : runCells)(table);
});
