/**
 * What Docker's `config.json` says of one registry: which credential helper to ask, and what is stored in the file.
 * Pure functions. No error ever quotes what was read, nor carries a parser's error as its cause, since that would quote
 * it as well.
 *
 * @see {@link https://docs.docker.com/reference/cli/docker/login/ | docker login}
 * @module
 */
import { text, utf8 } from "../bytes/bytes.ts";
import { TagsealError } from "../errors.ts";
import { type Credentials, isToken, type Password } from "../http/access.ts";

/** What the config says of one registry. */
export interface DockerLogin {
  /** The credential helper's short name: `pass` for the program `docker-credential-pass`. */
  readonly helper?: string | undefined;
  /** What stands in the file itself. */
  readonly stored?: Credentials | undefined;
}

const HUB_HOSTS: readonly string[] = ["index.docker.io", "docker.io", "registry-1.docker.io"];
/** The name under which `docker login` keeps Docker Hub's credentials. */
const HUB_SERVER = "https://index.docker.io/v1/";
const HELPER = /^[A-Za-z0-9._-]{1,100}$/;

/** The registry's name as credential helpers know it. */
export function helperServerName(host: string): string {
  return HUB_HOSTS.includes(host) ? HUB_SERVER : host;
}

/**
 * Reads Docker's config for `host`. As in Docker, `credHelpers` goes before `credsStore`; an empty name means the file.
 *
 * @throws {TagsealError} `bad-input`
 */
export function readDockerConfig(config: string | undefined, host: string): DockerLogin {
  if (config === undefined) return {};
  const whole = objectOf(parseJson(config));
  if (!whole) throw badConfig("it is not a JSON object");
  return { helper: helperFor(whole, host), stored: storedFor(whole, host) };
}

function helperFor(whole: Record<string, unknown>, host: string): string | undefined {
  const helpers = objectOf(whole["credHelpers"] ?? {});
  if (!helpers) throw badConfig('its "credHelpers" are not an object');
  const own = entryFor(helpers, host);
  const helper = own === undefined ? whole["credsStore"] ?? "" : own;
  if (helper === "") return undefined;
  if (typeof helper === "string" && HELPER.test(helper)) return helper;
  throw badConfig(`the credential helper that it names for "${host}" has no usable name`);
}

/** Entries without a password (an empty one stands there when a credential helper keeps it) count as absent. */
function storedFor(whole: Record<string, unknown>, host: string): Credentials | undefined {
  const auths = objectOf(whole["auths"] ?? {});
  if (!auths) throw badConfig('its "auths" are not an object');
  const found = entryFor(auths, host);
  if (found === undefined) return undefined;
  const entry = objectOf(found);
  if (!entry) throw badConfig(`its entry for "${host}" is not an object`);
  const { auth, username, password, identitytoken, registrytoken } = entry;
  const token = registrytoken || identitytoken;
  if (token) {
    if (!isToken(token)) throw badConfig(`its entry for "${host}" has an unusable token`);
    return token === registrytoken ? { registryToken: token } : { identityToken: token };
  }
  if (typeof auth === "string" && auth !== "") {
    const credentials = decodePassword(auth);
    if (!credentials) throw badConfig(`the "auth" of its entry for "${host}" is not the base64 of "user:password"`);
    return credentials.password === "" ? undefined : credentials;
  }
  if (typeof username !== "string" || typeof password !== "string" || password === "") return undefined;
  if (!isUsable({ username, password })) {
    throw badConfig(`its entry for "${host}" has an unusable user name or password`);
  }
  return { username, password };
}

/** Docker looks for the literal name first, and only then for names that mean the same. */
function entryFor(entries: Record<string, unknown>, host: string): unknown {
  const hosts = HUB_HOSTS.includes(host) ? HUB_HOSTS : [host];
  const names = Object.keys(entries).filter((name) => hosts.includes(hostnameOf(name)));
  const name = names.find((name) => hosts.includes(name)) ?? names[0];
  return name === undefined ? undefined : entries[name];
}

/** `https://host/v1/` and `host` name the same registry, as they do for the docker CLI. */
function hostnameOf(key: string): string {
  return key.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
}

/** The user and password of base64 `user:password`; `undefined` where it is something else. */
export function decodePassword(base64: string): Password | undefined {
  try {
    // Docker itself pads with NUL in some versions.
    const plain = text(Uint8Array.fromBase64(base64)).replace(/\0+$/, "");
    const colon = plain.indexOf(":");
    const credentials = { username: plain.slice(0, colon), password: plain.slice(colon + 1) };
    return colon > 0 && isUsable(credentials) ? credentials : undefined;
  } catch {
    return undefined;
  }
}

/** Whether Basic can carry them (RFC 7617, section 2). */
export function isUsable({ username, password }: Password): boolean {
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
