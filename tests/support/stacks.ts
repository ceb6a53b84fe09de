/**
 * One suite, two stacks: the servers that a test of `tests/peers/` runs on, which are the real ones or those of tagseal.
 *
 * @module
 */
import { startEmbeddedPeers } from "./embedded_peers.ts";
import { type Need, peerTest } from "./peer_case.ts";
import { type Peers, startPeers } from "./peers.ts";

/** Servers to run a test on. */
export interface Stack {
  /** What the names of its tests end with. */
  readonly name: string;
  /** Whether it asks for tokens. */
  readonly auth: boolean;
  /** The programs that it is made of. */
  readonly needs: readonly Need[];
  /** Starts it, with a Docker engine where wanted. */
  start(options?: { readonly engine?: boolean }): Promise<Peers>;
}

/** notary-server, notary-signer and docker-registry. */
export const REAL: Stack = {
  name: "real servers",
  auth: false,
  needs: ["notary-server", "docker-registry"],
  start: (options) => startPeers({ ...options }),
};

/** The same, with Docker token authentication. */
export const REAL_WITH_TOKENS: Stack = {
  ...REAL,
  name: "real servers with token authentication",
  auth: true,
  start: (options) => startPeers({ ...options, auth: true }),
};

/** The same, with a database: what it does at once there is done in transactions. */
export const REAL_ON_POSTGRESQL: Stack = {
  ...REAL,
  name: "real servers on PostgreSQL",
  needs: [...REAL.needs, "postgresql"],
  start: (options) => startPeers({ ...options, storage: "postgresql" }),
};

/** The embedded stack: no program has to be there for it. */
export const EMBEDDED: Stack = { name: "embedded servers", auth: false, needs: [], start: startEmbeddedPeers };

/** All that keep what they have in memory. */
export const STACKS: readonly Stack[] = [REAL, REAL_WITH_TOKENS, EMBEDDED];

/** Registers a test that runs on `stack` where its programs and `clients` are installed. */
export function stackTest(
  stack: Stack,
  name: string,
  clients: readonly Need[],
  fn: (t: Deno.TestContext) => Promise<void>,
): void {
  peerTest(`${name}, ${stack.name}`, [...stack.needs, ...clients], fn);
}
