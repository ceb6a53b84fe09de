/**
 * Which hosts are reached through a proxy, as Go decides it, and so docker and notary: `HTTPS_PROXY` and `HTTP_PROXY`,
 * never for this machine itself, and not for the hosts of `NO_PROXY`. The runtime decides by itself otherwise, and asks
 * proxies for loopback as well.
 *
 * @see {@link https://pkg.go.dev/golang.org/x/net/http/httpproxy | Package httpproxy}
 * @module
 */
import { TagsealError } from "../errors.ts";
import { isLoopback } from "./loopback.ts";

/** A proxy. */
export interface Proxy {
  /** Its address without user and password. */
  readonly url: string;
  /** Who asks it. */
  readonly basicAuth?: { readonly username: string; readonly password: string };
}

/** A failure on the way through a proxy. */
export class ProxiedError extends Error {
  /** `cause` is what the runtime said. */
  constructor(readonly proxy: Proxy, override readonly cause: unknown) {
    super("Failed behind a proxy");
  }
}

const SCHEMES = ["http:", "https:", "socks5:", "socks5h:"];

/** The variables that proxies are read from, in capitals; in small letters they count as well. */
export const PROXY_VARIABLES: readonly string[] = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"];

/**
 * The proxy for each address, if any. `undefined` where the variables name no proxy at all, so that there is nothing to
 * decide.
 *
 * The returned function throws {@linkcode TagsealError} `usage` where the variable that counts holds no proxy's address.
 */
export function readProxies(
  env: (name: string) => string | undefined,
): ((url: URL) => Proxy | undefined) | undefined {
  const read = (name: string): [string, string] | undefined => {
    const found = [name, name.toLowerCase()].find((spelled) => env(spelled));
    return found === undefined ? undefined : [found, env(found)!];
  };
  const all = read("ALL_PROXY");
  const [https, http] = [read("HTTPS_PROXY") ?? all, read("HTTP_PROXY") ?? all];
  if (!https && !http) return undefined;
  const exceptions = (read("NO_PROXY")?.[1] ?? "").split(",").map((entry) => entry.trim().toLowerCase());
  return (url) => {
    const variable = url.protocol === "https:" ? https : http;
    if (!variable || isLoopback(url.hostname) || exceptions.some((entry) => isExcepted(url, entry))) return undefined;
    return parseProxy(...variable);
  };
}

function parseProxy(variable: string, value: string): Proxy {
  const address = value.includes("://") ? value : `http://${value}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  // Quotes that a file of variables has kept make a host's name with quotes, or none; in a password they may stand.
  if (!url || !SCHEMES.includes(url.protocol) || url.hostname === "" || /["']/.test(url.hostname) || /\s/.test(value)) {
    throw new TagsealError("usage", `The variable ${variable} holds no proxy's address`, {
      remedy: `Set ${variable} to http://host:port, or http://user:password@host:port, without quotes`,
      details: { variable },
    });
  }
  const [username, password] = [url.username, url.password].map(decoded) as [string, string];
  return {
    url: `${url.protocol}//${url.host}`,
    ...(username === "" && password === "" ? {} : { basicAuth: { username, password } }),
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Whether an entry of `NO_PROXY` is for `url`: `*`, a host with its subdomains, `.suffix`, an address, a range, each with or without a port. */
function isExcepted(url: URL, entry: string): boolean {
  if (entry === "*") return true;
  const [, host = entry, port] = /^(\[[^\]]+\]|[^:]+):(\d+)$/.exec(entry) ?? [];
  if (port !== undefined && port !== (url.port || (url.protocol === "https:" ? "443" : "80"))) return false;
  const name = unbracketed(url.hostname.toLowerCase());
  const wanted = unbracketed(host.replace(/^\*\./, "."));
  if (wanted === "") return false;
  const address = bytesOf(name);
  if (address) return isWithin(address, wanted);
  return name === wanted || name.endsWith(wanted.startsWith(".") ? wanted : `.${wanted}`);
}

function unbracketed(host: string): string {
  return host.replace(/^\[(.*)\]$/, "$1");
}

/** Whether an address is the one of an entry, however that is written, or within its range: `10.0.0.0/8`, `fd00::/8`. */
function isWithin(address: readonly number[], entry: string): boolean {
  const [text = "", size = `${address.length * 8}`, ...more] = entry.split("/");
  const base = bytesOf(text);
  const bits = Number(size);
  if (base?.length !== address.length || !/^\d{1,3}$/.test(size) || bits > base.length * 8 || more.length > 0) {
    return false;
  }
  return address.every((byte, i) => {
    const free = Math.min(8, Math.max(0, 8 * (i + 1) - bits));
    return byte >> free === base[i]! >> free;
  });
}

/** The bytes of an IPv4 or IPv6 address; nothing of a name. */
function bytesOf(address: string): number[] | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address)?.slice(1).map(Number);
  if (parts) return parts;
  const url = `http://[${address}]/`;
  if (!/^[\da-f:.]+$/.test(address) || !URL.canParse(url)) return undefined;
  // Of all ways to write it the URL's is the one with at most one "::" and without an IPv4 address at the end.
  const [head = [], tail] = unbracketed(new URL(url).hostname).split("::").map((half) =>
    half.split(":").filter(Boolean)
  );
  const groups = tail ? [...head, ...Array(8 - head.length - tail.length).fill("0"), ...tail] : head;
  return groups.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff]);
}
