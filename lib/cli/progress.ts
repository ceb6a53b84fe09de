/** How far a command is with its servers: one line, on a terminal, for whatever takes over a second. @module */
import type { Send } from "../http/send.ts";

/** What watches a command's calls. */
export interface Progress {
  /** The same calls, counted. */
  watch(send: Send): Send;
  /** Shows nothing while somebody is asked something. */
  pause<T>(ask: () => Promise<T>): Promise<T>;
  /** Ends it. */
  end(): void;
}

const TICK_MS = 250;
/** What is over sooner is not worth a line. */
const SILENT_MS = 1000;
/** Calls with less than this between them are one piece of work. */
const APART_MS = 300;

/** Watches calls; `status` shows a line that the next one replaces, and `""` takes it away. `clock` gives milliseconds. */
export function createProgress(
  status: (line: string) => void,
  clock: () => number = () => performance.now(),
): Progress {
  const open = new Map<symbol, string>(); // hosts that are waited for, or read from
  let [begun, answered, bytes, since, idleSince] = [0, 0, 0, 0, -Infinity];
  let asking = 0;
  let isShown = false;
  let ticking: ReturnType<typeof setInterval> | undefined;

  const tick = () => {
    if (open.size > 0 && asking === 0 && clock() - since >= SILENT_MS) {
      status(line());
      isShown = true;
    } else if (isShown) {
      status("");
      isShown = false;
    }
  };
  const line = () => {
    const hosts = new Set(open.values());
    const [host] = hosts;
    const others = hosts.size > 1 ? ` and ${hosts.size - 1} more` : "";
    const counts = begun > 1 ? `, ${answered} of ${begun} answers` : "";
    const size = bytes >= 1e6 ? `, ${(bytes / 1e6).toFixed(1)} MB` : "";
    return `${Math.floor((clock() - since) / 1000)} s: ${host}${others}${counts}${size}`;
  };
  const begin = (host: string) => {
    if (open.size === 0 && clock() - idleSince > APART_MS) [begun, answered, bytes, since] = [0, 0, 0, clock()];
    const call = Symbol(host);
    open.set(call, host);
    begun++;
    ticking ??= setInterval(tick, TICK_MS);
    return () => {
      if (!open.delete(call)) return;
      answered++;
      if (open.size === 0) idleSince = clock();
    };
  };
  const counted = (body: ReadableStream<Uint8Array<ArrayBuffer>>, over: () => void) => {
    const reader = body.getReader();
    return new ReadableStream<Uint8Array<ArrayBuffer>>({
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (!done) {
            bytes += value.length;
            return controller.enqueue(value);
          }
          over();
          controller.close();
        } catch (error) {
          over();
          controller.error(error);
        }
      },
      async cancel(reason) {
        over();
        await reader.cancel(reason);
      },
    });
  };
  return {
    watch: (send) => async (request) => {
      const over = begin(new URL(request.url).host);
      try {
        const answer = await send(request);
        if (!answer.body) {
          over();
          return answer;
        }
        const { status, statusText, headers } = answer;
        return new Response(counted(answer.body, over), { status, statusText, headers });
      } catch (error) {
        over();
        throw error;
      }
    },
    async pause(ask) {
      asking++;
      tick();
      try {
        return await ask();
      } finally {
        asking--;
      }
    },
    end() {
      clearInterval(ticking);
      open.clear();
      tick();
    },
  };
}
