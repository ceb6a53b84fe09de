/** A crowd of agents that sign in the same repositories, while their servers fail and come back. @module */
import { RELEASES } from "../../lib/tuf/roles.ts";
import type { Peers } from "../support/peers.ts";
import { startPeers } from "../support/peers.ts";
import { type CrowdReport, runCrowd, type Step, type Strike, type Task } from "./crowd_agents.ts";
import { type DelayProxy, startDelayProxy } from "./delay_proxy.ts";
import { importDelegationKey } from "./delegation_key.ts";
import { median } from "./measure.ts";
import { createSeeder, type Seeder, someTags, tagNamed } from "./seed.ts";
import type { Line } from "./signers.ts";
import { meterOf } from "./traffic.ts";
import { RTT_MS, say, type Subject, type Workshop } from "./workshop.ts";

/** What is written above the table. */
export const CROWD_TEXT: readonly string[] = [
  "A crowd: agents at once, each signs tags one after another with a key at hand, in repositories that all of them share.",
  `Two notary-servers on one PostgreSQL, one signer, a proxy ${RTT_MS} ms away that takes them in turn. Amid the work each is`,
  "killed with -9 once, and the database is restarted, away for two seconds. Who fails begins anew at once: tagseal the",
  "whole command, notary its publish. Slowest: the slowest agent's time, divided by that of the median agent.",
];

/** The head of the table. */
export const CROWD_HEAD: readonly string[] = [
  "| each run signs in | tool | wall s | ratio | runs, failed: exit codes | posts per publish | s per tag: median, 95 %, worst | slowest | CPU s per tag | lost or wrong |",
  "|---|---|---|---|---|---|---|---|---|---|",
];

/** How much is done. */
export interface CrowdSize {
  /** How many agents there are. */
  readonly agents: number;
  /** How many tags each of them signs, one after another. */
  readonly tags: number;
  /** How many repositories there are. */
  readonly repositories: number;
}

/** In how many of the repositories a run signs: in each time another one, or in all. */
export type Spread = "one" | "all";

/** Servers that can fail, and what is needed to sign there. */
export interface CrowdPlace extends AsyncDisposable {
  /** The servers. */
  readonly peers: Peers;
  /** The way to them. */
  readonly proxy: DelayProxy;
  /** Makes repositories, and looks into them. */
  readonly seeder: Seeder;
  /** Makes a trust directory that holds the delegation key and nothing else. */
  putDelegationKey(trustDir: string): Promise<void>;
}

/** Starts them, so far away. */
export async function openCrowdPlace(roundTripMs: number): Promise<CrowdPlace> {
  await using cleanUp = new AsyncDisposableStack();
  const peers = cleanUp.use(await startPeers({ storage: "postgresql", instances: 2 }));
  const proxy = cleanUp.use(startDelayProxy(peers.cluster!.instances.map(({ port }) => port), roundTripMs));
  const seeder = cleanUp.use(await createSeeder(peers));
  const putDelegationKey = await importDelegationKey(peers, seeder.delegationKeyPem);
  const running = cleanUp.move();
  return { peers, proxy, seeder, putDelegationKey, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** How a tool signs `lines` in a folder that is one agent's own. */
export interface CrowdTool {
  /** Its name in the table. */
  readonly name: string;
  /** All its variables. */
  readonly env: Readonly<Record<string, string>>;
  /** What to run, one after another. */
  steps(lines: readonly Line[], home: string): Promise<Step[]>;
}

/** A crowd's report, with what the servers have seen and hold. */
export interface CrowdOutcome extends CrowdReport {
  /** Posts that the servers answered. */
  readonly posts: number;
  /** Tags of runs that ended well which are not there as they were signed. */
  readonly missing: readonly Line[];
}

let serial = 0;

/** Has a crowd sign in new repositories. */
export async function signAsCrowd(
  place: CrowdPlace,
  tool: CrowdTool,
  size: CrowdSize,
  spread: Spread,
  strikes: readonly Strike[],
): Promise<CrowdOutcome> {
  const { peers: { dir, registryHost, cluster }, proxy, seeder } = place;
  const guns = Array.from({ length: size.repositories }, () => `${registryHost}/crowd/r${++serial}`);
  for (const gun of guns) await seeder.seed(gun, someTags(10));
  const agents = await Promise.all(Array.from({ length: size.agents }, async (_, agent): Promise<Task[]> => {
    const home = await Deno.makeTempDir({ dir, prefix: "agent-" });
    await place.putDelegationKey(`${home}/trust`);
    return await Array.fromAsync({ length: size.tags }, async (_, nth) => {
      const tag = tagNamed(`v${++serial}`);
      const own = spread === "all" ? guns : [guns[(agent + nth) % guns.length]!];
      const lines = own.map((gun) => ({ gun, ...tag }));
      return { lines, steps: await tool.steps(lines, home) };
    });
  }));
  const meter = meterOf(proxy, cluster!.instances.map(({ log }) => log));
  await meter.start();
  const report = await runCrowd(agents, tool.env, strikes);
  const { posts } = await meter.read();
  const missing: Line[] = [];
  for (const [gun, lines] of Map.groupBy(report.lines, ({ gun }) => gun)) {
    missing.push(...(await seeder.missingTags(gun, lines)).map((tag) => ({ gun, ...tag })));
  }
  return { ...report, posts, missing };
}

/** What happens to the servers: each instance is killed once, the database restarted in between. */
export function allStrikes({ peers: { cluster } }: CrowdPlace): Strike[] {
  const [first, second] = cluster!.instances;
  return [
    { after: 0.2, strike: () => first!.killAndRestart(1000) },
    { after: 0.45, strike: () => cluster!.database!.restart(2000) },
    { after: 0.7, strike: () => second!.killAndRestart(1000) },
  ];
}

/** tagseal, by `command`. */
export function tagsealInCrowd(
  { peers, proxy }: CrowdPlace,
  command: (...args: string[]) => string[],
  env: Readonly<Record<string, string>>,
): CrowdTool {
  const how = ["--signing-method", "key", "--delegation", "ci", "--ca", peers.caPath];
  return {
    name: "tagseal",
    env,
    async steps(lines, home) {
      const list = `${home}/${lines[0]!.tag}.list`;
      const text = lines.map(({ gun, tag, digest, length }) => `${gun}:${tag}@${digest} ${length}\n`);
      await Deno.writeTextFile(list, text.join(""));
      const where = ["--notary-url", `https://localhost:${proxy.port}`, "--trust-dir", `${home}/trust`];
      return [{ command: command("sign", "--from", list, ...where, ...how), isCounted: true }];
    },
  };
}

function notaryInCrowd(shop: Workshop, { peers, proxy }: CrowdPlace): CrowdTool {
  const url = `https://localhost:${proxy.port}`;
  return {
    name: "notary, with retries",
    env: shop.notaryEnv,
    steps: (lines, home) => {
      const notary = (
        ...args: string[]
      ) => ["notary", "-s", url, "--tlscacert", peers.caPath, "-d", `${home}/trust`, ...args];
      return Promise.resolve(lines.flatMap(({ gun, tag, digest, length }) => {
        const target = [gun, tag, `${length}`, "--sha256", digest.slice("sha256:".length), "-r", RELEASES];
        return [
          { command: notary("addhash", ...target), isCounted: false },
          { command: notary("publish", gun), isCounted: true },
        ];
      }));
    },
  };
}

/** tagseal beside notary, in both spreads. */
export const crowd: Subject = {
  name: "crowd",
  async measure(shop: Workshop) {
    const size = shop.quick ? { agents: 6, tags: 3, repositories: 2 } : { agents: 16, tags: 10, repositories: 4 };
    await using place = await openCrowdPlace(RTT_MS);
    const tools = [notaryInCrowd(shop, place), tagsealInCrowd(place, shop.tagseal, shop.denoEnv)];
    for (const spread of ["one", "all"] as const) {
      let base: CrowdOutcome | undefined;
      for (const tool of tools) {
        const outcome = await signAsCrowd(place, tool, size, spread, allStrikes(place));
        base ??= outcome;
        sayCrowd(`${spread} of ${size.repositories} repositories`, tool.name, outcome, base);
      }
    }
  },
};

function sayCrowd(title: string, name: string, outcome: CrowdOutcome, base: CrowdOutcome): void {
  const { seconds, exits, posts, lines, taskSeconds, agentSeconds, cpuSeconds, missing, failures } = outcome;
  const isOurs = outcome !== base;
  const aim = (value: number, most: number) => isOurs ? ` (≤ ${most}${value <= most ? "" : " missed"})` : "";
  const runs = [...exits.values()].reduce((sum, count) => sum + count, 0);
  const bad = [...exits].filter(([code]) => code !== 0).sort(([a], [b]) => a - b);
  const isAllowed = bad.every(([code]) => code === 5 || code === 6);
  const codes = bad.map(([code, count]) => `${count} × ${code}`).join(", ") || "–";
  const ratio = seconds / base.seconds;
  const perPublish = posts / lines.length;
  const sorted = [...taskSeconds].sort((a, b) => a - b);
  const times = [median(sorted), sorted[Math.ceil(sorted.length * 0.95) - 1]!, sorted.at(-1)!];
  const slowest = Math.max(...agentSeconds) / median(agentSeconds);
  const cells = [
    title,
    name,
    seconds.toFixed(1),
    `×${ratio.toFixed(2)}${aim(ratio, 1)}`,
    `${runs}, ${runs - exits.get(0)!}: ${codes}${isOurs ? ` (5, 6${isAllowed ? "" : " missed"})` : ""}`,
    `${perPublish.toFixed(2)}${aim(perPublish, 2)}`,
    times.map((time) => time.toFixed(1)).join(", "),
    `${slowest.toFixed(2)}${aim(slowest, 1.3)}`,
    (cpuSeconds / lines.length).toFixed(2),
    `${missing.length}${aim(missing.length, 0)}`,
  ];
  say(`| ${cells.join(" | ")} |`);
  // What nobody should have to read of is shown whole.
  for (const { code, errors } of isOurs ? failures : []) if (code !== 5 && code !== 6) say(`\n${code}: ${errors}`);
}
