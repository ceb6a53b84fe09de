/**
 * Image names, tags and digests, in Docker's grammar and normalised as Docker does.
 *
 * @see {@link https://pkg.go.dev/github.com/distribution/reference | Docker's reference grammar}
 * @module
 */
import { shown } from "../bytes/printable.ts";
import { type NextMove, TagsealError } from "../errors.ts";
import { secureUrl } from "../http/send.ts";

/** A repository, by all the names that it goes by. */
export interface ImageName {
  /** The globally unique name, as Notary and users know it: `docker.io/library/alpine`. */
  readonly gun: string;
  /** Where the registry answers, as `host[:port]`: `registry-1.docker.io`. */
  readonly registryHost: string;
  /** The repository as its registry names it: `library/alpine`. */
  readonly path: string;
}

/** A manifest digest: `sha256:` and 64 lower-case hex digits. */
export type Digest = `sha256:${string}`;

/** An image as everybody writes it: `localhost:5000/team/app:v1@sha256:…`. */
export interface ImageReference {
  /** The repository. */
  readonly name: ImageName;
  /** The tag behind the name, if one is written there: nothing stands for `latest` here. */
  readonly tag?: string;
  /** The digest behind name and tag, if one is written there. */
  readonly digest?: Digest;
}

const HUB = "docker.io";
const HUB_REGISTRY = "registry-1.docker.io";
/** What the browser shows for a repository on Docker Hub. */
const HUB_PAGE = /^(?:https?:\/\/)?hub\.docker\.com(?:\/(.*))?$/s;
const MAX_NAME = 255;
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const HOST =
  /^(?:[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*(?:\.[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*)*|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?$/;
const MAY_BE_NO_ADDRESS = /^\[|(?:^|\.)(?:\d+|0[xX][0-9a-fA-F]*)(?::\d+)?$|:[6-9]\d{4}$/;
/** To Docker, what has no slash is an image of Docker Hub's; none of those is named like a host. */
const HOST_ALONE = /^(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const MAX_SHOWN = 300;

/** Whether `text` is a repository's name within a registry (`team/app`). */
export function isRepositoryPath(text: string): boolean {
  return text.length <= MAX_NAME && text.split("/").every((component) => COMPONENT.test(component));
}

/** Whether `text` is a tag. */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** Whether `text` is a SHA-256 digest as registries write it. */
export function isDigest(text: string): text is Digest {
  return DIGEST.test(text);
}

/**
 * Reads a repository's name as a user types it: `alpine`, `acme/app`, `registry.example.com:5000/team/app`.
 *
 * @throws {TagsealError} `usage` where it is none, or carries a tag or digest
 */
export function parseImageName(text: string): ImageName {
  const { name, tag, digest } = split(text);
  if (tag === undefined && digest === undefined) return normalised(name);
  if (HOST_ALONE.test(text)) throw hostAlone(text);
  const what = `carries a ${digest === undefined ? "tag" : "digest"}`;
  throw notAName(text, what, {
    remedy: "Name the repository alone, and its tags apart",
    next: { do: "name-tags-apart" },
  });
}

/**
 * Reads an image reference: a name as {@linkcode parseImageName} reads it, with `:tag` or `@digest` or both behind it.
 *
 * @throws {TagsealError} `usage` where it is none, or its digest is of another algorithm than SHA-256
 */
export function parseImageReference(text: string): ImageReference {
  const { name, tag, digest } = split(text);
  return {
    name: normalised(name),
    ...(tag === undefined ? {} : { tag: validTag(tag) }),
    ...(digest === undefined ? {} : { digest: parseDigest(digest) }),
  };
}

/**
 * The tag itself, if it is one.
 *
 * @throws {TagsealError} `usage`
 */
export function validTag(text: string): string {
  if (isTag(text)) return text;
  throw new TagsealError("usage", `"${shown(text, MAX_SHOWN)}" is not a tag`, {
    remedy:
      "A tag has up to 128 letters, digits, underscores, periods and dashes, and does not start with a period or dash",
  });
}

/**
 * The digest itself, if it is one.
 *
 * @throws {TagsealError} `usage`
 */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  const other = /^sha(?:384|512):/.exec(text)?.[0].slice(0, -1);
  const what = other === undefined ? "is not a digest" : `is a ${other} digest; only sha256 is signed and verified`;
  throw new TagsealError("usage", `"${shown(text, MAX_SHOWN)}" ${what}`, {
    remedy: 'Write it as "sha256:" and 64 lower-case hex digits',
  });
}

/**
 * The Notary server of a repository as the docker CLI finds it: `override`, else Docker Hub's own, else the registry's
 * host. `what` names the override in errors.
 *
 * @throws {TagsealError} `bad-input` where `override` is no URL, or plain http to another machine without `allowHttp`
 */
export function notaryUrlFor(
  name: ImageName,
  override?: string,
  allowHttp = false,
  what = "Notary server's address",
): URL {
  if (override) return secureUrl(override, what, allowHttp);
  return new URL(name.gun.startsWith(`${HUB}/`) ? "https://notary.docker.io" : `https://${name.registryHost}`);
}

/** What stands where in a reference; nothing of it is checked yet. */
function split(text: string): { name: string; tag: string | undefined; digest: string | undefined } {
  const page = HUB_PAGE.exec(text);
  if (page) throw webPage(text, page[1] ?? "");
  if (text.includes("://")) throw notAName(text, "is a URL");
  const [rest, host] = hostAndRest(text);
  const [, path = "", tag, digest] = /^([^:@]*)(?::([^@]*))?(?:@(.*))?$/s.exec(rest)!;
  return { name: host === undefined ? path : `${host}/${path}`, tag, digest };
}

/** Before the first slash stands a host only where it looks like one. */
function hostAndRest(text: string): [rest: string, host?: string] {
  const slash = text.indexOf("/");
  const first = text.slice(0, Math.max(slash, 0));
  return /[.:]/.test(first) || first === "localhost" ? [text.slice(slash + 1), first] : [text];
}

function normalised(name: string): ImageName {
  const [rest, typed = HUB] = hostAndRest(name);
  const host = typed === "index.docker.io" ? HUB : typed;
  if (host === HUB_REGISTRY) {
    const why = `has the address of Docker Hub's registry in it, where trust data knows "${HUB}"`;
    throw notAName(name, why, { remedy: `Write it as ${shown(`${HUB}/${rest}`, MAX_SHOWN)}` });
  }
  if (!isHost(host)) throw notAName(name, "has a malformed host");
  if (/[A-Z]/.test(rest)) throw notAName(name, "has upper-case letters");
  // Docker refuses these as well: they are image ids.
  if (/^[0-9a-f]{64}$/.test(name)) throw notAName(name, "is an image id");
  if (name === `${host}/` && HOST_ALONE.test(host)) throw hostAlone(host);
  const path = host === HUB && !rest.includes("/") ? `library/${rest}` : rest;
  const gun = `${host}/${path}`;
  if (gun.length > MAX_NAME) throw notAName(name, `is too long: ${gun.length} characters of at most ${MAX_NAME}`);
  if (!isRepositoryPath(path)) throw notAName(name, "does not follow Docker's grammar");
  return { gun, registryHost: host === HUB ? HUB_REGISTRY : host, path };
}

/** What no pattern knows: "[:::]" and "256.1.1.1" are no addresses, nor is 65536 a port. Lists have many lines, few such. */
function isHost(host: string): boolean {
  return HOST.test(host) && (!MAY_BE_NO_ADDRESS.test(host) || URL.canParse(`https://${host}`));
}

function hostAlone(host: string): TagsealError {
  return notAName(host, "is a host without a repository", {
    remedy: `Write the repository behind it: ${host}/team/app`,
  });
}

function webPage(text: string, page: string): TagsealError {
  const [, user, name, official] = /^(?:r|repository\/docker)\/([^/]+)\/([^/]+)|^_\/([^/]+)/.exec(page) ?? [];
  const path = official === undefined ? `${user}/${name}` : `library/${official}`;
  const known = (user !== undefined || official !== undefined) && isRepositoryPath(path);
  return notAName(text, "is the address of a web page", {
    remedy: `Write it as ${HUB}/${known ? path : "<user>/<repository>"}`,
  });
}

function notAName(
  text: string,
  why: string,
  told: NextMove = {
    remedy: "Write it like registry.example.com/team/app, in lower case and without https://",
  },
): TagsealError {
  return new TagsealError("usage", `The repository name "${shown(text, MAX_SHOWN)}" ${why}`, told);
}
