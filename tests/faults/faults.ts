/** The faults of the table: what can go wrong with one request. @module */
import { type Exchange, type Fault, headOf } from "../support/faulty_server.ts";

/** What a fault is like, as far as it decides what is expected. */
export type FaultClass =
  /** It passes by itself, and says so or is known to: a single one costs a read nothing. */
  | "passing"
  /** Nobody answers in time. */
  | "slow"
  /** What is answered is of no use. */
  | "useless"
  /** The caller may not. */
  | "refusing"
  /** There is no such thing. */
  | "absent"
  /** The server does not want it so. */
  | "rejecting";

/** A fault of the table. */
export interface FaultRow extends Fault {
  /** What it is like. */
  readonly is: FaultClass;
  /** Whether it is done once, to every request of the kind from then on, or each in a cell of its own. */
  readonly times: readonly ("once" | "lasting")[];
}

const BOTH = ["once", "lasting"] as const;
const DRIP_MS = 7000;
const PIECE = new Uint8Array(1024 * 1024);
/** More than any answer may have but a signed file, and no more than a test may take. */
const FLOOD_PIECES = 48;
const HTML = "<!doctype html><title>Log in</title><p>Please log in";
const MOMENT_MS = 1;

function row(name: string, is: FaultClass, times: FaultRow["times"], run: Fault["do"], early = false): FaultRow {
  return { name, is, times, early, do: run };
}

/** Answers without asking the service. */
function says(status: number, headers: Record<string, string> = {}, body?: string): Fault["do"] {
  return (exchange) => exchange.answer(new Response(status === 204 ? null : body ?? "", { status, headers }));
}

/** Has the service do it, and answers otherwise. */
function after(status: number): Fault["do"] {
  return async (exchange) => {
    await exchange.served();
    await exchange.answer(new Response("upstream timed out", { status }));
  };
}

async function cut(exchange: Exchange): Promise<void> {
  const response = await exchange.served();
  const body = await response.bytes();
  const head = headOf(response, exchange.request.method, body.length);
  const whole = body.length > 1 ? [head, body.subarray(0, body.length >> 1)] : [head.slice(0, head.length >> 1)];
  whole.forEach((part) => exchange.write(part));
  exchange.end();
}

async function drip(exchange: Exchange): Promise<void> {
  const response = await exchange.served();
  const body = await response.bytes();
  exchange.write(headOf(response, exchange.request.method, body.length));
  exchange.server.stuck++;
  for (let at = 0; at < body.length && !exchange.isGone; at++) {
    exchange.write(body.subarray(at, at + 1));
    await new Promise((resolve) => setTimeout(resolve, DRIP_MS));
  }
  exchange.server.stuck--;
}

async function flood(exchange: Exchange): Promise<void> {
  exchange.write("HTTP/1.1 200 Status\r\ntransfer-encoding: chunked\r\n\r\n");
  for (let n = 0; n < FLOOD_PIECES && !exchange.isGone; n++) {
    exchange.write(`${PIECE.length.toString(16)}\r\n`);
    exchange.write(PIECE);
    exchange.write("\r\n");
    await new Promise((resolve) => setTimeout(resolve, MOMENT_MS));
  }
  exchange.write("0\r\n\r\n");
}

function redirect(status: number, to: (url: URL) => string): Fault["do"] {
  return (exchange) => says(status, { location: to(new URL(exchange.request.url)) })(exchange);
}

/** Docker's way of asking for a token: whoever had one that has run out gets another one there. */
function challenge(exchange: Exchange): Promise<void> {
  const realm = new URL("/token", exchange.request.url).href;
  const value = `Bearer realm="${realm}",service="faults",scope="repository:x:pull",error="invalid_token"`;
  return Promise.resolve(says(401, { "www-authenticate": value })(exchange));
}

/** All of them. */
export const FAULTS: readonly FaultRow[] = [
  row("refused", "passing", ["lasting"], ({ server }) => server.vanish(), true),
  row("reset before it is read", "passing", BOTH, (exchange) => exchange.reset(), true),
  row("reset after it is done", "passing", BOTH, async (exchange) => {
    await exchange.served();
    exchange.reset();
  }),
  row("closed after it is done", "passing", ["once"], async (exchange) => {
    await exchange.served();
    exchange.end();
  }),
  row("body cut", "passing", BOTH, cut),
  row("body too long, announced", "useless", ["once"], (exchange) => {
    exchange.write(`HTTP/1.1 200 Status\r\ncontent-length: ${2 ** 40}\r\n\r\n`);
    exchange.write(PIECE);
  }),
  row("body too long, streamed", "useless", ["once"], flood),
  row("drip", "slow", BOTH, drip),
  row("hang before it is done", "slow", BOTH, (exchange) => exchange.hang()),
  row("hang after it is done", "slow", BOTH, async (exchange) => {
    await exchange.served();
    await exchange.hang();
  }),
  row("400", "rejecting", ["lasting"], says(400)),
  row("401", "refusing", ["lasting"], says(401)),
  row("403", "refusing", ["lasting"], says(403)),
  row("404", "absent", ["lasting"], says(404)),
  row("413", "rejecting", ["lasting"], says(413)),
  row("429", "passing", BOTH, says(429)),
  row("429, Retry-After: 2", "passing", BOTH, says(429, { "retry-after": "2" })),
  row("429, Retry-After: 21600", "passing", ["lasting"], says(429, { "retry-after": "21600" })),
  row("500", "useless", BOTH, says(500)),
  row("503", "passing", BOTH, says(503)),
  row("503, Retry-After: 2", "passing", BOTH, says(503, { "retry-after": "2" })),
  row("503, Retry-After: 21600", "passing", ["lasting"], says(503, { "retry-after": "21600" })),
  row("500 after it is done", "useless", ["once"], after(500)),
  row("502 after it is done", "passing", BOTH, after(502)),
  row("503 after it is done", "passing", BOTH, after(503)),
  row("504 after it is done", "passing", BOTH, after(504)),
  row("redirect within the host", "useless", ["once"], redirect(307, (url) => url.pathname + url.search)),
  row(
    "redirect to another host",
    "useless",
    ["lasting"],
    redirect(307, ({ port, pathname, search }) => `http://127.0.0.1:${port}${pathname}${search}`),
  ),
  row("redirect in a circle", "useless", ["lasting"], redirect(302, (url) => url.pathname + url.search)),
  row("redirect to plain http elsewhere", "useless", ["lasting"], redirect(302, () => "http://other.example/x")),
  row("a web page", "useless", ["lasting"], says(200, { "content-type": "text/html" }, HTML)),
  row("an empty answer", "useless", ["lasting"], says(200)),
  row("no JSON", "useless", ["lasting"], says(200, { "content-type": "application/json" }, "{")),
  row("the token has run out", "refusing", BOTH, challenge),
];
