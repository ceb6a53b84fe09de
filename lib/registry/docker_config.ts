/**
 * What Docker's `config.json` says of one registry: which credential helper to ask, and what is stored in the file.
 * Pure functions. No error ever quotes what was read, nor carries a parser's error as its cause, since that would quote
 * it as well.
 *
 * @see {@link https://docs.docker.com/reference/cli/docker/login/ | docker login}
 * @module
 */
import { text } from "../bytes/bytes.ts";
import { TagsealError } from "../errors.ts";
import { type Credentials, isToken, type Password } from "../http/access.ts";

/** What the config says of one registry. */
export interface DockerLogin {
  /** The credential helper's short name: `pass` for the program `docker-credential-pass`. */
  readonly helper?: string | undefined;
  /** What stands in the text itself. */
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
 * Reads Docker's config for `host`, from the file or from `DOCKER_AUTH_CONFIG`. As in Docker, `credHelpers` goes before
 * `credsStore`; an empty name means the file.
 *
 * @throws {TagsealError} `bad-input`
 */
export function readDockerConfig(
  config: string | undefined,
  host: string,
  from: "file" | "variable" = "file",
): DockerLogin {
  if (config === undefined) return {};
  try {
    const whole = objectOf(config.trim() === "" ? {} : parseJson(config) ?? {}); // as Go reads nothing and null
    if (!whole) throw new Malformed("it is not a JSON object");
    return { helper: helperFor(whole, host), stored: storedFor(whole, host) };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    const [name, remedy] = PLACES[from];
    throw new TagsealError("bad-input", `${name} cannot be used: ${error.message}`, {
      remedy: `${remedy}, or give the credentials another way`,
    });
  }
}

const PLACES = {
  file: ["Docker's config.json", "Repair the file (DOCKER_CONFIG, or ~/.docker), run docker login again"],
  variable: ["The variable DOCKER_AUTH_CONFIG", 'Set it to JSON like {"auths":{"<host>":{"auth":"<base64>"}}}'],
} as const;

/** What is wrong with a config, wherever it comes from. */
class Malformed extends Error {}

function helperFor(whole: Record<string, unknown>, host: string): string | undefined {
  const helpers = objectOf(whole["credHelpers"] ?? {});
  if (!helpers) throw new Malformed('its "credHelpers" are not an object');
  const own = entryFor(helpers, host);
  const helper = (own === undefined ? whole["credsStore"] : own) ?? "";
  if (helper === "") return undefined;
  if (typeof helper === "string" && HELPER.test(helper)) return helper;
  throw new Malformed(`the credential helper that it names for "${host}" has no usable name`);
}

/** Entries without a password (an empty one stands there when a credential helper keeps it) count as absent. */
function storedFor(whole: Record<string, unknown>, host: string): Credentials | undefined {
  const auths = objectOf(whole["auths"] ?? {});
  if (!auths) throw new Malformed('its "auths" are not an object');
  const found = entryFor(auths, host);
  const entry = objectOf(found ?? {});
  if (!entry) throw new Malformed(`its entry for "${host}" is not an object`);
  const { auth, username, password, identitytoken, registrytoken } = entry;
  const token = registrytoken || identitytoken;
  if (token) {
    if (!isToken(token)) throw new Malformed(`its entry for "${host}" has an unusable token`);
    return token === registrytoken ? { registryToken: token } : { identityToken: token };
  }
  if (typeof auth === "string" && auth !== "") {
    const credentials = decodePassword(auth);
    if (!credentials) throw new Malformed(`the "auth" of its entry for "${host}" is not the base64 of "user:password"`);
    return credentials.password === "" ? undefined : credentials;
  }
  if (typeof username !== "string" || typeof password !== "string" || password === "") return undefined;
  if (!isUsable({ username, password })) {
    throw new Malformed(`its entry for "${host}" has an unusable user name or password`);
  }
  return { username, password };
}

/** Docker looks for the literal name first, and only then for names that mean the same. */
function entryFor(entries: Record<string, unknown>, host: string): unknown {
  const hosts = HUB_HOSTS.includes(host) ? HUB_HOSTS : [host];
  const meant = hosts.map(hostnameOf);
  const names = Object.keys(entries).filter((name) => meant.includes(hostnameOf(name)));
  const name = names.find((name) => hosts.includes(name)) ?? names[0];
  return name === undefined ? undefined : entries[name];
}

/**
 * `https://host/v1/` and `host` name the same registry, as they do for the docker CLI. So do `HOST` and `host:443`, which
 * Docker takes for others and then sends nothing to.
 */
function hostnameOf(key: string): string {
  return key.replace(/^https?:\/\//, "").replace(/\/.*$/, "").toLowerCase().replace(/:443$/, "");
}

/** The user and password of base64 `user:password`; `undefined` where it is something else. */
export function decodePassword(base64: string): Password | undefined {
  try {
    const plain = text(Uint8Array.fromBase64(base64));
    const colon = plain.indexOf(":");
    // Docker itself pads with NUL in some versions.
    const password = plain.slice(colon + 1).replaceAll(/^\0+|\0+$/g, "");
    const credentials = { username: plain.slice(0, colon), password };
    return colon > 0 && isUsable(credentials) ? credentials : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Whether Basic can carry them. RFC 7617 wants no control characters; Docker sends what there is, and keys in JSON, which
 * some clouds' registries take as passwords, have line breaks.
 */
export function isUsable({ username, password }: Password): boolean {
  return /^[^:\p{Cc}]+$/u.test(username) && !password.includes("\0");
}

function parseJson(config: string): unknown {
  try {
    return JSON.parse(config);
  } catch {
    throw new Malformed("it is not JSON");
  }
}

function objectOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Record<string, unknown>
    : undefined;
}
