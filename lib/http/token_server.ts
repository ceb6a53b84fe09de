/**
 * Asking a token server for access to one repository: by `GET` with a password or anonymously, by `POST` with an identity
 * token.
 *
 * @see {@link https://distribution.github.io/distribution/spec/auth/token/ | Registry token specification}
 * @see {@link https://distribution.github.io/distribution/spec/auth/oauth/ | The same with OAuth2}
 * @module
 */
import { text } from "../bytes/bytes.ts";
import { TagsealError } from "../errors.ts";
import { basic, type IdentityToken, isToken, type Password, type Scope, scopeText } from "./access.ts";
import type { Answer, Call } from "./send.ts";
import { plainUrl } from "./send.ts";
import { inItsWords, retryAfterWords } from "./server_words.ts";

/** Where tokens are, and for whom. */
export interface TokenServer {
  /** The address that the service named. */
  readonly realm: URL;
  /** The service's name for itself, if it has one. */
  readonly audience: string | undefined;
  /** The service's name in messages. */
  readonly service: string;
}

/** A token, or why the server gives none to this user. */
export type TokenAnswer = { readonly token: string } | { readonly refusal: string };

const MAX_ANSWER_BYTES = 256 * 1024;
const MAX_REDIRECTS = 3;
const TIMEOUT_MS = 30_000;
/** Names this program to the token server, which may log it. */
const CLIENT_ID = "tagseal";

/**
 * Asks for a token.
 *
 * @throws {TagsealError} `unavailable` where the server gives neither a token nor a refusal
 */
export async function requestToken(
  ask: (call: Call) => Promise<Answer>,
  server: TokenServer,
  scope: Scope,
  credentials: Password | IdentityToken | undefined,
): Promise<TokenAnswer> {
  const { realm, service } = server;
  const posts = credentials !== undefined && "identityToken" in credentials;
  const answer = await ask({
    service: `Token server of the ${service}`,
    maxBytes: MAX_ANSWER_BYTES,
    timeoutMs: TIMEOUT_MS,
    redirects: MAX_REDIRECTS,
    // Docker goes elsewhere as well, without the password, and gets what anybody gets: better to say what is wrong.
    withinOrigin: credentials !== undefined,
    ...(posts ? byPost(server, scope, credentials) : byGet(server, scope, credentials)),
  });
  const { status, headers, bytes } = answer;
  // OAuth2 refuses a grant with 400 (RFC 6749, section 5.2).
  if (status === 401 || status === 403 || (posts && status === 400)) {
    return { refusal: `its token server answers ${status}${inItsWords(bytes)}` };
  }
  if (posts && (status === 404 || status === 405)) {
    return { refusal: `its token server takes no identity tokens (status ${status})` };
  }
  const succeeded = status < 300; // no answer has a status below 200
  const token = succeeded ? readToken(bytes) : undefined;
  if (token !== undefined) return { token };
  const why = succeeded
    ? "an answer that holds no usable token"
    : `status ${status}${inItsWords(bytes)}${status === 429 ? retryAfterWords(headers) : ""}`;
  throw new TagsealError("unavailable", `The token server "${plainUrl(realm)}" of the ${service} gave ${why}`, {
    remedy: status === 429
      ? "Wait, then run the command again"
      : "Try again later; if it stays so, ask the operator of the token server",
    details: { service, realm: plainUrl(realm) },
    call: { status },
  });
}

function byGet(server: TokenServer, scope: Scope, password: Password | undefined): Pick<Call, "url" | "headers"> {
  const url = new URL(server.realm);
  if (server.audience !== undefined) url.searchParams.set("service", server.audience);
  url.searchParams.set("scope", scopeText(scope));
  return {
    url,
    headers: { accept: "application/json", ...(password ? { authorization: basic(password) } : {}) },
  };
}

/** The identity token goes into the body, as addresses end up in logs. */
function byPost(
  server: TokenServer,
  scope: Scope,
  { identityToken }: IdentityToken,
): Pick<Call, "url" | "method" | "headers" | "body"> {
  const body = new URLSearchParams({
    grant_type: "refresh_token",
    service: server.audience ?? "",
    client_id: CLIENT_ID,
    scope: scopeText(scope),
    refresh_token: identityToken,
  });
  return { url: server.realm, method: "POST", headers: { accept: "application/json" }, body };
}

/** The token of a token server's answer; no parser error ever leaves this function, as it would quote the token. */
function readToken(bytes: Uint8Array): string | undefined {
  try {
    const { token, access_token } = Object(JSON.parse(text(bytes))) as Record<string, unknown>;
    return [token, access_token].find(isToken);
  } catch {
    return undefined;
  }
}
