/**
 * HTTP as a function, with a ceiling on bytes and time for every call.
 *
 * {@linkcode Send} is the seam: production binds it to `fetch` (`network.ts`), tests bind it to a handler in
 * memory. {@linkcode exchange} is the only way the rest of the library talks HTTP: it never follows a redirect unless
 * told to, never forwards credentials to another origin, never reads more than it was told to, and turns transport
 * failures into one class of error.
 *
 * @module
 */
import { type Bytes, concat } from "../bytes/bytes.ts";
import { type Details, isTagsealError, type Reason, TagsealError } from "../errors.ts";
import { VERSION } from "../version.ts";
import { explainFailure } from "./failures.ts";
import { isLoopback } from "./loopback.ts";
import { ProxiedError } from "./proxy.ts";
import { after } from "./timer.ts";

export { isLoopback } from "./loopback.ts";

/** One HTTP exchange; the same shape as a server's handler, so that a handler can stand in for the network. */
export type Send = (request: Request) => Promise<Response>;

/** How many bytes are left for several calls together. */
export interface ByteBudget {
  /** Bytes that may still be read; below zero where too many were. */
  left: number;
}

/** Lines that move so many bytes per second are slow, and not at a standstill. */
export const SLOW_LINE: { readonly upload: number; readonly download: number } = {
  upload: 64 * 1024,
  download: 16 * 1024,
};

/** One call, with its limits. */
export interface Call {
  /** The service's name in messages: "Notary server", "registry", "SignPath". */
  readonly service: string;
  /** Where to. */
  readonly url: URL;
  /** `GET` unless said. */
  readonly method?: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Request headers. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Request body. */
  readonly body?: BodyInit;
  /** The answer's body may not be longer than this many bytes. */
  readonly maxBytes: number;
  /** What the bodies of several calls may take together: each takes from it as it is read. */
  readonly shared?: ByteBudget | undefined;
  /** The whole exchange, body included, may not take longer than this many milliseconds. */
  readonly timeoutMs: number;
  /** With it, each so many bytes of the answer give the exchange a second more: a long answer, but none in drips. */
  readonly bytesPerSecond?: number;
  /** It takes no longer than this many milliseconds, whatever arrives. */
  readonly longestMs?: number;
  /**
   * How many redirects are followed (0 unless said), of other methods than `GET` only those that keep method and body.
   * Credentials in headers stay with the first origin.
   */
  readonly redirects?: number;
  /** Whether making the call twice has no more effect than making it once; a `GET` is so by nature. */
  readonly idempotent?: boolean;
  /** Statuses that pass by themselves at this service, beside those that HTTP says so of. */
  readonly passing?: readonly number[];
  /** Something else is at hand where the service is out of order: it is not waited for as where nothing else helps. */
  readonly brief?: boolean | undefined;
  /** No redirect may lead to another origin, since all of the call is meant for this one. */
  readonly withinOrigin?: boolean;
  /** Whether redirects may lead from plain http on this machine to plain http on another one. */
  readonly allowHttp?: boolean;
  /** Ends the call early. */
  readonly signal?: AbortSignal | undefined;
}

/** A complete answer, read within the call's limits. */
export interface Answer {
  /** HTTP status. */
  readonly status: number;
  /** Response headers. */
  readonly headers: Headers;
  /** The whole body. */
  readonly bytes: Bytes;
}

/** What every request says of itself (SignPath asks for a User-Agent). */
export const USER_AGENT = `tagseal/${VERSION}`;

/** Encodings that nothing is read of, gzip below another one included; "utf-8" and other words there mean nothing. */
const UNREADABLE: readonly string[] = ["br", "compress", "deflate", "gzip", "x-compress", "x-gzip", "zstd"];
/** Gzip makes up to a thousand times as many bytes of these. */
const PACKED_BYTES = 4096;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
/** Those after which the same method is used again (RFC 9110, sections 15.4.8 and 15.4.9). */
const UNCHANGED_REDIRECTS: readonly number[] = [307, 308];

/**
 * Sends one call and reads its answer whole.
 *
 * @throws {TagsealError} `unavailable` where no complete answer came within the limits; `call.sent` is `false` where
 *   the request certainly never reached the server, so that it may be repeated
 */
export async function exchange(send: Send, call: Call): Promise<Answer> {
  const patience = new Patience(call);
  const signal = call.signal ? AbortSignal.any([patience.signal, call.signal]) : patience.signal;
  let { url } = call;
  const { method = "GET" } = call;
  // Compressed answers cost more than they show: with this the runtime leaves it to us what to unpack.
  const headers = new Headers({ "user-agent": USER_AGENT, "accept-encoding": "identity", ...call.headers });
  try {
    for (let hop = 0;; hop++) {
      const response = await send(
        new Request(url, {
          method,
          headers,
          ...(call.body === undefined ? {} : { body: call.body }),
          redirect: "manual",
          signal,
        }),
      );
      const location = response.headers.get("location");
      const kinds = method === "GET" ? REDIRECTS : UNCHANGED_REDIRECTS;
      if (location === null || !kinds.includes(response.status) || !call.redirects) {
        const bytes = await readBounded(response, call, patience);
        return { status: response.status, headers: response.headers, bytes };
      }
      await response.body?.cancel();
      if (hop >= call.redirects) throw unavailable(call, "it redirects in circles", { redirects: hop });
      if (!URL.canParse(location, url)) throw unavailable(call, "it redirects to what is no address", {});
      const next = new URL(location, url);
      if (!mayFollow(url, next, call.allowHttp === true)) {
        throw unavailable(call, `it redirects to "${next.origin}", which is not encrypted`, {});
      }
      next.username = next.password = ""; // else they would be sent, as if the user had given them
      // Not even to another port of the same host: it may be another service.
      if (next.origin !== url.origin && call.withinOrigin) {
        throw unavailable(call, `it redirects to "${next.origin}", where nothing of this call may go`, {});
      }
      if (next.origin !== url.origin) headers.delete("authorization");
      url = next;
    }
  } catch (error) {
    if (error instanceof TagsealError) throw error;
    if (call.signal?.aborted) throw call.signal.reason;
    throw transportError({ ...call, url }, error, patience, call.url);
  } finally {
    patience.end();
  }
}

/** Whoever speaks plain http to this machine alone has not agreed to speak it to another one. */
function mayFollow(url: URL, next: URL, allowHttp: boolean): boolean {
  if (next.protocol === "https:") return true;
  return next.protocol === "http:" && url.protocol === "http:" &&
    (allowHttp || isLoopback(next.hostname) || !isLoopback(url.hostname));
}

/** The time that an exchange has: it grows with what has arrived, where the call says so. */
class Patience {
  readonly #started = performance.now();
  readonly #controller = new AbortController();
  readonly #call: Call;
  #received = 0;
  #cancel: (() => void) | undefined;

  constructor(call: Call) {
    this.#call = call;
    this.#wait();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Milliseconds that the exchange has in all, as far as is known now. */
  get ms(): number {
    const { timeoutMs, bytesPerSecond = Infinity, longestMs = Infinity } = this.#call;
    return Math.min(longestMs, timeoutMs + this.#received / bytesPerSecond * 1000);
  }

  received(bytes: number): void {
    this.#received += bytes;
  }

  end(): void {
    this.#cancel?.();
  }

  #wait(): void {
    const left = this.#started + this.ms - performance.now();
    if (left <= 0) return this.#controller.abort(new Error("Time is up"));
    this.#cancel = after(left, () => this.#wait());
  }
}

async function readBounded(response: Response, call: Call, patience: Patience): Promise<Bytes> {
  const encoding = response.headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  const isPacked = encoding === "gzip" || encoding === "x-gzip";
  const unreadable = isPacked ? undefined : encoding.split(/[\s,]+/).find((name) => UNREADABLE.includes(name));
  if (unreadable !== undefined) {
    await response.body?.cancel();
    throw unavailable(call, `it answers in the encoding "${unreadable}", which was not asked for`, {});
  }
  const declared = response.headers.get("content-length");
  // That of a HEAD is about a body that does not come.
  if (call.method !== "HEAD" && Number(declared) > call.maxBytes) {
    await response.body?.cancel();
    throw tooLong(call, `announces ${declared}`);
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  const body = response.body ?? new Blob().stream();
  const arrived = (bytes: number) => patience.received(bytes);
  for await (const part of isPacked ? gunzip(body, arrived) : body) {
    length += part.length;
    if (!isPacked) arrived(part.length);
    if (call.shared) call.shared.left -= part.length;
    // Leaving the loop cancels the stream.
    if (length > call.maxBytes || call.shared && call.shared.left < 0) throw tooLong(call, "sends more");
    parts.push(part);
  }
  return parts.length === 1 ? new Uint8Array(parts[0]!) : concat(...parts);
}

/**
 * Some servers compress unasked. Packed bytes go in bit by bit: whatever is in them, no more comes out than is wanted.
 * `arrived` is told of them, as they are what the line takes time for.
 */
function gunzip(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  arrived: (bytes: number) => void,
): ReadableStream<Uint8Array> {
  const pieces = async function* (): AsyncGenerator<Bytes> {
    for await (const part of body) {
      arrived(part.length);
      for (let at = 0; at < part.length; at += PACKED_BYTES) yield part.subarray(at, at + PACKED_BYTES);
    }
  };
  return ReadableStream.from(pieces()).pipeThrough(new DecompressionStream("gzip"));
}

const CHECK_WAY = "Check the address and what stands between here and the server, then run the command again";

function tooLong(call: Call, does: string): TagsealError {
  return unavailable(call, `its answer is too long: at most ${call.maxBytes} bytes were expected, it ${does}`, {
    maxBytes: call.maxBytes,
  }, "too-long");
}

function unavailable(call: Call, why: string, details: Details, reason?: Reason<"unavailable">): TagsealError {
  return new TagsealError("unavailable", `${call.service} at "${call.url.origin}" cannot be used: ${why}`, {
    remedy: CHECK_WAY,
    details: { service: call.service, ...details },
    call: { url: plainUrl(call.url) },
    reason,
  });
}

function transportError(call: Call, thrown: unknown, patience: Patience, first: URL): TagsealError {
  const { service, url } = call;
  const redirected = url.origin === first.origin ? "" : ` (where "${first.origin}" redirects to)`;
  const [proxy, error] = thrown instanceof ProxiedError ? [thrown.proxy, thrown.cause] : [undefined, thrown];
  const asked = { url: plainUrl(url) };
  if (patience.signal.aborted) {
    const through = proxy ? ` through the proxy "${proxy.url}"` : "";
    const within = `within ${Math.round(patience.ms / 1000)} s`;
    return new TagsealError(
      "unavailable",
      `${service} at "${url.origin}" cannot be used: no complete answer ${within}${through}`,
      {
        remedy: CHECK_WAY,
        details: { service, reason: "no-answer" },
        reason: "no-answer",
        call: { ...asked, sent: true },
        cause: error,
      },
    );
  }
  const { reason, exactly, words, certificate, sent, remedy, next } = explainFailure(error, url, proxy?.url);
  const what = certificate ? "shows a TLS certificate that is not trusted" : "cannot be used";
  return new TagsealError("unavailable", `${service} at "${url.origin}"${redirected} ${what}: ${words}`, {
    remedy,
    next,
    details: { service, reason, ...(proxy ? { proxy: proxy.url } : {}) },
    reason: exactly,
    call: { ...asked, sent },
    cause: error,
  });
}

/** A URL without user, password, query and fragment: what may be shown. */
export function plainUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** Whether the request of a failed call certainly never reached the server. */
export function neverSent(error: unknown): boolean {
  return isTagsealError(error) && error.call?.sent === false;
}

/** Whether a call failed because its answer was longer than the call allows. */
export function isTooLong(error: unknown): boolean {
  return isTagsealError(error, "unavailable") && error.reason === "too-long";
}

/**
 * Parses an address typed by a user or named by a server; plain `http:` is for loopback only, unless allowed. `what`
 * completes "The …": the address, and where it comes from; `example` is shown where it is no address.
 *
 * @throws {TagsealError} `bad-input`
 */
export function secureUrl(address: string, what: string, allowHttp: boolean, example?: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !["https:", "http:"].includes(url.protocol) || url.username || url.password) {
    const like = example ? `, for example ${example}` : "";
    throw new TagsealError("bad-input", `The ${what} is not a plain https URL`, {
      remedy: `Give it as https://host[:port]${like}, with credentials apart from it`,
      next: { do: "give-plain-address", like: example },
    });
  }
  if (url.protocol === "http:" && !allowHttp && !isLoopback(url.hostname)) {
    throw new TagsealError("bad-input", `The ${what} "${plainUrl(url)}" is not encrypted`, {
      remedy: "Use https:, since passwords and tokens could be read on the way",
    });
  }
  return url;
}
