/**
 * Blobs on their way into the embedded registry: in one piece or in chunks. What has arrived waits in memory, and is gone
 * with the process; only a whole blob with the right digest reaches the store.
 *
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import { isDigest } from "../registry/image_ref.ts";
import { problem, stored, tooLarge, unsupported } from "./registry_answers.ts";
import { ENTRY_BYTES, type RegistryStore } from "./registry_store.ts";

/** The uploads of a registry. */
export interface Uploads {
  /** Bytes of all that has arrived so far. */
  held(): number;
  /** `POST …/blobs/uploads/`, with the whole blob where `digest` is given. */
  start(repository: string, digest: string | null, request: Request): Promise<Response>;
  /** All other calls of one upload. */
  go(repository: string, id: string, request: Request): Promise<Response>;
}

interface Upload {
  readonly id: string;
  readonly repository: string;
  readonly parts: Uint8Array[];
  readonly hash: Hash;
  size: number;
}

const MAX_BLOB = 512 * 1024 * 1024;
const MAX_UPLOADS = 200;

/** No uploads yet. They and the store together hold at most `maxBytes`. */
export function createUploads(store: RegistryStore, maxBytes: number): Uploads {
  const uploads = new Map<string, Upload>();
  let held = 0;

  async function start(repository: string, digest: string | null, request: Request): Promise<Response> {
    const oldest = uploads.values().next().value;
    if (oldest && uploads.size >= MAX_UPLOADS) drop(oldest);
    const upload = { id: crypto.randomUUID(), repository, parts: [], hash: createHash("sha256"), size: 0 };
    uploads.set(upload.id, upload);
    held += ENTRY_BYTES;
    return digest === null ? progress(202, upload) : await finish(upload, digest, request);
  }

  async function go(repository: string, id: string, request: Request): Promise<Response> {
    const upload = uploads.get(id);
    if (upload?.repository !== repository) return problem(404, "BLOB_UPLOAD_UNKNOWN", "No such upload");
    switch (request.method) {
      case "GET":
        return progress(204, upload);
      case "DELETE":
        drop(upload);
        return new Response(null, { status: 204 });
      case "PUT": {
        const digest = new URL(request.url).searchParams.get("digest") ?? "";
        return outOfOrder(upload, request) ?? await finish(upload, digest, request);
      }
      case "PATCH":
        return outOfOrder(upload, request) ?? await receive(upload, request) ?? progress(202, upload);
      default:
        return unsupported();
    }
  }

  async function finish(upload: Upload, digest: string, request: Request): Promise<Response> {
    const failed = isDigest(digest)
      ? await receive(upload, request)
      : problem(400, "DIGEST_INVALID", "The digest must be sha256 in lower-case hex");
    drop(upload);
    if (failed) return failed;
    if (`sha256:${upload.hash.digest("hex")}` !== digest) {
      return problem(400, "DIGEST_INVALID", "The bytes do not have the digest");
    }
    store.addBlob(upload.repository, digest, upload.parts);
    return stored(upload.repository, "blobs", digest);
  }

  /** Takes the request's body into the upload; a response means that it failed, and then the upload is gone. */
  async function receive(upload: Upload, request: Request): Promise<Response | undefined> {
    try {
      for await (const part of request.body ?? []) {
        if (!uploads.has(upload.id)) return problem(404, "BLOB_UPLOAD_UNKNOWN", "The upload ended in between");
        if (upload.size + part.length > MAX_BLOB || store.held() + held + part.length > maxBytes) {
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
    if (uploads.delete(upload.id)) held -= upload.size + ENTRY_BYTES;
  }

  return { held: () => held, start, go };
}

function progress(status: 202 | 204, upload: Upload): Response {
  const headers = { ...whereabouts(upload), "docker-upload-uuid": upload.id };
  return new Response(null, { status, headers });
}

function outOfOrder(upload: Upload, request: Request): Response | undefined {
  const range = request.headers.get("content-range");
  if (range === null || /^(?:bytes[ =])?(\d+)-\d+/.exec(range)?.[1] === `${upload.size}`) return undefined;
  return problem(416, "BLOB_UPLOAD_INVALID", "The chunk does not follow the last one", whereabouts(upload));
}

function whereabouts({ repository, id, size }: Upload): Record<string, string> {
  // The specification counts inclusively, and has no way to say "nothing yet" other than what docker's registry says.
  return { "location": `/v2/${repository}/blobs/uploads/${id}`, "range": `0-${Math.max(size - 1, 0)}` };
}
