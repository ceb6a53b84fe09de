/** What is attached to an image: at registries that keep lists, and at those that do not. */
import assert from "node:assert/strict";
import { text, utf8 } from "../../lib/bytes/bytes.ts";
import { digestOf } from "../../lib/registry/blob.ts";
import type { Descriptor } from "../../lib/registry/descriptor.ts";
import { findManifest, tagManifest } from "../../lib/registry/manifest.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../../lib/registry/manifest_type.ts";
import { addReferrer, listReferrers, referrersTag } from "../../lib/registry/referrers.ts";
import { failsWith } from "../support/failures.ts";
import { attachment, registryWorld } from "../support/registries.ts";

const SUBJECT: Descriptor = { mediaType: OCI_INDEX, digest: digestOf(utf8("an image")), size: 8 };
const TAG = referrersTag(SUBJECT.digest);
const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const listing = { headers: { "content-type": OCI_INDEX } };

for (const lists of [true, false]) {
  Deno.test(`what is attached is listed, by kind, ${lists ? "by the registry" : "under the tag"}`, async () => {
    const { repository, asked } = registryWorld(lists);
    assert.deepEqual(await listReferrers(repository, SUBJECT.digest), []);
    const one = await attachment(repository, SUBJECT, "one", BUNDLE);
    const two = await attachment(repository, SUBJECT, "two");
    for (const manifest of [one, two]) assert.equal(await addReferrer(repository, manifest), "added");
    assert.equal(await findManifest(repository, TAG) === undefined, lists);
    assert.equal(await addReferrer(repository, one), lists ? "added" : "there");
    asked.length = 0;
    const bundles = await listReferrers(repository, SUBJECT.digest, BUNDLE);
    assert.deepEqual(bundles, [{
      mediaType: OCI_MANIFEST,
      digest: digestOf(one.bytes),
      size: one.bytes.length,
      artifactType: BUNDLE,
      annotations: { "org.example.of": "one" },
    }]);
    const query = `artifactType=${encodeURIComponent(BUNDLE)}`;
    assert.equal(asked[0], `GET /v2/team/app/referrers/${SUBJECT.digest}?${query}`);
    assert.ok(query.includes("%2Bjson"));
    const digests = (await listReferrers(repository, SUBJECT.digest)).map(({ digest }) => digest);
    assert.deepEqual(digests.toSorted(), [one, two].map(({ bytes }) => digestOf(bytes)).toSorted());
  });
}

Deno.test("attaching takes one call more than its blobs where the registry keeps lists, else one write to the tag", async () => {
  for (const [lists, calls] of [[true, ["PUT"]], [false, ["PUT", "GET", "PUT", "GET"]]] as const) {
    const { repository, asked } = registryWorld(lists);
    const manifest = await attachment(repository, SUBJECT, "one");
    asked.length = 0;
    await addReferrer(repository, manifest);
    assert.deepEqual(asked.map((line) => line.split(" ")[0]), calls);
  }
});

Deno.test("a registry that lists it under something else does not list it", async () => {
  const world = registryWorld(false);
  const manifest = await attachment(world.repository, SUBJECT, "one");
  world.between = async (request, handle) => {
    const answer = await handle(request);
    if (request.method === "PUT") answer.headers.set("oci-subject", digestOf(utf8("another image")));
    return answer;
  };
  await addReferrer(world.repository, manifest);
  assert.equal((await listReferrers(world.repository, SUBJECT.digest)).length, 1);
});

Deno.test("the entries of others under the tag stay as they were, and the new one says of what kind it is", async () => {
  const { repository } = registryWorld(false);
  await addReferrer(repository, await attachment(repository, SUBJECT, "theirs"));
  const before = text((await findManifest(repository, TAG))!.bytes);
  const spaced = before.replace('"manifests":[', '"vendor" : [1.0],"manifests":[\n ');
  await tagManifest(repository, { mediaType: OCI_INDEX, bytes: utf8(spaced) }, TAG);
  const ours = await attachment(repository, SUBJECT, "ours", BUNDLE);
  await addReferrer(repository, ours);
  const after = text((await findManifest(repository, TAG))!.bytes);
  const entry = {
    mediaType: OCI_MANIFEST,
    digest: digestOf(ours.bytes),
    size: ours.bytes.length,
    annotations: { "org.example.of": "ours" },
    artifactType: BUNDLE,
  };
  assert.equal(after, spaced.replace(/\]\}$/, `,${JSON.stringify(entry)}]}`));
});

Deno.test("a tag that is no index is left alone", async () => {
  const { repository, asked } = registryWorld(false);
  const theirs = await attachment(repository, SUBJECT, "theirs");
  await tagManifest(repository, theirs, TAG);
  assert.deepEqual(await listReferrers(repository, SUBJECT.digest), []);
  const ours = await attachment(repository, SUBJECT, "ours");
  asked.length = 0;
  await failsWith(addReferrer(repository, ours), "exists", `The tag "${TAG}"`);
  assert.deepEqual(asked.filter((line) => line.includes(TAG)), [`GET /v2/team/app/manifests/${TAG}`]);
});

Deno.test("a registry that keeps no list says so in many ways; the tag is read then", async (t) => {
  const answers: [string, () => Response][] = [
    ...[400, 401, 403, 404, 405, 501].map((status) =>
      [`${status}`, () => new Response("no", { status })] as [string, () => Response]
    ),
    ["a page", () => new Response("<html>", { headers: { "content-type": "text/html" } })],
    ["nothing", () => new Response("")],
    ["another document", () => Response.json({ repositories: [] })],
    ["no list in it", () => Response.json({ manifests: {} }, listing)],
  ];
  for (const [name, answer] of answers) {
    await t.step(name, async () => {
      const world = registryWorld(false);
      await addReferrer(world.repository, await attachment(world.repository, SUBJECT, "one"));
      world.between = (request) => request.url.includes("/referrers/") ? answer() : undefined;
      assert.equal((await listReferrers(world.repository, SUBJECT.digest)).length, 1);
    });
  }
});

Deno.test("a list that cannot be read for the moment is not taken for an empty one", async () => {
  const world = registryWorld(false);
  world.between = (request) => request.url.includes("/referrers/") ? new Response(null, { status: 503 }) : undefined;
  await failsWith(listReferrers(world.repository, SUBJECT.digest), "unavailable", "status 503");
  await addReferrer(world.repository, await attachment(world.repository, SUBJECT, "one"));
  assert.equal((await listReferrers(world.repository, SUBJECT.digest)).length, 1);
  world.between = (request) =>
    request.url.includes(`manifests/${TAG}`) ? new Response(null, { status: 500 }) : undefined;
  await failsWith(listReferrers(world.repository, SUBJECT.digest), "unavailable", "status 500");
});

Deno.test("pages of a list are followed within the registry, and not for ever", async (t) => {
  const entry = (n: number) => ({
    mediaType: OCI_MANIFEST,
    digest: digestOf(utf8(`${n}`)),
    size: n,
    artifactType: "x/y",
  });
  const pages = (next: (page: number) => string | undefined) => {
    const world = registryWorld();
    world.between = (request) => {
      const url = new URL(request.url);
      const page = Number(url.searchParams.get("page") ?? 0);
      const link = next(page);
      const headers = { ...listing.headers, ...(link === undefined ? {} : { link: `<${link}>; rel="next"` }) };
      return Response.json({ manifests: [entry(page)] }, { headers });
    };
    return world;
  };
  const path = `/v2/team/app/referrers/${SUBJECT.digest}`;
  await t.step("three pages", async () => {
    const { repository, asked } = pages((page) => page < 2 ? `${path}?page=${page + 1}` : undefined);
    assert.deepEqual((await listReferrers(repository, SUBJECT.digest)).map(({ size }) => size), [0, 1, 2]);
    assert.equal(asked.length, 3);
  });
  await t.step("elsewhere", async () => {
    const { repository, asked } = pages(() => "https://elsewhere.test/list");
    await failsWith(listReferrers(repository, SUBJECT.digest), "unavailable", "goes on at another host");
    assert.equal(asked.length, 1);
  });
  await t.step("for ever", async () => {
    const { repository, asked } = pages((page) => `${path}?page=${page + 1}`);
    await failsWith(listReferrers(repository, SUBJECT.digest), "unavailable", "has more than 100 pages");
    assert.equal(asked.length, 101);
  });
  await t.step("long ones", async () => {
    const world = pages((page) => `${path}?page=${page + 1}`);
    world.between = () =>
      new Response(`{"manifests":[]${" ".repeat(4_000_000)}}`, {
        headers: { ...listing.headers, link: `<${path}>; rel=next` },
      });
    await failsWith(listReferrers(world.repository, SUBJECT.digest), "unavailable", "too long");
    assert.ok(world.asked.length <= 5);
  });
  await t.step("a page that breaks off", async () => {
    const world = pages((page) => `${path}?page=${page + 1}`);
    const first = world.between!;
    world.between = (request, handle) =>
      request.url.includes("page=") ? new Response(null, { status: 404 }) : first(request, handle);
    await failsWith(listReferrers(world.repository, SUBJECT.digest), "unavailable", "status 404");
  });
});

Deno.test("entries that are none are left out, and a list that was not filtered is filtered here", async () => {
  const world = registryWorld();
  const good = {
    mediaType: OCI_MANIFEST,
    digest: SUBJECT.digest,
    size: 1,
    artifactType: "x/y",
    annotations: { a: "b", n: 1 },
  };
  const manifests = [
    null,
    1,
    [],
    {},
    { ...good, digest: "sha256:x" },
    { ...good, size: -1 },
    { ...good, size: "1" },
    {
      ...good,
      mediaType: 1,
    },
    { ...good, artifactType: "other/kind" },
    good,
  ];
  world.between = () => Response.json({ manifests }, listing);
  const found = await listReferrers(world.repository, SUBJECT.digest, "x/y");
  assert.deepEqual(found, [{ ...good, annotations: { a: "b" } }]);
});

Deno.test("a manifest without subject is attached to nothing", async () => {
  const { repository, asked } = registryWorld();
  const bytes = utf8(JSON.stringify({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: {}, layers: [] }));
  await failsWith(addReferrer(repository, { mediaType: OCI_MANIFEST, bytes }), "unexpected", "names no subject");
  assert.deepEqual(asked, []);
});
