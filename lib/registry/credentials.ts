/**
 * Which user name and password to use: flags, then `NOTARY_AUTH` or `REGISTRY_AUTH`, then Docker's config, then none.
 * Pure functions: the caller reads the environment and the file. No error ever quotes what was read, nor carries a
 * parser's error as its cause, since that would quote it as well.
 *
 * @module
 */
import { text, utf8 } from "../bytes/bytes.ts";
import { TagsealError } from "../errors.ts";
import type { Credentials } from "../http/auth.ts";

/** Everything that may name credentials, in order of precedence. */
export interface CredentialSources {
  /** Values of the flags; both or none. */
  readonly flags?: { readonly username?: string | undefined; readonly password?: string | undefined };
  /** The variable: base64 of `user:password`; empty counts as not set. */
  readonly variable?: { readonly name: "NOTARY_AUTH" | "REGISTRY_AUTH"; readonly value: string | undefined };
  /** Text of Docker's `config.json`. */
  readonly dockerConfig?: string | undefined;
  /** The registry's `host[:port]`; Docker Hub by any of its names. */
  readonly host: string;
}

const HUB_HOSTS: readonly string[] = ["index.docker.io", "docker.io", "registry-1.docker.io"];

/**
 * The credentials for a registry or its Notary server; `undefined` means anonymous.
 *
 * @throws {TagsealError} `usage` (one flag without the other, unusable user name), `bad-input` (malformed variable or
 *   config)
 */
export function resolveCredentials(sources: CredentialSources): Credentials | undefined {
  return fromFlags(sources.flags) ?? fromVariable(sources.variable) ??
    fromDockerConfig(sources.dockerConfig, sources.host);
}

function fromFlags(flags: CredentialSources["flags"]): Credentials | undefined {
  const { username, password } = flags ?? {};
  if (username === undefined && password === undefined) return undefined;
  if (username === undefined || password === undefined) {
    const missing = username === undefined ? "user name" : "password";
    throw new TagsealError("usage", `A ${missing} is missing: user name and password go together`, {
      remedy: `Give the ${missing} as well, or neither`,
    });
  }
  if (!usable({ username, password })) {
    throw new TagsealError("usage", "The user name or password cannot be sent", {
      remedy: "A user name is not empty and has no colon; neither has control characters, such as a line break",
    });
  }
  return { username, password };
}

function fromVariable(variable: CredentialSources["variable"]): Credentials | undefined {
  if (!variable?.value) return undefined;
  const credentials = decode(variable.value);
  if (credentials) return credentials;
  throw new TagsealError("bad-input", `The variable ${variable.name} is not the base64 of "user:password"`, {
    remedy: `Set it anew, for example: ${variable.name}=$(printf '%s' "$USERNAME:$PASSWORD" | base64 -w0)`,
    details: { variable: variable.name },
  });
}

/**
 * The entry for `host` in the `auths` of Docker's `config.json`. Entries without a password (an empty one stands there
 * when a credential helper keeps it) count as absent.
 *
 * @see {@link https://docs.docker.com/reference/cli/docker/login/ | docker login}
 * @throws {TagsealError} `bad-input`
 */
export function fromDockerConfig(config: string | undefined, host: string): Credentials | undefined {
  if (config === undefined) return undefined;
  const whole = objectOf(parseJson(config));
  if (!whole) throw badConfig("it is not a JSON object");
  const auths = objectOf(whole["auths"] ?? {});
  if (!auths) throw badConfig('its "auths" are not an object');
  const hosts = HUB_HOSTS.includes(host) ? HUB_HOSTS : [host];
  // Docker itself looks for the literal name first, and only then for names that mean the same.
  const names = Object.keys(auths).filter((name) => hosts.includes(hostnameOf(name)));
  const name = names.find((name) => hosts.includes(name)) ?? names[0];
  if (name === undefined) return undefined;
  const entry = objectOf(auths[name]);
  if (!entry) throw badConfig(`its entry for "${host}" is not an object`);
  const { auth, username, password } = entry;
  if (typeof auth === "string" && auth !== "") {
    const credentials = decode(auth);
    if (!credentials) throw badConfig(`the "auth" of its entry for "${host}" is not the base64 of "user:password"`);
    return credentials.password === "" ? undefined : credentials;
  }
  if (typeof username !== "string" || typeof password !== "string" || password === "") return undefined;
  if (!usable({ username, password })) throw badConfig(`its entry for "${host}" has an unusable user name or password`);
  return { username, password };
}

/** `https://host/v1/` and `host` name the same registry, as they do for the docker CLI. */
function hostnameOf(key: string): string {
  return key.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
}

function decode(base64: string): Credentials | undefined {
  try {
    // Docker itself pads with NUL in some versions.
    const plain = text(Uint8Array.fromBase64(base64)).replace(/\0+$/, "");
    const colon = plain.indexOf(":");
    const credentials = { username: plain.slice(0, colon), password: plain.slice(colon + 1) };
    return colon > 0 && usable(credentials) ? credentials : undefined;
  } catch {
    return undefined;
  }
}

/** RFC 7617, section 2. */
function usable({ username, password }: Credentials): boolean {
  return username !== "" && !username.includes(":") &&
    utf8(username + password).every((byte) => byte >= 0x20 && byte !== 0x7f);
}

function parseJson(config: string): unknown {
  try {
    return JSON.parse(config);
  } catch {
    throw badConfig("it is not JSON");
  }
}

function objectOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Record<string, unknown>
    : undefined;
}

function badConfig(why: string): TagsealError {
  return new TagsealError("bad-input", `Docker's config.json cannot be used: ${why}`, {
    remedy:
      "Repair the file (DOCKER_CONFIG, or ~/.docker), run docker login again, or give the credentials another way",
  });
}
