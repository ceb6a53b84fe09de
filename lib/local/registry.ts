/**
 * The embedded registry: the part of the OCI Distribution specification that docker, skopeo and tagseal use, as a pure
 * handler. For trying things on loopback and for tests; blobs that are not referenced any more stay.
 *
 * @see {@link https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md | OCI Distribution 1.1}
 * @module
 */
import { createHash } from "node:crypto";
import { type Bytes, joined } from "../bytes/bytes.ts";
import { isDigest, isRepositoryPath, isTag } from "../registry/image_ref.ts";
import { OCI_INDEX } from "../registry/manifest_type.ts";
import { openDatabase } from "./database.ts";
import { json, problem, stored, tooLarge, unsupported } from "./registry_answers.ts";
import { describeReferrer, isAccepted, readManifest } from "./registry_manifest.ts";
import { createRegistryStore } from "./registry_sqlite.ts";
import { ENTRY_BYTES, type RegistryStore } from "./registry_store.ts";
import { createUploads } from "./registry_uploads.ts";

/** How the registry is set up. */
export interface RegistryOptions {
  /** What it keeps; nothing yet, and in memory, unless given. */
  readonly store?: RegistryStore;
  /**
   * Decides on every request: `undefined` lets it pass, a response (401 with a challenge, 403) is sent instead. `scope` is
   * what the request needs; its repository is empty for `/v2/` itself.
   */
  readonly authorize?: (
    request: Request,
    scope: { repository: string; actions: "pull" | "push,pull" },
  ) => Promise<Response | undefined>;
  /** Whether it lists what refers to a manifest, as the specification has it since 1.1; unless `false`, it does. */
  readonly referrers?: boolean;
  /** Most bytes to hold in all; 2 GiB unless said. A single blob has at most 512 MiB. */
  readonly maxBytes?: number;
}

const MAX_MANIFEST = 4 * 1024 * 1024;
const ROUTE =
  /^\/v2\/(?<name>.+)\/(?:(?<tags>tags\/list)|(?<uploads>blobs\/uploads)(?:\/(?<id>[0-9a-f-]{36})?)?|blobs\/(?<blob>[^/]+)|referrers\/(?<subject>[^/]+)|manifests\/(?<reference>[^/]+))$/;

/** Makes a registry; `handle` fits `Deno.serve` as well as the `Send` of the HTTP layer. */
export function createRegistry(options: RegistryOptions = {}): { handle(request: Request): Promise<Response> } {
  const store = options.store ?? createRegistryStore(openDatabase(":memory:"));
  const maxBytes = options.maxBytes ?? 2 * 1024 ** 3;
  const { referrers: listsReferrers = true } = options;
  const uploads = createUploads(store, maxBytes);

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
    if (/^\/v2\/?$/.test(url.pathname)) return await may("", "pull") ?? (reading ? json({}) : unsupported());
    const { name = "", tags, uploads: upload, id, blob, subject, reference } =
      ROUTE.exec(url.pathname.replaceAll(/%3a/gi, ":"))?.groups ?? {};
    if (name === "" || (subject !== undefined && !listsReferrers)) {
      return problem(404, "UNSUPPORTED", "No such address");
    }
    if (!isRepositoryPath(name)) return problem(400, "NAME_INVALID", "Not a repository name");
    const refusal = await may(name, reading ? "pull" : "push,pull");
    if (refusal) return refusal;
    if (!reading && request.method !== "DELETE" && held() > maxBytes) return tooLarge("blob");
    if (tags) return reading ? listTags(name, url) : unsupported();
    if (blob !== undefined) return reading ? readBlob(name, blob, request) : unsupported();
    if (subject !== undefined) return reading ? listReferrers(name, subject, url) : unsupported();
    if (reference !== undefined) return await manifest(name, reference, request);
    if (upload && id !== undefined) return await uploads.go(name, id, request);
    return request.method === "POST" ? await startUpload(name, request, url, may) : unsupported();
  }

  function held(): number {
    return store.held() + uploads.held();
  }

  function readBlob(name: string, digest: string, request: Request): Response {
    if (!isDigest(digest)) return problem(400, "DIGEST_INVALID", "The digest must be sha256 in lower-case hex");
    const size = store.blobSize(name, digest);
    if (size === undefined) return problem(404, "BLOB_UNKNOWN", "The blob is not known to the repository");
    const headers = {
      "content-type": "application/octet-stream",
      "docker-content-digest": digest,
      "etag": `"${digest}"`,
      "accept-ranges": "bytes",
    };
    const send = (first: number, end: number, status: number, more: Record<string, string> = {}) => {
      const body = request.method === "HEAD" ? null : ReadableStream.from(store.blob(digest, first, end));
      return new Response(body, { status, headers: { ...headers, ...more, "content-length": `${end - first}` } });
    };
    const range = /^bytes=(\d*)-(\d*)$/.exec(request.method === "GET" ? request.headers.get("range") ?? "" : "");
    if (!range || range[0] === "bytes=-") return send(0, size, 200);
    const first = range[1] === "" ? Math.max(size - Number(range[2]), 0) : Number(range[1]);
    const last = range[1] === "" || range[2] === "" ? size - 1 : Math.min(Number(range[2]), size - 1);
    if (first > last) return problem(416, "SIZE_INVALID", "No such range", { "content-range": `bytes */${size}` });
    return send(first, last + 1, 206, { "content-range": `bytes ${first}-${last}/${size}` });
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
    if (mount !== null && store.blobSize(from, mount) !== undefined && !await may(from, "pull")) {
      store.linkBlob(name, mount);
      return stored(name, "blobs", mount);
    }
    return await uploads.start(name, url.searchParams.get("digest"), request);
  }

  async function manifest(name: string, reference: string, request: Request): Promise<Response> {
    if (!isTag(reference) && !isDigest(reference)) {
      return problem(400, "MANIFEST_INVALID", "Neither a tag nor a digest");
    }
    if (request.method === "PUT") return await putManifest(name, reference, request);
    const digest = isDigest(reference) ? reference : store.tag(name, reference) ?? "";
    const found = store.manifest(name, digest);
    if (!found) return problem(404, "MANIFEST_UNKNOWN", "The manifest is not known to the repository");
    if (request.method === "DELETE") {
      if (isDigest(reference)) store.removeManifest(name, digest);
      else store.removeTag(name, reference);
      return new Response(null, { status: 202 });
    }
    if (request.method !== "GET" && request.method !== "HEAD") return unsupported();
    const known = request.headers.get("if-none-match");
    if (known === digest || known === `"${digest}"`) return new Response(null, { status: 304 });
    if (!isAccepted(found.mediaType, request.headers.get("accept"))) {
      return problem(404, "MANIFEST_UNKNOWN", `The manifest is of a type that is not accepted: ${found.mediaType}`);
    }
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
    if (!bytes || held() + bytes.length + 2 * ENTRY_BYTES > maxBytes) return tooLarge("manifest");
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    if (isDigest(reference) && reference !== digest) {
      return problem(400, "DIGEST_INVALID", "The bytes do not have the digest");
    }
    const read = readManifest(bytes, request.headers.get("content-type"));
    if (!read) return problem(400, "MANIFEST_INVALID", "Not an image manifest or index, or of another media type");
    const missing = read.blobs.find((blob) => store.blobSize(name, blob) === undefined) ??
      read.manifests.find((other) => !store.manifest(name, other));
    if (missing !== undefined) return problem(400, "MANIFEST_BLOB_UNKNOWN", `Not in the repository: ${missing}`);
    const tag = isDigest(reference) ? undefined : reference;
    store.putManifest(name, digest, { mediaType: read.mediaType, bytes }, tag);
    const answer = stored(name, "manifests", digest);
    if (listsReferrers && read.subject !== undefined) answer.headers.set("oci-subject", read.subject);
    return answer;
  }

  function listReferrers(name: string, subject: string, url: URL): Response {
    if (!isDigest(subject)) return problem(400, "DIGEST_INVALID", "The digest must be sha256 in lower-case hex");
    const wanted = url.searchParams.get("artifactType");
    const all = store.referrers(name, subject).map((found) => describeReferrer(found.digest, found));
    const manifests = wanted === null ? all : all.filter(({ artifactType }) => artifactType === wanted);
    const filtered: Record<string, string> = wanted === null ? {} : { "oci-filters-applied": "artifactType" };
    return json({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }, {
      headers: { "content-type": OCI_INDEX, ...filtered },
    });
  }

  function listTags(name: string, url: URL): Response {
    if (!store.knows(name)) return problem(404, "NAME_UNKNOWN", "No such repository");
    const last = url.searchParams.get("last") ?? "";
    const rest = store.tags(name).filter((tag) => tag > last);
    const n = /^\d{1,6}$/.test(url.searchParams.get("n") ?? "") ? Number(url.searchParams.get("n")) : rest.length;
    const tags = rest.slice(0, n);
    const more = tags.length > 0 && tags.length < rest.length;
    const link = `</v2/${name}/tags/list?n=${n}&last=${tags.at(-1)}>; rel="next"`;
    return json({ name, tags }, more ? { headers: { link } } : {});
  }

  return { handle };
}

async function bounded(request: Request, limit: number): Promise<Bytes | undefined> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request.body ?? []) {
    length += part.length;
    if (length > limit) return undefined;
    parts.push(part);
  }
  return joined(parts);
}
