/** What is taken of the signatures that a registry shows for one manifest, whatever else it shows beside them. */
import assert from "node:assert/strict";
import { type Bytes, utf8 } from "../../../lib/bytes/bytes.ts";
import { digestOf } from "../../../lib/registry/blob.ts";
import type { Digest } from "../../../lib/registry/image_ref.ts";
import { MAX_MANIFEST_BYTES, type StoredManifest } from "../../../lib/registry/manifest.ts";
import { OCI_MANIFEST } from "../../../lib/registry/manifest_type.ts";
import { type CosignSource, MAX_REFERRERS, readAttached } from "../../../lib/schemes/cosign/attached.ts";
import { BUNDLE } from "../../../lib/schemes/cosign/bundle.ts";
import { signatureTag } from "../../../lib/schemes/cosign/classic.ts";
import { sample } from "../../support/cosign.ts";

type Members = Readonly<Record<string, unknown>>;

const SUBJECT: Digest = `sha256:${"5b".repeat(32)}`;
const descriptor = (bytes: Bytes, more: Members = {}) => ({
  mediaType: "application/octet-stream",
  digest: digestOf(bytes),
  size: bytes.length,
  ...more,
});

function stored(members: Members, mediaType = OCI_MANIFEST): StoredManifest {
  const config = descriptor(utf8("{}"));
  const bytes = utf8(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config, ...members }));
  return { bytes, mediaType, digest: digestOf(bytes) };
}

/** A place with these manifests and blobs; `asked` are the blobs that were asked for. */
function place(
  manifests: ReadonlyMap<string, Awaited<ReturnType<CosignSource["manifest"]>>>,
  blobs: ReadonlyMap<string, Bytes> = new Map(),
  referrers: readonly Digest[] = [],
): CosignSource & { readonly asked: string[]; readonly read: string[] } {
  const [asked, read]: [string[], string[]] = [[], []];
  return {
    asked,
    read,
    manifest: (reference) => (read.push(reference), Promise.resolve(manifests.get(reference))),
    blob: (digest) => (asked.push(digest), Promise.resolve(blobs.get(digest))),
    referrers: () => Promise.resolve(referrers.map((digest) => ({ digest }))),
  };
}

const classicIn = async (source: CosignSource) => (await readAttached(source, SUBJECT)).classic;
const under = (layers: readonly Members[]) => new Map([[signatureTag(SUBJECT), stored({ layers })]]);
const blobsOf = (...all: Bytes[]) => new Map(all.map((bytes): [string, Bytes] => [digestOf(bytes), bytes]));

Deno.test("attached: payloads are fetched once each, and those that are known not at all", async () => {
  const [one, two, known] = ["one", "two", "known"].map(utf8) as [Bytes, Bytes, Bytes];
  const layers = [one, two, one, known].map((bytes) => descriptor(bytes));
  const source = place(under(layers), blobsOf(one, two));
  const { classic } = await readAttached(source, SUBJECT, [known]);
  assert.ok(classic && typeof classic === "object");
  assert.deepEqual([...classic.payloads.keys()].sort(), [one, two, known].map(digestOf).sort());
  assert.deepEqual(source.asked.sort(), [one, two].map(digestOf).sort());
});

Deno.test("attached: a payload that is missing, is another one or too large spoils all under the tag", async () => {
  const [good, other] = [utf8("good"), utf8("other")];
  const missing = place(under([descriptor(good), descriptor(other)]), blobsOf(good));
  assert.equal(await classicIn(missing), "payload-missing");
  const swapped = place(under([descriptor(good)]), new Map([[digestOf(good), other]]));
  assert.equal(await classicIn(swapped), "payload-of-other-bytes");
  const large = place(under([descriptor(good, { size: MAX_MANIFEST_BYTES + 1 })]), blobsOf(good));
  assert.equal(await classicIn(large), "payloads-too-large");
  assert.deepEqual(large.asked, [], "what says so is not asked for");
  const largest = place(under([descriptor(good, { size: MAX_MANIFEST_BYTES })]), blobsOf(good));
  assert.equal(typeof await classicIn(largest), "object");
  for (const unusable of ["manifest-of-other-type", "malformed-manifest"] as const) {
    assert.equal(await classicIn(place(new Map([[signatureTag(SUBJECT), unusable]]))), unusable);
  }
  assert.equal(await classicIn(place(new Map())), undefined);
});

Deno.test("attached: payloads are not read without end, whatever each of them is", async () => {
  // Those that are under way when there are enough are read to their end.
  assert.equal(MAX_MANIFEST_BYTES, 2 ** 22);
  const blobs = Array.from({ length: 36 }, (_, i) => new Uint8Array(MAX_MANIFEST_BYTES).fill(i + 1));
  const small = Array.from({ length: 12 }, (_, i) => utf8(`small ${i}`));
  const few = [...blobs.slice(0, 15), ...small]; // less than 64 MiB in all
  assert.equal(typeof await classicIn(place(under(few.map((bytes) => descriptor(bytes))), blobsOf(...few))), "object");
  const many = place(under(blobs.map((bytes) => descriptor(bytes))), blobsOf(...blobs));
  assert.ok(await classicIn(many) === "payloads-too-large", "its message would be long");
  assert.ok(many.asked.length < blobs.length, `${many.asked.length} were asked for`);
});

Deno.test("attached: of referrers bundles are taken, and what to another reader may be one is told", async () => {
  const bytes = utf8("no bundle");
  const layer = descriptor(bytes, { mediaType: BUNDLE });
  const subject = { mediaType: OCI_MANIFEST, digest: SUBJECT, size: 10 };
  const own = { artifactType: BUNDLE, layers: [layer], subject };
  const rows: [string, StoredManifest | "manifest-of-other-type" | "malformed-manifest" | undefined, unknown][] = [
    ["nothing", undefined, undefined],
    ["another type", "manifest-of-other-type", undefined],
    ["an index", stored(own, "application/vnd.oci.image.index.v1+json"), undefined],
    ["no manifest", "malformed-manifest", "malformed-manifest"],
    ["something else", stored({ ...own, artifactType: "x/y", layers: [descriptor(bytes)] }), undefined],
    ["by its layer alone", stored({ ...own, artifactType: "x/y" }), "malformed-manifest"],
    ["by its type alone", stored({ ...own, layers: [descriptor(bytes)] }), "malformed-manifest"],
    ["no layer", stored({ ...own, layers: [] }), "malformed-manifest"],
    ["two layers", stored({ ...own, layers: [layer, layer] }), "malformed-manifest"],
    ["of another manifest", stored({ ...own, subject: { ...subject, digest: layer.digest } }), "malformed-manifest"],
    ["of none", stored({ ...own, subject: undefined }), "malformed-manifest"],
    ["too large", stored({ ...own, layers: [{ ...layer, size: MAX_MANIFEST_BYTES + 1 }] }), "manifest-too-large"],
    [
      "as large as it may be, by its own word",
      stored({ ...own, layers: [{ ...layer, size: MAX_MANIFEST_BYTES }] }),
      "malformed-bundle",
    ],
    ["a size that it has not", stored({ ...own, layers: [{ ...layer, size: 8 }] }), "malformed-bundle"],
    [
      "a blob that is missing",
      stored({ ...own, layers: [descriptor(utf8("gone"), { mediaType: BUNDLE })] }),
      "malformed-bundle",
    ],
  ];
  for (const [name, manifest, bundle] of rows) {
    const digest = manifest && typeof manifest === "object" ? manifest.digest : digestOf(utf8(name));
    const source = place(new Map([[digest, manifest]]), blobsOf(bytes), [digest]);
    const { bundles } = await readAttached(source, SUBJECT);
    assert.deepEqual(bundles, bundle === undefined ? [] : [{ manifest: digest, bundle }], name);
  }
  const good = stored(own);
  const swapped = place(new Map([[SUBJECT, good]]), blobsOf(bytes), [SUBJECT]);
  const { bundles } = await readAttached(swapped, SUBJECT);
  assert.deepEqual(bundles, [{ manifest: SUBJECT, bundle: "malformed-manifest" }], "other bytes than the digest's");
});

Deno.test("attached: a bundle is taken by its digest: another good one, as long as it is, is not taken for it", async () => {
  const [bundle, other] = [
    await sample("p256/cosign-bundle/bundle.json"),
    await sample("p384/cosign-bundle/bundle.json"),
  ];
  const subject = { mediaType: OCI_MANIFEST, digest: SUBJECT, size: 10 };
  const layer = descriptor(bundle, { mediaType: BUNDLE });
  const read = async (layer: Members) => {
    const manifest = stored({ artifactType: BUNDLE, layers: [layer], subject });
    const blobs = new Map([[`${layer["digest"]}`, bundle]]);
    const source = place(new Map([[manifest.digest, manifest]]), blobs, [manifest.digest]);
    return (await readAttached(source, SUBJECT)).bundles.map(({ bundle }) => bundle);
  };
  const [good] = await read(layer);
  assert.ok(typeof good === "object");
  assert.equal(good.tag, "1.4.2");
  assert.deepEqual(await read({ ...layer, digest: digestOf(other) }), ["malformed-bundle"]);
});

Deno.test("attached: so many referrers are read and no more, and how many are left is known", async () => {
  const all = Array.from({ length: MAX_REFERRERS + 3 }, (_, i) => digestOf(utf8(`${i}`)));
  const source = place(new Map(), new Map(), all);
  const { unread } = await readAttached(source, SUBJECT);
  assert.equal(MAX_REFERRERS, 256);
  assert.equal(unread, 3);
  assert.deepEqual(source.read.filter((name) => name !== signatureTag(SUBJECT)).sort(), all.slice(0, -3).sort());
  assert.equal((await readAttached(place(new Map(), new Map(), all.slice(0, 2)), SUBJECT)).unread, 0);
});
