/** Binds `Send` to the runtime's `fetch`: CAs, client certificates and proxies, each for the hosts it is for. @module */
import { messageOf, TagsealError } from "../errors.ts";
import { ProxiedError, type Proxy } from "./proxy.ts";
import type { Send } from "./send.ts";

/** What TLS with one host takes beside the public CAs. */
export interface HostTls {
  /** CA certificates (PEM). */
  readonly caCerts: readonly string[];
  /** Where those come from, for messages: names of files. */
  readonly caFiles?: readonly string[];
  /** The client certificate and its private key (PEM). */
  readonly client?: { readonly cert: string; readonly key: string } | undefined;
  /** Where those come from. */
  readonly files: readonly string[];
}

/** How `fetch` is set up. */
export interface SendOptions {
  /** More CA certificates (PEM), beside the public ones. */
  readonly caCerts?: readonly string[];
  /** What one host (`host[:port]`, as in `URL.host`) takes beside that; asked once for each, at its first https call. */
  readonly tlsOf?: (host: string) => Promise<HostTls | undefined>;
  /** Through which proxy an address is reached; the runtime knows of others only from the variables of the process. */
  readonly proxyFor?: ((url: URL) => Proxy | undefined) | undefined;
}

/** Binds {@linkcode Send} to the network. */
export function createSend(options: SendOptions = {}): { send: Send; close(): void } {
  const clients = new Map<string, Deno.HttpClient>(); // one for each distinct set: connections are shared within it
  const byOrigin = new Map<string, Promise<Deno.HttpClient | undefined>>();
  const clientWith = (tls: HostTls | undefined, proxy: Proxy | undefined) => {
    const caCerts = [...options.caCerts ?? [], ...tls?.caCerts ?? []];
    if (caCerts.length === 0 && !tls?.client && !proxy) return undefined;
    const set = JSON.stringify([caCerts, tls?.client, proxy]);
    const settings = { caCerts, ...tls?.client, ...(proxy ? { proxy: { ...proxy } } : {}) };
    const client = clients.get(set) ?? createClient(settings, tls);
    clients.set(set, client);
    return client;
  };
  const clientFor = ({ protocol, host, origin }: URL, proxy: Proxy | undefined) => {
    let client = byOrigin.get(origin);
    if (!client) {
      const tls = protocol === "https:" ? options.tlsOf?.(host) : undefined;
      byOrigin.set(origin, client = Promise.resolve(tls).then((tls) => clientWith(tls, proxy)));
    }
    return client;
  };
  return {
    send: async (request) => {
      const url = new URL(request.url);
      const proxy = options.proxyFor?.(url);
      const client = await clientFor(url, proxy);
      try {
        return await fetch(request, client && { client });
      } catch (error) {
        throw proxy ? new ProxiedError(proxy, error) : error;
      }
    },
    close: () => clients.forEach((client) => client.close()),
  };
}

type Settings = Deno.CreateHttpClientOptions & { readonly caCerts: string[] };

function createClient(options: Settings, tls: HostTls | undefined): Deno.HttpClient {
  try {
    return Deno.createHttpClient(options);
  } catch (error) {
    const [what, files, remedy] = tls?.client && isUsable({ caCerts: options.caCerts })
      ? ["The client certificate", tls.files, "Put the certificate and its unencrypted private key there, both as PEM"]
      : [
        "A CA's certificate",
        tls?.caFiles ?? [],
        "Give each CA's certificate whole, as PEM, and nothing else with it",
      ];
    const names = files.length > 0 ? ` (${files.map((file) => `"${file}"`).join(", ")})` : "";
    throw new TagsealError("bad-input", `${what} cannot be used${names}: ${messageOf(error)}`, {
      remedy,
      details: { files },
    });
  }
}

/** Whether the runtime takes these settings. */
function isUsable(options: Deno.CreateHttpClientOptions): boolean {
  try {
    Deno.createHttpClient(options).close();
    return true;
  } catch {
    return false;
  }
}
