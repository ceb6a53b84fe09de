/** Runs commands in turn and compares them pair by pair: absolute times belong to the machine and the hour. @module */

/** One run: what to start, and how to tell that it did its work. */
export interface Job {
  /** Program and arguments. */
  readonly command: readonly string[];
  /** Throws where the work was not done; called outside of the measured time. */
  check(stdout: string): void | Promise<void>;
}

/** One of the tools that do the same work. */
export interface Contender {
  /** Its name in the table. */
  readonly name: string;
  /** All its variables. */
  readonly env: Readonly<Record<string, string>>;
  /** Called before each run, outside of the measured time: makes folders, chooses new tags. */
  prepare(): Job | Promise<Job>;
}

/** What went to a server. */
export interface Traffic {
  /** Connections opened. */
  readonly connections: number;
  /** Requests answered. */
  readonly requests: number;
  /** Those of them that publish. */
  readonly posts: number;
  /** The most connections that were open at one time. */
  readonly atOnce: number;
}

/** Counts what goes to a server during a run. */
export interface Meter {
  /** Counts from zero. */
  start(): Promise<void>;
  /** What came since then. */
  read(): Promise<Traffic>;
}

/** What one run took. */
export interface Sample extends Partial<Traffic> {
  /** From before the start of the process to its end. */
  readonly seconds: number;
  /** The largest single process of the command; `undefined` without GNU time. */
  readonly peakMb: number | undefined;
}

/** How often to run, and what else to count. */
export interface RunOptions {
  /** Runs of each contender that count. */
  readonly rounds: number;
  /** Whether a round that does not count comes first. */
  readonly warmUp: boolean;
  /** Counts requests and connections. */
  readonly meter?: Meter | undefined;
}

const TIME = "/usr/bin/time"; // Debian's package "time"; without it no memory is shown
const hasTime = await Deno.stat(TIME).then(() => true, () => false);

/**
 * Runs contenders in turn, the order alternating from round to round, and returns the samples of each.
 *
 * @throws {Error} where one of them fails: then there is no figure
 */
export async function inTurn(contenders: readonly Contender[], options: RunOptions): Promise<Sample[][]> {
  const samples = contenders.map((): Sample[] => []);
  for (let round = options.warmUp ? 0 : 1; round <= options.rounds; round++) {
    const order = [...contenders.entries()];
    if (round % 2 === 0) order.reverse();
    for (const [i, contender] of order) {
      const sample = await measure(contender, options.meter);
      if (round > 0) samples[i]!.push(sample);
    }
  }
  return samples;
}

/** The median of the ratios pair by pair: a slow minute hits both of a pair. */
export function ratio(own: readonly Sample[], base: readonly Sample[]): number {
  return median(own.map(({ seconds }, round) => seconds / base[round]!.seconds));
}

/** Wall time as the tables show it. */
export function wall(samples: readonly Sample[]): string {
  const times = samples.map(({ seconds }) => seconds);
  if (times.length === 1) return times[0]!.toFixed(3);
  return `${median(times).toFixed(3)} (${Math.min(...times).toFixed(3)}–${Math.max(...times).toFixed(3)})`;
}

/** The median of what was counted, in whole numbers; a dash where it was not. */
export function counted(samples: readonly Sample[], what: "peakMb" | keyof Traffic): string {
  const values = samples.map((sample) => sample[what]).filter((value) => value !== undefined);
  return values.length ? `${Math.round(median(values))}` : "–";
}

/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** One process, from its start to its end. */
export interface Run extends Pick<Sample, "seconds" | "peakMb"> {
  /** Its exit code. */
  readonly code: number;
  /** What it wrote to standard output. */
  readonly output: string;
  /** What it wrote to standard error. */
  readonly errors: string;
  /** Processor time of the command with all its processes, user and system; `undefined` without GNU time. */
  readonly cpuSeconds: number | undefined;
}

/** Runs a command with just these variables. */
export async function run(command: readonly string[], env: Readonly<Record<string, string>>): Promise<Run> {
  const [program, ...args] = hasTime ? [TIME, "-q", "-f", "used %U %S %M", ...command] : command;
  const started = performance.now();
  const { code, stdout, stderr } = await new Deno.Command(program!, { args, env: { ...env }, clearEnv: true }).output();
  const seconds = (performance.now() - started) / 1000;
  const [output, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)) as [string, string];
  const used = /used (\S+) (\S+) (\d+)\s*$/.exec(errors)?.slice(1).map(Number);
  const [cpuSeconds, peakMb] = used ? [used[0]! + used[1]!, used[2]! / 1024] : [];
  return { code, output, errors, seconds, cpuSeconds, peakMb };
}

async function measure({ name, env, prepare }: Contender, meter?: Meter): Promise<Sample> {
  const { command, check } = await prepare();
  await meter?.start();
  const { code, output, errors, seconds, peakMb } = await run(command, env);
  const traffic = await meter?.read();
  if (code !== 0) throw new Error(`"${name}" did not do the work (exit code ${code}): ${errors.slice(-2000)}`);
  await check(output);
  return { seconds, peakMb, ...traffic };
}
