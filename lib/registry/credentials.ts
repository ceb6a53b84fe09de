/**
 * Which credentials to use: flags, then `NOTARY_AUTH` or `REGISTRY_AUTH`, then Docker's config with its credential
 * helpers, then none. What is typed or set wrong is said at once; a helper is asked only when a server wants to know.
 *
 * @module
 */
import { TagsealError } from "../errors.ts";
import type { CredentialsSource, Password } from "../http/access.ts";
import { askHelper, type RunHelper } from "./credential_helper.ts";
import { decodePassword, helperServerName, isUsable, readDockerConfig } from "./docker_config.ts";

/** Everything that may name credentials, in order of precedence. */
export interface CredentialSources {
  /** Values of the flags; both or none. */
  readonly flags: { readonly username?: string | undefined; readonly password?: string | undefined };
  /** The variable: base64 of `user:password`; empty counts as not set. */
  readonly variable: { readonly name: "NOTARY_AUTH" | "REGISTRY_AUTH"; readonly value: string | undefined };
  /** Text of Docker's `config.json`. */
  readonly dockerConfig?: string | undefined;
  /** The registry's `host[:port]`; Docker Hub by any of its names. */
  readonly host: string;
}

/**
 * How to come by the credentials for a registry or its Notary server.
 *
 * The returned function throws `unauthenticated` where a credential helper fails. One that knows nothing leaves it to
 * what the config file itself holds.
 *
 * @throws {TagsealError} `usage` (one flag without the other, unusable user name), `bad-input` (malformed variable or
 *   config)
 */
export function resolveCredentials(sources: CredentialSources, run: RunHelper): CredentialsSource {
  const { flags, variable, dockerConfig, host } = sources;
  const given = fromFlags(flags) ?? fromVariable(variable);
  if (given) return () => Promise.resolve(given);
  const { helper, stored } = readDockerConfig(dockerConfig, host);
  if (helper === undefined) return () => Promise.resolve(stored);
  return async () => await askHelper(run, { helper, server: helperServerName(host), instead: variable.name }) ?? stored;
}

function fromFlags({ username, password }: CredentialSources["flags"]): Password | undefined {
  if (username === undefined && password === undefined) return undefined;
  if (username === undefined || password === undefined) {
    const missing = username === undefined ? "user name" : "password";
    throw new TagsealError("usage", `A ${missing} is missing: user name and password go together`, {
      remedy: `Give the ${missing} as well, or neither`,
    });
  }
  if (!isUsable({ username, password })) {
    throw new TagsealError("usage", "The user name or password cannot be sent", {
      remedy: "A user name is not empty and has no colon; neither has control characters, such as a line break",
    });
  }
  return { username, password };
}

function fromVariable({ name, value }: CredentialSources["variable"]): Password | undefined {
  if (!value) return undefined;
  const credentials = decodePassword(value);
  if (credentials) return credentials;
  throw new TagsealError("bad-input", `The variable ${name} is not the base64 of "user:password"`, {
    remedy: `Set it anew, for example: ${name}=$(printf '%s' "$USERNAME:$PASSWORD" | base64 -w0)`,
    details: { variable: name },
  });
}
