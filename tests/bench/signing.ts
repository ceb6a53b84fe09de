/** Signing: the same tags by the notary client and by tagseal, over the delayed way. @module */
import { type Contender, inTurn, median, ratio } from "./measure.ts";
import { type Scenario, SCENARIO_NAMES, scenarios } from "./scenarios.ts";
import { someTags, tagNamed } from "./seed.ts";
import {
  AT_ONCE,
  bareTool,
  type Line,
  notaryTool,
  type Shape,
  type SigningTool,
  tagsealTool,
  trustDirOf,
} from "./signers.ts";
import { roundTrips, saySigning } from "./tables.ts";
import { meterOf } from "./traffic.ts";
import { openWorkshop, RTT_MS, type Subject, type Workshop } from "./workshop.ts";

/** The other round-trip time: so far away that the noise of the machine is a small part of the difference. */
const FAR_RTT_MS = 120;

/** What stands above the table. */
export const SIGNING_TEXT: readonly string[] = [
  `Signing with a delegation key (RSA 2048) at hand, ${RTT_MS} ms of round-trip time added to the Notary server.`,
  "Ratio: median of the ratios to notary pair by pair. notary runs one process for each tag or repository, in the fleet",
  `${AT_ONCE} at once (one after another where it says so); tagseal one process for all. Signers, agents: each its own`,
  "process, tag and trust directory; notary publishes again until its tag is in. Cold: a trust directory that holds the key alone.",
  `Round trips that follow one another: what the fastest run takes longer at ${FAR_RTT_MS} ms than at ${RTT_MS} ms, divided`,
  "by the difference, rounded; only where the network decides the time. Requests: from notary-server's log. Connections:",
  "from the proxy. Memory: the largest single process. After each run the tags were found on the server, as they were signed.",
  "The runtime alone: a program that asks what tagseal asks, looks at no answer, and whose post is refused.",
];

/** One subject for each scenario. */
export const signing: readonly Subject[] = SCENARIO_NAMES.map((name) => ({
  name,
  async measure(shop) {
    if (name !== "auth") return await run(shop, scenarios(shop)[name]);
    await using guarded = await openWorkshop({ quick: shop.quick, auth: true });
    await run(guarded, scenarios(guarded)[name]);
  },
}));

async function run(shop: Workshop, scenario: Scenario): Promise<void> {
  const { title, target, peakMb, rounds, warmUp, farRounds, shape } = scenario;
  const meter = meterOf(shop.proxy, [`${shop.peers.dir}/notary-server.log`]);
  const tools = [notaryTool(shop), tagsealTool(shop)] as const;
  // Each tool has repositories of its own, made alike.
  const repositories = await Array.fromAsync(tools, () => newRepositories(shop, scenario));
  const contenders = tools.map((tool, i) => contenderOf(shop, scenario, tool, repositories[i]!));
  if (scenario.withBare) contenders.push(bareContender(shop, shape, repositories[1]!));
  const near = await inTurn(contenders, { rounds, warmUp, meter });
  shop.proxy.roundTripMs = FAR_RTT_MS;
  const far = farRounds && await inTurn(contenders, { rounds: farRounds, warmUp: false });
  shop.proxy.roundTripMs = RTT_MS;
  for (const [i, { name }] of contenders.entries()) {
    const own = near[i]!;
    const trips = far ? roundTrips(own, far[i]!, FAR_RTT_MS - RTT_MS) : undefined;
    const aims = name === "tagseal" ? { target, peakMb } : {};
    saySigning({ title, name, own, ratio: ratio(own, near[0]!), ...aims, roundTrips: trips });
  }
  if (shape !== "fleet" || shop.quick) return;
  // What a script without xargs does; once, as it takes minutes.
  const loop = contenderOf(shop, { ...scenario, shape: "fleet one by one" }, tools[0], repositories[0]!);
  const own = (await inTurn([loop], { rounds: 1, warmUp: false, meter }))[0]!;
  const times = own[0]!.seconds / median(near[0]!.map(({ seconds }) => seconds));
  saySigning({ title, name: "notary, one after another", own, ratio: times });
}

/** Asks what tagseal asks, and does nothing else. */
function bareContender(shop: Workshop, shape: Shape, guns: readonly string[]): Contender {
  const { name, env, command } = bareTool(shop);
  const lines = guns.map((gun) => ({ gun, ...tagNamed("v0") }));
  return {
    name,
    env,
    prepare: async () => ({ command: await command(shape, await shop.freshFolder(), lines), check() {} }),
  };
}

async function newRepositories(shop: Workshop, { repositories, before }: Scenario): Promise<string[]> {
  const guns = Array.from({ length: repositories }, shop.freshGun);
  for (const gun of guns) await shop.seeder.seed(gun, someTags(before));
  return guns;
}

/** A tool that signs new tags in these repositories, each time it runs. */
function contenderOf(shop: Workshop, scenario: Scenario, tool: SigningTool, repositories: string[]): Contender {
  const { shape, isNewEachTime, isWarm, isFresh } = scenario;
  const before = someTags(scenario.before);
  const newHome = async (lines: readonly Line[]) => {
    const home = await shop.freshFolder();
    for (const dir of new Set(lines.map(({ tag }) => trustDirOf(shape, home, tag)))) await shop.putDelegationKey(dir);
    return home;
  };
  let keptHome: string | undefined;
  const signed: Line[] = [];
  return {
    name: tool.name,
    env: tool.env,
    async prepare() {
      const guns = isNewEachTime ? await newRepositories(shop, scenario) : repositories;
      const tags = Array.from({ length: scenario.tags }, () => tagNamed(`v${shop.next()}`));
      const lines = guns.flatMap((gun) => tags.map((tag) => ({ gun, ...tag })));
      const home = keptHome ?? await newHome(lines);
      if (isWarm) keptHome = home;
      signed.push(...lines);
      const command = await tool.command(shape, home, lines);
      return {
        command: isFresh ? ["env", `DENO_DIR=${await shop.freshFolder()}`, ...command] : command,
        check: async () => {
          for (const gun of guns) {
            // No tag of before may be lost, either.
            const wanted = signed.filter((line) => line.gun === gun);
            await shop.seeder.requireTags(gun, [...before, ...wanted]);
          }
        },
      };
    },
  };
}
