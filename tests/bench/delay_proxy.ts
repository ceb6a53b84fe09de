/**
 * A TCP proxy on loopback that adds a round-trip time, as if the server stood far away.
 *
 * Every byte waits half the time in each direction. `connect()` on loopback costs nothing, so the first bytes of a new
 * connection wait one more round trip: the handshake that a real network would have had. It does not model bandwidth,
 * loss or slow start.
 *
 * @module
 */

/** A running proxy. */
export interface DelayProxy extends Disposable {
  /** Where it listens. */
  readonly port: number;
  /** What it adds; a change is for connections opened from then on. */
  roundTripMs: number;
  /** How many connections were opened since {@linkcode reset}. */
  connections(): number;
  /** The most that were open at one time since then. */
  atOnce(): number;
  /** Counts from zero again. */
  reset(): void;
}

/** Starts a proxy to ports on loopback: connections go to them in turn, and never to one where nobody listens. */
export function startDelayProxy(ports: readonly number[], roundTripMs: number): DelayProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let [connections, open, most] = [0, 0, 0];
  const proxy: DelayProxy = {
    port: listener.addr.port,
    roundTripMs,
    connections: () => connections,
    atOnce: () => most,
    reset: () => void (connections = 0, most = open),
    [Symbol.dispose]: () => listener.close(),
  };
  (async () => {
    for await (const client of listener) {
      connections++;
      most = Math.max(most, ++open);
      const turn = connections % ports.length;
      relay(client, [...ports.slice(turn), ...ports.slice(0, turn)], proxy.roundTripMs)
        .catch(() => {}) // a client that goes away is no concern of ours
        .finally(() => open--);
    }
  })();
  return proxy;
}

async function relay(client: Deno.TcpConn, ports: readonly number[], roundTripMs: number): Promise<void> {
  using _client = client;
  using server = await connectToFirst(ports);
  client.setNoDelay(true);
  server.setNoDelay(true);
  await Promise.all([
    pump(client, server, roundTripMs / 2, roundTripMs),
    pump(server, client, roundTripMs / 2, 0),
  ]);
}

async function connectToFirst([port, ...others]: readonly number[]): Promise<Deno.TcpConn> {
  try {
    return await Deno.connect({ hostname: "127.0.0.1", port: port! });
  } catch (error) {
    if (others.length === 0 || !(error instanceof Deno.errors.ConnectionRefused)) throw error;
    return await connectToFirst(others);
  }
}

/** Copies bytes, each part so many milliseconds after it came; the first part later still. */
async function pump(from: Deno.TcpConn, to: Deno.TcpConn, delayMs: number, firstMs: number): Promise<void> {
  let written: Promise<unknown> = Promise.resolve();
  let opened: number | undefined;
  const buffer = new Uint8Array(64 * 1024);
  for (let n: number | null; (n = await from.read(buffer)) !== null;) {
    const part = buffer.slice(0, n);
    opened ??= performance.now() + firstMs;
    const due = Math.max(performance.now(), opened) + delayMs;
    written = written.then(async () => {
      await until(due);
      for (let at = 0; at < part.length;) at += await to.write(part.subarray(at));
    });
    written.catch(() => {});
  }
  await written;
  await to.closeWrite();
}

function until(due: number): Promise<void> {
  const wait = due - performance.now();
  return wait <= 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, wait));
}
