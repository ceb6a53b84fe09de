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
import { type Details, messageOf, TagsealError } from "../errors.ts";

/** One HTTP exchange; the same shape as a server's handler, so that a handler can stand in for the network. */
export type Send = (request: Request) => Promise<Response>;

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
  /** The whole exchange, body included, may not take longer than this many milliseconds. */
  readonly timeoutMs: number;
  /** How many redirects a `GET` may follow (0 unless said); credentials stay with the first origin. */
  readonly redirects?: number;
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
export const USER_AGENT = "tagseal/0.1.0";

/** How `fetch` is set up. */
export interface SendOptions {
  /** More CA certificates (PEM), beside the public ones. */
  readonly caCerts?: readonly string[];
}

/** Binds {@linkcode Send} to the network. Proxies come from `HTTPS_PROXY` and `NO_PROXY`, which the runtime reads. */
export function createSend(options: SendOptions = {}): { send: Send; close(): void } {
  const client = options.caCerts?.length ? Deno.createHttpClient({ caCerts: [...options.caCerts] }) : undefined;
  return {
    send: (request) => client ? fetch(request, { client }) : fetch(request),
    close: () => client?.close(),
  };
}

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
  const headers = new Headers({ "user-agent": USER_AGENT, ...call.headers });
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
      const redirected = [301, 302, 303, 307, 308].includes(response.status) && location !== null;
      if (!redirected || (call.method ?? "GET") !== "GET" || !call.redirects) {
        return { status: response.status, headers: response.headers, bytes: await readBounded(response, call) };
      }
      await response.body?.cancel();
      if (hop >= call.redirects) throw unavailable(call, "it redirects in circles", { redirects: hop });
      const next = new URL(location, url);
      if (next.protocol !== "https:" && next.protocol !== url.protocol) {
        throw unavailable(call, `it redirects to "${next.origin}", which is not encrypted`, {});
      }
      // Not even to another port of the same host: it may be another service.
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
  const declared = response.headers.get("content-length");
  if (declared !== null && Number(declared) > call.maxBytes) {
    await response.body?.cancel();
    throw tooLong(call, `announces ${declared}`);
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > call.maxBytes) throw tooLong(call, "sends more"); // leaving the loop cancels the stream
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

/** The wordings of the runtime for a connection that never came about (measured; it gives no codes). */
const NEVER_SENT = /tcp connect error|dns error|invalid peer certificate|tls handshake|Connection refused/i;

function transportError(call: Call, error: unknown, timedOut: boolean): TagsealError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : "";
  const reason = (cause || messageOf(error)).replaceAll(/\s+/g, " ").slice(0, 300);
  const details = { sent: timedOut || !NEVER_SENT.test(reason) };
  if (timedOut) {
    return unavailable(call, `no complete answer within ${Math.round(call.timeoutMs / 1000)} s`, details, error);
  }
  if (/invalid peer certificate/i.test(reason)) {
    return new TagsealError(
      "unavailable",
      `${call.service} at "${call.url.origin}" shows a TLS certificate that is not trusted: ${reason}`,
      {
        remedy: "If the server belongs to a private CA, name that CA's certificate with --ca <pem>",
        details: { service: call.service, url: plainUrl(call.url), ...details },
        cause: error,
      },
    );
  }
  return unavailable(call, reason, details, error);
}

/** A URL without user, password, query and fragment: what may be shown. */
export function plainUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** Whether the request of a failed call certainly never reached the server. */
export function neverSent(error: unknown): boolean {
  return error instanceof TagsealError && error.details["sent"] === false;
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Whether `host` (as in `URL.hostname`) is this machine. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host) || host.endsWith(".localhost");
}

/**
 * Parses an address typed by a user or named by a server; plain `http:` is for loopback only, unless allowed.
 *
 * @throws {TagsealError} `bad-input`
 */
export function secureUrl(address: string, what: string, allowHttp: boolean): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (!url || !["https:", "http:"].includes(url.protocol) || url.username || url.password) {
    throw new TagsealError("bad-input", `The ${what} is not a plain https URL`, {
      remedy: "Give it as https://host[:port], with credentials in their own flags",
    });
  }
  if (url.protocol === "http:" && !allowHttp && !isLoopback(url.hostname)) {
    throw new TagsealError("bad-input", `The ${what} "${plainUrl(url)}" is not encrypted`, {
      remedy: "Use https:, or --allow-http if you accept that passwords and tokens can be read on the way",
    });
  }
  return url;
}
