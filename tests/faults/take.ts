/** A scene on a machine of its own: run with something wrong, judged by what the servers have then, and run again. @module */
import type { Host } from "../../lib/cli/host.ts";
import { COMMANDS } from "../../tasks/commands.ts";
import type { Met, Plan } from "../support/faulty_server.ts";
import type { Outcome } from "../support/run.ts";
import { type CleanRun, differences, halves, same } from "./judge.ts";
import { movesTo, type Scene } from "./scenes.ts";
import { type State, stateOf } from "./state.ts";
import type { World } from "./world.ts";

/** What is wrong while a command runs. */
export interface Trouble {
  /** With the server. */
  readonly plan?: Plan;
  /** Addresses of services in place of the right ones, and flags that they take. */
  readonly addresses?: Partial<Record<Service, string>>;
  readonly flags?: readonly string[];
  /** With the machine. */
  readonly host?: Partial<Host>;
  /** Does more for as long as the command runs. */
  readonly around?: (world: World) => Disposable | Promise<AsyncDisposable>;
}

/** Whose address can be given. */
export type Service = "notary" | "registry" | "signpath";

/** A command's end. */
export interface Ran {
  readonly outcome: Outcome;
  /** What it asked for. */
  readonly met: readonly Met[];
  /** How long it took by everybody's clock. */
  readonly seconds: number;
}

/** What is known of a scene's clean run. */
export interface Known extends CleanRun {
  /** What it asks for. */
  readonly met: readonly Met[];
  /** How many signing requests it files. */
  readonly filed: number;
  /** The files in the work folder. */
  readonly files: readonly string[];
  /** How often it writes to a file. */
  readonly writes: number;
}

/** So old is what a killed process left where nobody knows whether somebody is at it still. */
const LONG_AGO_MS = 2 * 3_600_000;

/** A scene that is set up. */
export class Take {
  /** What may not be. */
  readonly wrong: string[] = [];

  private constructor(
    readonly scene: Scene,
    readonly world: World,
    /** What its command line ends with. */
    private readonly more: readonly string[],
    /** What the servers had. */
    readonly before: State,
    private readonly keys: readonly string[],
    private readonly requests: number,
  ) {}

  /** Does what the scene does before; servers copied from a template have what they had when the scene was `known`. */
  static async begin(scene: Scene, world: World, known?: Known): Promise<Take> {
    const more = await scene.before?.(world.story) ?? [];
    const { story } = world;
    return new Take(
      scene,
      world,
      more,
      known?.before ?? await stateOf(world, movesTo(scene)),
      await story.keys(),
      story.signingRequests,
    );
  }

  /** How many signing requests it has filed. */
  get filed(): number {
    return this.world.story.signingRequests - this.requests;
  }

  /** Runs the command; what it may never do is noted. */
  async run(trouble: Trouble = {}, line: readonly string[] = this.#line()): Promise<Ran> {
    const { server, time } = this.world.grounds;
    await server.forget();
    server.plan = trouble.plan;
    this.world.exposed = true;
    const { addresses, around } = trouble;
    const started = time.now();
    try {
      await using _ = await around?.(this.world);
      const outcome = await this.world.story.run(await this.args(trouble, line), {
        env: this.env(addresses),
        host: {
          now: time.date,
          sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
          ...trouble.host,
        },
        keysMayStay: true,
        filesMayChange: this.scene.writesInTurn ?? false,
      });
      return { outcome, met: [...server.met], seconds: (time.now() - started) / 1000 };
    } finally {
      this.world.exposed = false;
      await server.forget();
    }
  }

  /** Variables beside the story's. */
  env(addresses: Trouble["addresses"] = {}): Record<string, string> {
    const { signpath } = addresses;
    return { ...this.scene.env, ...(signpath === undefined ? {} : { SIGNPATH_API_URL: `${signpath}/API` }) };
  }

  /** The command line, with the addresses that it takes, and the shortest times that it can be given. */
  async args({ addresses = {}, flags = [] }: Trouble = {}, line = this.#line()): Promise<string[]> {
    const { scene, world } = this;
    const url = `http://localhost:${world.grounds.server.port}`;
    const [name = "", ...args] = line;
    const { command } = await COMMANDS[name]!.load();
    const standard: Record<string, string> = {
      notaryUrl: addresses.notary ?? url,
      registryUrl: addresses.registry ?? url,
      serviceUnavailableTimeout: "15",
      waitForCompletionTimeout: "30",
    };
    const given = Object.entries(standard).flatMap(([key, value]) => {
      const flag = command.flags[key];
      return flag && !scene.without?.includes(key) ? [flag.spec.replace(/^-\w, /, "").split(" ")[0]!, value] : [];
    });
    const filled = args.map((arg) => arg.replace("GUN", world.story.gun).replace("URL", url));
    return [name, ...filled, ...given, ...flags];
  }

  #line(): readonly string[] {
    const [name = "", ...args] = this.scene.args;
    return [name, ...this.more, ...args];
  }

  /** Judges what is left of a run that ended with `code`; one that was killed has none. */
  async judge(known: Known, { code, stderr = "" }: { code?: number; stderr?: string }): Promise<void> {
    const { scene, world, wrong } = this;
    if (this.filed > known.filed) wrong.push(`${this.filed} signing requests`);
    const after = await this.#attempt("what the servers have is not whole", () => stateOf(world, movesTo(scene)));
    if (!after) return;
    wrong.push(...halves(this.before, after, known));
    const isDone = same(after, known.after, known);
    if (code === 0 && !isDone) wrong.push(`exit code 0, and it is not done: ${differences(after, known.after, known)}`);
    if (code === 0 && String(await this.files()) !== String(known.files)) wrong.push(`files: ${await this.files()}`);
    if (code !== undefined && code !== 0 && isDone && !same(this.before, known.after, known)) {
      wrong.push(...untold(stderr));
    }
    if (scene.name !== "delete-key") wrong.push(...await this.#lostKeys(after));
    const isLookedFor = scene.repeats && isDone;
    if (code !== 0 && !isLookedFor) await this.#attempt("run again", () => this.#again(known, isDone));
  }

  /** After a failure the rest is done, or the same again: that succeeds, or says how to go on, and that does. */
  async #again(known: Known, isDone: boolean): Promise<void> {
    const { scene, world, wrong } = this;
    await this.#age();
    if (isDone && scene.goOn) await this.run({}, scene.goOn);
    let { outcome } = await this.run();
    const said = [outcome.stderr];
    if (outcome.code === 6 && /may be there already/.test(outcome.stderr)) {
      const id = world.story.peers.signPath.requests().slice(this.requests).at(-1)?.id;
      if (id !== undefined && scene.name === "submit") return; // what is there is downloaded
      const goOn = id === undefined ? ["--new-signing-request"] : ["--signing-request-id", id];
      ({ outcome } = await this.run({}, [...this.#line(), ...goOn]));
      said.push(outcome.stderr);
    }
    if (![0, ...scene.again ?? []].includes(outcome.code)) {
      wrong.push(`run again it ends with ${outcome.code}: ${said.join("")}`);
      return;
    }
    const after = await stateOf(world, movesTo(scene));
    if (!same(after, known.after, known)) {
      wrong.push(`run again it is not done: ${differences(after, known.after, known)}`);
    }
    // Hashes are signed at once, and nobody has to approve them: what is lost is signed once more.
    const most = scene.name === "sign by hash" ? 2 * known.filed : known.filed;
    if (this.filed > most) wrong.push(`${this.filed} signing requests in all`);
  }

  /** What is half-written by a process that is no more has been there for long. */
  async #age(): Promise<void> {
    const { story } = this.world;
    const before = new Date(Date.now() - LONG_AGO_MS);
    for (const path of (await story.files()).keys()) {
      if (path.endsWith(".tmp")) await Deno.utime(`${story.folder}/${path}`, before, before);
    }
  }

  /** The files in the work folder; those named for a signing request have another name each time. */
  async files(): Promise<string[]> {
    const paths = [...(await this.world.story.files()).keys()].filter((path) => path.startsWith("work/"));
    return paths.map((path) => path.replace(/[0-9a-f-]{36}/, "<id>")).sort();
  }

  async #lostKeys(after: State): Promise<string[]> {
    const held = new Set(await this.world.story.keys());
    const wanted = ["root", "targets"].flatMap((role) => after.get("dct")?.get(`keys of ${role}`)?.split(",") ?? []);
    return [
      ...wanted.filter((id) => !held.has(`${id}.key`)).map((id) => `the server trusts key ${id}, which is not here`),
      ...this.keys.filter((name) => !held.has(name)).map((name) => `key ${name} is gone`),
    ];
  }

  async #attempt<T>(what: string, use: () => Promise<T>): Promise<T | undefined> {
    try {
      return await use();
    } catch (error) {
      this.wrong.push(`${what}: ${error instanceof Error ? error.message : error}`);
      return undefined;
    }
  }
}

const TELLING =
  /may have been|may be there|not known|took the change|goes on|Do not submit again|(is|was) published|may be at|perhaps not published/;

/** A failure after which all is done has to say that it may be. */
function untold(stderr: string): string[] {
  return TELLING.test(stderr) ? [] : [`it is done, and that is not said: ${stderr}`];
}
