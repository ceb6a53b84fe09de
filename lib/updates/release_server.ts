/** The server of the releases: a TUF repository's files, read within limits. @module */
import type { Bytes } from "../bytes/bytes.ts";
import { TagsealError } from "../errors.ts";
import { exchangeWithRetry, type RetryPolicy } from "../http/retry.ts";
import { plainUrl, type Send } from "../http/send.ts";

/** Reads files of the repository. */
export interface ReleaseServer {
  /** Its address, for messages. */
  readonly address: string;
  /** A file of metadata of at most so many bytes; `undefined` where there is none. @throws {TagsealError} `unavailable` */
  metadata(name: string, maxBytes: number): Promise<Bytes | undefined>;
  /** A target of at most so many bytes, by its path below `targets/`. @throws {TagsealError} `unavailable` */
  target(path: string, maxBytes: number): Promise<Bytes>;
}

/** How it is reached. */
export interface ReleaseServerOptions {
  /** The network. */
  readonly send: Send;
  /** The repository's address: `metadata/` and `targets/` are below it. */
  readonly url: URL;
  /** How reads are repeated. */
  readonly retry: RetryPolicy;
  /** Milliseconds that a file may take; a long one has more as it comes. */
  readonly timeoutMs?: number | undefined;
  /** Ends a read early. */
  readonly signal?: AbortSignal | undefined;
}

const TIMEOUT_MS = 30_000;
/** A target of 100 MB may take half an hour, and none comes in drips. */
const SLOW_DOWNLOAD = 64 * 1024;
/** Servers may use names of their own behind one address; what a release is made of comes from that address alone. */
const REDIRECTS = 3;
/** Stores of objects answer 403 for what is not there to who may not list them. */
const ABSENT: readonly number[] = [403, 404];

/** The server at `url`. */
export function createReleaseServer({ send, url, retry, timeoutMs, signal }: ReleaseServerOptions): ReleaseServer {
  const base = new URL(url.href.replace(/[?#].*$/, "").replace(/\/*$/, "/"));
  const address = plainUrl(base);
  const read = async (path: string, maxBytes: number, headers: Readonly<Record<string, string>> = {}) => {
    const { status, bytes } = await exchangeWithRetry(send, {
      service: "Release server",
      url: new URL(path, base),
      headers,
      maxBytes,
      timeoutMs: timeoutMs ?? TIMEOUT_MS,
      bytesPerSecond: SLOW_DOWNLOAD,
      redirects: REDIRECTS,
      withinOrigin: true,
      signal,
    }, retry);
    if (status === 200) return bytes;
    if (ABSENT.includes(status)) return undefined;
    throw unavailable(`answers ${status} to "${path}"`, status);
  };
  const unavailable = (does: string, status: number) =>
    new TagsealError("unavailable", `The release server at "${address}" ${does}`, {
      remedy: "Check the address; then try again later. Nothing was changed",
      call: { url: address, status },
    });
  return {
    address,
    // A cache that holds old metadata would look like somebody who holds releases back.
    metadata: (name, maxBytes) => read(`metadata/${name}`, maxBytes, { "cache-control": "no-cache" }),
    async target(path, maxBytes) {
      const bytes = await read(`targets/${path}`, maxBytes);
      if (bytes) return bytes;
      throw unavailable(`does not have "${path}", which its metadata names`, 404);
    },
  };
}
