/** What all measurements share: servers, a delayed way to them, fresh folders, the tools' command lines. @module */
import { utf8 } from "../../lib/bytes/bytes.ts";
import { builtFile } from "../support/built_file.ts";
import { NOTARY_PASSPHRASES } from "../support/clients.ts";
import { type Peers, startPeers } from "../support/peers.ts";
import { type DelayProxy, startDelayProxy } from "./delay_proxy.ts";
import { importDelegationKey } from "./delegation_key.ts";
import { createSeeder, type Seeder } from "./seed.ts";

/** The round-trip time of the delayed way, as between a build agent and a server on the same continent. */
export const RTT_MS = 40;

/** Where measuring happens. */
export interface Workshop extends AsyncDisposable {
  /** Everything small. */
  readonly quick: boolean;
  /** How often to measure what takes a second or less. */
  readonly rounds: number;
  /** How many tags make a large role. */
  readonly largeRole: number;
  /** The servers. */
  readonly peers: Peers;
  /** Makes repositories on them. */
  readonly seeder: Seeder;
  /** The delayed way to the Notary server. */
  readonly proxy: DelayProxy;
  /** Its address. */
  readonly delayedUrl: string;
  /** The variables of tagseal, and of any Deno program. */
  readonly denoEnv: Readonly<Record<string, string>>;
  /** The variables of the notary client. */
  readonly notaryEnv: Readonly<Record<string, string>>;
  /** A Deno program in one file. */
  program(...args: string[]): string[];
  /** A tagseal command, by the single file that build agents have. */
  tagseal(...args: string[]): string[];
  /** A notary command, with this trust directory. */
  notary(url: string, trustDir: string, ...args: string[]): string[];
  /** A new, empty folder. */
  freshFolder(): Promise<string>;
  /** Makes a trust directory that holds the delegation key and nothing else. */
  putDelegationKey(trustDir: string): Promise<void>;
  /** A GUN that nobody has. */
  freshGun(): string;
  /** A number that is higher each time. */
  next(): number;
}

/** One thing to measure. */
export interface Subject {
  /** Its name for `--only`. */
  readonly name: string;
  /** Measures, and prints rows of the table it stands in. */
  measure(shop: Workshop): Promise<void>;
}

/** Prints a line of the report. */
export function say(line = ""): void {
  Deno.stdout.writeSync(utf8(`${line}\n`));
}

/** How the servers are started. */
export interface WorkshopOptions {
  /** Everything small. */
  readonly quick: boolean;
  /** Whether they ask for tokens; the token server stands as far away as they do. */
  readonly auth?: boolean;
}

/** Starts the servers. */
export async function openWorkshop({ quick, auth = false }: WorkshopOptions): Promise<Workshop> {
  await using cleanUp = new AsyncDisposableStack();
  const delayed = (port: number) => cleanUp.use(startDelayProxy([port], RTT_MS));
  const peers = cleanUp.use(await startPeers({ auth, isMeasured: true, wayToIssuer: (port) => delayed(port).port }));
  const seeder = cleanUp.use(await createSeeder(peers));
  const proxy = delayed(Number(new URL(peers.notaryUrl).port));

  const putDelegationKey = await importDelegationKey(peers, seeder.delegationKeyPem);

  const path = Deno.env.get("PATH") ?? "/usr/bin:/bin";
  // Compiled code stays cached between runs, as it does on a machine in use.
  const cache = Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`;
  const file = await builtFile();
  const program = (...args: string[]) =>
    [Deno.execPath(), "run", "-q", "--no-prompt", "-A", "--no-config", "--no-lock", "--no-remote", "--no-npm"].concat(
      args,
    );
  const access = auth ? { NOTARY_AUTH: btoa(`${peers.username}:${peers.password}`) } : {};
  let serial = 0;
  const next = () => ++serial;
  const running = cleanUp.move();
  return {
    quick,
    rounds: quick ? 3 : 9,
    largeRole: quick ? 2_000 : 50_000,
    peers,
    seeder,
    proxy,
    delayedUrl: `https://localhost:${proxy.port}`,
    denoEnv: { PATH: path, HOME: peers.dir, DENO_DIR: cache, ...NOTARY_PASSPHRASES, ...access },
    notaryEnv: { PATH: path, HOME: peers.dir, ...NOTARY_PASSPHRASES, ...access },
    program,
    tagseal: (...args) => [file, ...args],
    notary: (url, trustDir, ...args) => ["notary", "-s", url, "--tlscacert", peers.caPath, "-d", trustDir, ...args],
    freshFolder: () => Deno.makeTempDir({ dir: peers.dir, prefix: "bench-" }),
    putDelegationKey,
    freshGun: () => `${peers.registryHost}/bench/r${next()}`,
    next,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
