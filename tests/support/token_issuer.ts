/**
 * A Docker token issuer in memory: what a registry and a Notary server send their callers to, and what checks the
 * tokens that come back. The tokens are ES256 JWTs with the issuer's certificate in `x5c`, which notary-server and
 * docker-registry accept when their `rootcertbundle` holds that certificate.
 *
 * Sources: "Token authentication specification" and "Token authentication implementation" of the distribution project
 * (https://distribution.github.io/distribution/spec/auth/token/ and …/jwt/), RFC 7519, RFC 6750.
 *
 * @module
 */
import { createHash, createPublicKey, sign, timingSafeEqual, verify } from "node:crypto";
import { text, utf8 } from "../../lib/bytes/bytes.ts";
import { createSigningCertificate } from "../../lib/local/certificates.ts";

/** Who issues tokens to whom. */
export interface TokenIssuerOptions {
  /** The `iss` claim: what servers are told to expect as issuer. */
  readonly issuer: string;
  /** The `aud` claim: the one service the tokens are for. */
  readonly service: string;
  /** The one user. */
  readonly user: string;
  /** That user's password. */
  readonly password: string;
  /** The clock. */
  readonly now: () => Date;
}

/** What a request needs: actions on a repository, in the words of a token's scope. */
export interface TokenScope {
  /** The repository, in the service's own words: the path for a registry, the GUN for a Notary server. */
  readonly repository: string;
  /** To read, or to write as well. */
  readonly actions: "pull" | "push,pull";
}

/** Issues and checks tokens. */
export interface TokenIssuer {
  /** The certificate (PEM) that proves the tokens: a server's `rootcertbundle`. */
  readonly certificatePem: string;
  /**
   * Answers `GET /token?service=…&scope=…`. With the user's Basic credentials the token opens what was asked for,
   * without credentials it opens nothing, with wrong ones there is none (401).
   */
  handle(request: Request): Promise<Response>;
  /**
   * For servers in this process: nothing if the request's bearer token opens `scope`, else the 401 answer that sends
   * the caller to `realm`, the URL of the token endpoint.
   */
  check(request: Request, scope: TokenScope, realm: string): Response | undefined;
}

interface Access {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/** Seconds a token is good for; docker clients assume at least 60. */
const LIFETIME = 300;
/** Seconds by which clocks may differ. */
const LEEWAY = 60;
/** The two numbers of a signature, as JWTs hold them. */
const dsaEncoding = "ieee-p1363";
const MAX_SCOPES = 16;
const MAX_TOKEN_CHARS = 16_384;

/** Creates an issuer with a fresh key. */
export async function createTokenIssuer(options: TokenIssuerOptions): Promise<TokenIssuer> {
  const { certificatePem, certificateDer, privateKey } = await createSigningCertificate({
    commonName: options.issuer,
    algorithm: "ecdsa-p256",
    now: options.now(),
    days: 30,
  });
  const publicKey = createPublicKey(privateKey);
  const header = segment({ typ: "JWT", alg: "ES256", x5c: [certificateDer.toBase64()] });
  const seconds = () => Math.floor(options.now().getTime() / 1000);

  /** The claims of a token that this issuer made for this service and that is valid now, else nothing. */
  const openToken = (token: string): Record<string, unknown> | undefined => {
    const [head, body, signature, ...rest] = token.split(".");
    // Every token of this issuer has the same header, so that there is no algorithm to negotiate (RFC 8725, 3.1).
    if (head !== header || body === undefined || signature === undefined || rest.length > 0) return undefined;
    try {
      const signed = verify(
        "sha256",
        utf8(`${head}.${body}`),
        { key: publicKey, dsaEncoding },
        fromBase64Url(signature),
      );
      if (!signed) return undefined;
    } catch {
      return undefined; // not base64url
    }
    const claims: Record<string, unknown> = JSON.parse(text(fromBase64Url(body)));
    const valid = claims["iss"] === options.issuer && claims["aud"] === options.service &&
      Number(claims["nbf"]) - LEEWAY <= seconds() && seconds() < Number(claims["exp"]);
    return valid ? claims : undefined;
  };

  return {
    certificatePem,
    handle: (request) => Promise.resolve(issue(request)),
    check: (request, scope, realm) => {
      const token = /^Bearer ([\w.-]+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
      const claims = token !== undefined && token.length <= MAX_TOKEN_CHARS ? openToken(token) : undefined;
      if (claims && opens(claims["access"] as Access[], scope)) return undefined;
      const wanted = `repository:${scope.repository}:${scope.actions}`;
      return refusal("authentication required", {
        "www-authenticate": `Bearer realm="${realm}",service="${options.service}",scope="${wanted}"`,
      });
    },
  };

  function issue(request: Request): Response {
    const url = new URL(request.url);
    if (url.pathname !== "/token") return failure(404, "NOT_FOUND", `there is nothing at ${url.pathname}`);
    // Some clients try OAuth2's POST first and come back with GET after this answer.
    if (request.method !== "GET") return failure(405, "UNSUPPORTED", "ask for tokens with GET");
    const service = url.searchParams.get("service") ?? options.service;
    if (service !== options.service) return failure(400, "UNSUPPORTED", `no tokens are issued for ${service}`);
    const asked = url.searchParams.getAll("scope").flatMap((scope) => scope.split(" ")).filter((scope) => scope !== "");
    const access = asked.map(parseScope);
    if (access.length > MAX_SCOPES || !access.every((entry) => entry !== undefined)) {
      return failure(400, "UNSUPPORTED", "a scope is malformed, or there are too many");
    }
    const credentials = request.headers.get("authorization");
    if (credentials !== null && !isUser(credentials)) {
      return refusal("wrong user or password", { "www-authenticate": `Basic realm="${options.service}"` });
    }
    const iat = seconds();
    const body = segment({
      iss: options.issuer,
      sub: credentials === null ? "" : options.user,
      aud: options.service,
      exp: iat + LIFETIME,
      nbf: iat,
      iat,
      jti: crypto.randomUUID(),
      access: credentials === null ? [] : access,
    });
    const signature = sign("sha256", utf8(`${header}.${body}`), { key: privateKey, dsaEncoding }).toString("base64url");
    const token = `${header}.${body}.${signature}`;
    return Response.json({
      token,
      access_token: token,
      expires_in: LIFETIME,
      issued_at: new Date(iat * 1000).toISOString(),
    });
  }

  function isUser(credentials: string): boolean {
    const given = /^Basic ([\w+/=]+)$/i.exec(credentials)?.[1] ?? "";
    const expected = utf8(`${options.user}:${options.password}`).toBase64();
    return timingSafeEqual(digest(given), digest(expected));
  }
}

/** `repository:<name>:<action>,…`, where a name may hold colons of its own (a registry's port). */
function parseScope(scope: string): Access | undefined {
  const match = /^(repository|registry):([^\s"]{1,512}):([a-z*]+(?:,[a-z*]+){0,7})$/.exec(scope);
  return match ? { type: match[1]!, name: match[2]!, actions: match[3]!.split(",") } : undefined;
}

/** Whether one entry grants all that is wanted; `*` stands for every action. */
function opens(access: readonly Access[], wanted: TokenScope): boolean {
  return access.some(({ type, name, actions }) =>
    type === "repository" && name === wanted.repository &&
    wanted.actions.split(",").every((action) => actions.includes(action) || actions.includes("*"))
  );
}

function refusal(message: string, headers: Record<string, string>): Response {
  return failure(401, "UNAUTHORIZED", message, headers);
}

function failure(status: number, code: string, message: string, headers: Record<string, string> = {}): Response {
  return Response.json({ errors: [{ code, message, detail: null }] }, { status, headers });
}

function segment(value: unknown): string {
  return utf8(JSON.stringify(value)).toBase64({ alphabet: "base64url", omitPadding: true });
}

function fromBase64Url(value: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromBase64(value, { alphabet: "base64url" });
}

function digest(value: string): Uint8Array {
  return createHash("sha256").update(value).digest();
}
