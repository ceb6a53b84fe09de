/** Whether registries and Notary servers are there, and which. @module */
import { isTagsealError } from "../../errors.ts";
import type { Pinged } from "../../http/ping.ts";
import { describeEnd, endOfServer } from "../../notary/server_end.ts";
import { noNotary, type TrustServer } from "../../notary/trust_server.ts";
import { type Check, ok, type Verdict, warning } from "./finding.ts";

/** A Notary server to look at. */
export interface NotaryToCheck {
  /** Its address. */
  readonly url: URL;
  /** Who answers there. */
  readonly ping: () => Promise<Pinged>;
  /** The server, as it is asked for `repository`. */
  readonly open: () => Promise<TrustServer>;
  /** A repository that is to be there. */
  readonly repository: string;
}

/** The Notary server is one, and goes on being one. */
export function notaryCheck({ url, ping, open, repository }: NotaryToCheck, now: Date): Check {
  const server = url.href.replace(/\/+$/, "");
  return {
    name: "notary",
    server,
    async run() {
      const pinged = await ping();
      await requireNotary(await open(), repository);
      const kind = /\.azurecr\.(io|cn|us)$/.test(url.hostname)
        ? "Azure Container Registry's Notary server"
        : url.hostname === "notary.docker.io"
        ? "Docker Hub's Notary server"
        : "A Notary server";
      const end = endOfServer(url);
      return [
        answering(kind, pinged),
        ...end
          ? [warning(describeEnd(end, now), {
            remedy:
              "Keep what is signed there now in a file that verifies without the server, or move it to another one",
          })]
          : [],
      ];
    },
  };
}

/** The registry answers as one. */
export function registryCheck(host: string, ping: () => Promise<Pinged>): Check {
  return {
    name: "registry",
    server: host,
    async run() {
      const pinged = await ping();
      if ([200, 401].includes(pinged.status)) return answering("A registry", pinged);
      return {
        state: "error",
        code: "unavailable",
        found: `Does not answer as a registry: status ${pinged.status} to /v2/`,
        remedy: "Check the repository's name, and what stands between here and the registry",
        next: { do: "name-registry" },
      };
    },
  };
}

/** Registries and web pages answer, too. @throws {TagsealError} `bad-input` */
async function requireNotary(server: TrustServer, repository: string): Promise<void> {
  try {
    await server.read(repository, "timestamp");
  } catch (error) {
    // It guards the repository from this user, which is told where that is asked for.
    if (!isTagsealError(error, "unauthenticated", "forbidden")) throw error;
    return;
  }
  if (await server.isNotary?.(repository) === false) throw noNotary(server.url, repository);
}

function answering(kind: string, { software, asks, realm }: Pinged): Verdict {
  const what = `${kind}${software === undefined ? "" : ` (${software})`}`;
  switch (asks) {
    case "none":
      return ok(`${what}; it asks nobody who they are`);
    case "token":
      return ok(`${what}; tokens come from ${realm}`);
    case "password":
      return ok(`${what}; it takes user and password ("${realm}")`);
    case "unknown":
      return warning(`${what}; how it wants to know who asks is not known here: ${realm}`, {
        remedy: "Have its operator offer Bearer tokens or Basic authentication",
      });
  }
}
