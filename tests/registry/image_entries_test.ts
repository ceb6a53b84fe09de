/** Images and all entries of their indexes. */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { digestOf } from "../../lib/registry/blob.ts";
import type { Descriptor } from "../../lib/registry/descriptor.ts";
import { findImage } from "../../lib/registry/image_entries.ts";
import { pushManifest, tagManifest } from "../../lib/registry/manifest.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../../lib/registry/manifest_type.ts";
import type { RegistryRepository } from "../../lib/registry/repository.ts";
import { failsWith } from "../support/failures.ts";
import { blobOf, registryWorld } from "../support/registries.ts";

const LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
const describe = (mediaType: string, bytes: Bytes): Descriptor => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
});

async function push(repository: RegistryRepository, mediaType: string, members: object): Promise<Descriptor> {
  const bytes = utf8(JSON.stringify({ schemaVersion: 2, mediaType, ...members }));
  await pushManifest(repository, { mediaType, bytes });
  return describe(mediaType, bytes);
}

async function pushImage(repository: RegistryRepository, content: string): Promise<Descriptor> {
  const config = await blobOf(repository, "{}", "application/vnd.oci.image.config.v1+json");
  return await push(repository, OCI_MANIFEST, { config, layers: [await blobOf(repository, content, "text/plain")] });
}

const on = (descriptor: Descriptor, os: string, architecture: string, variant?: string) => ({
  ...descriptor,
  platform: { os, architecture, ...(variant === undefined ? {} : { variant }) },
});

Deno.test("an image alone has no entries, and what is missing is nothing", async () => {
  const { repository, asked } = registryWorld();
  const image = await pushImage(repository, "one");
  asked.length = 0;
  assert.deepEqual(await findImage(repository, image.digest), { image, entries: [] });
  assert.equal(asked.length, 1);
  assert.equal(await findImage(repository, "v1"), undefined);
});

Deno.test("every entry of an index, attestations as well, in one read", async () => {
  for (const type of [OCI_INDEX, LIST]) {
    const { repository, asked } = registryWorld();
    const [amd64, arm64, attestation] = await Promise.all(["a", "b", "c"].map((name) => pushImage(repository, name)));
    const manifests = [
      on(amd64!, "linux", "amd64"),
      on(arm64!, "linux", "arm64", "v8"),
      on(attestation!, "unknown", "unknown"),
      on(amd64!, "linux", "amd64", "v2"),
    ];
    const image = await push(repository, type, { manifests });
    asked.length = 0;
    assert.deepEqual(await findImage(repository, image.digest), {
      image,
      entries: [
        { ...amd64, platform: "linux/amd64" },
        { ...arm64, platform: "linux/arm64/v8" },
        { ...attestation, platform: "unknown/unknown" },
      ],
    });
    assert.equal(asked.length, 1);
  }
});

Deno.test("an index within an index brings its own entries, by tag as well", async () => {
  const { repository } = registryWorld();
  const image = await pushImage(repository, "a");
  const inner = await push(repository, OCI_INDEX, { manifests: [on(image, "linux", "amd64")] });
  const bytes = utf8(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [inner] }));
  await tagManifest(repository, { mediaType: OCI_INDEX, bytes }, "v1");
  assert.deepEqual(await findImage(repository, "v1"), {
    image: describe(OCI_INDEX, bytes),
    entries: [inner, { ...image, platform: "linux/amd64" }],
  });
});

Deno.test("what cannot be signed as a whole is refused", async (t) => {
  const world = registryWorld();
  const { repository } = world;
  let inner = await push(repository, OCI_INDEX, { manifests: [] });
  for (let depth = 0; depth < 4; depth++) inner = await push(repository, OCI_INDEX, { manifests: [inner] });
  await t.step("too deep", async () => {
    await failsWith(findImage(repository, inner.digest), "bad-input", "in more than 3 indexes");
  });
  await t.step("a nested one with other bytes", async () => {
    world.between = async (request, handle) => {
      if (request.url.endsWith(inner.digest)) return undefined;
      await handle(request);
      return Response.json({ schemaVersion: 2, manifests: [] }, { headers: { "content-type": OCI_INDEX } });
    };
    await failsWith(
      findImage(repository, inner.digest),
      "trust-invalid",
      "was answered with bytes that have the digest",
    );
    world.between = (request) => request.url.endsWith(inner.digest) ? undefined : new Response(null, { status: 404 });
    await failsWith(findImage(repository, inner.digest), "not-found", "which is not there");
  });
  const good = { mediaType: OCI_MANIFEST, digest: `sha256:${"0".repeat(64)}`, size: 1 };
  const rows: [string, unknown, string][] = [
    ["another hash", [{ ...good, digest: `sha512:${"0".repeat(128)}` }], "without media type, size and SHA-256 digest"],
    ["no size", [{ ...good, size: undefined }], "without media type, size and SHA-256 digest"],
    ["no list", {}, "without media type, size and SHA-256 digest"],
    ["no entries", undefined, "without media type, size and SHA-256 digest"],
    ["too many", Array.from({ length: 1001 }, (_, n) => ({ ...good, digest: digestOf(utf8(`${n}`)) })), "above 1000"],
  ];
  for (const [name, manifests, words] of rows) {
    await t.step(name, async () => {
      world.between = () => Response.json({ schemaVersion: 2, manifests }, { headers: { "content-type": OCI_INDEX } });
      await failsWith(findImage(repository, "v1"), "bad-input", words);
    });
  }
});
