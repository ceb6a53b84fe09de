/** The table's cells: one command, one of its requests, one fault; what came of it, and whether that may be. @module */
import { COMMANDS } from "../../tasks/commands.ts";
import type { Met, Plan } from "../support/faulty_server.ts";
import type { Outcome } from "../support/run.ts";
import { expectedCodes } from "./expected.ts";
import { type FaultRow, FAULTS } from "./faults.ts";
import { MACHINES, type Scene } from "./scenes.ts";
import { type State, stateOf } from "./state.ts";
import { type Grounds, World } from "./world.ts";

/** One cell. */
export interface Cell {
  readonly scene: Scene;
  readonly at: Met;
  readonly fault: FaultRow;
  readonly times: "once" | "lasting";
}

/** What came of it. */
export interface Result {
  readonly cell: Cell;
  /** The exit code. */
  readonly code: number;
  /** How long it took, in seconds, as everybody's clock has it. */
  readonly seconds: number;
  /** What may not be; empty where all is well. */
  readonly wrong: readonly string[];
  /** What was said. */
  readonly said: string;
}

/** A command as it ends where nothing goes wrong. */
export interface CleanRun {
  readonly before: State;
  readonly after: State;
  /** What it asks for. */
  readonly met: readonly Met[];
  /** Files in the work folder. */
  readonly files: readonly string[];
  /** How many signing requests it files. */
  readonly filed: number;
}

/** No command may take longer, whatever the servers do. */
const LONGEST_S = 90;

/** Runs cells of scenes, each scene's machine being made once. */
export class Table {
  readonly #templates = new Map<string, Promise<string>>();
  readonly #clean = new Map<Scene, Promise<CleanRun>>();

  constructor(readonly grounds: Grounds, readonly folder: string) {}

  /** All cells of a scene. */
  async cells(scene: Scene): Promise<Cell[]> {
    const { met } = await this.clean(scene);
    return met.flatMap((at) =>
      FAULTS.flatMap((fault) => fault.times.map((times): Cell => ({ scene, at, fault, times })))
    );
  }

  /** The scene where nothing goes wrong. */
  clean(scene: Scene): Promise<CleanRun> {
    const known = this.#clean.get(scene) ?? this.#runClean(scene);
    this.#clean.set(scene, known);
    return known;
  }

  async #runClean(scene: Scene): Promise<CleanRun> {
    await using world = await this.#open(scene);
    const { story } = world;
    const more = await scene.before?.(story) ?? [];
    const [before, filed] = [await stateOf(world), story.signingRequests];
    const { outcome, met } = await this.#run(world, scene, more);
    if (outcome.code !== 0) throw new Error(`${scene.name}, where nothing goes wrong: ${outcome.stderr}`);
    const after = await stateOf(world);
    return { before, after, met, files: await workFiles(world), filed: story.signingRequests - filed };
  }

  /** Runs one. */
  async run(cell: Cell): Promise<Result> {
    const { scene, at, fault, times } = cell;
    const clean = await this.clean(scene);
    await using world = await this.#open(scene);
    const { story } = world;
    const more = await scene.before?.(story) ?? [];
    const [before, keys] = [await stateOf(world), await story.keys()];
    const wrong: string[] = [];
    const attempt = async <T>(what: string, use: () => Promise<T>): Promise<T | undefined> => {
      try {
        return await use();
      } catch (error) {
        wrong.push(`${what}: ${error instanceof Error ? error.message : error}`);
        return undefined;
      }
    };
    const ran = await attempt(
      "first run",
      () => this.#run(world, scene, more, { at, fault, lasting: times === "lasting" }),
    );
    if (!ran) return { cell, code: -1, seconds: 0, wrong, said: "" };
    const { outcome, seconds } = ran;
    const { code } = outcome;
    if (seconds > LONGEST_S) wrong.push(`it took ${Math.round(seconds)} s`);
    const expected = expectedCodes(cell);
    if (!expected.includes(code)) wrong.push(`exit code ${code}, not one of ${expected}`);
    const filed = story.signingRequests - (before.get("requests")!.get("all") === "" ? 0 : 1);
    if (filed > clean.filed) wrong.push(`${filed} signing requests`);
    const after = await attempt("what the servers have is not whole", () => stateOf(world));
    if (after) {
      wrong.push(...halves(before, after, clean));
      const isDone = same(after, clean.after, clean);
      if (code === 0 && !isDone) {
        wrong.push(`exit code 0, and it is not done: ${differences(after, clean.after, clean)}`);
      }
      if (code !== 0 && isDone && !same(before, clean.after, clean)) wrong.push(...untold(outcome));
      if (scene.name !== "delete-key") wrong.push(...await lostKeys(world, after, keys));
    }
    if (code === 0 && String(await workFiles(world)) !== String(clean.files) && scene.name !== "download") {
      wrong.push(`files: ${await workFiles(world)}`);
    }
    const isToBeLookedFor = scene.repeats && after && same(after, clean.after, clean);
    if (code !== 0 && !isToBeLookedFor) await attempt("run again", () => this.#again(world, scene, more, clean, wrong));
    return { cell, code, seconds, wrong, said: outcome.stderr };
  }

  /** After a failure the same is done again: it succeeds, or says how to go on, and that does. */
  async #again(world: World, scene: Scene, more: readonly string[], clean: CleanRun, wrong: string[]): Promise<void> {
    const { story } = world;
    let { outcome } = await this.#run(world, scene, more);
    const said = [outcome.stderr];
    if (outcome.code === 6 && /may be there already/.test(outcome.stderr)) {
      const id = story.peers.signPath.requests().at(-1)?.id;
      const goOn = id === undefined || scene.name === "submit"
        ? ["--new-signing-request"]
        : ["--signing-request-id", id];
      if (id !== undefined && scene.name === "submit") return; // what is there is downloaded
      ({ outcome } = await this.#run(world, scene, [...more, ...goOn]));
      said.push(outcome.stderr);
    }
    if (![0, ...scene.again ?? []].includes(outcome.code)) {
      wrong.push(`run again it ends with ${outcome.code}: ${said.join("")}`);
      return;
    }
    const after = await stateOf(world);
    if (!same(after, clean.after, clean)) {
      wrong.push(`run again it is not done: ${differences(after, clean.after, clean)}`);
    }
    const filed = story.signingRequests - (clean.before.get("requests")!.get("all") === "" ? 0 : 1);
    const most = scene.name === "sign by hash" ? 2 * clean.filed : clean.filed;
    if (filed > most) wrong.push(`${filed} signing requests in all`);
  }

  async #run(
    world: World,
    scene: Scene,
    more: readonly string[],
    plan?: Plan,
  ): Promise<{ outcome: Outcome; met: Met[]; seconds: number }> {
    const { server, time } = this.grounds;
    await server.forget();
    server.plan = plan;
    world.exposed = true;
    const started = time.now();
    try {
      const outcome = await world.story.run(await this.#args(world, scene, more), {
        ...scene.env ? { env: scene.env } : {},
        host: { now: time.date, sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) },
        keysMayStay: true,
      });
      return { outcome, met: [...server.met], seconds: (time.now() - started) / 1000 };
    } finally {
      world.exposed = false;
      await server.forget();
    }
  }

  /** The command line, with the addresses that it takes, and the shortest times that it can be given. */
  async #args(world: World, scene: Scene, more: readonly string[]): Promise<string[]> {
    const url = `http://localhost:${this.grounds.server.port}`;
    const [name = "", ...args] = scene.args;
    const { command } = await COMMANDS[name]!.load();
    const standard: Record<string, string> = {
      notaryUrl: url,
      registryUrl: url,
      serviceUnavailableTimeout: "15",
      waitForCompletionTimeout: "30",
    };
    const flags = Object.entries(standard).flatMap(([key, value]) => {
      const flag = command.flags[key];
      return flag && !scene.without?.includes(key) ? [flag.spec.replace(/^-\w, /, "").split(" ")[0]!, value] : [];
    });
    const filled = args.map((arg) => arg.replace("GUN", world.story.gun).replace("URL", url));
    return [
      name,
      ...more.filter((arg) => !arg.startsWith("-") && command.argument),
      ...filled,
      ...flags,
      ...more.filter((_, i) => !command.argument || i > 0),
    ];
  }

  async #open(scene: Scene): Promise<World> {
    return await World.open(this.grounds, scene.on && await this.#template(scene.on));
  }

  #template(name: keyof typeof MACHINES): Promise<string> {
    const made = this.#templates.get(name) ?? this.#make(name);
    this.#templates.set(name, made);
    return made;
  }

  async #make(name: keyof typeof MACHINES): Promise<string> {
    await using world = await World.open(this.grounds);
    await MACHINES[name](world.story);
    const template = `${this.folder}/${name}`;
    await world.keep(template);
    return template;
  }
}

async function workFiles({ story }: World): Promise<string[]> {
  return [...(await story.files()).keys()].filter((path) => path.startsWith("work/")).sort();
}

/** Whether a fact is another one each time: what keys are made, and how often something was published. */
function isRandom(group: string, name: string, clean: CleanRun): boolean {
  const [before, after] = [clean.before, clean.after].map((state) => state.get(group)?.get(name));
  return /^version/.test(name) || (/^keys of (root|targets|snapshot|timestamp)$/.test(name) && before !== after);
}

function* facts(state: State): Generator<[string, string, string]> {
  for (const [group, all] of state) for (const [name, value] of all) yield [group, name, value];
}

function differences(state: State, other: State, clean: CleanRun): string {
  const found = [...facts(other)].filter(([group, name, value]) =>
    !isRandom(group, name, clean) && state.get(group)?.get(name) !== value
  );
  return found.map(([group, name, value]) => `${group} ${name}: ${state.get(group)?.get(name)}, not ${value}`).join(
    "; ",
  );
}

/** Whether two states are one, but for what is another one each time; what changes may not be as it was before. */
function same(state: State, goal: State, clean: CleanRun): boolean {
  if (differences(state, goal, clean) !== "") return false;
  return [...facts(goal)].every(([group, name, value]) => {
    const before = clean.before.get(group)?.get(name);
    const isNew = isRandom(group, name, clean) && goal === clean.after && value !== before;
    return !isNew || state.get(group)?.get(name) !== before;
  });
}

/** What was published by halves, or is lost. */
function halves(before: State, after: State, clean: CleanRun): string[] {
  return [...clean.after.keys()].flatMap((group) => {
    const [old, now] = [before.get(group), after.get(group)];
    const names = new Set([clean.before, clean.after].flatMap((state) => [...state.get(group)?.keys() ?? []]));
    const changes = [...names].filter((name) =>
      clean.before.get(group)?.get(name) !== clean.after.get(group)?.get(name)
    );
    const changed = changes.filter((name) => now?.get(name) !== old?.get(name));
    const others = [...names].filter((name) => !changes.includes(name) && now?.get(name) !== old?.get(name));
    return [
      ...changed.length > 0 && changed.length < changes.length ? [`half of ${group}: ${changed}`] : [],
      ...others.map((name) => `${group} ${name} is another one now`),
    ];
  });
}

/** A failure after which all is done has to say that it may be. */
function untold({ stderr }: Outcome): string[] {
  if (
    /may have been|may be there|not known|took the change|goes on|Do not submit again|is published|may be at|perhaps not published/
      .test(stderr)
  ) return [];
  return [`it is done, and that is not said: ${stderr}`];
}

async function lostKeys({ story }: World, after: State, before: readonly string[]): Promise<string[]> {
  const held = new Set(await story.keys());
  const wanted = ["root", "targets"].flatMap((role) => after.get("dct")?.get(`keys of ${role}`)?.split(",") ?? []);
  const gone = before.filter((name) => !held.has(name));
  const missing = wanted.filter((id) => !held.has(`${id}.key`));
  return [
    ...missing.map((id) => `the server trusts key ${id}, which is not here`),
    ...gone.map((name) => `key ${name} is gone`),
  ];
}
