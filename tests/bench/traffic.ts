/** Requests from the log of notary-server, connections from the proxy before it. @module */
import type { DelayProxy } from "./delay_proxy.ts";
import type { Meter } from "./measure.ts";

const ANSWERED = '"msg":"response completed"';
const POSTED = '"http.request.method":"POST"';
const QUIET_MS = 30; // the log is written after the answer

/** Counts what goes through `proxy` to the notary-servers that write these logs. */
export function meterOf(proxy: DelayProxy, serverLogs: readonly string[]): Meter {
  const sizes = () => Promise.all(serverLogs.map(async (log) => (await Deno.stat(log)).size));
  const settle = async () => {
    for (let before = "", now = `${await sizes()}`; before !== now;) {
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
      [before, now] = [now, `${await sizes()}`];
    }
  };
  let from = serverLogs.map(() => 0);
  return {
    async start() {
      await settle();
      from = await sizes();
      proxy.reset();
    },
    async read() {
      const [connections, atOnce] = [proxy.connections(), proxy.atOnce()];
      await settle();
      const logs = await Promise.all(serverLogs.map((log, i) => readFrom(log, from[i]!)));
      const answered = logs.join("").split("\n").filter((line) => line.includes(ANSWERED));
      const posts = answered.filter((line) => line.includes(POSTED)).length;
      return { connections, atOnce, requests: answered.length, posts };
    },
  };
}

async function readFrom(path: string, start: number): Promise<string> {
  using file = await Deno.open(path);
  await file.seek(start, Deno.SeekMode.Start);
  return await new Response(file.readable).text();
}
