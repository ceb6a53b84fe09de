/**
 * Why a connection failed, in plain words. The runtime gives no codes, so that its wording is read (measured with Deno
 * 2.9.6); what is not recognised is shown as it is.
 *
 * @module
 */
import { type ConnectionReason, isTagsealError, messageOf, type NextMove } from "../errors.ts";

/** The kinds of failure as `details.reason` tells them, which is no place for finer ones. */
export type FailureReason = Exclude<ConnectionReason, "hung-up" | "no-tls">;

/** A failed connection. */
export interface Failure extends NextMove {
  /** Its kind, for `details`. */
  readonly reason: FailureReason;
  /** Its kind, as finely as it is known: what is decided by. */
  readonly exactly: ConnectionReason;
  /** What happened, to go on after "cannot be used: " or "shows a TLS certificate that is not trusted: ". */
  readonly words: string;
  /** Whether the server's certificate is what was found wrong. */
  readonly certificate: boolean;
  /** Whether the request may have reached the server. */
  readonly sent: boolean;
}

const CHECK_ADDRESS = "Check the address and what stands between here and the server (proxy, firewall), then run the " +
  "command again";
const CHECK_PROXY = "Check HTTPS_PROXY, and name hosts that are reached directly in NO_PROXY";
const TRUST_A_CA: NextMove = {
  remedy: "If the server belongs to a private CA, name that CA's certificate, or have this program's runtime use the " +
    "CAs that this machine knows",
  next: { do: "trust-ca" },
};

interface Rule extends NextMove {
  readonly pattern: RegExp;
  readonly reason: FailureReason;
  /** The kind within `reason` that it is. */
  readonly exactly?: "hung-up" | "no-tls";
  /** The words, given what the pattern captured; the runtime's own are added unless `complete`. */
  readonly words: (match: RegExpExecArray, host: string) => string;
  readonly complete?: boolean;
  readonly certificate?: boolean;
  /** Whether it happens to whom is connected to: the proxy, where there is one. */
  readonly connecting?: boolean;
  /** Whether a proxy is spoken of anyway. */
  readonly ofProxy?: boolean;
}

const RULES: readonly Rule[] = [
  {
    pattern: /invalid peer certificate: certificate not valid for name "([^"]*)"(.*)/,
    reason: "tls",
    certificate: true,
    complete: true,
    words: ([, name = "", rest = ""]) => `it is not for "${name}"${validNames(rest)}`,
    remedy: "Use a name that the certificate is for, or have the server's operator get one for this name",
  },
  {
    pattern: /invalid peer certificate: certificate expired(?:.*not valid after (\d{1,12}))?/,
    reason: "tls",
    certificate: true,
    complete: true,
    words: ([, seconds]) => seconds === undefined ? "it has expired" : `it expired on ${day(seconds)}`,
    remedy: "Check this machine's clock; otherwise the server's operator has to renew the certificate",
  },
  {
    pattern: /invalid peer certificate: certificate not valid yet(?:.*not valid before (\d{1,12}))?/,
    reason: "tls",
    certificate: true,
    complete: true,
    words: ([, seconds]) => seconds === undefined ? "it is not valid yet" : `it is not valid before ${day(seconds)}`,
    remedy: "Check this machine's clock",
  },
  {
    pattern: /invalid peer certificate: (?:UnknownIssuer|BadSignature)/,
    reason: "tls",
    certificate: true,
    words: () => "no known CA has issued it",
    ...TRUST_A_CA,
  },
  {
    pattern: /CaUsedAsEndEntity/,
    reason: "tls",
    certificate: true,
    words: () => "it is a CA's own certificate (CA:TRUE), which this program's runtime takes from no server",
    remedy: "Have the server's operator get a certificate that a CA has issued, or a self-signed one with CA:FALSE " +
      "(openssl req -x509 -addext basicConstraints=critical,CA:FALSE); then name it or the CA",
    next: { do: "replace-ca-as-server-certificate" },
  },
  {
    pattern: /invalid peer certificate/,
    reason: "tls",
    certificate: true,
    words: () => "it is not valid",
    ...TRUST_A_CA,
  },
  {
    pattern: /received fatal alert: (CertificateRequired|NoCertificate)/,
    reason: "tls",
    words: () => "it wants a client certificate",
    remedy: "Put the certificate and its key where Docker has them: ~/.docker/tls/<host:port>/client.cert and " +
      "client.key, or /etc/docker/certs.d/<host:port>/client.cert and client.key",
  },
  {
    pattern: /received fatal alert: (\w*Certificate\w*|UnknownCA|AccessDenied)/,
    reason: "tls",
    words: () => "it does not accept the client certificate",
    remedy: "Check the client certificate in ~/.docker/tls/<host:port> or /etc/docker/certs.d/<host:port>: who " +
      "issued it, and until when it is valid",
  },
  {
    pattern: /InvalidContentType/,
    reason: "tls",
    exactly: "no-tls",
    words: () => "it does not speak TLS",
    remedy: "Check the port of the address",
  },
  {
    // Who ends or restarts amid a handshake has said nothing about it.
    pattern: /tls handshake eof/,
    reason: "cut",
    words: () => "the connection was cut before TLS was agreed on",
    remedy: CHECK_ADDRESS,
  },
  {
    pattern: /tls handshake|received fatal alert|peer is incompatible|peer misbehaved|received corrupt message/i,
    reason: "tls",
    words: () => "no TLS connection could be agreed on",
    remedy: CHECK_ADDRESS,
  },
  {
    pattern: /proxy authentication required|No acceptable auth methods/,
    reason: "proxy",
    words: () => "the proxy wants a user name and password",
    remedy: "Give them in the proxy's address: HTTPS_PROXY=http://user:password@host:port",
    ofProxy: true,
  },
  {
    // What a SOCKS proxy answers sounds like what happens to whoever connects, but for the number of the system's error.
    pattern:
      /tunnel|^(?:General SOCKS.*|Connection not allowed.*|(?:Network|Host) unreachable|Connection refused|TTL expired)$/,
    reason: "proxy",
    words: () => "the proxy does not let the connection through",
    remedy: CHECK_PROXY,
    ofProxy: true,
  },
  {
    pattern: /Requests to port (\d+) are blocked/,
    reason: "blocked",
    complete: true,
    words: ([, port]) => `port ${port} is one that this program's runtime never asks, so that nothing was sent`,
    remedy: "Check the port of the address; a server on such a port has to be moved to another one",
  },
  {
    pattern: /dns error.*temporary failure/i,
    reason: "no-answer",
    words: (_, host) => `the name "${host}" cannot be looked up now`,
    remedy: "Check this machine's DNS and network; then run the command again",
    connecting: true,
  },
  {
    pattern: /dns error/,
    reason: "unknown-host",
    words: (_, host) => `the host "${host}" is unknown`,
    connecting: true,
    remedy: "Check the name, and this machine's DNS; then run the command again",
  },
  {
    pattern: /Connection refused|os error 10061/i,
    reason: "refused",
    words: () => "nobody answers on that port",
    connecting: true,
    remedy: CHECK_ADDRESS,
  },
  {
    pattern: /timed out|No route to host|unreachable|os error 100(60|65|51)/i,
    reason: "no-answer",
    words: () => "it does not answer",
    connecting: true,
    remedy: CHECK_ADDRESS,
  },
  {
    pattern: /connection closed before message completed|reset by peer/i,
    reason: "cut",
    exactly: "hung-up",
    words: () => "the connection was cut",
    remedy: CHECK_ADDRESS,
  },
  {
    pattern: /reset|closed|broken pipe|eof|reading a body/i,
    reason: "cut",
    words: () => "the connection was cut",
    remedy: CHECK_ADDRESS,
  },
];

/** Before anything of the request is sent. */
const NEVER_SENT =
  /\(Connect\)|tcp connect error|dns error|invalid peer certificate|tls handshake|Connection refused|port \d+ are blocked/i;

/** Puts what `fetch` rejected with into words; `proxy` is the address of the one that was asked for the connection. */
export function explainFailure(error: unknown, url: URL, proxy?: string): Failure {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : "";
  const whole = (cause || messageOf(error)).replaceAll(/\s+/g, " ").replace(/: https:\/\/docs\.rs\S*/, "");
  // The address is said already, and may hold what is not to be shown.
  const raw = whole.replace(/^error sending request (?:for|from) .*?: (?:client error \(\w+\): )?/, "").slice(0, 300);
  const sent = !NEVER_SENT.test(whole);
  for (const rule of RULES) {
    const { pattern, reason, words, complete, certificate = false, remedy, next, connecting, ofProxy } = rule;
    const match = pattern.exec(raw);
    if (!match) continue;
    const blamed = connecting && proxy !== undefined;
    const said = words(match, blamed ? new URL(proxy).hostname : url.hostname);
    const whole = complete ? said : `${said} (${raw})`;
    return {
      reason,
      exactly: rule.exactly ?? reason,
      words: proxy === undefined
        ? whole
        : blamed
        ? `the proxy "${proxy}" cannot be reached: ${whole}`
        : ofProxy
        ? whole.replace("the proxy", `the proxy "${proxy}"`)
        : `${whole}, through the proxy "${proxy}"`,
      certificate,
      sent,
      ...blamed ? { remedy: CHECK_PROXY } : { remedy: remedy.replaceAll("<host:port>", url.host), next },
    };
  }
  const through = proxy === undefined ? "" : `, through the proxy "${proxy}"`;
  const words = `${raw}${through}`;
  return { reason: "other", exactly: "other", words, certificate: false, sent, remedy: CHECK_ADDRESS };
}

/**
 * Whether TLS is why a call failed. That is never the same as being offline: somebody did answer, and waiting does not
 * help.
 */
export function isTlsFailure(error: unknown): boolean {
  return isTagsealError(error, "unavailable") && (error.reason === "tls" || error.reason === "no-tls");
}

/** The names in the runtime's list: `; certificate is only valid for DnsName("a.example") or IpAddress(…)`. */
function validNames(list: string): string {
  const names = [...list.matchAll(/\w+\("?([^")]{1,253})"?\)/g)].map(([, name]) => `"${name}"`);
  if (names.length === 0) return "";
  const rest = names.length > 5 ? ` and ${names.length - 5} more` : "";
  return `, but for ${names.slice(0, 5).join(", ")}${rest}`;
}

function day(seconds: string): string {
  return new Date(Number(seconds) * 1000).toISOString().slice(0, 10);
}
