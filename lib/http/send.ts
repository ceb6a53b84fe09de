/**
 * HTTP as a function, with a ceiling on bytes and time for every call.
 *
 * {@linkcode Send} is the seam: production binds it to `fetch` ({@linkcode createSend}), tests bind it to a handler in
 * memory. {@linkcode exchange} is the only way the rest of the library talks HTTP: it never follows a redirect unless
 * told to, never forwards credentials to another origin, never reads more than it was told to, and turns transport
 * failures into one class of error.
 *
 * @module
 */
import { type Bytes, concat } from "../bytes/bytes.ts";
import { shown } from "../bytes/printable.ts";
import { type Details, messageOf, TagsealError } from "../errors.ts";
import { VERSION } from "../version.ts";
import { explainFailure } from "./failures.ts";

/** One HTTP exchange; the same shape as a server's handler, so that a handler can stand in for the network. */
export type Send = (request: Request) => Promise<Response>;

/** How many bytes are left for several calls together. */
export interface ByteBudget {
  /** That many. */
  left: number;
}

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
  /**
   * How many redirects are followed (0 unless said), of other methods than `GET` only those that keep method and body.
   * Credentials in headers stay with the first origin.
   */
  readonly redirects?: number;
  /** No redirect may lead to another origin, since all of the call is meant for this one. */
  readonly withinOrigin?: boolean;
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

/** What TLS with one host takes beside the public CAs. */
export interface HostTls {
  /** CA certificates (PEM). */
  readonly caCerts: readonly string[];
  /** The client certificate and its private key (PEM). */
  readonly client?: { readonly cert: string; readonly key: string } | undefined;
  /** Where all this comes from, for messages: names of files. */
  readonly files: readonly string[];
}

/** How `fetch` is set up. */
export interface SendOptions {
  /** More CA certificates (PEM), beside the public ones. */
  readonly caCerts?: readonly string[];
  /** What one host (`host[:port]`, as in `URL.host`) takes beside that; asked once for each, at its first https call. */
  readonly tlsOf?: (host: string) => Promise<HostTls | undefined>;
}

/** Binds {@linkcode Send} to the network. Proxies come from `HTTPS_PROXY` and `NO_PROXY`, which the runtime reads. */
export function createSend(options: SendOptions = {}): { send: Send; close(): void } {
  const clients = new Map<string, Deno.HttpClient>(); // one for each distinct set: connections are shared within it
  const byOrigin = new Map<string, Promise<Deno.HttpClient | undefined>>();
  const clientWith = (tls: HostTls | undefined) => {
    const caCerts = [...options.caCerts ?? [], ...tls?.caCerts ?? []];
    if (caCerts.length === 0 && !tls?.client) return undefined;
    const set = JSON.stringify([caCerts, tls?.client]);
    const client = clients.get(set) ?? createClient({ caCerts, ...tls?.client }, tls?.files ?? []);
    clients.set(set, client);
    return client;
  };
  const clientFor = ({ protocol, host, origin }: URL) => {
    let client = byOrigin.get(origin);
    if (!client) {
      const tls = protocol === "https:" ? options.tlsOf?.(host) : undefined;
      byOrigin.set(origin, client = Promise.resolve(tls).then(clientWith));
    }
    return client;
  };
  return {
    send: async (request) => {
      const client = await clientFor(new URL(request.url));
      return await (client ? fetch(request, { client }) : fetch(request));
    },
    close: () => clients.forEach((client) => client.close()),
  };
}

function createClient(options: Deno.CreateHttpClientOptions, files: readonly string[]): Deno.HttpClient {
  try {
    return Deno.createHttpClient(options);
  } catch (error) {
    const names = files.map((file) => `"${file}"`).join(", ");
    throw new TagsealError("bad-input", `The client certificate cannot be used (${names}): ${messageOf(error)}`, {
      remedy: "Put the certificate and its unencrypted private key there, both as PEM",
      details: { files },
    });
  }
}

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];
/** Those after which the same method is used again (RFC 9110, sections 15.4.8 and 15.4.9). */
const UNCHANGED_REDIRECTS: readonly number[] = [307, 308];

/**
 * Sends one call and reads its answer whole.
 *
 * @throws {TagsealError} `unavailable` where no complete answer came within the limits; `details.sent` is `false` where
 *   the request certainly never reached the server, so that it may be repeated
 */
export async function exchange(send: Send, call: Call): Promise<Answer> {
  const timeout = AbortSignal.timeout(call.timeoutMs);
  const signal = call.signal ? AbortSignal.any([timeout, call.signal]) : timeout;
  let { url } = call;
  // Compressed answers cost more than they show: the runtime would unpack them to a thousand times their size.
  const headers = new Headers({ "user-agent": USER_AGENT, "accept-encoding": "identity", ...call.headers });
  try {
    for (let hop = 0;; hop++) {
      const response = await send(
        new Request(url, {
          method: call.method ?? "GET",
          headers,
          ...(call.body === undefined ? {} : { body: call.body }),
          redirect: "manual",
          signal,
        }),
      );
      const location = response.headers.get("location");
      const kinds = (call.method ?? "GET") === "GET" ? REDIRECTS : UNCHANGED_REDIRECTS;
      if (location === null || !kinds.includes(response.status) || !call.redirects) {
        return { status: response.status, headers: response.headers, bytes: await readBounded(response, call) };
      }
      await response.body?.cancel();
      if (hop >= call.redirects) throw unavailable(call, "it redirects in circles", { redirects: hop });
      const next = new URL(location, url);
      if (next.protocol !== "https:" && next.protocol !== url.protocol) {
        throw unavailable(call, `it redirects to "${next.origin}", which is not encrypted`, {});
      }
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
    throw transportError(call, error, timeout.aborted);
  }
}

async function readBounded(response: Response, call: Call): Promise<Bytes> {
  const encoding = response.headers.get("content-encoding")?.trim().toLowerCase() || "identity";
  if (encoding !== "identity") {
    await response.body?.cancel();
    throw unavailable(call, `it answers in the encoding "${shown(encoding)}", which was not asked for`, {});
  }
  const declared = response.headers.get("content-length");
  if (declared !== null && Number(declared) > call.maxBytes) {
    await response.body?.cancel();
    throw tooLong(call, `announces ${declared}`);
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (call.shared) call.shared.left -= part.length;
    // Leaving the loop cancels the stream.
    if (length > call.maxBytes || (call.shared?.left ?? 0) < 0) throw tooLong(call, "sends more");
    parts.push(part);
  }
  return parts.length === 1 ? new Uint8Array(parts[0]!) : concat(...parts);
}

function tooLong(call: Call, does: string): TagsealError {
  return unavailable(call, `its answer is too long: at most ${call.maxBytes} bytes were expected, it ${does}`, {
    maxBytes: call.maxBytes,
  });
}

function unavailable(call: Call, why: string, details: Details, cause?: unknown): TagsealError {
  return new TagsealError("unavailable", `${call.service} at "${call.url.origin}" cannot be used: ${why}`, {
    remedy: "Check the address and what stands between here and the server, then run the command again",
    details: { service: call.service, url: plainUrl(call.url), ...details },
    cause,
  });
}

function transportError(call: Call, error: unknown, timedOut: boolean): TagsealError {
  const { service, url } = call;
  if (timedOut) {
    const why = `no complete answer within ${Math.round(call.timeoutMs / 1000)} s`;
    return unavailable(call, why, { sent: true, reason: "no-answer" }, error);
  }
  const { reason, words, certificate, sent, remedy } = explainFailure(error, url);
  const what = certificate ? "shows a TLS certificate that is not trusted" : "cannot be used";
  return new TagsealError("unavailable", `${service} at "${url.origin}" ${what}: ${words}`, {
    remedy,
    details: { service, url: plainUrl(url), reason, sent },
    cause: error,
  });
}

/** A URL without user, password, query and fragment: what may be shown. */
export function plainUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** Whether the request of a failed call certainly never reached the server. */
export function neverSent(error: unknown): boolean {
  return error instanceof TagsealError && error.details["sent"] === false;
}

/** Whether a call failed because its answer was longer than the call allows. */
export function isTooLong(error: unknown): boolean {
  return error instanceof TagsealError && "maxBytes" in error.details;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Whether `host` (as in `URL.hostname`) is this machine. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host) || host.endsWith(".localhost");
}

/**
 * Parses an address typed by a user or named by a server; plain `http:` is for loopback only, unless allowed. `what`
 * completes "The …": the address, and the flag or variable it comes from; `example` is shown where it is no address.
 *
 * @throws {TagsealError} `bad-input`
 */
export function secureUrl(address: string, what: string, allowHttp: boolean, example?: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !["https:", "http:"].includes(url.protocol) || url.username || url.password) {
    const like = example ? `, for example ${example}` : "";
    throw new TagsealError("bad-input", `The ${what} is not a plain https URL`, {
      remedy: `Give it as https://host[:port]${like}, with credentials in their own flags`,
    });
  }
  if (url.protocol === "http:" && !allowHttp && !isLoopback(url.hostname)) {
    throw new TagsealError("bad-input", `The ${what} "${plainUrl(url)}" is not encrypted`, {
      remedy: "Use https:, or --allow-http if you accept that passwords and tokens can be read on the way",
    });
  }
  return url;
}
