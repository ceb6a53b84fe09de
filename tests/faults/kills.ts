/**
 * `kill -9` in the very moment of each call with which a command changes files: nothing is lost, running it again repairs, and
 * nothing half-written stays.
 *
 * @module
 */
import { type Ended, runWatched } from "../support/killed.ts";
import type { Scene } from "./scenes.ts";
import { Take } from "./take.ts";
import type { Table } from "./cells.ts";

/** A kill. */
export interface Kill {
  readonly scene: Scene;
  /** The call at whose beginning it is killed, from 0. */
  readonly nth: number;
  /** Its name. */
  readonly call: string;
}

/** What came of it. */
export interface Killed {
  readonly kill: Kill;
  /** What may not be. */
  readonly wrong: readonly string[];
}

const ROOT = new URL("../../", import.meta.url).pathname;

/** The calls with which the scene's command changes files. */
export async function killsOf(table: Table, scene: Scene): Promise<Kill[]> {
  await using world = await table.open(scene);
  const take = await Take.begin(scene, world);
  const { code, stderr, calls } = await runProgram(table, take);
  if (code !== 0) throw new Error(`${scene.name}, as a program: ${stderr}`);
  return calls.map((call, nth) => ({ scene, nth, call }));
}

/** Does it, and looks. */
export async function runKill(table: Table, kill: Kill): Promise<Killed> {
  const known = await table.known(kill.scene);
  await using world = await table.open(kill.scene);
  const take = await Take.begin(kill.scene, world, known);
  const { signal, stderr } = await runProgram(table, take, kill.nth);
  if (signal !== "SIGKILL") take.wrong.push(`it was not killed: ${stderr}`);
  await take.judge(known, {});
  return { kill, wrong: take.wrong };
}

/** The command as a program of its own, which is killed at its `nth` call. */
async function runProgram(table: Table, take: Take, at?: number): Promise<Ended> {
  const { story } = take.world;
  await table.grounds.server.forget();
  return await runWatched({
    program: [`${ROOT}tasks/main.ts`, ...await take.args()],
    at,
    cwd: story.work,
    env: { ...story.env, ...take.env() },
  });
}
