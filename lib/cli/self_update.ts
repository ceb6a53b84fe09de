/** `self-update` on this machine: its network, its files, and what is said. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { readFileBounded } from "../files/files.ts";
import { openReplacement } from "../files/replace.ts";
import { selfUpdate, type Update, type UpdateWorld } from "../flows/self_update.ts";
import { readRetries } from "../http/read_retries.ts";
import { withFloors } from "../updates/kept_floors.ts";
import { createReleaseServer } from "../updates/release_server.ts";
import { VERSION } from "../version.ts";
import { shellLine } from "./command_line.ts";
import { UPDATE_AVAILABLE } from "./exit_codes.ts";
import { moveWords, runningForm } from "./form.ts";
import type { Host } from "./host.ts";
import type { Report } from "./report.ts";
import { type ConnectionValues, openSession } from "./session.ts";
import { dockerFolder } from "./docker_folder.ts";

/** What is to be updated, and from where. */
export interface SelfUpdateValues {
  /** The program's file. */
  readonly path: string;
  /** The root that it was built with. */
  readonly root: Bytes;
  /** The release repository. */
  readonly url: URL;
  /** Only look. */
  readonly check: boolean;
  /** The command line that takes what was found. */
  readonly toTake: string;
}

/** Does it, and says so. */
export async function reportSelfUpdate(
  values: SelfUpdateValues,
  connection: ConnectionValues,
  host: Host,
): Promise<Report> {
  const send = await openSession(connection, host).network();
  const { path } = values;
  const retry = readRetries({
    sleep: host.sleep,
    now: host.now,
    onRetry: (why) => host.info(`${why}; trying again`),
  });
  const world: UpdateWorld = {
    program: { version: VERSION, ...runningForm() },
    firstRoot: values.root,
    server: createReleaseServer({ send, url: values.url, retry, signal: host.signal }),
    withFloors: floorsOf(host),
    isInPlace: async (release) => {
      try {
        const bytes = await readFileBounded(path, release.length);
        await release.verify(bytes!);
        return true;
      } catch {
        return false;
      }
    },
    open: () => openReplacement(path),
    onDownload: ({ version, length }) => host.info(`Downloading tagseal ${version}, ${megabytes(length)} MB`),
  };
  return reportOf(await selfUpdate(world, values.check), values, host);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

/** A sibling of the trust directory. */
function floorsOf(host: Host): UpdateWorld["withFloors"] {
  const docker = dockerFolder(host);
  const forget = (why: string) =>
    host.warn(`${why}. Which releases were seen is not remembered, so that nobody notices if the server goes back`);
  if (docker === undefined) {
    return (use) => {
      forget("there is no home directory to find .docker in");
      return use(new Map());
    };
  }
  return (use) =>
    withFloors({
      folder: `${docker}/tagseal/releases`,
      signal: host.signal,
      onWait: (lock) => host.info(`Waiting for another process that holds the lock "${lock}"`),
      onNotKept: ({ message }) => forget(message),
    }, use);
}

function reportOf(
  { outcome, newer, outOfReach, previousPath }: Update,
  { path, toTake }: SelfUpdateValues,
  host: Host,
): Report {
  if (outOfReach) {
    host.warn(
      `version ${outOfReach.version} wants Deno ${outOfReach.oldestDeno} or newer, and this is ` +
        `${runningForm().deno}: it is left out until Deno is upgraded`,
    );
  }
  if (previousPath !== undefined) {
    host.info(`The file before it is kept. To go back: ${shellLine(...moveWords(previousPath, path))}`);
  }
  if (outcome === "available") host.info(`To take it: ${toTake}`);
  return {
    json: {
      outcome,
      version: VERSION,
      newVersion: newer?.version ?? null,
      path,
      ...previousPath === undefined ? {} : { previousPath },
      ...outOfReach ? { outOfReach: { version: outOfReach.version, oldestDeno: outOfReach.oldestDeno } } : {},
    },
    lines: [`tagseal ${newer?.version ?? VERSION} ${outcome}`],
    exitCode: outcome === "available" ? UPDATE_AVAILABLE : 0,
  };
}
