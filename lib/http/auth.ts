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
import { shown } from "../bytes/printable.ts";
import { createRedactor } from "../bytes/redaction.ts";
import { type Details, TagsealError } from "../errors.ts";
import { basic, type Credentials, type CredentialsSource, type Scope, scopeText, secretsOf } from "./access.ts";
import { atMost, type Outcome } from "./at_most.ts";
import { parseChallenges } from "./challenge.ts";
import { exchangeWithRetry, type RetryPolicy } from "./retry.ts";
import { type Answer, type Call, exchange, plainUrl, type Send } from "./send.ts";
import { inItsWords, retryAfterWords } from "./server_words.ts";
import { requestToken } from "./token_server.ts";
import { type Bearer, chooseWay, isConfidential, sameWay, type Way } from "./way.ts";

export type {
  Credentials,
  CredentialsSource,
  IdentityToken,
  OutOfReach,
  Password,
  RegistryToken,
  Scope,
  ScopeAction,
} from "./access.ts";

/** A service that is asked with whatever proof of identity it wants. */
export interface AuthorizedService {
  /**
   * Sends `call`, with a token or password where the service asks for one. The body must be repeatable (no stream).
   *
   * @throws {TagsealError} `unauthenticated`, `forbidden`, `unavailable` (no answer, one out of protocol, or too many
   *   requests), and what the source of credentials throws
   */
  request(call: Call, scope: Scope): Promise<Answer>;
}

/** How {@linkcode authorize} behaves. */
export interface AuthorizeOptions {
  /** The service's name in messages: "Notary server", "registry". */
  readonly service: string;
  /** Whose access to use; called once, and only where the service asks for it. Anonymous if left out. */
  readonly credentials?: CredentialsSource | undefined;
  /** Whether an anonymous token may come from an unencrypted realm; passwords go over https and loopback only. */
  readonly allowHttp: boolean;
  /** How what has no more effect twice than once is repeated while the service is not available; not at all if left out. */
  readonly retryReads?: RetryPolicy | undefined;
  /** What to try when access is refused: names the variable and the flags of this service. */
  readonly remedy: string;
}

type Grant = { readonly key: string; readonly token: Promise<string> };
type Proof = { readonly authorization: string; readonly grant?: Grant; readonly cached?: boolean };

/**
 * How many calls go on at a time at most, and so about how many connections are open: a repository may have 1,000
 * delegations, and a list 1,000 repositories.
 */
export const CALLS_AT_ONCE = 48;
/** How many are to begin with: all that a command asks for about one repository, before it knows anything of it. */
const FIRST_CALLS = 7;

function outcomeOf({ status }: Answer): Outcome {
  if (status === 429 || status >= 500) return "failed";
  return status < 300 ? "served" : "other";
}

/** Wraps `send` so that calls carry what the service asks for; tokens live as long as the returned object. */
export function authorize(send: Send, options: AuthorizeOptions): AuthorizedService {
  const { service } = options;
  const ways = new Map<string, Way>(); // by origin: what it asked for, once that has been satisfied
  const grants = new Map<string, Grant>(); // by realm, service and scope
  let source: ReturnType<CredentialsSource> | undefined;
  let known: Credentials | undefined; // once the source has given them: whom messages name
  let lost: TagsealError | undefined; // why there are none
  const redactor = createRedactor();
  const inTurn = atMost({ first: FIRST_CALLS, most: CALLS_AT_ONCE }, outcomeOf);

  async function credentials(): Promise<Credentials | undefined> {
    const found = await (source ??= options.credentials?.());
    if (found && "outOfReach" in found) lost = found.outOfReach;
    else known = found;
    if (known) secretsOf(known).forEach(redactor.hide);
    return known;
  }

  function refused(
    code: "unauthenticated" | "forbidden",
    why: string,
    url: URL,
    scope: Scope,
    way?: Way,
    reason?: "scope",
  ): TagsealError {
    const user = known && "password" in known ? shown(known.username) : undefined;
    const realm = way?.scheme === "bearer" ? plainUrl(way.realm) : way && shown(way.realm);
    const where = realm === undefined ? "without a realm" : `with realm "${realm}"`;
    const details: Details = {
      ...lost?.details,
      service,
      url: plainUrl(url),
      realm: realm ?? null,
      scope: scopeText(scope),
      user: user ?? null,
    };
    // Whoever was let in, and may not do this, has the right password.
    const remedy = code === "forbidden" && known
      ? `Have the administrator of the repository give that user the right to ${
        DO[scope.actions]
      } it, or use another user`
      : lost?.remedy ?? options.remedy;
    return new TagsealError(
      code,
      `The ${service} at "${url.origin}" refuses access: ${why}; tried ${who(known)} ${where} and scope "${
        scopeText(scope)
      }"${lost ? `. ${lost.message}` : ""}`,
      { remedy, details, reason },
    );
  }

  function limited({ status, headers, bytes }: Answer, url: URL): TagsealError {
    const what = `takes no more requests for now${inItsWords(bytes)}${retryAfterWords(headers)}`;
    return new TagsealError("unavailable", `The ${service} at "${url.origin}" ${what}`, {
      remedy: known
        ? "Wait, then run the command again"
        : `Wait, or log in, since many servers take more from users: ${options.remedy[0]?.toLowerCase()}${
          options.remedy.slice(1)
        }`,
      details: { service },
      call: { url: plainUrl(url), status },
    });
  }

  function badRealm(realm: string, url: URL): TagsealError {
    return new TagsealError("unavailable", `The ${service} at "${url.origin}" names the token server ${realm}`, {
      remedy: `Have the operator of the ${service} name one with a plain https address; nothing was sent there`,
      details: { service, url: plainUrl(url) },
    });
  }

  /**
   * Only what is idempotent is repeated: whoever publishes must know what became of the one attempt. What refuses may
   * quote what it was sent: nobody sees secrets in that (nothing is shown of bodies that are no JSON, see
   * `server_words.ts`).
   */
  async function transmit(through: Send, call: Call): Promise<Answer> {
    const { retryReads } = options;
    const { method = "GET", idempotent = method === "GET" } = call;
    const answer = retryReads && idempotent
      ? await exchangeWithRetry(through, call, { ...retryReads, idempotent })
      : await exchange(through, call);
    if (answer.status < 400) return answer;
    const authorization = call.headers?.["authorization"];
    if (authorization !== undefined) redactor.hide(authorization.slice(authorization.indexOf(" ") + 1));
    return { ...answer, bytes: redactor.foreignJson(answer.bytes) };
  }

  async function tokenFor(way: Bearer, scope: Scope, url: URL): Promise<string> {
    const given = await credentials();
    if (given && !isConfidential("registryToken" in given ? url : way.realm, url)) {
      const what = "registryToken" in given ? "it" : "its realm";
      throw refused("unauthenticated", `${what} is not encrypted, so ${secretOf(given)} was not sent`, url, scope, way);
    }
    if (given && "registryToken" in given) return given.registryToken;
    const server = { realm: way.realm, audience: way.service, service };
    const answer = await requestToken((call) => transmit(send, call), server, scope, given);
    if ("token" in answer) return answer.token;
    throw refused("unauthenticated", answer.refusal, url, scope, way);
  }

  function grantFor(way: Bearer, scope: Scope, url: URL): { grant: Grant; cached: boolean } {
    const keyOf = (actions: string) => JSON.stringify([way.realm.href, way.service, scope.repository, actions]);
    // Of all there is to be had, a token server may have granted less than was asked for: "*" serves nothing but "*".
    const usable = scope.actions === "pull" ? ["push,pull", "pull"] : [scope.actions];
    const found = usable.flatMap((actions) => grants.get(keyOf(actions)) ?? [])[0];
    if (found) return { grant: found, cached: true };
    const grant: Grant = { key: keyOf(scope.actions), token: tokenFor(way, scope, url) };
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
    const given = await unlessAborted(credentials(), call.signal);
    if (!given || !("password" in given)) {
      throw refused("unauthenticated", "it wants a user name and password", call.url, scope, way);
    }
    if (!isConfidential(call.url, call.url)) {
      throw refused("unauthenticated", "it is not encrypted, so the password was not sent", call.url, scope, way);
    }
    return { authorization: basic(given) };
  }

  async function attempt(call: Call, authorization?: string): Promise<{ answer: Answer; answeredBy: string }> {
    let answeredBy = call.url.origin;
    const watched: Send = (request) => {
      answeredBy = new URL(request.url).origin;
      return send(request);
    };
    const headers = authorization === undefined ? { ...call.headers } : { ...call.headers, authorization };
    const answer = await inTurn(() => transmit(watched, { ...call, allowHttp: options.allowHttp, headers }));
    return { answer, answeredBy };
  }

  async function answerTo(call: Call, scope: Scope): Promise<Answer> {
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
    // A token of a wider scope may have run out, then the one of this scope, so that there are three tries at most.
    for (let tries = 0; tries < 3 && answer.status === 401 && answeredBy === origin; tries++) {
      forget(proof?.grant);
      const offered = parseChallenges(answer.headers.get("www-authenticate"));
      const next = chooseWay(offered, call.url, options.allowHttp);
      if ("badRealm" in next) throw badRealm(next.badRealm, call.url);
      if ("wrong" in next) throw refused("unauthenticated", next.wrong, call.url, scope);
      // What was obtained for this very call a moment ago will not get better.
      if (way && !proof?.cached && sameWay(way, next)) break;
      proof = await proofFor(next, call, scope);
      ways.set(origin, way = next);
      ({ answer, answeredBy } = await attempt(call, proof.authorization));
    }
    const said = inItsWords(answer.bytes);
    if (answer.status === 401) {
      forget(proof?.grant);
      if (answeredBy !== origin) {
        const why = `it redirects to "${answeredBy}", which wants credentials of its own`;
        throw refused("unauthenticated", why, call.url, scope, way);
      }
      // The token server knows the user, and has given less than was asked for.
      if (known && isTooLittle(answer)) {
        throw refused("forbidden", `that user may not ${DO[scope.actions]} it${said}`, call.url, scope, way, "scope");
      }
      throw refused("unauthenticated", `${notAccepted(way!, known)}${said}`, call.url, scope, way);
    }
    if (answer.status === 403) throw refused("forbidden", `it answers 403${said}`, call.url, scope, way);
    if (answer.status === 429) throw limited(answer, call.url);
    return answer;
  }

  return {
    async request(call, scope) {
      try {
        return await answerTo(call, scope);
      } catch (error) {
        // Realms and addresses are the server's to choose.
        throw redactor.failure(error);
      }
    },
  };
}

/** What a scope's actions are in words. */
const DO: Readonly<Record<Scope["actions"], string>> = {
  "pull": "pull from",
  "push,pull": "push to",
  "*": "do everything with",
};

/** Whether a token was understood, and does not suffice (RFC 6750, section 3.1). */
function isTooLittle({ headers }: Answer): boolean {
  const offered = parseChallenges(headers.get("www-authenticate"));
  return offered.some(({ params }) => params.get("error") === "insufficient_scope");
}

function who(credentials: Credentials | undefined): string {
  if (!credentials) return "anonymously";
  return "password" in credentials ? `as user "${shown(credentials.username)}"` : `with ${secretOf(credentials)}`;
}

function secretOf(credentials: Credentials): string {
  if ("password" in credentials) return "the password";
  return "identityToken" in credentials ? "the identity token" : "the registry token";
}

function notAccepted(way: Way, credentials: Credentials | undefined): string {
  if (way.scheme === "basic") return "it does not accept the user name and password";
  const own = credentials && "registryToken" in credentials;
  return own ? "it does not accept the registry token" : "it does not accept the token of its token server";
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
