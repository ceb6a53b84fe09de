/** Chromium without a window, told what to do over its DevTools protocol: to see a page as its readers do. @module */
import assert from "node:assert/strict";

/** A page that is open. */
export interface OpenPage extends AsyncDisposable {
  /** The value of an expression in the page. */
  evaluate<T>(expression: string): Promise<T>;
  /** Shows the page in another width, on paper or in the dark. */
  show(as: { readonly width?: number; readonly media?: "print" | "screen"; readonly dark?: boolean }): Promise<void>;
  /** What the page has asked for but itself, and what the console says of it. */
  readonly complaints: readonly string[];
}

/** Opens a file. */
export async function openPage(path: string): Promise<OpenPage> {
  await using cleanUp = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "tagseal-browser-" });
  cleanUp.defer(() => Deno.remove(folder, { recursive: true }).catch(() => undefined));
  const browser = new Deno.Command("chromium", {
    args: [
      ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
      ...["--disable-component-update", "--disable-sync", "--remote-debugging-port=0", `--user-data-dir=${folder}`],
      "about:blank",
    ],
    stdout: "null",
    stderr: "piped",
    env: { HOME: folder },
  }).spawn();
  cleanUp.defer(async () => {
    browser.kill("SIGKILL");
    await browser.status;
  });
  const port = await portOf(browser.stderr);
  const [target] = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json())
    .filter(({ type }: { type: string }) => type === "page");
  const socket = cleanUp.adopt(new WebSocket(target.webSocketDebuggerUrl), (socket) => closed(socket));
  await new Promise((opened, failed) => {
    socket.onopen = opened;
    socket.onerror = failed;
  });

  let count = 0;
  const waiting = new Map<number, (message: Message) => void>();
  const complaints: string[] = [];
  let loaded = () => {};
  const isLoaded = new Promise<void>((done) => loaded = done);
  socket.onmessage = ({ data }) => {
    const message: Message = JSON.parse(data);
    const { id, method, params } = message;
    if (id !== undefined) return waiting.get(id)?.(message);
    if (method === "Page.loadEventFired") loaded();
    if (method === "Log.entryAdded") complaints.push(String(params?.["entry"]?.text));
    if (method === "Runtime.consoleAPICalled" || method === "Runtime.exceptionThrown") complaints.push(method);
    if (method === "Network.requestWillBeSent" && params?.["request"]?.url !== `file://${path}`) {
      complaints.push(`asked for ${params?.["request"]?.url}`);
    }
  };
  const send = async (method: string, params: object = {}): Promise<Message["result"]> => {
    const id = ++count;
    const answer = new Promise<Message>((resolve) => waiting.set(id, resolve));
    socket.send(JSON.stringify({ id, method, params }));
    const { result, error } = await answer;
    assert.equal(error, undefined, method);
    return result;
  };
  for (const domain of ["Page", "Log", "Runtime", "Network"]) await send(`${domain}.enable`);
  await send("Page.navigate", { url: `file://${path}` });
  await isLoaded;
  const running = cleanUp.move();
  return {
    complaints,
    async evaluate(expression) {
      const answer = await send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
      assert.equal(answer?.["exceptionDetails"], undefined, JSON.stringify(answer?.["exceptionDetails"]));
      return answer?.["result"].value;
    },
    async show({ width = 1400, media = "screen", dark = false }) {
      await send("Emulation.setDeviceMetricsOverride", {
        width,
        height: 900,
        deviceScaleFactor: 1,
        mobile: width < 500,
      });
      const features = [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }];
      await send("Emulation.setEmulatedMedia", { media, features });
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  // deno-lint-ignore no-explicit-any -- the protocol has hundreds of shapes
  readonly params?: Record<string, any>;
  // deno-lint-ignore no-explicit-any
  readonly result?: Record<string, any>;
  readonly error?: unknown;
}

async function portOf(stderr: ReadableStream<Uint8Array>): Promise<string> {
  let said = "";
  for await (const part of stderr.pipeThrough(new TextDecoderStream() as ReadableWritablePair)) {
    said += part;
    const port = /DevTools listening on ws:\/\/[^:]+:(\d+)\//.exec(said)?.[1];
    if (port !== undefined) return port;
  }
  throw new Error(`Chromium did not start: ${said}`);
}

function closed(socket: WebSocket): Promise<void> {
  return new Promise((done) => {
    socket.onclose = () => done();
    socket.close();
  });
}
