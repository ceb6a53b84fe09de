/**
 * Which credentials to use: flags, then `NOTARY_AUTH` or `REGISTRY_AUTH`, then what Docker knows, in its order: the
 * variable `DOCKER_AUTH_CONFIG`, the credential helper, `config.json`; then none.
 *
 * What is typed or set wrong is said at once. What Docker keeps is read only when a server wants to know, and where it
 * cannot be used, that is warned of: most that is read is public.
 *
 * @module
 */
import { isTagsealError, TagsealError } from "../errors.ts";
import type { Credentials, CredentialsSource, Password } from "../http/access.ts";
import { askHelper, type RunHelper } from "./credential_helper.ts";
import { decodePassword, helperServerName, isUsable, readDockerConfig } from "./docker_config.ts";

/** Everything that may name credentials, in order of precedence. */
export interface CredentialSources {
  /** Values of the flags; both or none. */
  readonly flags: { readonly username?: string | undefined; readonly password?: string | undefined };
  /** The variable: base64 of `user:password`; empty counts as not set. */
  readonly variable: { readonly name: string; readonly value: string | undefined };
  /** `DOCKER_AUTH_CONFIG`: like `config.json`, but for `auths` alone, as Docker reads it since version 28.3. */
  readonly authConfig?: string | undefined;
  /** Reads Docker's `config.json`; `undefined` where there is none. */
  readonly dockerConfig?: () => Promise<string | undefined>;
  /** The registry's `host[:port]`; Docker Hub by any of its names. */
  readonly host: string;
  /** Told of what cannot be used. */
  readonly warn: (line: string) => void;
}

/**
 * How to come by the credentials for a registry or its Notary server. A helper that knows nothing of it leaves it to what
 * the config file itself holds.
 *
 * @throws {TagsealError} `usage` (one flag without the other, unusable user name), `bad-input` (malformed variable)
 */
export function resolveCredentials(sources: CredentialSources, run: RunHelper): CredentialsSource {
  const given = fromFlags(sources.flags) ?? fromVariable(sources.variable);
  return given ? () => Promise.resolve(given) : () => fromDocker(sources, run);
}

async function fromDocker(
  { variable, authConfig, dockerConfig, host, warn }: CredentialSources,
  run: RunHelper,
): ReturnType<CredentialsSource> {
  let outOfReach: TagsealError | undefined;
  const ifUsable = async (find: () => Credentials | undefined | Promise<Credentials | undefined>) => {
    try {
      return await find();
    } catch (error) {
      if (!isTagsealError(error, "bad-input", "unauthenticated")) throw error;
      warn(`${error.message}; going on without it`);
      outOfReach = error;
      return undefined;
    }
  };
  const found = await ifUsable(() => readDockerConfig(authConfig, host, "variable").stored) ??
    await ifUsable(async () => {
      const { helper, stored } = readDockerConfig(await dockerConfig?.(), host);
      if (helper === undefined) return stored;
      return await askHelper(run, { helper, server: helperServerName(host), instead: variable.name }) ?? stored;
    });
  return found ?? (outOfReach && { outOfReach });
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
      remedy: "A user name is not empty and has neither a colon nor a line break; a password has no NUL",
    });
  }
  return { username, password };
}

function fromVariable({ name, value }: CredentialSources["variable"]): Password | undefined {
  if (!value) return undefined;
  const credentials = decodePassword(value);
  // As the notary client does: `echo user:password | base64` is what many have put there.
  if (credentials) return { ...credentials, password: credentials.password.trim() };
  throw new TagsealError("bad-input", `The variable ${name} is not the base64 of "user:password"`, {
    remedy: `Set it anew, for example: ${name}=$(printf '%s' "$USERNAME:$PASSWORD" | base64 -w0)`,
    details: { variable: name },
  });
}
