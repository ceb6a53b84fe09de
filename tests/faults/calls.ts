/** Which calls are under way: until then the clock of a cell does not jump. @module */
import type { Send } from "../../lib/http/send.ts";

/** How many wait for their answer, or read its body. */
export interface Calls {
  underWay: number;
}

/** Counts the calls that go through `send`, each until its body was read to the end, or given up. */
export function counted(send: Send, calls: Calls): Send {
  return async (request) => {
    calls.underWay++;
    let open = 1;
    const end = () => {
      calls.underWay -= open;
      open = 0;
    };
    return endingWith(await send(request).catch((error) => (end(), Promise.reject(error))), end);
  };
}

/** The response, which says when its body was read to its end, or given up. */
function endingWith(response: Response, end: () => void): Response {
  const reader = response.body?.getReader();
  if (!reader) end();
  const body = reader && new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        controller.close();
      } catch (error) {
        controller.error(error);
      }
      end();
    },
    cancel(reason) {
      end();
      return reader.cancel(reason);
    },
  }, { highWaterMark: 0 });
  return body ? Object.defineProperty(response, "body", { value: body }) : response;
}
