/** Agents that work at once, each at its tasks one after another, and run a command again that failed, as a CI does. @module */
import { run } from "./measure.ts";
import type { Line } from "./signers.ts";

/** A command that is run until it ends well. */
export interface Step {
  /** Program and arguments. */
  readonly command: readonly string[];
  /** Whether it signs or publishes, that is, is counted. */
  readonly isCounted: boolean;
}

/** What an agent does for one tag. */
export interface Task {
  /** What is signed then. */
  readonly lines: readonly Line[];
  /** How. */
  readonly steps: readonly Step[];
}

/** What happens to the servers, once so large a part of the tasks is done. */
export interface Strike {
  /** Between 0 and 1. */
  readonly after: number;
  /** Ends when the server is there again. */
  strike(): Promise<void>;
}

/** What came of it. */
export interface CrowdReport {
  /** From the first start to the last end. */
  readonly seconds: number;
  /** Of each agent, from its first start to its last end. */
  readonly agentSeconds: readonly number[];
  /** Of each task. */
  readonly taskSeconds: readonly number[];
  /** How often a counted command ended with each exit code. */
  readonly exits: ReadonlyMap<number, number>;
  /** What was said with exit codes other than 0. */
  readonly failures: readonly { readonly code: number; readonly errors: string }[];
  /** Processor time of all commands. */
  readonly cpuSeconds: number;
  /** What is signed. */
  readonly lines: readonly Line[];
}

const MAX_RUNS = 200; // of one step: something is wrong then

/** Has each agent do its tasks. @throws {Error} where one of them never ends well */
export async function runCrowd(
  agents: readonly (readonly Task[])[],
  env: Readonly<Record<string, string>>,
  strikes: readonly Strike[],
): Promise<CrowdReport> {
  const total = agents.flat().length;
  const exits = new Map<number, number>();
  const failures: { code: number; errors: string }[] = [];
  const taskSeconds: number[] = [];
  let cpuSeconds = 0;
  let open = [...strikes];
  const struck: Promise<void>[] = [];
  const started = performance.now();
  const since = (from: number) => (performance.now() - from) / 1000;

  async function untilItIsDone({ command, isCounted }: Step): Promise<void> {
    for (let runs = 1;; runs++) {
      const { code, errors, cpuSeconds: used = NaN } = await run(command, env);
      cpuSeconds += used;
      if (isCounted) exits.set(code, (exits.get(code) ?? 0) + 1);
      if (code === 0) return;
      failures.push({ code, errors });
      if (runs === MAX_RUNS) throw new Error(`${command.join(" ")} fails: ${errors.slice(-2000)}`);
    }
  }
  const agentSeconds = await Promise.all(agents.map(async (tasks) => {
    for (const { steps } of tasks) {
      const from = performance.now();
      for (const step of steps) await untilItIsDone(step);
      taskSeconds.push(since(from));
      const due = open.filter(({ after }) => taskSeconds.length >= after * total).map(({ strike }) => strike());
      // What becomes of a strike is asked in the end; until then its failure is nobody's.
      for (const strike of due) strike.catch(() => {});
      struck.push(...due);
      open = open.filter(({ after }) => taskSeconds.length < after * total);
    }
    return since(started);
  }));
  const seconds = since(started);
  await Promise.all(struck);
  const lines = agents.flat().flatMap((task) => task.lines);
  return { seconds, agentSeconds, taskSeconds, exits, failures, cpuSeconds, lines };
}
