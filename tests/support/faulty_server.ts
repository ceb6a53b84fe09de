/**
 * A server on loopback, down to its sockets: it answers as the handler behind it does, but for one request of one kind,
 * with which it does what it was told. What it was asked is kept.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import net from "node:net";
import type { Send } from "../../lib/http/send.ts";

/** A request as the server has met it. */
export interface Met {
  /** What it asks, of which service, without what differs from run to run: `GET notary root.json`. */
  readonly kind: string;
  /** The how manieth of its kind, from 1. */
  readonly nth: number;
}

/** What is done to one request. */
export interface Fault {
  /** Its name in the table. */
  readonly name: string;
  /** Whether it is done before the body of the request is read. */
  readonly early?: boolean;
  /** Does it. */
  do(exchange: Exchange): Promise<void> | void;
}

/** Where a fault stands: from which request on. */
export interface Plan {
  /** The first request that it is done to. */
  readonly at: Met;
  /** Whether it is done to all of that kind from there on. */
  readonly lasting: boolean;
  /** What is done. */
  readonly fault: Fault;
}

/** One request, and the socket that waits for its answer. */
export class Exchange {
  constructor(
    readonly request: Request,
    readonly server: FaultyServer,
    readonly socket: net.Socket,
  ) {}

  /** Has the service do what was asked; its answer, which nobody has been given yet. */
  served(): Promise<Response> {
    return this.server.handle(this.request);
  }

  /** Sends a whole answer, which says what time it is. */
  async answer(response: Response): Promise<void> {
    const body = await response.bytes();
    response.headers.set("date", this.server.now().toUTCString());
    this.write(headOf(response, this.request.method, body.length));
    if (this.request.method !== "HEAD") this.write(body);
  }

  /** Sends bytes as they are. */
  write(bytes: Uint8Array | string): void {
    if (!this.socket.destroyed) this.socket.write(bytes);
  }

  /** Resets the connection: whoever is at the other end hears of it at once. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Ends the connection after what was sent. */
  end(): void {
    this.socket.end();
  }

  /** Says nothing more, and does not hang up either. */
  async hang(): Promise<void> {
    this.server.stuck++;
    await new Promise((resolve) => this.socket.once("close", resolve));
    this.server.stuck--;
  }

  /** Whether the other end has gone. */
  get isGone(): boolean {
    return this.socket.destroyed;
  }
}

/** The head of an answer with a body of `length` bytes. */
export function headOf({ status, headers }: Response, method: string, length: number): string {
  const lines = [...headers].filter(([name]) => name !== "content-length" && name !== "transfer-encoding");
  // That of a HEAD is about a body that does not come.
  const declared = method === "HEAD" ? headers.get("content-length") ?? "0" : String(length);
  const all = [...lines, ...(status === 204 ? [] : [["content-length", declared]])];
  return `HTTP/1.1 ${status} Status\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
}

/** The server. */
export class FaultyServer implements AsyncDisposable {
  /** Who answers. */
  handle: Send = () => Promise.resolve(new Response(null, { status: 404 }));
  /** What goes wrong; nothing unless set. */
  plan: Plan | undefined;
  /** Its clock. */
  now: () => Date = () => new Date();
  /** Requests that nobody will answer. */
  stuck = 0;
  /** Requests that are being answered. */
  busy = 0;
  /** What was asked since the last {@linkcode forget}. */
  readonly met: Met[] = [];
  readonly #sockets = new Set<net.Socket>();
  readonly #working = new Set<Promise<void>>();
  #server: net.Server | undefined;

  private constructor(public port: number) {}

  /** Starts one on a free port. */
  static async start(): Promise<FaultyServer> {
    const server = new FaultyServer(0);
    await server.open();
    return server;
  }

  /** Listens, where it does not yet. */
  async open(): Promise<void> {
    if (this.#server) return;
    const server = net.createServer((socket) => this.#take(socket));
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.port, "127.0.0.1", resolve);
    });
    this.#server = server;
    this.port = (server.address() as net.AddressInfo).port;
  }

  /** Listens no more: whoever comes is refused. */
  close(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  /** Goes away as a program that ends does: whoever waits is cut off, and whoever comes is refused. */
  vanish(): void {
    this.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** Begins anew: no fault, nothing asked, and nobody is at work for whom has gone. */
  async forget(): Promise<void> {
    this.plan = undefined;
    for (const socket of this.#sockets) socket.destroy();
    await Promise.allSettled(this.#working);
    this.met.length = 0;
    await this.open();
  }

  #take(socket: net.Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => {}); // who hangs up on us is no concern of ours
    socket.on("close", () => this.#sockets.delete(socket));
    let read: Buffer = Buffer.alloc(0);
    let open: { readonly head: Head; readonly met: Met } | undefined;
    let isAnswering = false;
    const work = async () => {
      while (!isAnswering && !socket.destroyed) {
        if (!open) {
          const end = read.indexOf("\r\n\r\n");
          if (end < 0) return;
          const head = readHead(read.subarray(0, end).toString("latin1"));
          read = read.subarray(end + 4);
          open = { head, met: this.#note(head) };
          if (head.expects) socket.write("HTTP/1.1 100 Continue\r\n\r\n");
        }
        const { head, met } = open;
        const fault = this.#faultFor(met);
        const body = fault?.early ? { bytes: Buffer.alloc(0), rest: read } : bodyOf(head, read);
        if (!body) return;
        read = body.rest;
        open = undefined;
        isAnswering = true;
        const answering = this.#answer(new Exchange(requestOf(head, body.bytes, this.port), this, socket), fault);
        this.#working.add(answering);
        await answering.finally(() => this.#working.delete(answering));
        isAnswering = false;
      }
    };
    socket.on("data", (part: Buffer) => {
      read = Buffer.concat([read, part]);
      work().catch((error) => {
        socket.destroy();
        if (this.#server) reportError(error); // who still works for it after its end finds the services gone
      });
    });
  }

  #note({ method, target }: Head): Met {
    const kind = kindOf(method, target);
    const met = { kind, nth: this.met.filter((each) => each.kind === kind).length + 1 };
    this.met.push(met);
    return met;
  }

  #faultFor({ kind, nth }: Met): Fault | undefined {
    const { at, lasting, fault } = this.plan ?? {};
    return at?.kind === kind && (lasting ? nth >= at.nth : nth === at.nth) ? fault : undefined;
  }

  async #answer(exchange: Exchange, fault: Fault | undefined): Promise<void> {
    this.busy++;
    try {
      if (fault) await fault.do(exchange);
      else await exchange.answer(await exchange.served());
    } finally {
      this.busy--;
    }
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const server = this.#server;
    this.#server = undefined;
    await new Promise((resolve) => server ? server.close(resolve) : resolve(undefined));
  }
}

interface Head {
  readonly method: string;
  readonly target: string;
  readonly headers: Headers;
  readonly expects: boolean;
}

function readHead(text: string): Head {
  const [first = "", ...lines] = text.split("\r\n");
  const [method = "", target = ""] = first.split(" ");
  const headers = new Headers(lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  }));
  return { method, target, headers, expects: headers.get("expect") === "100-continue" };
}

/** The body, once all of it is there, and what comes after it. */
function bodyOf({ headers }: Head, read: Buffer): { bytes: Buffer; rest: Buffer } | undefined {
  if (headers.get("transfer-encoding") !== "chunked") {
    const length = Number(headers.get("content-length") ?? 0);
    return read.length < length ? undefined : { bytes: read.subarray(0, length), rest: read.subarray(length) };
  }
  const parts: Buffer[] = [];
  for (let at = 0;;) {
    const end = read.indexOf("\r\n", at);
    if (end < 0) return undefined;
    const length = parseInt(read.subarray(at, end).toString("latin1"), 16);
    if (read.length < end + 2 + length + 2) return undefined;
    parts.push(read.subarray(end + 2, end + 2 + length));
    at = end + 2 + length + 2;
    if (length === 0) return { bytes: Buffer.concat(parts), rest: read.subarray(at) };
  }
}

function requestOf({ method, target, headers }: Head, body: Buffer, port: number): Request {
  const url = new URL(target, `http://localhost:${port}`);
  return new Request(url, { method, headers, ...(body.length > 0 ? { body: new Uint8Array(body) } : {}) });
}

/** What a request asks of which service, in words that are the same in each run. */
export function kindOf(method: string, target: string): string {
  const path = target.replace(/\?.*/, "")
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/g, "<id>")
    .replaceAll(/[0-9a-f]{64}/g, "<hash>");
  const notary = /^(\/to)?\/v2\/(.*)\/_trust\/tuf\/(.*)$/.exec(path);
  if (notary) return `${method} notary${notary[1] ?? ""} ${notary[3] || "(publish)"}`;
  const signPath = /^\/API\/v1\/<id>\/(.*)$/.exec(path);
  if (signPath) return `${method} signpath ${signPath[1]}`;
  const registry = /^\/v2\/[^/]+\/[^/]+\/(.*)$/.exec(path);
  return registry ? `${method} registry ${registry[1]}` : `${method} ${path}`;
}
