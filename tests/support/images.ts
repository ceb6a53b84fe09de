/** Images and indexes, made without any engine. @module */
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { type Bytes, concat, utf8 } from "../../lib/bytes/bytes.ts";

/** What an image runs on. */
export interface Platform {
  /** Operating system, as in `GOOS`. */
  readonly os: string;
  /** Processor, as in `GOARCH`. */
  readonly architecture: string;
}

/** Content by its digest. */
export interface Descriptor {
  /** What it is. */
  readonly mediaType: string;
  /** `sha256:<hex>`. */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
}

/** This machine. */
export const HERE: Platform = { os: "linux", architecture: Deno.build.arch === "aarch64" ? "arm64" : "amd64" };

/** Content of any kind by digest, in the order in which it may be pushed. */
export type Blobs = Map<string, Bytes>;

/** Adds an image of one layer that holds the file `/content`. */
export function imageManifest(blobs: Blobs, content: string, platform: Platform): Descriptor {
  const layer = tarFile("content", utf8(content));
  const created = "2026-01-01T00:00:00Z";
  return addJson(blobs, "application/vnd.oci.image.manifest.v1+json", {
    config: addJson(blobs, "application/vnd.oci.image.config.v1+json", {
      created,
      ...platform,
      config: { Cmd: ["/content"] },
      rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
      history: [{ created, created_by: "tagseal tests" }],
    }),
    layers: [add(blobs, "application/vnd.oci.image.layer.v1.tar+gzip", new Uint8Array(gzipSync(layer)))],
  });
}

/** Adds a manifest, an index or a configuration. */
export function addJson(blobs: Blobs, mediaType: string, value: object): Descriptor {
  const head = mediaType.includes(".config.") ? {} : { schemaVersion: 2, mediaType };
  return add(blobs, mediaType, utf8(JSON.stringify({ ...head, ...value })));
}

function add(blobs: Blobs, mediaType: string, bytes: Bytes): Descriptor {
  const digest = digestOf(bytes);
  blobs.set(digest, bytes);
  return { mediaType, digest, size: bytes.length };
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** A tar archive (POSIX ustar) of one file. */
function tarFile(name: string, content: Bytes): Bytes {
  const octal = (value: number, width: number) => value.toString(8).padStart(width - 1, "0") + "\0";
  const head = name.padEnd(100, "\0") + octal(0o755, 8) + octal(0, 8) + octal(0, 8) + octal(content.length, 12) +
    octal(0, 12);
  const tail = ("0".padEnd(101, "\0") + "ustar\0" + "00").padEnd(512 - 156, "\0");
  const sum = utf8(head + " ".repeat(8) + tail).reduce((total, byte) => total + byte, 0);
  const padding = new Uint8Array((512 - content.length % 512) % 512 + 1024);
  return concat(utf8(head + octal(sum, 7) + " " + tail), content, padding);
}
