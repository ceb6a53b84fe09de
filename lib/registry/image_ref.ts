/**
 * Image names, tags and digests, in Docker's grammar and normalised as Docker does.
 *
 * @see {@link https://pkg.go.dev/github.com/distribution/reference | Docker's reference grammar}
 * @module
 */
import { TagsealError } from "../errors.ts";
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

const HUB = "docker.io";
const MAX_NAME = 255;
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const HOST =
  /^(?:[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*(?:\.[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*)*|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

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
  const slash = text.indexOf("/");
  const first = text.slice(0, Math.max(slash, 0));
  const hosted = /[.:]/.test(first) || first === "localhost";
  const host = !hosted || first === "index.docker.io" ? HUB : first;
  const rest = hosted ? text.slice(slash + 1) : text;
  if (text.includes("://")) throw notAName(text, "is a URL");
  if (/[:@]/.test(rest)) {
    throw notAName(
      text,
      `carries a ${rest.includes("@") ? "digest" : "tag"}`,
      "Name the repository alone, and its tags with --tags",
    );
  }
  if (!HOST.test(host) || Number(/:(\d+)$/.exec(host)?.[1] ?? 1) > 65535) throw notAName(text, "has a malformed host");
  if (/[A-Z]/.test(rest)) throw notAName(text, "has upper-case letters");
  // Docker refuses these as well: they are image ids.
  if (/^[0-9a-f]{64}$/.test(text)) throw notAName(text, "is an image id");
  const path = host === HUB && !rest.includes("/") ? `library/${rest}` : rest;
  const gun = `${host}/${path}`;
  if (gun.length > MAX_NAME) throw notAName(text, `is too long: ${gun.length} characters of at most ${MAX_NAME}`);
  if (!isRepositoryPath(path)) throw notAName(text, "does not follow Docker's grammar");
  return { gun, registryHost: host === HUB ? "registry-1.docker.io" : host, path };
}

/**
 * The tag itself, if it is one.
 *
 * @throws {TagsealError} `usage`
 */
export function validTag(text: string): string {
  if (isTag(text)) return text;
  throw new TagsealError("usage", `"${shown(text)}" is not a tag`, {
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
  throw new TagsealError("usage", `"${shown(text)}" is not a digest`, {
    remedy: 'Write it as "sha256:" and 64 lower-case hex digits',
  });
}

/**
 * The Notary server of a repository as the docker CLI finds it: `override` (`--notary-url`,
 * `DOCKER_CONTENT_TRUST_SERVER`), else Docker Hub's own, else the registry's host.
 *
 * @throws {TagsealError} `bad-input` where `override` is no URL, or plain http to another machine without `allowHttp`
 */
export function notaryUrlFor(name: ImageName, override?: string, allowHttp = false): URL {
  if (override) return secureUrl(override, "Notary server's address", allowHttp);
  return new URL(name.gun.startsWith(`${HUB}/`) ? "https://notary.docker.io" : `https://${name.registryHost}`);
}

function notAName(text: string, why: string, remedy?: string): TagsealError {
  return new TagsealError("usage", `The repository name "${shown(text)}" ${why}`, {
    remedy: remedy ?? "Write it like registry.example.com/team/app, in lower case and without https:// and tag",
  });
}

function shown(text: string): string {
  const safe = text.replaceAll(/[^ -~]|"/g, "?");
  return safe.length > 300 ? `${safe.slice(0, 300)}…` : safe;
}
