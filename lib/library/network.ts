/** What all calls of the library have in common: the network, how they end, who hears of what. @module */
import { isTagsealError, TagsealError } from "../errors.ts";
import { createSend } from "../http/network.ts";
import type { Send } from "../http/send.ts";

/** How servers are reached. */
export interface NetworkOptions {
  /** More CA certificates (PEM), beside those that the runtime knows. */
  readonly caCerts?: readonly string[] | undefined;
  /**
   * Sends requests instead of the runtime's `fetch`: to record them, or to hand them to a server in memory. It must not
   * follow redirects, as its requests say; `caCerts` are its own affair.
   */
  readonly fetch?: ((request: Request) => Promise<Response>) | undefined;
  /** Whether hosts beside loopback may be spoken to in plain http, where others can read passwords and tokens. */
  readonly allowHttp?: boolean | undefined;
  /** Told, in a sentence, what is no failure: a call that is repeated, a root that was met for the first time. */
  readonly onNotice?: ((line: string) => void) | undefined;
}

/** What every call takes. */
export interface CallOptions {
  /** Ends the call with {@linkcode TagsealError} `interrupted`, whose `cause` is the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** An open network. */
export interface Network {
  /** The way out. */
  readonly send: Send;
  /** Whether plain http may leave this machine. */
  readonly allowHttp: boolean;
  /** {@linkcode NetworkOptions.onNotice}, each line once. */
  readonly notice: (line: string) => void;
  /** Aborted when it is closed. */
  readonly closed: AbortSignal;
  /** Does `work`, until `signal` aborts or the network is closed. */
  during<T>(signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Closes its connections, and ends what is under way. */
  close(): void;
}

/** Opens the network. Nothing is sent yet. */
export function openNetwork({ caCerts = [], fetch, allowHttp = false, onNotice }: NetworkOptions): Network {
  const own = fetch ? { send: fetch, close() {} } : createSend({ caCerts });
  const over = new AbortController();
  const told = new Set<string>();
  return {
    send: own.send,
    allowHttp,
    closed: over.signal,
    notice(line) {
      if (!told.has(line)) onNotice?.(line);
      told.add(line);
    },
    during: (signal, work) => during([over.signal, ...signal ? [signal] : []], work),
    close() {
      if (over.signal.aborted) return;
      over.abort(interrupted(new DOMException("The connection was closed", "AbortError")));
      own.close();
    },
  };
}

/** Does `work` with a signal that aborts as soon as one of `signals` does. */
export async function during<T>(
  signals: readonly AbortSignal[],
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const end = () => {
    const ended = signals.find(({ aborted }) => aborted);
    if (ended) controller.abort(isTagsealError(ended.reason) ? ended.reason : interrupted(ended.reason));
  };
  for (const signal of signals) signal.addEventListener("abort", end);
  end();
  try {
    controller.signal.throwIfAborted();
    return await work(controller.signal);
  } finally {
    for (const signal of signals) signal.removeEventListener("abort", end);
  }
}

function interrupted(reason: unknown): TagsealError {
  return new TagsealError("interrupted", "The call was ended by its caller", {
    remedy: "Look at what is there, then call it again",
    cause: reason,
  });
}
