/**
 * The embedded registry: the part of the OCI Distribution specification that docker, skopeo and tagseal use, as a pure
 * handler with everything in memory. For trying things on loopback and for tests; nothing is ever written to disk, and
 * what is not referenced any more stays until the object is dropped.
 *
 * @see {@link https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md | OCI Distribution 1.1}
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import { type Bytes, concat, text } from "../bytes/bytes.ts";
import { isDigest, isRepositoryPath, isTag } from "../registry/image_ref.ts";

/** How the registry is set up. */
export interface RegistryOptions {
  /**
   * Decides on every request: `undefined` lets it pass, a response (401 with a challenge, 403) is sent instead. `scope` is
   * what the request needs; its repository is empty for `/v2/` itself.
   */
  readonly authorize?: (
    request: Request,
    scope: { repository: string; actions: "pull" | "push,pull" },
  ) => Promise<Response | undefined>;
  /** Most bytes to hold in all; 2 GiB unless said. A single blob has at most 512 MiB. */
  readonly maxBytes?: number;
}

type Manifest = { readonly mediaType: string; readonly bytes: Bytes };
type Repository = {
  readonly blobs: Set<string>;
  readonly manifests: Map<string, Manifest>;
  readonly tags: Map<string, string>;
};
type Upload = {
  readonly id: string;
  readonly name: string;
  readonly parts: Uint8Array[];
  readonly hash: Hash;
  size: number;
};

const MAX_BLOB = 512 * 1024 * 1024;
const MAX_MANIFEST = 4 * 1024 * 1024;
const MAX_UPLOADS = 200;
/** Counted for each thing held beside its bytes, so that a flood of tiny ones is bounded as well. */
const ENTRY = 1024;
const MANIFEST_TYPE =
  /^application\/vnd\.(?:docker\.distribution\.manifest\.(?:v2|list\.v2)|oci\.image\.(?:manifest|index)\.v1)\+json$/;
const ROUTE =
  /^\/v2\/(?<name>.+)\/(?:(?<tags>tags\/list)|(?<uploads>blobs\/uploads)(?:\/(?<id>[0-9a-f-]{36})?)?|blobs\/(?<blob>[^/]+)|manifests\/(?<reference>[^/]+))$/;

/** Makes an empty registry; `handle` fits `Deno.serve` as well as the `Send` of the HTTP layer. */
export function createRegistry(options: RegistryOptions = {}): { handle(request: Request): Promise<Response> } {
  const maxBytes = options.maxBytes ?? 2 * 1024 ** 3;
  const blobs = new Map<string, Bytes>();
  const repositories = new Map<string, Repository>();
  const uploads = new Map<string, Upload>();
  let held = 0;

  async function handle(request: Request): Promise<Response> {
    const answer = await route(request, new URL(request.url));
    const response = request.method === "HEAD" ? new Response(null, answer) : answer;
    response.headers.set("docker-distribution-api-version", "registry/2.0");
    return response;
  }

  async function route(request: Request, url: URL): Promise<Response> {
    const reading = request.method === "GET" || request.method === "HEAD";
    const may = (repository: string, actions: "pull" | "push,pull") =>
      Promise.resolve(options.authorize?.(request, { repository, actions }));
    if (/^\/v2\/?$/.test(url.pathname)) return await may("", "pull") ?? (reading ? Response.json({}) : unsupported());
    const { name = "", tags, uploads: upload, id, blob, reference } =
      ROUTE.exec(url.pathname.replaceAll(/%3a/gi, ":"))?.groups ?? {};
    if (name === "") return problem(404, "UNSUPPORTED", "No such address");
    if (!isRepositoryPath(name)) return problem(400, "NAME_INVALID", "Not a repository name");
    const refusal = await may(name, reading ? "pull" : "push,pull");
    if (refusal) return refusal;
    if (!reading && request.method !== "DELETE" && held > maxBytes) return tooLarge("blob");
    if (tags) return reading ? listTags(name, url) : unsupported();
    if (blob !== undefined) return reading ? readBlob(name, blob, request) : unsupported();
    if (reference !== undefined) return await manifest(name, reference, request);
    if (upload && id !== undefined) return await continueUpload(name, id, request, url);
    return request.method === "POST" ? await startUpload(name, request, url, may) : unsupported();
  }

  function readBlob(name: string, digest: string, request: Request): Response {
    const bytes = repositories.get(name)?.blobs.has(digest) ? blobs.get(digest) : undefined;
    if (!bytes) return problem(404, "BLOB_UNKNOWN", "The blob is not known to the repository");
    const headers = {
      "content-type": "application/octet-stream",
      "docker-content-digest": digest,
      "etag": `"${digest}"`,
      "accept-ranges": "bytes",
    };
    const range = /^bytes=(\d*)-(\d*)$/.exec(request.method === "GET" ? request.headers.get("range") ?? "" : "");
    if (!range || range[0] === "bytes=-") {
      return new Response(bytes, { headers: { ...headers, "content-length": `${bytes.length}` } });
    }
    const first = range[1] === "" ? Math.max(bytes.length - Number(range[2]), 0) : Number(range[1]);
    const last = range[1] === "" || range[2] === "" ? bytes.length - 1 : Math.min(Number(range[2]), bytes.length - 1);
    if (first > last) {
      return problem(416, "SIZE_INVALID", "No such range", { "content-range": `bytes */${bytes.length}` });
    }
    const part = bytes.subarray(first, last + 1);
    const extra = { "content-range": `bytes ${first}-${last}/${bytes.length}`, "content-length": `${part.length}` };
    return new Response(part, { status: 206, headers: { ...headers, ...extra } });
  }

  async function startUpload(
    name: string,
    request: Request,
    url: URL,
    may: (repository: string, actions: "pull") => Promise<Response | undefined>,
  ): Promise<Response> {
    const mount = url.searchParams.get("mount");
    const from = url.searchParams.get("from") ?? "";
    // A mount that cannot be done is an ordinary upload to the client, and tells nothing about the other repository.
    if (mount !== null && repositories.get(from)?.blobs.has(mount) && !await may(from, "pull")) {
      link(name, mount);
      return stored(name, "blobs", mount);
    }
    const oldest = uploads.values().next().value;
    if (oldest && uploads.size >= MAX_UPLOADS) drop(oldest);
    const upload = { id: crypto.randomUUID(), name, parts: [], hash: createHash("sha256"), size: 0 };
    uploads.set(upload.id, upload);
    held += ENTRY;
    const digest = url.searchParams.get("digest");
    return digest === null ? progress(202, upload) : await finishUpload(upload, digest, request);
  }

  async function continueUpload(name: string, id: string, request: Request, url: URL): Promise<Response> {
    const upload = uploads.get(id);
    if (upload?.name !== name) return problem(404, "BLOB_UPLOAD_UNKNOWN", "No such upload");
    switch (request.method) {
      case "GET":
        return progress(204, upload);
      case "DELETE":
        drop(upload);
        return new Response(null, { status: 204 });
      case "PUT":
        return outOfOrder(upload, request) ?? await finishUpload(upload, url.searchParams.get("digest") ?? "", request);
      case "PATCH":
        return outOfOrder(upload, request) ?? await receive(upload, request) ?? progress(202, upload);
      default:
        return unsupported();
    }
  }

  async function finishUpload(upload: Upload, digest: string, request: Request): Promise<Response> {
    const failed = isDigest(digest)
      ? await receive(upload, request)
      : problem(400, "DIGEST_INVALID", "The digest must be sha256 in lower-case hex");
    drop(upload);
    if (failed) return failed;
    if (`sha256:${upload.hash.digest("hex")}` !== digest) {
      return problem(400, "DIGEST_INVALID", "The bytes do not have the digest");
    }
    if (!blobs.has(digest)) {
      blobs.set(digest, concat(...upload.parts));
      held += upload.size + ENTRY;
    }
    link(upload.name, digest);
    return stored(upload.name, "blobs", digest);
  }

  /** Takes the request's body into the upload; a response means that it failed, and then the upload is gone. */
  async function receive(upload: Upload, request: Request): Promise<Response | undefined> {
    try {
      for await (const part of request.body ?? []) {
        if (!uploads.has(upload.id)) return problem(404, "BLOB_UPLOAD_UNKNOWN", "The upload ended in between");
        if (upload.size + part.length > MAX_BLOB || held + part.length > maxBytes) {
          drop(upload);
          return tooLarge("blob");
        }
        upload.parts.push(part);
        upload.hash.update(part);
        upload.size += part.length;
        held += part.length;
      }
    } catch {
      drop(upload); // the client went away in the middle of it
      return problem(400, "BLOB_UPLOAD_INVALID", "The upload broke off");
    }
    return undefined;
  }

  function drop(upload: Upload): void {
    if (uploads.delete(upload.id)) held -= upload.size + ENTRY;
  }

  async function manifest(name: string, reference: string, request: Request): Promise<Response> {
    if (!isTag(reference) && !isDigest(reference)) {
      return problem(400, "MANIFEST_INVALID", "Neither a tag nor a digest");
    }
    if (request.method === "PUT") return await putManifest(name, reference, request);
    const repository = repositories.get(name);
    const digest = isDigest(reference) ? reference : repository?.tags.get(reference) ?? "";
    const found = repository?.manifests.get(digest);
    if (!repository || !found) return problem(404, "MANIFEST_UNKNOWN", "The manifest is not known to the repository");
    if (request.method === "DELETE") {
      if (!isDigest(reference)) repository.tags.delete(reference);
      else {
        repository.manifests.delete(digest);
        held -= found.bytes.length + ENTRY;
        for (const [tag, target] of repository.tags) if (target === digest) repository.tags.delete(tag);
      }
      return new Response(null, { status: 202 });
    }
    if (request.method !== "GET" && request.method !== "HEAD") return unsupported();
    const headers = {
      "content-type": found.mediaType,
      "content-length": `${found.bytes.length}`,
      "docker-content-digest": digest,
      "etag": `"${digest}"`,
    };
    return new Response(found.bytes, { headers });
  }

  async function putManifest(name: string, reference: string, request: Request): Promise<Response> {
    const bytes = await bounded(request, MAX_MANIFEST).catch(() => undefined); // or the client went away
    if (!bytes || held + bytes.length + 2 * ENTRY > maxBytes) return tooLarge("manifest");
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    if (isDigest(reference) && reference !== digest) {
      return problem(400, "DIGEST_INVALID", "The bytes do not have the digest");
    }
    const parsed = parseManifest(bytes, request.headers.get("content-type"));
    if (!parsed) return problem(400, "MANIFEST_INVALID", "Not an image manifest or index, or of another media type");
    const { mediaType, blobs: needed, manifests } = parsed;
    const known = repositories.get(name);
    const missing = needed.find((d) => !known?.blobs.has(d)) ?? manifests.find((d) => !known?.manifests.has(d));
    if (missing !== undefined) return problem(400, "MANIFEST_BLOB_UNKNOWN", `Not in the repository: ${missing}`);
    const target = repository(name);
    if (!target.manifests.has(digest)) held += bytes.length + ENTRY;
    target.manifests.set(digest, { mediaType, bytes });
    if (!isDigest(reference)) {
      if (!target.tags.has(reference)) held += ENTRY;
      target.tags.set(reference, digest);
    }
    return stored(name, "manifests", digest);
  }

  function listTags(name: string, url: URL): Response {
    const repository = repositories.get(name);
    if (!repository) return problem(404, "NAME_UNKNOWN", "No such repository");
    const last = url.searchParams.get("last") ?? "";
    const rest = [...repository.tags.keys()].sort().filter((tag) => tag > last);
    const n = /^\d{1,6}$/.test(url.searchParams.get("n") ?? "") ? Number(url.searchParams.get("n")) : rest.length;
    const tags = rest.slice(0, n);
    const more = tags.length > 0 && tags.length < rest.length;
    const link = `</v2/${name}/tags/list?n=${n}&last=${tags.at(-1)}>; rel="next"`;
    return Response.json({ name, tags }, more ? { headers: { link } } : {});
  }

  function repository(name: string): Repository {
    const known = repositories.get(name);
    if (known) return known;
    const fresh: Repository = { blobs: new Set(), manifests: new Map(), tags: new Map() };
    repositories.set(name, fresh);
    held += ENTRY;
    return fresh;
  }

  function link(name: string, digest: string): void {
    const { blobs } = repository(name);
    if (!blobs.has(digest)) held += ENTRY;
    blobs.add(digest);
  }

  return { handle };
}

function problem(status: number, code: string, message: string, headers: Record<string, string> = {}): Response {
  return Response.json({ errors: [{ code, message }] }, { status, headers });
}

function tooLarge(what: "blob" | "manifest"): Response {
  return problem(413, "SIZE_INVALID", `The ${what} is too large, or the registry is full`);
}

function unsupported(): Response {
  return problem(405, "UNSUPPORTED", "The registry does not know this method here");
}

function stored(name: string, kind: "blobs" | "manifests", digest: string): Response {
  const headers = { "location": `/v2/${name}/${kind}/${digest}`, "docker-content-digest": digest };
  return new Response(null, { status: 201, headers });
}

function progress(status: 202 | 204, { name, id, size }: Upload): Response {
  // The specification counts inclusively, and has no way to say "nothing yet" other than what docker's registry says.
  const headers = {
    "location": `/v2/${name}/blobs/uploads/${id}`,
    "docker-upload-uuid": id,
    "range": `0-${Math.max(size - 1, 0)}`,
  };
  return new Response(null, { status, headers });
}

function outOfOrder(upload: Upload, request: Request): Response | undefined {
  const range = request.headers.get("content-range");
  if (range === null || /^(?:bytes[ =])?(\d+)-\d+/.exec(range)?.[1] === `${upload.size}`) return undefined;
  return problem(416, "BLOB_UPLOAD_INVALID", "The chunk does not follow the last one", {
    location: `/v2/${upload.name}/blobs/uploads/${upload.id}`,
    range: `0-${Math.max(upload.size - 1, 0)}`,
  });
}

async function bounded(request: Request, limit: number): Promise<Bytes | undefined> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request.body ?? []) {
    length += part.length;
    if (length > limit) return undefined;
    parts.push(part);
  }
  return concat(...parts);
}

/** The media type of a manifest or index, and what must be there before it may be stored. */
function parseManifest(
  bytes: Bytes,
  contentType: string | null,
): { mediaType: string; blobs: string[]; manifests: string[] } | undefined {
  try {
    const { mediaType: inside, config, layers, manifests } = Object(JSON.parse(text(bytes)));
    const mediaType = contentType ?? inside;
    if (!MANIFEST_TYPE.test(mediaType) || (inside !== undefined && inside !== mediaType)) return undefined;
    const index = /list|index/.test(mediaType);
    if (index ? !Array.isArray(manifests) : !config || !Array.isArray(layers)) return undefined;
    // Foreign layers stay at the addresses that they name.
    const own = index ? [] : [config, ...layers].filter(({ urls }) => urls === undefined);
    const digests = [...own, ...index ? manifests : []].map(({ digest }) => digest);
    if (!digests.every((digest) => typeof digest === "string" && isDigest(digest))) return undefined;
    return { mediaType, blobs: index ? [] : digests, manifests: index ? digests : [] };
  } catch {
    return undefined;
  }
}
