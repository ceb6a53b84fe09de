/** Requests from the log of notary-server, connections from the proxy before it. @module */
import type { DelayProxy } from "./delay_proxy.ts";
import type { Meter } from "./measure.ts";

const ANSWERED = '"msg":"response completed"';
const POSTED = '"http.request.method":"POST"';
const QUIET_MS = 30; // the log is written after the answer

/** Counts what goes through `proxy` to the notary-server that writes this log. */
export function meterOf(proxy: DelayProxy, serverLog: string): Meter {
  const size = async () => (await Deno.stat(serverLog)).size;
  const settle = async () => {
    for (let before = -1, now = await size(); before !== now;) {
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
      [before, now] = [now, await size()];
    }
  };
  let from = 0;
  return {
    async start() {
      await settle();
      from = await size();
      proxy.reset();
    },
    async read() {
      const connections = proxy.connections();
      await settle();
      using file = await Deno.open(serverLog);
      await file.seek(from, Deno.SeekMode.Start);
      const log = await new Response(file.readable).text();
      const answered = log.split("\n").filter((line) => line.includes(ANSWERED));
      return { connections, requests: answered.length, posts: answered.filter((line) => line.includes(POSTED)).length };
    },
  };
}
