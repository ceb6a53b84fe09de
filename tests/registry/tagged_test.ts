/** Adding to what a tag stands for, among others who do the same. */
import assert from "node:assert/strict";
import { type Bytes, text, utf8 } from "../../lib/bytes/bytes.ts";
import { findManifest, tagManifest } from "../../lib/registry/manifest.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../../lib/registry/manifest_type.ts";
import type { RegistryRepository } from "../../lib/registry/repository.ts";
import { addToTagged } from "../../lib/registry/tagged.ts";
import { failsWith } from "../support/failures.ts";
import { blobOf, jumpingClock, registryWorld, signatureOf, signaturesIn } from "../support/registries.ts";

const TAG = `sha256-${"a".repeat(64)}.sig`;

const signing = (repository: RegistryRepository, name: string) => signatureOf(repository, TAG, name);

const signatures = (repository: RegistryRepository) => signaturesIn(repository, TAG);

Deno.test("what is added is there when it is said, after one read, one write, one wait and one more read", async () => {
  const { repository, asked, pauses } = registryWorld();
  const addition = await signing(repository, "ours");
  asked.length = 0;
  assert.equal(await addToTagged(repository, addition), "added");
  const path = `/v2/team/app/manifests/${TAG}`;
  assert.deepEqual(asked, [`GET ${path}`, `PUT ${path}`, `GET ${path}`]);
  assert.ok(pauses.length === 1 && pauses[0]! >= 250 && pauses[0]! < 2000, String(pauses));
  assert.equal(await addToTagged(repository, addition), "there");
  assert.deepEqual([asked.length, pauses.length], [4, 1]);
});

Deno.test("waits differ from one another", async () => {
  const { repository, pauses } = registryWorld();
  for (const name of ["a", "b", "c", "d"]) await addToTagged(repository, await signing(repository, name));
  assert.equal(new Set(pauses.map(Math.round)).size > 1, true, String(pauses));
});

Deno.test("what others have there stays as they wrote it", async () => {
  const { repository } = registryWorld();
  const layer = await blobOf(repository, "theirs", "text/plain");
  const config = await blobOf(repository, "{}", "text/plain");
  const theirs = `{ "vendor" : 1.50,\n "schemaVersion":2, "config":${JSON.stringify(config)},` +
    `"mediaType":"${OCI_MANIFEST}" , "layers":[ {"x\\u003c":[ ],"digest":"${layer.digest}","size":6,` +
    `"mediaType":"text/plain","annotations":{"signature":"theirs"}} ], "annotations":{"k":"\\u00fc"}}\n`;
  await tagManifest(repository, { mediaType: OCI_MANIFEST, bytes: utf8(theirs) }, TAG);
  await addToTagged(repository, await signing(repository, "ours"));
  const now = text((await findManifest(repository, TAG))!.bytes);
  const at = theirs.indexOf(' ], "annotations"') + 1;
  assert.ok(now.startsWith(theirs.slice(0, at)) && now.endsWith(theirs.slice(at)), now);
  assert.deepEqual(await signatures(repository), ["theirs", "ours"]);
});

Deno.test("what another writer erased is added again to what that one wrote", async () => {
  const world = registryWorld();
  const { repository } = world;
  const [ours, theirs] = [await signing(repository, "ours"), await signing(repository, "theirs")];
  let writes = 0;
  world.between = async (request, handle) => {
    if (request.method !== "PUT" || ++writes > 1) return undefined;
    const answer = await handle(request);
    // The other one had read before us, and writes after us.
    world.between = undefined;
    await tagManifest(repository, { mediaType: OCI_MANIFEST, bytes: await theirs.add(undefined) as Bytes }, TAG);
    return answer;
  };
  assert.equal(await addToTagged(repository, ours), "added");
  assert.deepEqual(await signatures(repository), ["theirs", "ours"]);
  assert.equal(world.pauses.length, 2);
});

Deno.test("whoever is erased each time gives up, having taken away nothing", async () => {
  const world = registryWorld();
  const { repository } = world;
  const [ours, theirs] = [await signing(repository, "ours"), await signing(repository, "theirs")];
  const other = await theirs.add(undefined) as Bytes;
  await tagManifest(repository, { mediaType: OCI_MANIFEST, bytes: other }, TAG);
  let writes = 0;
  world.between = async (request, handle) => {
    if (request.method !== "PUT") return undefined;
    writes++;
    await handle(new Request(request.url, { method: "PUT", headers: request.headers, body: other }));
    return new Response(null, { status: 201 });
  };
  await failsWith(
    addToTagged(repository, ours),
    "stale",
    `The tag "${TAG}" of the repository "team/app" was rewritten`,
  );
  assert.deepEqual([writes, world.pauses.length], [8, 8]);
  world.between = undefined;
  assert.deepEqual(await signatures(repository), ["theirs"]);
});

Deno.test("whoever cannot read does not write: only a 404 means that there is nothing", async (t) => {
  const html = () => new Response("<html>", { headers: { "content-type": "text/html" } });
  const empty = () => new Response("", { headers: { "content-type": OCI_MANIFEST } });
  const rows: [string, () => Response | Promise<Response>, string][] = [
    ...[400, 401, 403, 405, 410, 429, 500, 502, 503, 504].map((status) =>
      [`${status}`, () => new Response(null, { status }), ""] as [string, () => Response, string]
    ),
    ["a page", html, "not a JSON object"],
    ["nothing", empty, "not a JSON object"],
    ["a broken connection", () => Promise.reject(new TypeError("reset")), "cannot be used"],
    ["too much", () => new Response(" ".repeat(4 * 2 ** 20 + 1)), "at most 4194304 bytes"],
    ["another digest", () =>
      new Response("{}", {
        headers: { "content-type": OCI_MANIFEST, "docker-content-digest": `sha256:${"0".repeat(64)}` },
      }), "the registry claims"],
  ];
  for (const [name, answer, words] of rows) {
    await t.step(name, async () => {
      const world = registryWorld();
      const ours = await signing(world.repository, "ours");
      world.between = (request) => request.method === "GET" ? answer() : undefined;
      world.asked.length = 0;
      await assert.rejects(addToTagged(world.repository, ours), (error: Error) => error.message.includes(words));
      assert.deepEqual(world.asked.filter((line) => !line.startsWith("GET")), []);
      const repeated = ["429", "500", "502", "503", "504", "a broken connection"].includes(name);
      assert.equal(world.asked.length, repeated ? 3 : 1);
    });
  }
});

Deno.test("what was there is not written anew where the registry stops showing it, and is added to once it shows it again", async () => {
  for (const hidesFor of [2, Infinity]) {
    for (const knows of ["was told", "has read it", "has written it"] as const) {
      const world = registryWorld();
      const { repository } = world;
      if (knows !== "has written it") await addToTagged(repository, await signing(repository, "theirs"));
      const ours = { ...await signing(repository, "ours"), wasThere: knows === "was told" };
      let [reads, writes] = [0, 0];
      const seen = knows === "was told" ? 0 : 1;
      world.between = (request) => {
        if (request.method === "PUT" && request.url.endsWith(TAG)) writes++;
        if (request.method !== "GET" || !request.url.endsWith(TAG)) return undefined;
        const isHidden = reads >= seen && reads < seen + hidesFor;
        reads++;
        return isHidden ? new Response(null, { status: 404 }) : undefined;
      };
      const adding = addToTagged(repository, ours);
      if (hidesFor === 2) assert.equal(await adding, "added");
      else {
        const error = await failsWith(adding, "unavailable", "shows nothing there now");
        assert.equal(error.published, seen === 0 ? "no" : "maybe");
      }
      assert.equal(writes, hidesFor === 2 || seen === 1 ? 1 : 0, knows);
      world.between = undefined;
      const theirs = knows === "has written it" ? [] : ["theirs"];
      assert.deepEqual(await signatures(repository), writes === 0 ? theirs : [...theirs, "ours"], knows);
    }
  }
});

Deno.test("a 500 in the middle is asked again, and erases nothing", async () => {
  const world = registryWorld();
  const { repository } = world;
  await addToTagged(repository, await signing(repository, "theirs"));
  const ours = await signing(repository, "ours");
  let reads = 0;
  world.between = (request) =>
    request.method === "GET" && reads++ % 2 === 0
      ? new Response('{"errors":[{"code":"UNKNOWN"}]}', { status: 500 })
      : undefined;
  assert.equal(await addToTagged(repository, ours), "added");
  world.between = undefined;
  assert.deepEqual(await signatures(repository), ["theirs", "ours"]);
});

Deno.test("a write whose outcome is unknown is looked at, not repeated blindly", async (t) => {
  await t.step("it was written", async () => {
    const world = registryWorld();
    const ours = await signing(world.repository, "ours");
    let writes = 0;
    world.between = async (request, handle) => {
      if (request.method !== "PUT") return undefined;
      writes++;
      await handle(request);
      throw new TypeError("connection reset");
    };
    assert.equal(await addToTagged(world.repository, ours), "added");
    assert.equal(writes, 1);
  });
  for (const status of [429, 500, 503]) {
    await t.step(`it was not, ${status}`, async () => {
      const world = registryWorld();
      const ours = await signing(world.repository, "ours");
      let writes = 0;
      world.between = (request) =>
        request.method === "PUT" && ++writes === 1 ? new Response(null, { status }) : undefined;
      assert.equal(await addToTagged(world.repository, ours), "added");
      assert.equal(writes, 2);
    });
  }
  await t.step("it never is", async () => {
    const world = registryWorld();
    const ours = await signing(world.repository, "ours");
    world.between = (request) => request.method === "PUT" ? new Response(null, { status: 502 }) : undefined;
    const words = "was not taken: the registry gave status 502";
    const error = await failsWith(addToTagged(world.repository, ours), "unavailable", words);
    assert.equal(error.published, "maybe");
    assert.equal(world.pauses.length, 8);
  });
  await t.step("the registry refuses it", async () => {
    const world = registryWorld();
    const ours = await signing(world.repository, "ours");
    const errors = [{ code: "TAG_INVALID", message: "the tag is immutable" }];
    world.between = (request) => request.method === "PUT" ? Response.json({ errors }, { status: 400 }) : undefined;
    await failsWith(addToTagged(world.repository, ours), "unavailable", 'status 400: "the tag is immutable"');
    assert.equal(world.pauses.length, 0);
  });
});

Deno.test("a registry that hangs is not waited for round by round, and a slow one is waited for longer", async () => {
  using clock = jumpingClock();
  const world = registryWorld();
  const ours = await signing(world.repository, "ours");
  world.between = (request) => {
    if (request.method !== "PUT") return undefined;
    clock.jump(31_000);
    throw new TypeError("cut");
  };
  await failsWith(addToTagged(world.repository, ours), "unavailable", "cannot be used");
  assert.equal(world.asked.filter((line) => line.startsWith("PUT /v2/team/app/manifests")).length, 1);
  assert.ok(world.pauses.length === 1 && world.pauses[0]! >= 3250 && world.pauses[0]! <= 3750, String(world.pauses));
  world.between = (request) => request.method === "PUT" ? void clock.jump(1000) : undefined;
  await addToTagged(world.repository, ours);
  assert.ok(world.pauses[1]! >= 1250 && world.pauses[1]! < 3000, String(world.pauses));
});

Deno.test("something of another kind under the tag is left alone", async () => {
  const { repository, asked } = registryWorld();
  const ours = await signing(repository, "ours");
  const index = utf8(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] }));
  await tagManifest(repository, { mediaType: OCI_INDEX, bytes: index }, TAG);
  asked.length = 0;
  await failsWith(addToTagged(repository, ours), "exists", `stands for "${OCI_INDEX}", not "${OCI_MANIFEST}"`);
  assert.deepEqual(asked, [`GET /v2/team/app/manifests/${TAG}`]);
});

Deno.test("what would grow too large is not sent", async () => {
  const { repository, asked } = registryWorld();
  const bytes = utf8(" ".repeat(4 * 2 ** 20 + 1));
  const addition = { tag: TAG, mediaType: OCI_MANIFEST, add: () => bytes };
  await failsWith(addToTagged(repository, addition), "bad-input", "4194305 bytes");
  assert.equal(asked.length, 1);
});
