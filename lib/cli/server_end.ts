/** What whoever signs has to know of the end of Docker Content Trust. @module */
import { commandLine } from "./command_line.ts";
import { describeEnd, endOfServer } from "../notary/server_end.ts";
import type { Host } from "./host.ts";

/** Docker's engine has no content trust since version 29 (November 2025), and does not say so when it pulls. */
export function docker29(): string {
  return `Docker 29 and later pull without looking at signatures; ${commandLine("verify")} checks them, whatever ` +
    "Docker is there.";
}

/** Warns whoever is about to publish to a Notary server that will be switched off, or was. */
export function warnOfEnd(notaryUrl: URL, host: Host): void {
  const end = endOfServer(notaryUrl);
  if (!end) return;
  host.warn(
    `${describeEnd(end, host.now())}: what is signed there can then neither be checked nor signed anew. Keep it with ` +
      `${commandLine("export")}, and name a Notary server that stays with DOCKER_CONTENT_TRUST_SERVER or --notary-url`,
  );
}
