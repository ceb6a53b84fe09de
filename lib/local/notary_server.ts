/**
 * The embedded Notary server: a pure handler that answers as notary-server 0.7.0 does. It keeps its keys and everything
 * that was ever published in SQLite. For trying things on loopback and for tests.
 *
 * Differences, all of them deliberate: trust data is read as strictly as tagseal's clients do; bodies and their parts are
 * bounded; a key that no root names yet is handed out again instead of making another one; files are renewed an hour
 * before they expire, not after; a deletion does not reach repositories whose names begin alike; there is no changefeed.
 *
 * @see Notary `server/server.go` for the routes, `server/errors/errors.go` for the errors
 * @module
 */
import { Buffer } from "node:buffer";
import { type Bytes, concat } from "../bytes/bytes.ts";
import { canonicalJson } from "../bytes/canonical_json.ts";
import { BASE_ROLES, isDelegation, type RoleName } from "../tuf/roles.ts";
import { openDatabase } from "./database.ts";
import { acceptUpdate, MalformedJson, UpdateRefusal } from "./notary_rules.ts";
import { createManagedKey, managedKey, renew } from "./notary_signing.ts";
import type { ManagedRole, NotaryStore } from "./notary_store.ts";
import { createNotaryStore } from "./notary_sqlite.ts";

/** How the server is set up. */
export interface NotaryServerOptions {
  /** The clock. */
  readonly now: () => Date;
  /** What it keeps; nothing yet, and in memory, unless given. */
  readonly store?: NotaryStore;
  /**
   * Decides on every request: `undefined` lets it pass, a response (401 with a challenge, 403) is sent instead. `scope` is
   * what the request needs, its repository being the GUN; that is empty for `/v2/` itself.
   */
  readonly authorize?: (
    request: Request,
    scope: { repository: string; actions: "pull" | "push,pull" },
  ) => Promise<Response | undefined> | Response | undefined;
}

/** Most bytes of one update; a role of 600,000 tags has 55 MB. */
const MAX_BODY = 128 * 2 ** 20;
/** Most files of one update. */
const MAX_PARTS = 1000;
/** How long answers may be cached, in seconds: the newest of a name, and what never changes. */
const CACHED = "public, max-age=300, s-maxage=300, must-revalidate";
const CACHED_FOR_GOOD = "public, max-age=2592000, s-maxage=2592000";
const ROUTE = /^\/v2\/(?<gun>[^*\s\p{Cc}]{1,255})\/_trust\/tuf\/(?<rest>[^\s]*)$/u;
const KEY = /^(?<role>snapshot|timestamp)\.key$/;
const FILE =
  /^(?:(?<version>\d{1,15})\.)?(?<role>root|targets(?:\/[^/\s]+?)*|snapshot|timestamp)(?:\.(?<sha256>[\da-f]{64}))?\.json$/;
const JSON_TYPE = { "content-type": "application/json; charset=utf-8" };
const METHODS: readonly string[] = ["GET", "POST", "PUT", "HEAD", "DELETE"];

/** A refusal on its way to the client. */
class Refusal extends Error {
  constructor(readonly status: number, readonly code: string, message: string, readonly detail?: unknown) {
    super(message);
  }
}

/** Makes a server; `handle` fits `Deno.serve` as well as the `Send` of the HTTP layer. */
export function createNotaryServer(options: NotaryServerOptions): { handle(request: Request): Promise<Response> } {
  const store = options.store ?? createNotaryStore(openDatabase(":memory:"));

  async function route(request: Request): Promise<Response> {
    if (!METHODS.includes(request.method)) return new Response(null, { status: 405 });
    const path = pathOf(request);
    const may = (repository: string, actions: "pull" | "push,pull") =>
      Promise.resolve(options.authorize?.(request, { repository, actions }));
    if (request.method === "GET" && path === "/_notary_server/health") {
      return new Response("{}", { headers: JSON_TYPE });
    }
    if (request.method === "GET" && path === "/v2/") return await may("", "pull") ?? plain("{}");
    const { gun, rest } = ROUTE.exec(path)?.groups ?? {};
    if (gun === undefined || rest === undefined) throw notFound();
    const key = KEY.exec(rest)?.groups?.["role"] as ManagedRole | undefined;
    const call = `${request.method} ${key ? "key" : rest === "" ? "repository" : "file"}`;
    const refusal = await may(gun, call === "GET file" ? "pull" : "push,pull");
    if (refusal) return refusal;
    switch (call) {
      case "GET file":
        return await read(gun, rest);
      case "GET key":
        return plain(canonicalJson(managedKey(store, gun, key!).json));
      case "POST key":
        return plain(canonicalJson(createManagedKey(store, gun, key!).json));
      case "POST repository":
        return await update(gun, request);
      case "DELETE repository":
        store.remove(gun);
        return new Response();
      default:
        throw notFound();
    }
  }

  async function read(gun: string, name: string): Promise<Response> {
    const { version, role, sha256 } = FILE.exec(name)?.groups ?? {};
    if (role === undefined || (version !== undefined && sha256 !== undefined)) throw notFound();
    if (!isRole(role)) throw notFound({});
    const which = sha256 !== undefined ? { sha256 } : version !== undefined ? { version: Number(version) } : undefined;
    if (!which && (role === "snapshot" || role === "timestamp")) await renew(store, gun, options.now());
    const file = store.find(gun, role, which);
    if (!file) throw notFound({});
    return plain(file.bytes, {
      "cache-control": which ? CACHED_FOR_GOOD : CACHED,
      "last-modified": file.added.toUTCString(),
    });
  }

  async function update(gun: string, request: Request): Promise<Response> {
    const posted = await readUpload(request);
    const files = await acceptUpdate({ store, gun, posted, at: options.now() });
    if (store.add(gun, files)) return new Response();
    throw new Refusal(400, "VERSION", "A newer version of metadata is already available.", {});
  }

  async function handle(request: Request): Promise<Response> {
    try {
      return await route(request);
    } catch (error) {
      const { status, code, message, detail } = refusalOf(error);
      const body = JSON.stringify({ errors: [{ code, message, detail }] }) + "\n";
      return new Response(request.method === "HEAD" ? null : body, { status, headers: JSON_TYPE });
    } finally {
      if (request.body && !request.bodyUsed) await request.body.cancel();
    }
  }

  return { handle };
}

function pathOf(request: Request): string {
  try {
    return decodeURIComponent(new URL(request.url).pathname); // GUNs may come with %3A and %2F
  } catch {
    throw notFound();
  }
}

function isRole(name: string): name is RoleName {
  return isDelegation(name) || (BASE_ROLES as readonly string[]).includes(name);
}

/** The files of an update, by role; of two for one role the last counts. */
async function readUpload(request: Request): Promise<Map<RoleName, Bytes>> {
  const form = await readForm(request, await readBody(request));
  const files = new Map<RoleName, Bytes>();
  for (const [, part] of form) {
    const role = part instanceof File ? part.name.replace(/\.json$/, "") : "";
    if (role === "") throw new Refusal(400, "NO_FILENAME", "No file/role name provided.");
    if (!isRole(role)) {
      throw new Refusal(
        400,
        "INVALID_ROLE",
        "The role you are attempting to operate on is invalid.",
        role.slice(0, 255),
      );
    }
    files.set(role, await (part as File).bytes());
  }
  return files;
}

async function readForm(request: Request, body: Bytes): Promise<FormData> {
  const type = request.headers.get("content-type") ?? "";
  const boundary = /;\s*boundary="?([^";\s]{1,70})"?/i.exec(type)?.[1];
  const malformed = new Refusal(400, "MALFORMED_UPLOAD", "The body of your request is malformed.");
  if (boundary === undefined) throw malformed;
  // The parser takes a body that was cut off for a whole one.
  const end = Buffer.from(body.slice(-boundary.length - 8)).toString("latin1").trimEnd();
  if (!end.endsWith(`--${boundary}--`)) throw malformed;
  // Counted before the parser makes objects of them.
  if (holdsMore(body, `--${boundary}`, MAX_PARTS + 1)) throw tooLarge(`more than ${MAX_PARTS} parts`);
  try {
    return await new Response(body, { headers: { "content-type": type } }).formData();
  } catch {
    throw malformed;
  }
}

/** Whether `mark` stands in `body` more than `most` times. */
function holdsMore(body: Bytes, mark: string, most: number): boolean {
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.length);
  let count = 0;
  for (let at = buffer.indexOf(mark); at >= 0; at = buffer.indexOf(mark, at + mark.length)) {
    if (++count > most) return true;
  }
  return false;
}

async function readBody(request: Request): Promise<Bytes> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request.body ?? []) {
    length += part.length;
    if (length > MAX_BODY) throw tooLarge(`more than ${MAX_BODY} bytes`); // leaving the loop cancels the stream
    parts.push(part);
  }
  return concat(...parts);
}

function tooLarge(what: string): Refusal {
  return new Refusal(413, "MALFORMED_UPLOAD", "The body of your request is malformed.", what);
}

function notFound(detail?: unknown): Refusal {
  return new Refusal(404, "METADATA_NOT_FOUND", "You have requested metadata that does not exist.", detail);
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof MalformedJson) {
    return new Refusal(
      400,
      "MALFORMED_JSON",
      "JSON sent by the client could not be parsed by the server",
      error.message,
    );
  }
  if (!(error instanceof UpdateRefusal)) throw error;
  const reason = { ...(error.missing ? { Missing: error.missing } : {}), Msg: error.message };
  const detail = { Name: error.kind, Error: reason };
  return new Refusal(400, "INVALID_UPDATE", "Update sent by the client is invalid.", detail);
}

/** The real server writes everything but errors as text. */
function plain(body: BodyInit, headers: Record<string, string> = {}): Response {
  return new Response(body, { headers: { "content-type": "text/plain; charset=utf-8", ...headers } });
}
