/** Token servers of registry and Notary server: who comes without a token of theirs is sent there. @module */
import { utf8 } from "../../lib/bytes/bytes.ts";
import type { Send } from "../../lib/http/send.ts";

/** Whom they know: what the variables of registry and Notary server say. */
const USER = utf8("ci:a password of ci").toBase64();
/** The variables with which a command is known to them. */
export const CREDENTIALS = { NOTARY_AUTH: USER, REGISTRY_AUTH: USER } as const;

/** Guards the repositories of `handle`: each token opens what it was asked for, until something is sent to SignPath. */
export function guarded(handle: Send): Send {
  const scopes = new Map<string, string>(); // by token
  return async (request) => {
    const { pathname, origin, searchParams } = new URL(request.url);
    const authorization = request.headers.get("authorization") ?? "";
    if (pathname.startsWith("/token/")) {
      const refused = { status: 401, headers: { "www-authenticate": "Basic" } };
      if (authorization !== `Basic ${USER}`) return new Response(null, refused);
      const token = crypto.randomUUID();
      scopes.set(token, searchParams.get("scope") ?? "");
      return Response.json({ token, expires_in: 60 });
    }
    if (pathname.startsWith("/API/") && request.method === "POST") scopes.clear();
    const gun = /^\/v2\/(.+)\/_trust\//.exec(pathname)?.[1];
    const repository = gun ?? /^\/v2\/([^/]+\/[^/]+)\//.exec(pathname)?.[1];
    if (repository === undefined) return await handle(request);
    const actions = ["GET", "HEAD"].includes(request.method) ? "pull" : "push,pull";
    const scope = scopes.get(authorization.replace(/^Bearer /, "")) ?? "";
    if (scope.startsWith(`repository:${repository}:`) && scope.endsWith(actions)) return await handle(request);
    const realm = `${origin}/token/${gun === undefined ? "registry" : "notary"}`;
    const challenge = `Bearer realm="${realm}",service="faults",scope="repository:${repository}:${actions}"`;
    return new Response(null, { status: 401, headers: { "www-authenticate": challenge } });
  };
}
