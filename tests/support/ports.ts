/** Ports for servers of tests that are told theirs before they start. @module */

/**
 * Ports nobody listened on a moment ago. They are below those that Linux gives to whoever asks for any, so that no other
 * test gets one of them before its server listens, or while that is down.
 */
export function freePorts(count: number): number[] {
  const listeners: Deno.TcpListener[] = [];
  while (listeners.length < count) {
    const port = 20_000 + crypto.getRandomValues(new Uint32Array(1))[0]! % 12_000;
    try {
      listeners.push(Deno.listen({ hostname: "127.0.0.1", port }));
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  return listeners.map((listener) => {
    listener.close();
    return listener.addr.port;
  });
}
