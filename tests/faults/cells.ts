/** The table's cells: one command, one trouble; what came of it, and whether that may be. @module */
import type { Met } from "../support/faulty_server.ts";
import { type BrokenTls, ofMachine } from "./conditions.ts";
import { expectedCodes, knownLoss, mostFiled } from "./expected.ts";
import { type FaultRow, FAULTS } from "./faults.ts";
import { type MachineName, MACHINES, movesTo, type Scene } from "./scenes.ts";
import { stateOf } from "./state.ts";
import { type Known, Take, type Trouble } from "./take.ts";
import { type Grounds, World } from "./world.ts";
import { beforeWrites } from "./disk.ts";

/** One cell. */
export interface Cell {
  readonly scene: Scene;
  /** The trouble's name. */
  readonly name: string;
  /** Which request, service or write of the command it is about. */
  readonly where: string;
  /** The exit codes that it may end with. */
  readonly codes: readonly number[];
  readonly trouble: Trouble;
  /** What is said where it fails. */
  readonly says?: RegExp;
  /** How many times what it files may be there; once unless said. */
  readonly mostFiled?: number;
  /** What is lost all the same, by the words that it is told in. */
  readonly knownLoss?: RegExp | undefined;
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

/** No command may take longer, whatever the servers do. */
export const LONGEST_S = 90;

/** Runs cells of scenes, each scene's machine being made once. */
export class Table {
  readonly #templates = new Map<string, Promise<string>>();
  readonly #known = new Map<Scene, Promise<Known>>();

  constructor(readonly grounds: Grounds, readonly folder: string, readonly brokenTls: () => Promise<BrokenTls>) {}

  /** All cells of a scene. */
  async cells(scene: Scene): Promise<Cell[]> {
    const known = await this.known(scene);
    const requests = known.met.flatMap((at) =>
      FAULTS.flatMap((fault) => fault.times.map((times) => this.cell(scene, at, fault, times)))
    );
    const tls = await this.brokenTls();
    return [...requests, ...tls(scene, known), ...ofMachine(this.grounds, scene, known)];
  }

  /** The cell of one request. */
  cell(scene: Scene, at: Met, fault: FaultRow, times: "once" | "lasting"): Cell {
    return {
      scene,
      name: fault.name,
      where: `${at.kind} (${at.nth}), ${times}`,
      codes: expectedCodes(scene, at, fault, times),
      trouble: { plan: { at, fault, lasting: times === "lasting" } },
      mostFiled: mostFiled(at, fault),
      knownLoss: knownLoss(at, fault, times),
    };
  }

  /** The scene where nothing goes wrong. */
  known(scene: Scene): Promise<Known> {
    const known = this.#known.get(scene) ?? this.#runClean(scene);
    this.#known.set(scene, known);
    return known;
  }

  async #runClean(scene: Scene): Promise<Known> {
    await using world = await this.open(scene);
    const take = await Take.begin(scene, world);
    let writes = 0;
    const { outcome, met } = await take.run({ around: () => beforeWrites(() => writes++) });
    if (outcome.code !== 0) throw new Error(`${scene.name}, where nothing goes wrong: ${outcome.stderr}`);
    return {
      before: take.before,
      after: await stateOf(world, movesTo(scene)),
      met,
      files: await take.files(),
      filed: take.filed,
      writes,
    };
  }

  /** Runs one. */
  async run(cell: Cell): Promise<Result> {
    const { scene, codes, trouble, mostFiled = 1 } = cell;
    const known = await this.known(scene);
    await using world = await this.open(scene);
    const take = await Take.begin(scene, world, known);
    const { wrong } = take;
    const ran = await take.run(trouble).catch((error) => {
      wrong.push(`while it ran: ${error.message}`);
      return undefined;
    });
    if (!ran) return { cell, code: -1, seconds: 0, wrong, said: "" };
    const { outcome: { code, stderr }, seconds } = ran;
    // `move` posts one version after the other, and has the time for each of them.
    const posts = scene.name === "move" ? known.met.filter(({ kind }) => kind.startsWith("POST ")).length : 1;
    if (seconds > LONGEST_S * posts) wrong.push(`it took ${Math.round(seconds)} s`);
    if (code !== 0 && cell.says && !cell.says.test(stderr)) wrong.push(`it does not say ${cell.says}: ${stderr}`);
    if (!codes.includes(code)) wrong.push(`exit code ${code}, not one of ${codes}`);
    await take.judge({ ...known, filed: known.filed * mostFiled }, { code, stderr });
    return { cell, code, seconds, wrong: wrong.filter((one) => !cell.knownLoss?.test(one)), said: stderr };
  }

  /** A machine for a scene. */
  async open({ on, isGuarded }: Scene): Promise<World> {
    return await World.open(this.grounds, { template: on && await this.#template(on), isGuarded });
  }

  #template(name: MachineName): Promise<string> {
    const made = this.#templates.get(name) ?? this.#make(name);
    this.#templates.set(name, made);
    return made;
  }

  async #make(name: MachineName): Promise<string> {
    const { from, make } = MACHINES[name];
    await using world = await World.open(this.grounds, { template: from && await this.#template(from) });
    await make(world.story);
    const template = `${this.folder}/${name}`;
    await world.keep(template);
    return template;
  }
}
