/** Which mutants no test notices. @module */
import type { Mutant } from "./mutants.ts";
import { runOrders } from "./pool.ts";
import type { Learned, Order, TestId, Timed } from "./worker.ts";

/** A test that takes more of the processor's time is asked about nothing: what random inputs find has a short test, too. */
const LONGEST_MS = 3000;
/** All tests that are asked about one mutant take no more than this. */
const BUDGET_MS = 20_000;
/** The same of one that is argued: whether it is argued for nothing is worth no more. */
const ARGUED_MS = 300;
/** So many of the tests that have noticed mutants of the same file are asked first, the last one before all others. */
const LAST = 8;

/** What is known of tests. */
export class Tests {
  /** Tests that fail without a mutant, and why. */
  readonly failing: string[] = [];
  /** Seconds of the processor's time that the tests of each file took. */
  readonly seconds: Map<string, number> = new Map();
  readonly #reaching = new Map<number, Set<Timed>>();
  readonly #ofFile = new Map<string, Set<Timed>>();
  readonly #all: Timed[] = [];
  readonly #noticing = new Map<string, TestId[]>();
  readonly #fileOf: ReadonlyMap<number, string>;

  constructor(readonly folder: string, mutants: readonly Mutant[], readonly jobs: number) {
    this.#fileOf = new Map(mutants.map(({ id, file }) => [id, file]));
  }

  /** Runs the tests of files once, to learn what each reaches. */
  async learn(files: readonly string[], say: (text: string) => void): Promise<void> {
    let left = files.length;
    const orders = files.map((file): Order => ({ do: "learn", file }));
    await runOrders(this.folder, orders, (order, report) => {
      say(`learning, ${--left} files left`);
      if (order.do !== "learn") return;
      if (!report || !("tests" in report)) return void this.failing.push(`${order.file}: it does not end`);
      report.tests.forEach((test, index) => this.#add(order.file, test, index));
      this.seconds.set(order.file, report.tests.reduce((sum, { took }) => sum + took.cpuMs, 0) / 1000);
    }, { jobs: this.jobs });
  }

  #add(file: string, { name, took, failure, reached }: Learned, index: number): void {
    if (failure) return void this.failing.push(`${file}: ${name}: ${failure.split("\n")[0]}`);
    if (took.cpuMs > LONGEST_MS) return;
    const known: Timed = [file, index, took];
    this.#all.push(known);
    for (const id of reached) {
      setOf(this.#reaching, id).add(known);
      setOf(this.#ofFile, this.#fileOf.get(id)!).add(known);
    }
  }

  /** A test has noticed a mutant: its neighbours may be noticed by the same one. */
  noticed({ file }: Mutant, by: TestId): void {
    const others = (this.#noticing.get(file) ?? []).filter((test) => !isSame(test, by));
    this.#noticing.set(file, [by, ...others].slice(0, LAST));
  }

  /** The tests that a mutant may be noticed by: those that have noticed others lately, then the cheapest. */
  of({ id, file, atLoad }: Mutant, budgetMs = BUDGET_MS): Timed[] {
    // Which tests rely on what is done as a file is loaded is not known where nothing else of it is mutated.
    const known = atLoad ? this.#ofFile.get(file) ?? this.#all : this.#reaching.get(id);
    const noticing = this.#noticing.get(file) ?? [];
    const place = ([file, index]: Timed) => {
      const at = noticing.findIndex((test) => isSame(test, [file, index]));
      return at < 0 ? LAST : at;
    };
    let left = budgetMs;
    return [...known ?? []].sort((a, b) => place(a) - place(b) || a[2].cpuMs - b[2].cpuMs)
      .filter(([, , { cpuMs }]) => (left -= cpuMs) > 0);
  }
}

function isSame([file, index]: TestId, [otherFile, otherIndex]: TestId): boolean {
  return index === otherIndex && file === otherFile;
}

function setOf<Key, Value>(map: Map<Key, Set<Value>>, key: Key): Set<Value> {
  const found = map.get(key) ?? new Set();
  map.set(key, found);
  return found;
}

/** Tries all mutants with the tests that reach them, until one notices. Returns who noticed. */
export async function tryMutants(
  tests: Tests,
  mutants: readonly Mutant[],
  say: (text: string) => void,
  tried: (mutant: Mutant, noticedBy: string | undefined) => void,
  isArgued: (mutant: Mutant) => boolean = () => false,
): Promise<ReadonlyMap<Mutant, string>> {
  const killers = new Map<Mutant, string>();
  const byId = new Map(mutants.map((mutant) => [mutant.id, mutant]));
  let left = mutants.length;
  for (const alone of [false, true]) {
    const orders = function* (): Generator<Order> { // one after the other, as more is known of who notices
      for (const mutant of mutants.filter(({ atLoad }) => atLoad === alone)) {
        yield { do: "try", mutant: mutant.id, tests: tests.of(mutant, isArgued(mutant) ? ARGUED_MS : BUDGET_MS) };
      }
    };
    await runOrders(tests.folder, orders(), (order, report) => {
      say(`${--left} mutants left, ${killers.size} noticed`);
      const mutant = byId.get(order.do === "try" ? order.mutant : 0)!;
      const noticedBy = !report ? "the time limit" : "killedBy" in report ? report.killedBy : undefined;
      if (noticedBy) killers.set(mutant, noticedBy);
      if (report && "by" in report) tests.noticed(mutant, report.by);
      tried(mutant, noticedBy);
    }, { jobs: tests.jobs, alone });
  }
  return killers;
}
