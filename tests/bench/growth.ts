/**
 * How time, memory, traffic and the trust directory grow with what there is: tags in a role, repositories, delegations,
 * versions of root, and signs in a row.
 *
 * @module
 */
import { startDelayProxy } from "./delay_proxy.ts";
import { manyDelegations, manyRepositories, rotating } from "./growth_seed.ts";
import { median, type Meter, type Run, run, type Traffic } from "./measure.ts";
import { beside, exponent, plot, short } from "./plot.ts";
import { someTags, tagNamed } from "./seed.ts";
import { meterOf } from "./traffic.ts";
import { say, type Subject, type Workshop } from "./workshop.ts";

/** Twice the work may take a little more than twice as much: the goal for every exponent. */
const GOAL = 1.1;

/** What stands above it all. */
export const GROWTH_TEXT: readonly string[] = [
  "Growth: the same command on more and more, no delay added, each in a process of its own, cold unless it says so.",
  `CPU: user and system time of the process. At once: the most connections open at one time. Exponent: the steepest slope`,
  `between two sizes, both logarithmic; 1 is linear growth, the goal is ≤ ${GOAL}, but for wall time.`,
];

/** What a command took at one size. */
interface Taken extends Run, Traffic {
  readonly size: number;
  /** The trust directory after it. */
  readonly files: number;
  readonly bytes: number;
}

/** What can grow. */
const WHAT = [
  ["CPU s", ({ cpuSeconds }: Taken) => cpuSeconds ?? NaN],
  ["wall s", ({ seconds }: Taken) => seconds], // as much the machine's as ours, so that nothing is missed by it
  ["peak MB", ({ peakMb }: Taken) => peakMb ?? NaN],
  ["requests", ({ requests }: Taken) => requests],
  ["connections", ({ connections }: Taken) => connections],
  ["at once", ({ atOnce }: Taken) => atOnce],
  ["files", ({ files }: Taken) => files],
  ["trust dir bytes", ({ bytes }: Taken) => bytes],
] as const;

/** A command, made for each run anew: with its own trust directory. */
type Work = (trustDir: string) => string[] | Promise<string[]>;

/** A place to measure at: a way to the server that adds nothing, and counts. */
interface Bench extends Disposable {
  readonly url: string;
  readonly trust: (trustDir: string) => string[];
  take(size: number, work: Work, options?: { readonly kept?: string; readonly rounds?: number }): Promise<Taken>;
}

function openBench(shop: Workshop): Bench {
  const { peers } = shop;
  const proxy = startDelayProxy([Number(new URL(peers.notaryUrl).port)], 0);
  const meter: Meter = meterOf(proxy, [`${peers.dir}/notary-server.log`]);
  const url = `https://localhost:${proxy.port}`;
  return {
    url,
    trust: (trustDir) => ["--notary-url", url, "--ca", peers.caPath, "--trust-dir", trustDir],
    async take(size, work, { kept, rounds = shop.quick ? 1 : 3 } = {}) {
      const runs: Taken[] = [];
      for (let round = 0; round < rounds; round++) {
        const trustDir = kept ?? `${await shop.freshFolder()}/trust`;
        if (!kept) await shop.putDelegationKey(trustDir);
        const command = shop.tagseal(...await work(trustDir));
        await meter.start();
        const done = await run(command, shop.denoEnv);
        const traffic = await meter.read();
        if (done.code !== 0) throw new Error(`${command.slice(1).join(" ")}: ${done.code} ${done.errors.slice(-1500)}`);
        runs.push({ ...done, ...traffic, ...await sizeOf(trustDir), size });
      }
      const middle = median(runs.map(({ cpuSeconds = NaN }) => cpuSeconds));
      return runs.find(({ cpuSeconds }) => cpuSeconds === middle) ?? runs[0]!;
    },
    [Symbol.dispose]: () => proxy[Symbol.dispose](),
  };
}

/** The files of a folder, and their bytes. */
async function sizeOf(path: string): Promise<{ files: number; bytes: number }> {
  let [files, bytes] = [0, 0];
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    const within = isDirectory
      ? await sizeOf(`${path}/${name}`)
      : { files: 1, bytes: (await Deno.stat(`${path}/${name}`)).size };
    files += within.files;
    bytes += within.bytes;
  }
  return { files, bytes };
}

const WIDTH = 39;

/** Prints a table of what was taken, the exponents, and two plots. */
function report(title: string, unit: string, taken: readonly Taken[]): void {
  const points = (value: (taken: Taken) => number) => taken.map((one) => ({ size: one.size, value: value(one) }));
  say();
  say(`| ${title}: ${unit} | ${WHAT.map(([name]) => name).join(" | ")} |`);
  say(`|---|${WHAT.map(() => "---|").join("")}`);
  for (const one of taken) say(`| ${short(one.size)} | ${WHAT.map(([, value]) => short(value(one))).join(" | ")} |`);
  const grown = WHAT.map(([, value]) => exponent(points(value)));
  const shown = grown.map((power, i) =>
    `${power.toFixed(2)}${power > GOAL && WHAT[i]![0] !== "wall s" ? " missed" : ""}`
  );
  say(`| exponent ≤ ${GOAL} | ${shown.join(" | ")} |`);
  const [cpu, , memory] = WHAT.map(([name, value]) => plot(`${name} over ${unit}`, points(value), WIDTH));
  for (const line of ["", ...beside(cpu!, memory!, WIDTH + 2)]) say(line && `    ${line}`.slice(0, 84));
}

/** `sign` of one new tag in each of these repositories, with a key at hand. */
async function signing(shop: Workshop, bench: Bench, guns: readonly string[], trustDir: string): Promise<string[]> {
  const { tag, digest, length } = tagNamed(`v${shop.next()}`);
  const list = `${await shop.freshFolder()}/list`;
  await Deno.writeTextFile(list, guns.map((gun) => `${gun}:${tag}@${digest} ${length}\n`).join(""));
  return ["sign", "--from", list, "--signing-method", "key", "--delegation", "ci", ...bench.trust(trustDir)];
}

/** All commands on more and more; `make` makes what is there, once for each size. */
async function grow(
  shop: Workshop,
  unit: string,
  sizes: readonly number[],
  make: (size: number, bench: Bench) => Promise<Readonly<Record<string, Work>>>,
  rounds: (size: number) => { readonly rounds?: number } = () => ({}),
): Promise<void> {
  using bench = openBench(shop);
  const taken = new Map<string, Taken[]>();
  for (const size of sizes) {
    for (const [title, work] of Object.entries(await make(size, bench))) {
      taken.set(title, [...taken.get(title) ?? [], await bench.take(size, work, rounds(size))]);
    }
  }
  for (const [title, all] of taken) report(title, unit, all);
}

/** What is asked for so many files takes long enough to tell by one run. */
const onceIfLong = (size: number) => size > 500 ? { rounds: 1 } : {};

const tags: Subject = {
  name: "growth-tags",
  measure: (shop) =>
    grow(shop, "tags in a role", shop.quick ? [100, 1_000] : [1_000, 10_000, 100_000], async (size, bench) => {
      const gun = shop.freshGun();
      await shop.seeder.seed(gun, someTags(size));
      return {
        "list": (dir) => ["list", "-r", gun, ...bench.trust(dir)],
        "verify one tag": (dir) => ["verify", "-r", gun, "-t", "t000007", ...bench.trust(dir)],
        "status": (dir) => ["status", "-r", gun, ...bench.trust(dir)],
        "export": (dir) => ["export", "-r", gun, "--output-artifact-path", `${dir}.zip`, ...bench.trust(dir)],
        "sign one more": (dir) => signing(shop, bench, [gun], dir),
      };
    }),
};

const fleets: Subject = {
  name: "growth-fleets",
  measure: (shop) =>
    grow(shop, "repositories", shop.quick ? [4, 16] : [10, 100, 1_000], async (size, bench) => {
      const guns = await manyRepositories(shop, size);
      const list = `${await shop.freshFolder()}/repositories`;
      await Deno.writeTextFile(list, guns.join("\n"));
      return {
        "status of all": (dir) => ["status", "--repositories-from", list, "--summary", ...bench.trust(dir)],
        "export of all": (
          dir,
        ) => ["export", "--repositories-from", list, "--output-artifact-path", `${dir}.zip`, ...bench.trust(dir)],
        "sign one tag in each": (dir) => signing(shop, bench, guns, dir),
      };
    }, onceIfLong),
};

const delegations: Subject = {
  name: "growth-delegations",
  measure: (shop) =>
    grow(shop, "delegations", shop.quick ? [10, 40] : [10, 100, 990], async (size, bench) => {
      const gun = await manyDelegations(shop, size);
      return {
        "list": (dir) => ["list", "-r", gun, ...bench.trust(dir)],
        "inspect": (dir) => ["inspect", "-r", gun, ...bench.trust(dir)],
        "sign one tag": (dir) => signing(shop, bench, [gun], dir),
      };
    }, onceIfLong),
};

const roots: Subject = {
  name: "growth-roots",
  measure: async (shop) => {
    using bench = openBench(shop);
    const { gun, rotate } = await rotating(shop);
    const list: Work = (dir) => ["list", "-r", gun, ...bench.trust(dir)];
    const first = `${await shop.freshFolder()}/trust`;
    await shop.putDelegationKey(first);
    await bench.take(1, list, { kept: first, rounds: 1 });
    const [cold, behind]: [Taken[], Taken[]] = [[], []];
    let done = 0;
    for (const count of shop.quick ? [2, 6] : [3, 10, 30]) {
      for (; done < count; done++) await rotate();
      cold.push(await bench.take(count, list));
      const copied: Work = async (dir) => {
        const from = `${first}/tuf`;
        await new Deno.Command("cp", { args: ["-r", from, dir] }).output();
        return await list(dir);
      };
      behind.push(await bench.take(count, copied));
    }
    report("list, cold", "replaced root keys", cold);
    report("list, root 1 known", "replaced root keys", behind);
  },
};

const signs: Subject = {
  name: "growth-signs",
  measure: async (shop) => {
    using bench = openBench(shop);
    const gun = shop.freshGun();
    await shop.seeder.seed(gun, someTags(3));
    const trustDir = `${await shop.freshFolder()}/trust`;
    await shop.putDelegationKey(trustDir);
    const count = shop.quick ? 20 : 500;
    const window = count / 10;
    const all: Taken[] = [];
    for (let i = 1; i <= count; i++) {
      all.push(await bench.take(i, (dir) => signing(shop, bench, [gun], dir), { kept: trustDir, rounds: 1 }));
    }
    // Each point the middle one of a tenth of the runs, by time; what is kept by then is what its last one has left.
    const tenths = [0, 1, 2, 4, 9].map((tenth) => {
      const some = all.slice(tenth * window, (tenth + 1) * window);
      const middle = [...some].sort((a, b) => (a.cpuSeconds ?? 0) - (b.cpuSeconds ?? 0))[some.length >> 1]!;
      const { size, files, bytes } = some.at(-1)!;
      return { ...middle, size, files, bytes };
    });
    report("sign one more, warm", "signs in one trust directory", tenths);
    const [first, last] = [tenths[0]!, tenths.at(-1)!];
    const times = (last.cpuSeconds ?? NaN) / (first.cpuSeconds ?? NaN);
    say(`    Last tenth to first: CPU ×${times.toFixed(2)}; files ${all[0]!.files} → ${all.at(-1)!.files}.`);
  },
};

/** One subject for each thing that can grow. */
export const growth: readonly Subject[] = [tags, fleets, delegations, roots, signs];
