/**
 * Docker's token authentication and Basic, for the registry and the Notary server alike.
 *
 * The server says what it wants in a 401; the call is then repeated once with a token (or the password), and later calls
 * carry it at once. The realm is chosen by the server, so it is checked before any password goes there, and a 401 that
 * comes from another origin than the one that was asked (after a redirect) is never answered with credentials.
 *
 * @see {@link https://distribution.github.io/distribution/spec/auth/token/ | Registry token specification}
 * @see {@link https://www.rfc-editor.org/rfc/rfc9110#section-11 | RFC 9110, section 11}
 * @module
 */
import { text, utf8 } from "../bytes/bytes.ts";
import { type Details, TagsealError } from "../errors.ts";
import { type Answer, type Call, exchange, isLoopback, plainUrl, secureUrl, type Send } from "./send.ts";

/** A user name and a password (or an access token that stands in for one). */
export type Credentials = { readonly username: string; readonly password: string };

/** What is to be done with a repository: read it, or publish to it. */
export type ScopeAction = "pull" | "push,pull";

/** What access is asked for; the registry names a repository without its host, the Notary server by its GUN. */
export type Scope = {
  /** The repository as the service names it. */
  readonly repository: string;
  /** What is to be done with it. */
  readonly actions: ScopeAction;
};

/** A service that is asked with whatever proof of identity it wants. */
export interface AuthorizedService {
  /**
   * Sends `call`, with a token or password where the service asks for one. The body must be repeatable (no stream).
   *
   * @throws {TagsealError} `unauthenticated`, `forbidden`, `unavailable` (no answer, or one out of protocol), `bad-input`
   *   (the token realm is not encrypted)
   */
  request(call: Call, scope: Scope): Promise<Answer>;
}

/** How {@linkcode authorize} behaves. */
export interface AuthorizeOptions {
  /** The service's name in messages: "Notary server", "registry". */
  readonly service: string;
  /** Whose access to use; anonymous if left out. */
  readonly credentials?: Credentials | undefined;
  /** Whether an anonymous token may come from an unencrypted realm; passwords go over https and loopback only. */
  readonly allowHttp: boolean;
  /** Longest time for one token request in milliseconds; 30 s unless said. */
  readonly timeoutMs?: number;
  /** What to try when access is refused: names the variable and the flags of this service. */
  readonly remedy: string;
}

/** One challenge of a `WWW-Authenticate` header. */
export interface Challenge {
  /** The scheme in lower case. */
  readonly scheme: string;
  /** Parameters by name in lower case; where a server repeats one, the first counts. */
  readonly params: ReadonlyMap<string, string>;
}

type Bearer = { readonly scheme: "bearer"; readonly realm: URL; readonly service: string | undefined };
type Way = Bearer | { readonly scheme: "basic"; readonly realm: string };
type Grant = { readonly key: string; readonly token: Promise<string> };
type Proof = { readonly authorization: string; readonly grant?: Grant; readonly cached?: boolean };

const MAX_HEADER = 8192;
const MAX_TOKEN_ANSWER = 256 * 1024;
const TOKEN = /^[\x21-\x7e]{1,32768}$/;

/**
 * The challenges of a `WWW-Authenticate` header, as far as they follow RFC 9110 (11.6.1); nothing of a header longer than
 * 8 KiB. Several header lines joined by commas are read as one.
 */
export function parseChallenges(header: string): Challenge[] {
  const found: { scheme: string; params: Map<string, string> }[] = [];
  if (header.length > MAX_HEADER) return found;
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(header);
    if (match) at = pattern.lastIndex;
    return match;
  };
  for (;;) {
    take(/[ \t,]*/y);
    // A parameter comes first: "name =" can be nothing else, whereas a scheme is never followed by "=".
    const param = found.length > 0 && take(/([!#$%&'*+.^_`|~\w-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))/y);
    if (param) {
      const name = param[1]!.toLowerCase();
      const params = found.at(-1)!.params;
      if (!params.has(name)) params.set(name, param[2]?.replaceAll(/\\(.)/g, "$1") ?? param[3]!);
      continue;
    }
    const scheme = take(/([!#$%&'*+.^_`|~\w-]+)(?=[ \t,]|$)/y);
    if (!scheme) return found;
    found.push({ scheme: scheme[1]!.toLowerCase(), params: new Map() });
    take(/[ \t]+[\w\-.~+/]+=*(?=[ \t]*(?:,|$))/y); // token68, as Negotiate uses it: nothing for us
  }
}

/** Wraps `send` so that calls carry what the service asks for; tokens live as long as the returned object. */
export function authorize(send: Send, options: AuthorizeOptions): AuthorizedService {
  const { credentials, service } = options;
  const ways = new Map<string, Way>(); // by origin: what it asked for, once that has been satisfied
  const grants = new Map<string, Grant>(); // by realm, service and scope

  function refused(
    code: "unauthenticated" | "forbidden",
    why: string,
    url: URL,
    scope: Scope,
    way?: Way,
  ): TagsealError {
    const user = credentials ? shown(credentials.username) : undefined;
    const realm = way?.scheme === "bearer" ? plainUrl(way.realm) : way && shown(way.realm);
    const who = user === undefined ? "anonymously" : `as user "${user}"`;
    const where = realm === undefined ? "without a realm" : `with realm "${realm}"`;
    const details: Details = {
      service,
      url: plainUrl(url),
      realm: realm ?? null,
      scope: scopeText(scope),
      user: user ?? null,
    };
    return new TagsealError(
      code,
      `The ${service} at "${url.origin}" refuses access: ${why}; tried ${who} ${where} and scope "${scopeText(scope)}"`,
      { remedy: options.remedy, details },
    );
  }

  async function requestToken(way: Bearer, scope: Scope, url: URL): Promise<string> {
    const realm = new URL(way.realm);
    if (way.service !== undefined) realm.searchParams.set("service", way.service);
    realm.searchParams.set("scope", scopeText(scope));
    if (credentials && !confidential(realm)) {
      throw refused("unauthenticated", "its realm is not encrypted, so the password was not sent", url, scope, way);
    }
    const answer = await exchange(send, {
      service: `Token server of the ${service}`,
      url: realm,
      headers: { accept: "application/json", ...(credentials ? { authorization: basic(credentials) } : {}) },
      maxBytes: MAX_TOKEN_ANSWER,
      timeoutMs: options.timeoutMs ?? 30_000,
    });
    if (answer.status === 401 || answer.status === 403) {
      throw refused("unauthenticated", `its token server answers ${answer.status}`, url, scope, way);
    }
    const token = answer.status === 200 ? readToken(answer.bytes) : undefined;
    if (token !== undefined) return token;
    const why = answer.status === 200 ? "an answer that holds no usable token" : `status ${answer.status}`;
    throw new TagsealError("unavailable", `The token server "${plainUrl(realm)}" of the ${service} gave ${why}`, {
      remedy: "Try again later; if it stays so, ask the operator of the token server",
      details: { service, realm: plainUrl(realm), status: answer.status },
    });
  }

  function grantFor(way: Bearer, scope: Scope, url: URL): { grant: Grant; cached: boolean } {
    const keyOf = (actions: ScopeAction) => JSON.stringify([way.realm.href, way.service, scope.repository, actions]);
    const known = grants.get(keyOf("push,pull")) ?? grants.get(keyOf(scope.actions));
    if (known) return { grant: known, cached: true };
    const grant: Grant = { key: keyOf(scope.actions), token: requestToken(way, scope, url) };
    grants.set(grant.key, grant);
    grant.token.catch(() => forget(grant));
    return { grant, cached: false };
  }

  /** Forgets this very grant: where parallel calls were all refused with it, the first has replaced it already. */
  function forget(grant: Grant | undefined): void {
    if (grant && grants.get(grant.key) === grant) grants.delete(grant.key);
  }

  async function proofFor(way: Way, call: Call, scope: Scope): Promise<Proof> {
    if (way.scheme === "bearer") {
      const { grant, cached } = grantFor(way, scope, call.url);
      // The request is shared with other calls, so that this call's signal must not end it for them.
      return { authorization: `Bearer ${await unlessAborted(grant.token, call.signal)}`, grant, cached };
    }
    if (!credentials) throw refused("unauthenticated", "it wants a user name and password", call.url, scope, way);
    if (!confidential(call.url)) {
      throw refused("unauthenticated", "it is not encrypted, so the password was not sent", call.url, scope, way);
    }
    return { authorization: basic(credentials) };
  }

  async function attempt(call: Call, authorization?: string): Promise<{ answer: Answer; answeredBy: string }> {
    let answeredBy = call.url.origin;
    const watched: Send = (request) => {
      answeredBy = new URL(request.url).origin;
      return send(request);
    };
    const headers = authorization === undefined ? { ...call.headers } : { ...call.headers, authorization };
    return { answer: await exchange(watched, { ...call, headers }), answeredBy };
  }

  async function request(call: Call, scope: Scope): Promise<Answer> {
    if (call.body instanceof ReadableStream) {
      throw new TagsealError("unexpected", `A stream cannot be sent twice, as the ${service} may ask for`, {
        remedy: "Report this as a defect of tagseal",
      });
    }
    const { origin } = call.url;
    let way = ways.get(origin);
    // Where the service is known to want a token, it comes first: a large body would only be sent to be refused.
    let proof = way && await proofFor(way, call, scope);
    let { answer, answeredBy } = await attempt(call, proof?.authorization);
    if (answer.status === 401 && answeredBy === origin) {
      forget(proof?.grant);
      const offered = parseChallenges(answer.headers.get("www-authenticate") ?? "");
      const next = chooseWay(offered, service, options.allowHttp);
      if (!next) throw refused("unauthenticated", noWay(offered), call.url, scope);
      // What was obtained for this very call a moment ago will not get better; a cached token may have run out.
      if (!way || proof?.cached || !sameWay(way, next)) {
        proof = await proofFor(next, call, scope);
        ways.set(origin, way = next);
        ({ answer, answeredBy } = await attempt(call, proof.authorization));
      }
    }
    if (answer.status === 401) {
      forget(proof?.grant);
      const why = answeredBy !== origin
        ? `it redirects to "${answeredBy}", which wants credentials of its own`
        : NOT_ACCEPTED[way!.scheme];
      throw refused("unauthenticated", why, call.url, scope, way);
    }
    if (answer.status === 403) throw refused("forbidden", "it answers 403", call.url, scope, way);
    return answer;
  }

  return { request };
}

const NOT_ACCEPTED = {
  basic: "it does not accept the user name and password",
  bearer: "it does not accept the token of its token server",
} as const;

function chooseWay(offered: readonly Challenge[], service: string, allowHttp: boolean): Way | undefined {
  const bearer = offered.find(({ scheme, params }) => scheme === "bearer" && URL.canParse(params.get("realm") ?? ""));
  if (bearer) {
    const realm = secureUrl(bearer.params.get("realm")!, `token realm of the ${service}`, allowHttp);
    return { scheme: "bearer", realm, service: bearer.params.get("service") };
  }
  const plain = offered.find(({ scheme }) => scheme === "basic");
  return plain && { scheme: "basic", realm: plain.params.get("realm") ?? "" };
}

function sameWay(a: Way, b: Way): boolean {
  if (a.scheme !== "bearer" || b.scheme !== "bearer") return a.scheme === b.scheme;
  return a.realm.href === b.realm.href && a.service === b.service;
}

function noWay(offered: readonly Challenge[]): string {
  const names = offered.slice(0, 5).map(({ scheme }) => `"${shown(scheme)}"`).join(", ");
  return `it offers no usable way to authenticate (it names ${
    names || "none"
  }; Bearer with a realm and Basic are known)`;
}

function scopeText(scope: Scope): string {
  return `repository:${scope.repository}:${scope.actions}`;
}

/** Names of users and realms come from outside: bounded, and without anything that could steer a terminal. */
function shown(name: string): string {
  return name.slice(0, 100).replaceAll(/[^ -~]|"/g, "?");
}

function confidential(url: URL): boolean {
  return url.protocol === "https:" || isLoopback(url.hostname);
}

/** RFC 7617, with UTF-8. */
function basic({ username, password }: Credentials): string {
  return `Basic ${utf8(`${username}:${password}`).toBase64()}`;
}

/** The token of a token server's answer; no parser error ever leaves this function, as it would quote the token. */
function readToken(bytes: Uint8Array): string | undefined {
  try {
    const { token, access_token } = Object(JSON.parse(text(bytes))) as Record<string, unknown>;
    return [token, access_token].find((value) => typeof value === "string" && TOKEN.test(value)) as string | undefined;
  } catch {
    return undefined;
  }
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return await work;
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = () => reject(signal.reason);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop);
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
