/** Processes that run tests over mutants. @module */
import type { Order, Report } from "./worker.ts";

/** A process is replaced after so many orders: what tests leave behind adds up. */
const ORDERS = 400;
/** A process that says nothing for so long hangs: tests watch over themselves. */
const PATIENCE_MS = 300_000;

/** One process. */
class Worker {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reports: AsyncIterator<Report>;
  orders = 0;

  constructor(folder: string, mutant: number) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-q", "-A", "--no-check", "--no-prompt", "tests/mutants/worker.ts", String(mutant)],
      cwd: folder,
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reports = reportsIn(this.#child.stdout);
  }

  /** What comes of an order; `undefined` where nothing does, and the process is of no use any more. */
  async run(order: Order, limitMs: number): Promise<Report | undefined> {
    if (this.orders++ === 0) await this.#next(PATIENCE_MS);
    await this.#writer.write(new TextEncoder().encode(`${JSON.stringify(order)}\n`)).catch(() => {});
    return await this.#next(limitMs);
  }

  async #next(limitMs: number): Promise<Report | undefined> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<undefined>((resolve) => timer = setTimeout(() => resolve(undefined), limitMs));
    const next = this.#reports.next().then(({ value }) => value as Report | undefined);
    const report = await Promise.race([next, late]);
    clearTimeout(timer);
    return report;
  }

  async end(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch { /* it has ended */ }
    await this.#writer.abort().catch(() => {});
    await this.#child.status;
  }
}

async function* reportsIn(stdout: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<Report> {
  let rest = "";
  for await (const part of stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + part).split("\n");
    rest = lines.pop()!;
    for (const line of lines) if (line.startsWith("\u0001")) yield JSON.parse(line.slice(1));
  }
}

/** One more than there are cores: tests wait as well. */
export const JOBS: number = navigator.hardwareConcurrency + 1;

/**
 * Runs all orders in the copy at `folder`, with `jobs` processes at a time; `done` is told of each as it ends, with nothing where the process hung or died.
 * With `alone`, each has a process of its own, in which its mutant is in force from the start.
 */
export async function runOrders(
  folder: string,
  orders: Iterable<Order>,
  done: (order: Order, report: Report | undefined) => void,
  { jobs, alone = false }: { readonly jobs: number; readonly alone?: boolean },
): Promise<void> {
  const waiting = orders[Symbol.iterator]();
  await Promise.all(Array.from({ length: jobs }, async () => {
    let worker: Worker | undefined;
    for (let next = waiting.next(); !next.done; next = waiting.next()) {
      const order = next.value;
      worker ??= new Worker(folder, alone && order.do === "try" ? order.mutant : 0);
      const report = await worker.run(order, order.do === "try" ? PATIENCE_MS : 2 * PATIENCE_MS);
      done(order, report);
      const spent = !report || "spent" in report && report.spent;
      if (alone || spent || worker.orders >= ORDERS) {
        await worker.end();
        worker = undefined;
      }
    }
    await worker?.end();
  }));
}
