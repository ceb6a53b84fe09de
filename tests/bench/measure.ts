/** Runs commands in turn and compares them pair by pair: absolute times belong to the machine and the hour. @module */

/** One command to measure. */
export interface Contender {
  /** Its name in the table. */
  readonly name: string;
  /** Program and arguments; made anew for each run, so that each can start from an empty folder. */
  command(run: number): Promise<readonly string[]>;
  /** All its variables. */
  readonly env: Readonly<Record<string, string>>;
  /** Whether its output is right. */
  check?(stdout: string): boolean;
}

interface Sample {
  readonly seconds: number;
  readonly peakMb: number | undefined;
}

const TIME = "/usr/bin/time"; // Debian's package "time"; without it no memory is shown
const hasTime = await Deno.stat(TIME).then(() => true, () => false);

/**
 * Measures contenders in turn, `rounds` times after one round that does not count, and returns rows of a table: median
 * wall time, its ratio to the first contender (median of the ratios pair by pair), peak memory.
 */
export async function compare(title: string, contenders: readonly Contender[], rounds: number): Promise<string[]> {
  const samples = contenders.map((): Sample[] => []);
  for (let round = 0; round <= rounds; round++) {
    for (const [i, contender] of contenders.entries()) {
      const sample = await measure(contender, round);
      if (round > 0) samples[i]!.push(sample);
    }
  }
  return contenders.map(({ name }, i) => {
    const own = samples[i]!;
    const ratio = median(own.map((sample, round) => sample.seconds / samples[0]![round]!.seconds));
    const times = own.map(({ seconds }) => seconds);
    const spread = `${Math.min(...times).toFixed(3)}–${Math.max(...times).toFixed(3)}`;
    const memory = own.map(({ peakMb }) => peakMb).filter((mb) => mb !== undefined);
    const peak = memory.length ? `${Math.round(median(memory))}` : "–";
    return `| ${title} | ${name} | ${median(times).toFixed(3)} (${spread}) | ×${ratio.toFixed(2)} | ${peak} |`;
  });
}

/** The head of the table that {@linkcode compare} fills. */
export const TABLE_HEAD = [
  "| work | tool | wall s: median (min–max) | ratio | peak MB |",
  "|---|---|---|---|---|",
];

/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

async function measure({ name, command, env, check }: Contender, run: number): Promise<Sample> {
  const [program, ...args] = await command(run);
  const full = hasTime ? [TIME, "-f", "peak %M", program!, ...args] : [program!, ...args];
  const started = performance.now();
  const { code, stdout, stderr } = await new Deno.Command(full[0]!, {
    args: full.slice(1),
    env: { ...env },
    clearEnv: true,
  }).output();
  const seconds = (performance.now() - started) / 1000;
  const errors = new TextDecoder().decode(stderr);
  if (code !== 0 || check?.(new TextDecoder().decode(stdout)) === false) {
    throw new Error(`"${name}" did not do the work (exit code ${code}): ${errors.slice(0, 2000)}`);
  }
  const peak = /peak (\d+)/.exec(errors)?.[1];
  return { seconds, peakMb: peak === undefined ? undefined : Number(peak) / 1024 };
}
