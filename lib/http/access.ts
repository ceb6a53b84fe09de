/** Who asks for what: credentials as Docker keeps them, and the scope of a call. @module */
import { utf8 } from "../bytes/bytes.ts";
import type { TagsealError } from "../errors.ts";

/** A user name and a password (or an access token that stands in for one). */
export interface Password {
  /** The user; not empty, without colon and control characters. */
  readonly username: string;
  /** The password; some are keys of many lines. */
  readonly password: string;
}

/** A refresh token that the token server exchanges for access tokens, as `docker login` to Azure's registry leaves it. */
export interface IdentityToken {
  /** The token: visible ASCII. */
  readonly identityToken: string;
}

/** A bearer token that goes to the service as it is. */
export interface RegistryToken {
  /** The token: visible ASCII. */
  readonly registryToken: string;
}

/** What proves who asks, in one of the forms of Docker's config. */
export type Credentials = Password | IdentityToken | RegistryToken;

/** There may be credentials, but they cannot be had: who is content with an anonymous caller does not mind. */
export interface OutOfReach {
  /** Why; to be said where the service refuses. */
  readonly outOfReach: TagsealError;
}

/**
 * Comes by the credentials; `undefined` means anonymous. A function, since asking a credential helper takes a while
 * and many servers want nothing.
 */
export type CredentialsSource = () => Promise<Credentials | OutOfReach | undefined>;

/** What is to be done with a repository: read it, publish to it, or all there is (rotate server keys, delete). */
export type ScopeAction = "pull" | "push,pull" | "*";

/** What access is asked for; the registry names a repository without its host, the Notary server by its GUN. */
export interface Scope {
  /** The repository as the service names it. */
  readonly repository: string;
  /** What is to be done with it. */
  readonly actions: ScopeAction;
}

/** The scope as token servers read it: `repository:acme/app:pull`. */
export function scopeText({ repository, actions }: Scope): string {
  return `repository:${repository}:${actions}`;
}

/** The header value of a password (RFC 7617, with UTF-8). */
export function basic({ username, password }: Password): string {
  return `Basic ${utf8(`${username}:${password}`).toBase64()}`;
}

const TOKEN = /^[\x21-\x7e]{1,32768}$/;

/** Whether `value` can stand in an `Authorization` header as a token. */
export function isToken(value: unknown): value is string {
  return typeof value === "string" && TOKEN.test(value);
}

/** What of credentials nobody else may know: a password, also in the form that is sent, or a token. */
export function secretsOf(credentials: Credentials): readonly string[] {
  return "password" in credentials
    ? [credentials.password, basic(credentials).slice("Basic ".length)]
    : Object.values(credentials);
}
