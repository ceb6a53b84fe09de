/**
 * The Notary server's HTTP API: requests and bytes, nothing is judged here.
 *
 * @see Notary `docs/service_architecture.md` and `server/server.go` for the routes
 * @module
 */
import type { Bytes } from "../bytes/bytes.ts";
import { isJsonObject, parseJson } from "../bytes/json.ts";
import { shown } from "../bytes/printable.ts";
import { type PublicKey, readPublicKey } from "../crypto/keys.ts";
import { messageOf, TagsealError } from "../errors.ts";
import type { AuthorizedService, ScopeAction } from "../http/auth.ts";
import { formOfFiles } from "../http/multipart.ts";
import { type Answer, type ByteBudget, type Call, plainUrl, SLOW_LINE } from "../http/send.ts";
import { serverWords } from "../http/server_words.ts";
import { isDelegation, type RoleName } from "../tuf/roles.ts";
import { type MetadataName, unverifiedBytes } from "./sizes.ts";

export type { MetadataName } from "./sizes.ts";

/** How long a file may be, and how long it may take. */
export interface Allowance {
  /** The most bytes that it may have; what is usual for unverified files of its name, unless said. */
  readonly maxBytes?: number;
  /** What it may take of what is left for several files. */
  readonly shared?: ByteBudget;
  /** Whether a copy stands in where the server is out of order, so that it is not waited for long. */
  readonly brief?: boolean;
}

/** A file, and since when its server has it. */
export interface DatedFile {
  /** The bytes as served. */
  readonly bytes: Bytes;
  /** The time, to the second; missing where the server does not say it. */
  readonly at?: Date;
}

/** One Notary server. */
export interface TrustServer {
  /** Its address. */
  readonly url: URL;
  /**
   * The newest file of that name, as served; `undefined` where the server has none.
   *
   * @throws {TagsealError} `unavailable`, for which `isTooLong` holds, where it is longer than `allowance` says
   */
  read(gun: string, name: MetadataName, allowance?: Allowance): Promise<Bytes | undefined>;
  /**
   * A file with the time since when the server has it, in the server's own word (`Last-Modified`); `undefined` where it
   * has none of that name. A server that is not asked over a network knows no such time, and has no such call.
   *
   * @throws what `read` throws
   */
  readDated?(gun: string, name: MetadataName, allowance?: Allowance): Promise<DatedFile | undefined>;
  /**
   * The public key that the server signs with in this role; the server makes it for a new repository. With `"new"` the
   * server makes another one, which counts once a root names it; that wants the right to do anything (`*`).
   */
  managedKey(gun: string, role: "timestamp" | "snapshot", which?: "current" | "new"): Promise<PublicKey>;
  /**
   * Publishes files together: all land or none does.
   *
   * @throws {TagsealError} `stale` where a version is there already; `trust-invalid` where the server names what is wrong
   *   with the data; `unavailable` where it refuses them and cannot say why, as while its database is down
   */
  publish(gun: string, files: ReadonlyMap<RoleName, Bytes>): Promise<void>;
  /**
   * Whether it is a Notary server at all, for when it seems to have nothing: addresses of registries and of other web
   * servers answer "not found", too.
   */
  isNotary?(gun: string): Promise<boolean>;
  /** Deletes all trust data of a repository, where the server can; that wants the right to do anything (`*`). */
  remove?(gun: string): Promise<void>;
}

const MAX_ANSWER_BYTES = 2 ** 20;
/**
 * How long a call may take, in milliseconds: a publish that hangs and the reading after it end within a minute and a half.
 * Large roles get more, as much as slow lines need.
 */
const READ_TIMEOUT_MS = 30_000;
const PUBLISH_TIMEOUT_MS = 45_000;
const DELETE_TIMEOUT_MS = 60_000;

const PROBE_TIMEOUT_MS = 5000;
/** What passes by itself, beside what does everywhere: notary-server answers so to every read while its database restarts. */
const PASSING: readonly number[] = [500];

/** So it answers for ever where its snapshot names no such delegation. */
function passingFor(name: MetadataName): readonly number[] {
  return !isDelegation(name) || HASH_ADDRESSED.test(name) ? PASSING : [];
}
/** What a Notary server answers where it has no file, and nobody else. */
const NO_METADATA = "METADATA_NOT_FOUND";

const HASH_ADDRESSED = /\.[0-9a-f]{64}$/;

/** What a server is made from. */
export interface TrustServerOptions {
  /** Its address, without `/v2/`. */
  readonly url: URL;
  /** The authenticated way to it. */
  readonly service: AuthorizedService;
  /** `push,pull` where something is to be published, so that one token serves the whole command. */
  readonly access: ScopeAction;
  /** Ends every call. */
  readonly signal?: AbortSignal | undefined;
}

/** A Notary server over HTTP. */
export function createTrustServer({ url, service, access, signal }: TrustServerOptions): TrustServer {
  const base = url.href.replace(/\/+$/, "");
  const call = (gun: string, path: string, options: Partial<Call>, actions: ScopeAction = access) =>
    service.request({
      service: "Notary server",
      url: new URL(`${base}/v2/${gun}/_trust/tuf/${path}`),
      maxBytes: MAX_ANSWER_BYTES,
      timeoutMs: READ_TIMEOUT_MS,
      passing: PASSING,
      signal,
      ...options,
    }, { repository: gun, actions });

  let spoke = false; // whether anything that only a Notary server says was heard
  const isNotary = async (gun: string) => {
    if (spoke) return true;
    const health = await service.request({
      service: "Notary server",
      url: new URL(`${base}/_notary_server/health`),
      maxBytes: MAX_ANSWER_BYTES,
      timeoutMs: PROBE_TIMEOUT_MS,
      signal,
    }, { repository: gun, actions: access }).catch(() => undefined);
    signal?.throwIfAborted();
    return spoke ||= health?.status === 200 && isJson(health);
  };

  const readDated = async (
    gun: string,
    name: MetadataName,
    { maxBytes = unverifiedBytes(name), shared, brief }: Allowance = {},
  ): Promise<DatedFile | undefined> => {
    // Files under plain names change, though the server lets caches keep them for five minutes.
    const headers: Record<string, string> = HASH_ADDRESSED.test(name) ? {} : { "cache-control": "no-cache" };
    const how = { maxBytes, shared, brief, headers, bytesPerSecond: SLOW_LINE.download, passing: passingFor(name) };
    const answer = await call(gun, `${name}.json`, how);
    if (isPage(answer)) throw noNotary(url, gun);
    spoke ||= answer.status === 200 || serverError(answer.bytes).code === NO_METADATA;
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw refusal(url, gun, answer, `read "${name}"`);
    const at = Date.parse(answer.headers.get("last-modified") ?? ""); // notary-server ends it in UTC in place of GMT
    return { bytes: answer.bytes, ...(Number.isNaN(at) ? {} : { at: new Date(at) }) };
  };

  return {
    url,
    isNotary,
    readDated,
    read: async (gun, name, allowance) => (await readDated(gun, name, allowance))?.bytes,
    async managedKey(gun, role, which = "current") {
      const isNew = which === "new";
      // Also reading it wants the right to push.
      const actions = isNew ? "*" : access === "pull" ? "push,pull" : access;
      const answer = await call(gun, `${role}.key`, isNew ? { method: "POST" } : {}, actions);
      if (isPage(answer) || (answer.status === 404 && !await isNotary(gun))) throw noNotary(url, gun);
      if (answer.status !== 200) throw refusal(url, gun, answer, `${isNew ? "rotate" : "get"} the ${role} key`);
      try {
        return readPublicKey(parseJson(answer.bytes));
      } catch (error) {
        throw new TagsealError("trust-invalid", `The Notary server's ${role} key is malformed: ${messageOf(error)}`, {
          remedy: `Check that "${url.origin}" is a Notary server`,
          details: { repository: gun, url: url.origin },
          cause: error,
        });
      }
    },
    async publish(gun, files) {
      const { type, body } = formOfFiles("files", files);
      const length = [...files.values()].reduce((sum, bytes) => sum + bytes.length, 0);
      const timeoutMs = PUBLISH_TIMEOUT_MS + length / SLOW_LINE.upload * 1000;
      const answer = await call(gun, "", { method: "POST", body, timeoutMs, headers: { "content-type": type } });
      if (answer.status === 413) throw tooLarge(url, gun, length);
      if (isPage(answer)) throw pageInstead(url, gun);
      if (answer.status !== 200) throw refusal(url, gun, answer, `publish ${[...files.keys()].join(", ")}`, true);
    },
    async remove(gun) {
      const answer = await call(gun, "", { method: "DELETE", timeoutMs: DELETE_TIMEOUT_MS }, "*");
      if (answer.status !== 200) throw refusal(url, gun, answer, "delete the trust data");
    },
  };
}

/** A Notary server's health is an object; a web page for everything is none. */
function isJson(answer: Answer): boolean {
  try {
    return isJsonObject(parseJson(answer.bytes));
  } catch {
    return false;
  }
}

function typeOf(answer: Answer): string {
  return answer.headers.get("content-type") ?? "";
}

/** Whether somebody shows a web page where a Notary server would show trust data. */
function isPage(answer: Answer): boolean {
  return answer.status === 200 && /^text\/html\b/i.test(typeOf(answer));
}

/** The address is one of something else: a registry, most of the time. */
export function noNotary(url: URL, gun: string): TagsealError {
  const where = `"${url.href.replace(/\/+$/, "")}", where "${gun}" is looked for`;
  return new TagsealError("bad-input", `There is no Notary server at ${where}`, {
    remedy: "Give the address of the repository's Notary server; without it the server is looked for on the " +
      "registry's host, and many registries have none",
    next: { do: "name-notary" },
    details: { repository: gun, url: url.origin },
  });
}

/** A login page, say, has answered in the server's place, so that nobody knows what became of the change. */
function pageInstead(url: URL, gun: string): TagsealError {
  return new TagsealError("unavailable", `"${url.origin}" answers the change to "${gun}" with a web page`, {
    remedy: "Check the address and what stands between here and the Notary server",
    details: { repository: gun, url: url.origin },
  });
}

/** Notary servers take any size; what stands before them may not. */
function tooLarge(url: URL, gun: string, length: number): TagsealError {
  return new TagsealError(
    "unavailable",
    `"${url.origin}" takes no request of this size: "${gun}" has ${length} bytes to publish (status 413)`,
    {
      remedy: "Nothing was published. Have the operator of the proxy before the Notary server raise its limit above " +
        "that (nginx: client_max_body_size), then run the command again",
      details: { repository: gun, length },
      call: { url: url.origin, status: 413 },
    },
  );
}

function refusal(url: URL, gun: string, answer: Answer, action: string, isUpdate = false): TagsealError {
  const { code, words, isUnexplained } = serverError(answer.bytes);
  const facts = {
    details: { repository: gun, serverCode: code },
    call: { url: url.origin, status: answer.status },
  };
  const where = `Notary server "${url.origin}"`;
  if (answer.status === 400 && code === "VERSION") {
    return new TagsealError("stale", `Somebody else has published to "${gun}" in between`, {
      remedy: "Run the command again: it starts from what is there now",
      ...facts,
    });
  }
  if (answer.status === 400 && isUpdate && !isUnexplained) {
    return new TagsealError("trust-invalid", `The ${where} refused to ${action} of "${gun}": ${words}`, {
      remedy: "Nothing was published. Read the repository and check the server's own log",
      next: { do: "read-and-ask-operator" },
      ...facts,
    });
  }
  if (answer.status === 400 && isUpdate) {
    return new TagsealError("unavailable", `The ${where} refused to ${action} of "${gun}": ${words}`, {
      remedy:
        "It names nothing that is wrong with the data, as while its database is down. Run the command again in a " +
        "while; if it goes on, its operator finds the reason in its log",
      ...facts,
    });
  }
  const failed = `The ${where} failed to ${action} of "${gun}" (status ${answer.status})`;
  const location = answer.headers.get("location");
  if (answer.status >= 300 && answer.status < 400 && location !== null && URL.canParse(location, url)) {
    const to = shown(plainUrl(new URL(location, url)));
    return new TagsealError("unavailable", `${failed}: it redirects to "${to}"`, {
      remedy: "Nothing was sent there. If the Notary server has another address now, give that one",
      next: { do: "name-notary-anew" },
      ...facts,
    });
  }
  return new TagsealError(answer.status === 404 ? "not-found" : "unavailable", `${failed}: ${words}`, {
    remedy: "Check the Notary server's address, and try again later if the server is out of order",
    next: { do: "check-notary-address" },
    ...facts,
  });
}

/** What a server says of a refusal. */
interface ServerError {
  /** Its code; "" where it gives none. */
  readonly code: string;
  /** Its words, on one short line. */
  readonly words: string;
  /**
   * Whether it refuses an update without naming what is wrong with it: notary-server answers so, with status 400, where
   * it could not look at its database (no detail), or could not sign (`ErrValidation`).
   *
   * @see Notary `server/handlers/default.go` (atomicUpdateHandler) and `validation.go`
   */
  readonly isUnexplained: boolean;
}

function serverError(bytes: Bytes): ServerError {
  const { code, words, detail } = serverWords(bytes);
  const { Name: kind, Error: reason } = Object(detail);
  const unnamed = code === "INVALID_UPDATE" && (reason?.Msg === undefined || kind === "ErrValidation");
  return {
    code,
    words: words ?? "it gives no reason",
    isUnexplained: words === undefined || unnamed,
  };
}
