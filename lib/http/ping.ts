/** Who answers at a registry's or a Notary server's address, and whom it asks who its callers are. @module */
import { parseChallenges } from "./challenge.ts";
import { plainUrl, type Send } from "./send.ts";
import { exchange } from "./send.ts";
import { chooseWay } from "./way.ts";

/** Who answers. */
export interface Pinged {
  /** The status of `/v2/`. */
  readonly status: number;
  /** What it says to be, where it does. */
  readonly software: string | undefined;
  /** `none` where everybody may ask; `unknown` for a way that is not known here. */
  readonly asks: "none" | "token" | "password" | "unknown";
  /** The token server, or what the password is for. */
  readonly realm: string | undefined;
}

/** What is pinged. */
export interface PingOptions {
  /** The service's name in messages. */
  readonly service: string;
  /** Its address, without `/v2/`. */
  readonly url: URL;
  /** Whether its token server may be asked in plain http. */
  readonly allowHttp: boolean;
  /** For how many milliseconds to wait. */
  readonly timeoutMs: number;
  /** Ends it. */
  readonly signal: AbortSignal;
}

const MAX_BYTES = 2 ** 20;

/**
 * Asks for `/v2/`, without saying who asks.
 *
 * @throws {TagsealError} `unavailable` where nobody answers
 */
export async function ping(send: Send, { service, url, allowHttp, timeoutMs, signal }: PingOptions): Promise<Pinged> {
  const base = url.href.replace(/\/+$/, "");
  const { status, headers } = await exchange(send, {
    service,
    url: new URL(`${base}/v2/`),
    maxBytes: MAX_BYTES,
    redirects: 3,
    timeoutMs,
    signal,
  });
  const software = headers.get("server")?.slice(0, 60) || undefined;
  if (status !== 401) return { status, software, asks: "none", realm: undefined };
  const way = chooseWay(parseChallenges(headers.get("www-authenticate")), url, allowHttp);
  if ("wrong" in way) return { status, software, asks: "unknown", realm: way.wrong };
  if ("badRealm" in way) return { status, software, asks: "unknown", realm: `it names ${way.badRealm}` };
  return way.scheme === "bearer"
    ? { status, software, asks: "token", realm: plainUrl(way.realm) }
    : { status, software, asks: "password", realm: way.realm };
}
