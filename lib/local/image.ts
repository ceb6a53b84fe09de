/** A tiny image, built and pushed without any engine: enough to be pulled and run through the whole story. @module */
import { gzipSync } from "node:zlib";
import { type Bytes, concat, utf8 } from "../bytes/bytes.ts";
import { sha256Hex } from "../crypto/hash.ts";
import { type Details, TagsealError } from "../errors.ts";
import { type Answer, type Call, exchange, type Send } from "../http/send.ts";

const TYPES = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
} as const;

/**
 * Pushes an image whose only file is `/hello.txt`.
 *
 * @returns the manifest's digest, `sha256:<hex>`
 * @throws {TagsealError} `unavailable`
 */
export async function pushTinyImage(
  send: Send,
  registry: URL,
  path: string,
  tag: string,
  content: string,
): Promise<string> {
  const tar = tarOf("hello.txt", utf8(content));
  const layer = new Uint8Array(gzipSync(tar));
  const config = utf8(JSON.stringify({
    architecture: "amd64",
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: [`sha256:${sha256Hex(tar)}`] },
  }));
  const describe = (mediaType: string, bytes: Bytes) => ({
    mediaType,
    digest: `sha256:${sha256Hex(bytes)}`,
    size: bytes.length,
  });
  const manifest = utf8(JSON.stringify({
    schemaVersion: 2,
    mediaType: TYPES.manifest,
    config: describe(TYPES.config, config),
    layers: [describe(TYPES.layer, layer)],
  }));
  for (const blob of [layer, config]) {
    // The one way that every registry has to know; a single POST with the bytes is for registries that like it.
    const uploads = new URL(`/v2/${path}/blobs/uploads/`, registry);
    const { headers } = await call(send, { method: "POST", url: uploads }, 202);
    const place = locationOf(headers, uploads);
    place.searchParams.set("digest", `sha256:${sha256Hex(blob)}`);
    await put(send, place, "application/octet-stream", blob);
  }
  await put(send, new URL(`/v2/${path}/manifests/${tag}`, registry), TYPES.manifest, manifest);
  return `sha256:${sha256Hex(manifest)}`;
}

async function put(send: Send, url: URL, type: string, body: Bytes): Promise<void> {
  await call(send, { method: "PUT", url, headers: { "content-type": type }, body }, 201);
}

async function call(
  send: Send,
  what: Pick<Call, "method" | "url" | "headers" | "body">,
  wanted: number,
): Promise<Answer> {
  const answer = await exchange(send, { service: "Registry", ...what, maxBytes: 65536, timeoutMs: 30_000 });
  if (answer.status === wanted) return answer;
  throw refused(what.url, `status ${answer.status}`, { status: answer.status });
}

/** Where an upload goes on, which may be relative (OCI Distribution 1.1, "Pushing blobs"). */
function locationOf(headers: Headers, uploads: URL): URL {
  const location = headers.get("location");
  const url = location === null ? null : URL.parse(location, uploads);
  if (!url) throw refused(uploads, "it does not say where the upload goes on");
  return url;
}

function refused(url: URL, why: string, details: Details = {}): TagsealError {
  return new TagsealError("unavailable", `The registry "${url.origin}" does not take the image (${why})`, {
    remedy: "Look at the registry's log",
    details,
  });
}

/** A tar archive (POSIX.1-1988 ustar) of one file. */
function tarOf(name: string, bytes: Bytes): Bytes {
  const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, "0")}\0`;
  const header = new Uint8Array(512);
  const field = (at: number, value: string) => header.set(utf8(value), at);
  field(0, name);
  field(100, octal(0o644, 8));
  field(108, octal(0, 8));
  field(116, octal(0, 8));
  field(124, octal(bytes.length, 12));
  field(136, octal(0, 12));
  field(148, "        ");
  field(156, "0");
  field(257, "ustar\x0000");
  field(148, `${octal(header.reduce((sum, byte) => sum + byte, 0), 7)} `);
  const padding = new Uint8Array((512 - bytes.length % 512) % 512);
  return concat(header, bytes, padding, new Uint8Array(1024));
}
