/** Pushes images without any client, to registries that ask for no token: where no program may be needed. @module */
import assert from "node:assert/strict";
import type { Bytes } from "../../lib/bytes/bytes.ts";
import { type Blobs, HERE, imageManifest } from "./images.ts";
import type { Peers } from "./peers.ts";

/** Pushes an image for each tag, which holds the tag as `/content`; their digests by tag. */
export function pushPlainly(
  peers: Peers,
  repositoryPath: string,
  ...tags: string[]
): Promise<Record<string, string>> {
  return pushContents(peers, repositoryPath, Object.fromEntries(tags.map((tag) => [tag, tag])));
}

/** Pushes an image for each tag, which holds what is given for it as `/content`; their digests by tag. */
export async function pushContents(
  { registryHost, caPem }: Peers,
  repositoryPath: string,
  contents: Readonly<Record<string, string>>,
): Promise<Record<string, string>> {
  using client = Deno.createHttpClient({ caCerts: [caPem] });
  const base = `https://${registryHost}/v2/${repositoryPath}/`;
  const send = async (method: string, url: URL, status: number, body?: Bytes, type = "application/octet-stream") => {
    const response = await fetch(url, { client, method, ...(body ? { body, headers: { "content-type": type } } : {}) });
    assert.equal(response.status, status, `${method} ${url}: ${await response.text()}`);
    return response;
  };
  const pushed = Object.entries(contents).map(async ([tag, content]) => {
    const blobs: Blobs = new Map();
    const { digest, mediaType } = imageManifest(blobs, content, HERE);
    for (const [name, bytes] of blobs) {
      if (name === digest) continue;
      const { headers } = await send("POST", new URL("blobs/uploads/", base), 202);
      const place = new URL(headers.get("location")!, base);
      place.searchParams.set("digest", name);
      await send("PUT", place, 201, bytes);
    }
    await send("PUT", new URL(`manifests/${tag}`, base), 201, blobs.get(digest)!, mediaType);
    return [tag, digest] as const;
  });
  return Object.fromEntries(await Promise.all(pushed));
}
