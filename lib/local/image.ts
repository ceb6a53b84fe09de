/** A tiny image, built and pushed without any engine: enough to be pulled and run through the whole story. @module */
import { gzipSync } from "node:zlib";
import { type Bytes, concat, utf8 } from "../bytes/bytes.ts";
import { authorize } from "../http/auth.ts";
import { sleep } from "../http/retry.ts";
import type { Send } from "../http/send.ts";
import { digestOf, pushBlob } from "../registry/blob.ts";
import { tagManifest } from "../registry/manifest.ts";
import { OCI_MANIFEST } from "../registry/manifest_type.ts";
import { openRepository } from "../registry/repository.ts";

const TYPES = {
  manifest: OCI_MANIFEST,
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
} as const;

/**
 * Pushes an image whose only file is `/hello.txt`.
 *
 * @returns the manifest's digest, `sha256:<hex>`
 * @throws {TagsealError} `unavailable`, `not-found` (no such repository)
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
    rootfs: { type: "layers", diff_ids: [digestOf(tar)] },
  }));
  const describe = (mediaType: string, bytes: Bytes) => ({ mediaType, digest: digestOf(bytes), size: bytes.length });
  const manifest = utf8(JSON.stringify({
    schemaVersion: 2,
    mediaType: TYPES.manifest,
    config: describe(TYPES.config, config),
    layers: [describe(TYPES.layer, layer)],
  }));
  const service = authorize(send, { service: "registry", allowHttp: false, remedy: "Look at the registry's log" });
  const repository = openRepository({ service, url: registry, path, access: "push,pull", sleep });
  for (const blob of [layer, config]) await pushBlob(repository, blob);
  await tagManifest(repository, { mediaType: TYPES.manifest, bytes: manifest }, tag);
  return digestOf(manifest);
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
