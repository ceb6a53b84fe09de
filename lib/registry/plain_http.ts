/**
 * Registries that speak plain http only, found out by asking: Docker's engine takes those on loopback without being told.
 *
 * Only a server that answers the first words of TLS with something else counts. One whose certificate is wrong, that
 * breaks off or that does not answer may well be a TLS server, and nobody is to be talked out of TLS by that.
 *
 * @see {@link https://docs.docker.com/reference/cli/dockerd/#insecure-registries | Insecure registries}
 * @module
 */
import { isTagsealError } from "../errors.ts";
import { isLoopback } from "../http/send.ts";

/** Whether plain http may be tried, and whom to tell. */
export interface PlainHttpOptions {
  /** The https addresses behind which plain http is spoken: what one call finds out counts for all with the same set. */
  readonly known: Set<string>;
  /** Whether hosts beside loopback may be spoken to in plain http. */
  readonly allowHttp: boolean;
  /** Told once for each host. */
  readonly warn: (line: string) => void;
}

/**
 * Has `ask` talk to the registry at `url` (https), or, where that is loopback or http is allowed and the server turns out
 * not to speak TLS, to the same port in plain http. `ask` decides whether credentials may be sent over http.
 *
 * @throws what `ask` throws
 */
export async function orPlainHttp<T>(
  url: URL,
  { known, allowHttp, warn }: PlainHttpOptions,
  ask: (url: URL) => Promise<T>,
): Promise<T> {
  if (!known.has(url.host)) {
    try {
      return await ask(url);
    } catch (error) {
      if (!(allowHttp || isLoopback(url.hostname)) || !speaksNoTls(error, url)) throw error;
      if (!known.has(url.host)) warn(`the registry "${url.host}" does not speak TLS; plain http is used`);
      known.add(url.host);
    }
  }
  // The port that was asked, where https leaves it unsaid.
  return await ask(new URL(`http://${url.hostname}:${url.port || "443"}${url.pathname}`));
}

/** Whether `error` is that of `url`'s own server (not of a token server, say) about the first words of TLS. */
function speaksNoTls(error: unknown, url: URL): boolean {
  if (!isTagsealError(error, "unavailable") || error.reason !== "no-tls") return false;
  const asked = error.call?.url;
  return asked !== undefined && new URL(asked).origin === url.origin;
}
