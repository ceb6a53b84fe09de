/**
 * `deno task bench`: tagseal beside the notary client, in turn, on real servers; and the work inside, by itself.
 *
 * Prints Markdown. Needs the peers of the tests. `--quick` makes everything small; `--only start,cold` measures only
 * that.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { crowd, CROWD_HEAD, CROWD_TEXT } from "./crowd.ts";
import { initialization } from "./init.ts";
import { growth, GROWTH_TEXT } from "./growth.ts";
import { inside, INSIDE_HEAD } from "./inside.ts";
import { migration } from "./migration.ts";
import { reading } from "./reading.ts";
import { signing, SIGNING_TEXT } from "./signing.ts";
import { services, SERVICES_HEAD, SERVICES_TEXT } from "./services.ts";
import { start } from "./start.ts";
import { PLAIN_HEAD, SIGNING_HEAD } from "./tables.ts";
import { openWorkshop, say, type Subject } from "./workshop.ts";

interface Chapter {
  readonly text: readonly string[];
  readonly head: readonly string[];
  readonly subjects: readonly Subject[];
}

const CHAPTERS: readonly Chapter[] = [
  {
    text: ["Starting and reading, and setting a repository up."],
    head: PLAIN_HEAD,
    subjects: [start, reading, initialization],
  },
  { text: SIGNING_TEXT, head: SIGNING_HEAD, subjects: signing },
  { text: SERVICES_TEXT, head: SERVICES_HEAD, subjects: [services] },
  { text: CROWD_TEXT, head: CROWD_HEAD, subjects: [crowd] },
  { text: ["After Docker Content Trust, key at SignPath."], head: PLAIN_HEAD, subjects: [migration] },
  { text: GROWTH_TEXT, head: [], subjects: growth },
  { text: ["Inside one process."], head: INSIDE_HEAD, subjects: [inside] },
];

const { values } = parseArgs({
  args: Deno.args,
  options: { quick: { type: "boolean", default: false }, only: { type: "string" } },
});
const names = CHAPTERS.flatMap(({ subjects }) => subjects.map(({ name }) => name));
// "growth" is all that begin so.
const isMeant = (word: string, name: string) => name === word || name.startsWith(`${word}-`);
const words = values.only?.split(",") ?? names;
const wanted = new Set(names.filter((name) => words.some((word) => isMeant(word, name))));
const unknown = words.filter((word) => !names.some((name) => isMeant(word, name)));
if (unknown.length) throw new Error(`"${unknown.join(",")}": --only knows ${names.join(", ")}`);

await using shop = await openWorkshop({ quick: values.quick });
const cores = `${navigator.hardwareConcurrency} cores`;
say(`Up to ${shop.rounds} rounds, the order alternating; ${cores}; Deno ${Deno.version.deno}.`);
say("tagseal is the single file that `deno task bundle` makes, as build agents have it.");
if (values.quick) say("Sizes are small: the targets are for a full run.");
for (const { text, head, subjects } of CHAPTERS) {
  const chosen = subjects.filter(({ name }) => wanted.has(name));
  if (chosen.length === 0) continue;
  say(["", ...text, "", ...head].join("\n"));
  for (const subject of chosen) await subject.measure(shop);
}
