/**
 * Runs tests in one process, again and again, with one mutant or another in force. Started in the mutated copy of the
 * project; what to run comes as one JSON document a line, and what came of it goes back the same way.
 *
 * @module
 */
import { cpuUsage } from "node:process";
import { activate, takeReached } from "./active.ts";

/** A test: its file, and its place in it. */
export type TestId = readonly [file: string, index: number];

/** What a test took while no mutant was in force. */
export interface Took {
  /** Milliseconds of the processor's time. */
  readonly cpuMs: number;
  /** How often a look at it found that it did nothing. */
  readonly idle: number;
  /** How many mutated places it passed. */
  readonly calls: number;
}

/** A test that is asked. */
export type Timed = readonly [...TestId, Took];

/** What is to be run. */
export type Order =
  | { readonly do: "learn"; readonly file: string }
  | { readonly do: "try"; readonly mutant: number; readonly tests: readonly Timed[] };

/** What one test reaches. */
export interface Learned {
  readonly name: string;
  readonly took: Took;
  /** What it threw without any mutant; then it cannot be used. */
  readonly failure?: string;
  readonly reached: readonly number[];
}

/** What came of an order. */
export type Report =
  | { readonly file: string; readonly atLoad: readonly number[]; readonly tests: readonly Learned[] }
  | { readonly mutant: number }
  | { readonly mutant: number; readonly killedBy: string; readonly by?: TestId; readonly spent: boolean };

interface Test {
  readonly name: string;
  readonly run: (context: unknown) => unknown;
}

const files = new Map<string, Test[]>();
let collected: Test[] = [];
/** Something that nobody waited for has failed. */
let fail: (reason: unknown) => void = () => {};
const { setInterval, clearInterval } = globalThis;

class TimeUp extends Error {}

/** Tests are collected instead of being run, and what nobody waits for is the failure of the test that runs. */
function takeOver(): void {
  // deno-lint-ignore no-explicit-any -- all the ways in which a test can be defined
  const define = (...given: any[]): void => {
    const run = given.findLast((one) => typeof one === "function") ?? given[0]?.fn;
    const options = given.find((one) => typeof one === "object") ?? {};
    const name = given.find((one) => typeof one === "string") ?? options.name ?? run.name;
    if (!options.ignore) collected.push({ name, run });
  };
  Object.assign(Deno, { test: define });

  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    fail(event.reason);
  });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    fail(event.error);
  });
}

/** What a test is given; a step that fails ends it. */
function context(name: string): unknown {
  return {
    name,
    origin: import.meta.url,
    // deno-lint-ignore no-explicit-any -- all the ways in which a step can be defined
    step: async (...given: any[]): Promise<boolean> => {
      const run = given.find((one) => typeof one === "function") ?? given[0].fn;
      if (!given[0]?.ignore) await run(context(`${name} > ${given[0]}`));
      return true;
    },
  };
}

async function load(file: string): Promise<Test[]> {
  const known = files.get(file);
  if (known) return known;
  collected = [];
  await import(new URL(`../../${file}`, import.meta.url).href);
  files.set(file, collected);
  return collected;
}

/**
 * Runs a test until it ends, or has done nothing for two seconds more than it should, or works ten times as long: on a
 * machine that others keep busy, the clock alone would say nothing.
 */
async function runTest(test: Test, { cpuMs, idle }: Took): Promise<Took> {
  const before = cpuUsage();
  const took = { cpuMs: 0, idle: 0, calls: 0 };
  let lookedAt = performance.now();
  let timer: ReturnType<typeof setInterval> | undefined;
  const outside = new Promise<never>((_resolve, reject) => {
    fail = reject;
    timer = setInterval(() => {
      const used = millisecondsSince(before) - took.cpuMs;
      const late = performance.now() - lookedAt - LOOK_MS;
      if (used < 10 && late < 50) took.idle++;
      took.cpuMs += used;
      lookedAt += late + LOOK_MS;
      if (took.idle > 2 * idle + 8 || took.cpuMs > 10 * cpuMs + 3000) reject(new TimeUp());
    }, LOOK_MS);
  });
  outside.catch(() => {});
  try {
    await Promise.race([test.run(context(test.name)), outside]);
    return { ...took, cpuMs: millisecondsSince(before) };
  } finally {
    clearInterval(timer);
    fail = () => {};
  }
}

const LOOK_MS = 250;
const NOTHING: Took = { cpuMs: 0, idle: 0, calls: 0 };
/** So many mutated places, and twenty times what the test passes without the mutant, are passed by an endless loop alone. */
const ENDLESS = 100_000;

function millisecondsSince(before: ReturnType<typeof cpuUsage>): number {
  const { user, system } = cpuUsage(before);
  return (user + system) / 1000;
}

async function learn(file: string): Promise<Report> {
  takeReached();
  const tests = await load(file);
  const atLoad = takeReached().ids;
  const learned: Learned[] = [];
  for (const test of tests) {
    let failure: string | undefined;
    const took = await runTest(test, { ...NOTHING, cpuMs: 2000, idle: 40 }).catch((error) => {
      failure = String(error?.stack ?? error);
      return NOTHING;
    });
    const { ids, calls } = takeReached();
    learned.push({ name: test.name, took: { ...took, calls }, reached: ids, ...(failure ? { failure } : {}) });
  }
  return { file, atLoad, tests: learned };
}

async function attempt({ mutant, tests }: Order & { do: "try" }): Promise<Report> {
  for (const [file, index, took] of tests) {
    const test = (await load(file))[index]!;
    activate(mutant, 20 * took.calls + ENDLESS);
    try {
      await runTest(test, took);
    } catch (error) {
      const spent = error instanceof TimeUp;
      return { mutant, killedBy: `${test.name}${spent ? " (time)" : ""}`, by: [file, index], spent };
    } finally {
      activate(fixed);
    }
  }
  return { mutant };
}

function unloadable(error: unknown): Learned {
  return { name: "load", took: NOTHING, failure: String(error), reached: [] };
}

/** A mutant of what is done as a file is loaded is in force from the start. */
const fixed = Number(Deno.args[0] ?? 0);

if (import.meta.main) {
  takeOver();
  activate(fixed);
  const encoder = new TextEncoder();
  const say = (report: Report) => Deno.stdout.write(encoder.encode(`\n\u0001${JSON.stringify(report)}\n`));
  await say({ mutant: 0 });
  let rest = "";
  for await (const part of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + part).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      const order: Order = JSON.parse(line);
      try {
        await say(order.do === "learn" ? await learn(order.file) : await attempt(order));
      } catch (error) { // a file cannot even be loaded
        await say(
          order.do === "learn"
            ? {
              file: order.file,
              atLoad: [],
              tests: [unloadable(error)],
            }
            : { mutant: order.mutant, killedBy: `load: ${error}`, spent: true },
        );
      }
    }
  }
  Deno.exit(0);
}
