/** What of this machine must be right: the runtime, proxies, CAs, the trust directory. @module */
import type { Certificate } from "../../crypto/x509.ts";
import type { FolderHealth } from "../../files/folder_health.ts";
import type { Proxy } from "../../http/proxy.ts";
import { type Check, ok, type Verdict, warning } from "./finding.ts";

/** What runs. */
export interface Runtime {
  /** This program's version. */
  readonly program: string;
  /** Deno's. */
  readonly deno: string;
  /** `linux x86_64`. */
  readonly machine: string;
}

/** The oldest Deno that the program runs on: major and minor version. */
export const OLDEST_DENO: readonly [number, number] = [2, 9];

/** The runtime is one that this was tried on. */
export function runtimeCheck({ program, deno, machine }: Runtime): Check {
  const [major = 0, minor = 0] = deno.split(".").map(Number);
  const isOld = major < OLDEST_DENO[0] || (major === OLDEST_DENO[0] && minor < OLDEST_DENO[1]);
  const found = `tagseal ${program}, Deno ${deno}, ${machine}`;
  return {
    name: "runtime",
    run: () =>
      isOld
        ? warning(`${found}: an old Deno`, { remedy: `Install Deno ${OLDEST_DENO.join(".")} or newer` })
        : ok(found),
  };
}

/** The servers' origins by the proxy through which they are reached; `undefined` where no variable names one. */
export type Proxies = ReadonlyMap<string | undefined, readonly string[]> | undefined;

/** Groups `addresses`; `proxyFor` throws for a variable that holds no proxy. */
export function proxiesOf(
  proxyFor: ((url: URL) => Proxy | undefined) | undefined,
  addresses: readonly URL[],
): Proxies {
  const origins = new Set(addresses.map(({ origin }) => origin));
  return proxyFor && Map.groupBy(origins, (origin) => proxyFor(new URL(origin))?.url);
}

/** Which servers are reached through which proxies. */
export function proxyCheck(find: () => Promise<Proxies>): Check {
  return {
    name: "proxy",
    async run() {
      const proxies = await find();
      if (!proxies) return ok("No variable names a proxy: servers are reached directly");
      const parts = [...proxies].map(([proxy, origins]) =>
        `${origins.join(", ")} ${proxy === undefined ? "directly" : `through ${proxy}`}`
      );
      return ok(parts.join("; ") || "Variables name a proxy; no server is to be reached");
    },
  };
}

/** CAs that count beside the public ones. */
export interface KnownCas {
  /** Where they come from: a file's name. */
  readonly source: string;
  /** The certificates. */
  readonly certificates: readonly Certificate[];
}

/** CAs that were named beside the public ones are CAs, and valid. */
export function casCheck(read: () => Promise<readonly KnownCas[]>, now: Date): Check {
  return {
    name: "cas",
    async run() {
      const all = await read();
      if (all.length === 0) return ok("The public CAs, and no other one");
      return all.flatMap(({ source, certificates }): Verdict[] => {
        const over = certificates.filter(({ notBefore, notAfter }) => now >= notAfter || now < notBefore);
        if (certificates.length === 0) return [ok(`Beside the public CAs those of ${source}`)];
        const words = `"${source}": ${certificates.map(({ subject }) => subject).join("; ")}`;
        if (over.length === 0) return [ok(`Beside the public CAs ${words}`)];
        const days = over.map(({ notBefore, notAfter }) => `${day(notBefore)} to ${day(notAfter)}`).join("; ");
        return [warning(`${words}: not valid now (${days})`, { remedy: "Get the CA's new certificate" })];
      });
    },
  };
}

/** What was trusted before can be read, and what is trusted can be kept; `undefined` where there is no home. */
export function trustDirCheck(look: () => Promise<FolderHealth | undefined>): Check {
  return {
    name: "trust-dir",
    async run() {
      const folder = await look();
      return folder ? [...judgeTrustFolder(folder)] : warning(
        "There is no home directory to find .docker in: what was verified is not remembered",
        { remedy: "Set HOME or DOCKER_CONFIG, or name a folder", next: { do: "name-trust-folder" } },
      );
    },
  };
}

function* judgeTrustFolder(
  { path, exists, refusal, isOwn, isOpenToAll, leftovers }: FolderHealth,
): Iterable<Verdict> {
  if (refusal) {
    const move = { remedy: `${refusal.remedy}, or name another folder`, next: { do: "name-trust-folder" } } as const;
    // Signing goes on where the system lets nobody write; a full disk ends it.
    yield refusal.reason === "denied"
      ? warning(`${refusal.message}: what is verified is not remembered, and no key can be kept`, move)
      : { state: "error", code: refusal.code, found: refusal.message, ...move };
  } else if (exists) {
    yield ok(`"${path}" can be written to, and the disk has room`);
  } else {
    yield ok(`"${path}" is not there yet, and can be made`);
  }
  if (isOwn === false) {
    yield warning(`"${path}" belongs to another user`, {
      remedy: `Make it this user's (chown -R), or have each user keep a folder of their own`,
    });
  }
  if (isOpenToAll) {
    yield warning(`Every user of this machine may change what is trusted in "${path}"`, {
      remedy: "Take that right away (chmod o-w)",
    });
  }
  if (leftovers.length > 0) {
    yield warning(`${leftovers.length} half-written files of killed processes: ${leftovers.slice(0, 3).join(", ")}`, {
      remedy: "Delete them: nothing reads them",
    });
  }
}

function day(time: Date): string {
  return time.toISOString().slice(0, 10);
}
