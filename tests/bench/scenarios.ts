/** What is signed to measure signing, and what is expected of it: the targets of the issue "Sign: every way". @module */
import { AT_ONCE, type Shape } from "./signers.ts";
import type { Workshop } from "./workshop.ts";

/** Work for both tools. */
export interface Scenario {
  /** What it is called in the table. */
  readonly title: string;
  /** How it is cut into processes. */
  readonly shape: Shape;
  /** How many repositories are signed for. */
  readonly repositories: number;
  /** How many tags each of them has before. */
  readonly before: number;
  /** How many tags each of them gets. */
  readonly tags: number;
  /** tagseal's time shall be at most this part of notary's. */
  readonly target: number;
  /** Its memory, in MB, shall be at most this. */
  readonly peakMb?: number;
  /** Runs that count. */
  readonly rounds: number;
  /** Whether one that does not count comes first. */
  readonly warmUp: boolean;
  /** Runs at another round-trip time, where the network decides the time: these tell the round trips. */
  readonly farRounds?: number;
  /** Whether a tool's trust directory is kept from run to run. */
  readonly isWarm?: boolean;
  /** Whether Deno's cache is empty at the start of each run, as on a fresh agent. */
  readonly isFresh?: boolean;
  /** Whether the runtime alone is measured beside both. */
  readonly withBare?: boolean;
  /** Whether each run gets a repository of its own. */
  readonly isNewEachTime?: boolean;
}

/** Their names for `--only`. */
export const SCENARIO_NAMES = [
  "fresh",
  "cold",
  "warm",
  "auth",
  "batch",
  "fleet",
  "large",
  "signers",
  "agents",
] as const;

/** All of them. */
export function scenarios(
  { quick, rounds, largeRole }: Pick<Workshop, "quick" | "rounds" | "largeRole">,
): Readonly<Record<typeof SCENARIO_NAMES[number], Scenario>> {
  const oneTag = { shape: "update", repositories: 1, before: 10, tags: 1 } as const;
  const often = { rounds, warmUp: true, farRounds: quick ? 1 : 5 };
  const batch = quick ? 30 : 1000;
  const fleet = quick ? 8 : 100;
  return {
    fresh: { title: "one tag, cold, Deno's cache empty", ...oneTag, target: 0.42, ...often, isFresh: true },
    cold: { title: "one tag, cold", ...oneTag, target: 0.38, ...often, withBare: true },
    warm: { title: "one tag, warm", ...oneTag, target: 0.38, ...often, isWarm: true },
    auth: { title: "one tag, cold, with a token server", ...oneTag, target: 0.42, ...often },
    batch: {
      title: `${batch} new tags in one update`,
      ...oneTag,
      tags: batch,
      target: 0.04,
      rounds: quick ? 1 : 3,
      warmUp: false,
      isNewEachTime: true,
    },
    fleet: {
      title: `one tag in each of ${fleet} repositories`,
      ...oneTag,
      shape: "fleet",
      repositories: fleet,
      before: 3,
      target: 0.15,
      rounds: quick ? 1 : 3,
      warmUp: false,
      withBare: true,
    },
    large: {
      title: `one tag into a role of ${largeRole}, cold`,
      ...oneTag,
      before: largeRole,
      target: 0.65,
      peakMb: 200,
      rounds: quick ? 1 : 5,
      warmUp: !quick,
      farRounds: quick ? 1 : 3,
    },
    signers: {
      title: `${AT_ONCE} signers at once in one repository`,
      ...oneTag,
      shape: "signers",
      tags: AT_ONCE,
      target: 0.3,
      rounds: quick ? 1 : 3,
      warmUp: false,
      isNewEachTime: true,
    },
    agents: {
      title: `${2 * AT_ONCE} agents at once, each in 4 repositories`,
      ...oneTag,
      shape: "signers",
      repositories: 4,
      tags: 2 * AT_ONCE,
      target: 0.75,
      rounds: quick ? 1 : 3,
      warmUp: false,
      isNewEachTime: true,
    },
  };
}
