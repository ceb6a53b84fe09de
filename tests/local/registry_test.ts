import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { authorize } from "../../lib/http/auth.ts";
import { createRegistry } from "../../lib/local/registry.ts";
import { sleep } from "../../lib/http/retry.ts";
import { fetchManifest } from "../../lib/registry/manifest.ts";
import { openRepository } from "../../lib/registry/repository.ts";

const OCI = "application/vnd.oci.image.manifest.v1+json";
const DOCKER = "application/vnd.docker.distribution.manifest.v2+json";
const LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
const sha256 = (data: string | Uint8Array) => `sha256:${createHash("sha256").update(data).digest("hex")}`;

type Registry = ReturnType<typeof createRegistry>;

function ask(registry: Registry, method: string, path: string, body?: BodyInit, headers: Record<string, string> = {}) {
  const url = new URL(path, "http://127.0.0.1");
  return registry.handle(new Request(url, { method, headers, ...(body === undefined ? {} : { body }) }));
}

/** As clients ask for manifests: with the types that they know. */
function askManifest(registry: Registry, method: string, path: string) {
  return ask(registry, method, path, undefined, { accept: `${INDEX}, ${OCI}; q=0.5` });
}

async function refusal(response: Response | Promise<Response>): Promise<[number, string]> {
  const { status, headers, body } = await response;
  assert.equal(headers.get("content-type"), "application/json; charset=utf-8");
  const { errors } = await new Response(body).json();
  assert.equal(typeof errors[0].message, "string");
  return [status, errors[0].code];
}

async function pushBlob(registry: Registry, name: string, data: string): Promise<string> {
  const { status } = await ask(registry, "POST", `/v2/${name}/blobs/uploads/?digest=${sha256(data)}`, data);
  assert.equal(status, 201);
  return sha256(data);
}

/** Pushes config, layer and manifest; returns the manifest's text. */
async function pushImage(registry: Registry, name: string, tag: string, content = "layer"): Promise<string> {
  const config = await pushBlob(registry, name, "{}");
  const layer = await pushBlob(registry, name, content);
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: config, size: 2 },
    layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest: layer, size: content.length }],
  });
  const put = await ask(registry, "PUT", `/v2/${name}/manifests/${tag}`, manifest, { "content-type": OCI });
  assert.equal(put.status, 201);
  assert.equal(put.headers.get("docker-content-digest"), sha256(manifest));
  assert.equal(put.headers.get("location"), `/v2/${name}/manifests/${sha256(manifest)}`);
  return manifest;
}

Deno.test("the registry says which interface it speaks", async () => {
  const response = await ask(createRegistry(), "GET", "/v2/");
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("docker-distribution-api-version"), "registry/2.0");
  assert.deepEqual(await response.json(), {});
  assert.deepEqual(await refusal(ask(createRegistry(), "GET", "/v1/")), [404, "UNSUPPORTED"]);
  assert.deepEqual(await refusal(ask(createRegistry(), "POST", "/v2/")), [405, "UNSUPPORTED"]);
  assert.deepEqual(await refusal(ask(createRegistry(), "GET", "/v2/Team/App/tags/list")), [400, "NAME_INVALID"]);
});

Deno.test("a blob in one piece", async () => {
  const registry = createRegistry();
  const digest = await pushBlob(registry, "team/app", "0123456789");
  const head = await ask(registry, "HEAD", `/v2/team/app/blobs/${digest}`);
  assert.equal(head.status, 200);
  assert.equal(head.headers.get("content-length"), "10");
  assert.equal(head.headers.get("docker-content-digest"), digest);
  assert.equal(head.body, null);
  const escaped = await ask(registry, "GET", `/v2/team/app/blobs/${digest.replace(":", "%3A")}`);
  assert.equal(await escaped.text(), "0123456789");
  assert.deepEqual(await refusal(ask(registry, "GET", `/v2/team/other/blobs/${digest}`)), [404, "BLOB_UNKNOWN"]);
  assert.deepEqual(await refusal(ask(registry, "GET", `/v2/team/app/blobs/${sha256("x")}`)), [404, "BLOB_UNKNOWN"]);
  assert.deepEqual(await refusal(ask(registry, "GET", "/v2/team/app/blobs/sha256:abc")), [400, "DIGEST_INVALID"]);
});

Deno.test("ranges of a blob", async () => {
  const registry = createRegistry();
  const digest = await pushBlob(registry, "x", "0123456789");
  const rows: [string, number, string, string | null][] = [
    ["bytes=2-4", 206, "234", "bytes 2-4/10"],
    ["bytes=7-", 206, "789", "bytes 7-9/10"],
    ["bytes=-2", 206, "89", "bytes 8-9/10"],
    ["bytes=8-99", 206, "89", "bytes 8-9/10"],
    ["bytes=-99", 206, "0123456789", "bytes 0-9/10"],
    ["bytes=-", 200, "0123456789", null],
    ["lines=1-2", 200, "0123456789", null],
  ];
  for (const [range, status, text, contentRange] of rows) {
    const response = await ask(registry, "GET", `/v2/x/blobs/${digest}`, undefined, { range });
    assert.deepEqual([response.status, await response.text()], [status, text], range);
    assert.equal(response.headers.get("content-range"), contentRange);
  }
  for (const range of ["bytes=10-", "bytes=5-4", "bytes=-0"]) {
    const response = await ask(registry, "GET", `/v2/x/blobs/${digest}`, undefined, { range });
    assert.equal(response.headers.get("content-range"), "bytes */10");
    assert.deepEqual(await refusal(response), [416, "SIZE_INVALID"]);
  }
});

Deno.test("a blob in chunks", async () => {
  const registry = createRegistry();
  const start = await ask(registry, "POST", "/v2/x/blobs/uploads/");
  assert.equal(start.status, 202);
  const location = start.headers.get("location")!;
  assert.match(location, /^\/v2\/x\/blobs\/uploads\/[0-9a-f-]{36}$/);
  assert.equal(start.headers.get("docker-upload-uuid"), location.slice(-36));
  const first = await ask(registry, "PATCH", location, "01234", { "content-range": "0-4" });
  assert.deepEqual([first.status, first.headers.get("range")], [202, "0-4"]);
  assert.deepEqual(
    await refusal(ask(registry, "PATCH", location, "xx", { "content-range": "7-8" })),
    [416, "BLOB_UPLOAD_INVALID"],
  );
  const second = await ask(registry, "PATCH", location, "567");
  assert.equal(second.headers.get("range"), "0-7");
  const state = await ask(registry, "GET", location);
  assert.deepEqual([state.status, state.headers.get("range")], [204, "0-7"]);
  assert.deepEqual(await refusal(ask(registry, "GET", location.replace("/x/", "/y/"))), [404, "BLOB_UPLOAD_UNKNOWN"]);
  const done = await ask(registry, "PUT", `${location}?digest=${sha256("0123456789")}`, "89");
  assert.equal(done.status, 201);
  assert.equal(done.headers.get("location"), `/v2/x/blobs/${sha256("0123456789")}`);
  assert.equal(await (await ask(registry, "GET", done.headers.get("location")!)).text(), "0123456789");
  assert.deepEqual(await refusal(ask(registry, "PATCH", location, "x")), [404, "BLOB_UPLOAD_UNKNOWN"]);
});

Deno.test("an upload can be given up", async () => {
  const registry = createRegistry();
  const location = (await ask(registry, "POST", "/v2/x/blobs/uploads/")).headers.get("location")!;
  assert.equal((await ask(registry, "DELETE", location)).status, 204);
  assert.deepEqual(await refusal(ask(registry, "GET", location)), [404, "BLOB_UPLOAD_UNKNOWN"]);
});

Deno.test("bytes that do not have the digest are not stored", async () => {
  const registry = createRegistry();
  for (const digest of [sha256("other"), "sha256:abc", "", `sha512:${"0".repeat(128)}`]) {
    const response = ask(registry, "POST", `/v2/x/blobs/uploads/?digest=${digest}`, "data");
    assert.deepEqual(await refusal(response), [400, "DIGEST_INVALID"], digest);
  }
  assert.deepEqual(await refusal(ask(registry, "GET", `/v2/x/blobs/${sha256("data")}`)), [404, "BLOB_UNKNOWN"]);
  const put = ask(registry, "PUT", `/v2/x/manifests/${sha256("other")}`, "{}", { "content-type": INDEX });
  assert.deepEqual(await refusal(put), [400, "DIGEST_INVALID"]);
});

Deno.test("a blob is mounted from another repository, or uploaded where that is not possible", async () => {
  const registry = createRegistry();
  const digest = await pushBlob(registry, "from/here", "data");
  const mounted = await ask(registry, "POST", `/v2/to/there/blobs/uploads/?mount=${digest}&from=from/here`);
  assert.deepEqual([mounted.status, mounted.headers.get("location")], [201, `/v2/to/there/blobs/${digest}`]);
  assert.equal(await (await ask(registry, "GET", `/v2/to/there/blobs/${digest}`)).text(), "data");
  for (const query of [`mount=${sha256("x")}&from=from/here`, `mount=${digest}&from=no/such`, `mount=${digest}`]) {
    const response = await ask(registry, "POST", `/v2/third/blobs/uploads/?${query}`);
    assert.deepEqual([response.status, response.headers.has("docker-upload-uuid")], [202, true], query);
  }
});

Deno.test("a blob is not mounted from a repository that the caller may not read", async () => {
  const authorize = (_: Request, scope: { repository: string }) =>
    Promise.resolve(scope.repository === "secret" ? new Response(null, { status: 403 }) : undefined);
  let open = true;
  const registry = createRegistry({ authorize: (...args) => open ? Promise.resolve(undefined) : authorize(...args) });
  const digest = await pushBlob(registry, "secret", "data");
  open = false;
  const response = await ask(registry, "POST", `/v2/mine/blobs/uploads/?mount=${digest}&from=secret`);
  assert.equal(response.status, 202);
});

Deno.test("manifests by tag and by digest", async () => {
  const registry = createRegistry();
  const manifest = await pushImage(registry, "team/app", "v1");
  for (const reference of ["v1", sha256(manifest)]) {
    const head = await askManifest(registry, "HEAD", `/v2/team/app/manifests/${reference}`);
    assert.deepEqual([head.status, head.headers.get("content-length")], [200, `${manifest.length}`]);
    const got = await askManifest(registry, "GET", `/v2/team/app/manifests/${reference}`);
    assert.equal(await got.text(), manifest);
    assert.equal(got.headers.get("content-type"), OCI);
    assert.equal(got.headers.get("docker-content-digest"), sha256(manifest));
  }
  assert.deepEqual(await refusal(ask(registry, "GET", "/v2/team/app/manifests/v2")), [404, "MANIFEST_UNKNOWN"]);
  assert.deepEqual(await refusal(ask(registry, "GET", "/v2/no/such/manifests/v1")), [404, "MANIFEST_UNKNOWN"]);
  assert.deepEqual(await refusal(ask(registry, "GET", "/v2/team/app/manifests/-v")), [400, "MANIFEST_INVALID"]);
  assert.deepEqual(await refusal(ask(registry, "POST", "/v2/team/app/manifests/v1")), [405, "UNSUPPORTED"]);
});

Deno.test("manifests are given to those who take their type, and once only", async () => {
  const registry = createRegistry();
  const digest = sha256(await pushImage(registry, "x", "oci"));
  const docker = JSON.parse(await pushImage(registry, "x", "oci"));
  docker.mediaType = DOCKER;
  const put = (tag: string, type: string, body: unknown) =>
    ask(registry, "PUT", `/v2/x/manifests/${tag}`, JSON.stringify(body), { "content-type": type });
  assert.equal((await put("docker", `${DOCKER.toUpperCase()} ; charset=utf-8`, docker)).status, 201);
  assert.equal((await put("list", LIST, { schemaVersion: 2, mediaType: LIST, manifests: [] })).status, 201);
  assert.equal((await put("index", INDEX, { schemaVersion: 2, mediaType: INDEX, manifests: [] })).status, 201);
  const rows: [tag: string, headers: Record<string, string>, status: number][] = [
    ["oci", {}, 404],
    ["oci", { accept: "*/*" }, 404],
    ["oci", { accept: `${DOCKER}, ${INDEX}` }, 404],
    ["oci", { accept: `${DOCKER},${OCI}` }, 200],
    ["oci", { accept: `${OCI.toUpperCase()};q=0.1, ${DOCKER}` }, 200],
    ["index", { accept: OCI }, 404],
    ["index", { accept: INDEX }, 200],
    ["docker", {}, 200],
    ["list", { accept: OCI }, 200],
    ["oci", { "if-none-match": `"${digest}"` }, 304],
    ["oci", { "if-none-match": digest, accept: OCI }, 304],
    ["oci", { "if-none-match": `"${sha256("x")}"`, accept: OCI }, 200],
  ];
  for (const [tag, headers, status] of rows) {
    const about = `${tag} ${JSON.stringify(headers)}`;
    const head = await ask(registry, "HEAD", `/v2/x/manifests/${tag}`, undefined, headers);
    assert.deepEqual([head.status, head.body], [status, null], about);
    const got = await ask(registry, "GET", `/v2/x/manifests/${tag}`, undefined, headers);
    if (status === 404) assert.deepEqual(await refusal(got), [404, "MANIFEST_UNKNOWN"], about);
    else assert.deepEqual([got.status, (await got.text()).length > 0], [status, status === 200], about);
  }
  const kept = await ask(registry, "GET", "/v2/x/manifests/docker");
  assert.equal(kept.headers.get("content-type"), DOCKER);
  await kept.body?.cancel();
});

Deno.test("a tag moves, and goes away alone; a manifest takes its tags along", async () => {
  const registry = createRegistry();
  const one = await pushImage(registry, "x", "v1", "one");
  const two = await pushImage(registry, "x", "v1", "two");
  assert.equal(await (await askManifest(registry, "GET", "/v2/x/manifests/v1")).text(), two);
  assert.equal(await (await askManifest(registry, "GET", `/v2/x/manifests/${sha256(one)}`)).text(), one);
  await pushImage(registry, "x", "v2", "two");
  assert.equal((await ask(registry, "DELETE", "/v2/x/manifests/v1")).status, 202);
  assert.equal((await askManifest(registry, "HEAD", "/v2/x/manifests/v1")).status, 404);
  assert.equal((await askManifest(registry, "HEAD", "/v2/x/manifests/v2")).status, 200);
  assert.equal((await ask(registry, "DELETE", `/v2/x/manifests/${sha256(two)}`)).status, 202);
  assert.equal((await askManifest(registry, "HEAD", "/v2/x/manifests/v2")).status, 404);
  assert.deepEqual(await refusal(ask(registry, "DELETE", "/v2/x/manifests/v1")), [404, "MANIFEST_UNKNOWN"]);
});

Deno.test("an index needs its manifests, a manifest its blobs; foreign layers stay where they are", async () => {
  const registry = createRegistry();
  const manifest = await pushImage(registry, "x", "v1");
  const put = (body: unknown, type: string, name = "x") =>
    ask(registry, "PUT", `/v2/${name}/manifests/t`, JSON.stringify(body), { "content-type": type });
  const index = {
    schemaVersion: 2,
    mediaType: INDEX,
    manifests: [{ mediaType: OCI, digest: sha256(manifest), size: 1 }],
  };
  assert.equal((await put(index, INDEX)).status, 201);
  assert.deepEqual(await refusal(put(index, INDEX, "y")), [400, "MANIFEST_BLOB_UNKNOWN"]);
  assert.deepEqual(await refusal(put(JSON.parse(manifest), OCI, "y")), [400, "MANIFEST_BLOB_UNKNOWN"]);
  const foreign = { ...JSON.parse(manifest), layers: [{ digest: sha256("far away"), urls: ["https://far.example/"] }] };
  assert.equal((await put(foreign, OCI)).status, 201);
});

Deno.test("what refers to a manifest is listed, unless the registry is to be one that keeps no lists", async () => {
  const subject = { mediaType: OCI, digest: sha256("not even there"), size: 14 };
  for (const referrers of [true, false]) {
    const registry = createRegistry({ referrers });
    const digest = await pushBlob(registry, "x", "{}");
    const config = { mediaType: "application/vnd.example+json", digest, size: 2 };
    const list = (query = "") => ask(registry, "GET", `/v2/x/referrers/${subject.digest}${query}`);
    const put = async (members: object) => {
      const manifest = JSON.stringify({ schemaVersion: 2, mediaType: OCI, config, layers: [], ...members });
      const path = `/v2/x/manifests/${sha256(manifest)}`;
      const { status, headers } = await ask(registry, "PUT", path, manifest, { "content-type": OCI });
      assert.deepEqual([status, headers.get("oci-subject")], [201, referrers ? subject.digest : null]);
      return { mediaType: OCI, digest: sha256(manifest), size: manifest.length };
    };
    const typed = await put({ subject, artifactType: "application/vnd.example.typed", annotations: { a: "b" } });
    const untyped = await put({ subject });
    if (!referrers) {
      assert.deepEqual(await refusal(list()), [404, "UNSUPPORTED"]);
      continue;
    }
    const all = await list();
    assert.deepEqual([all.headers.get("content-type"), all.headers.get("oci-filters-applied")], [INDEX, null]);
    const { manifests, ...head } = await all.json();
    assert.deepEqual(head, { schemaVersion: 2, mediaType: INDEX });
    const one = { ...typed, artifactType: "application/vnd.example.typed", annotations: { a: "b" } };
    const other = { ...untyped, artifactType: config.mediaType };
    assert.deepEqual(
      new Set(manifests.map(JSON.stringify)),
      new Set([one, other].map((entry) => JSON.stringify(entry))),
    );
    const some = await list(`?artifactType=${encodeURIComponent(config.mediaType)}`);
    assert.equal(some.headers.get("oci-filters-applied"), "artifactType");
    assert.deepEqual((await some.json()).manifests, [other]);
    await ask(registry, "DELETE", `/v2/x/manifests/${untyped.digest}`);
    assert.deepEqual((await (await list()).json()).manifests, [one]);
    const nothing = await ask(registry, "GET", `/v2/nobody/referrers/${subject.digest}`);
    assert.deepEqual((await nothing.json()).manifests, []);
    assert.deepEqual(await refusal(ask(registry, "GET", "/v2/x/referrers/latest")), [400, "DIGEST_INVALID"]);
    assert.deepEqual(await refusal(ask(registry, "PUT", `/v2/x/referrers/${subject.digest}`)), [405, "UNSUPPORTED"]);
  }
});

Deno.test("what is no manifest is refused", async () => {
  const registry = createRegistry();
  const image = JSON.parse(await pushImage(registry, "x", "v1"));
  const rows: [string, string][] = [
    ["not JSON", OCI],
    ["null", OCI],
    ["[]", OCI],
    ["{}", OCI],
    ["{}", INDEX],
    [JSON.stringify(image), INDEX],
    [JSON.stringify(image), "application/json"],
    [JSON.stringify(image), ""],
    [JSON.stringify(image), `; ${OCI}`],
    [JSON.stringify({ ...image, layers: [null] }), OCI],
    [JSON.stringify({ ...image, layers: [{ digest: "sha256:abc" }] }), OCI],
    [JSON.stringify({ ...image, layers: [{ digest: 7 }] }), OCI],
  ];
  for (const [body, type] of rows) {
    const response = ask(registry, "PUT", "/v2/x/manifests/v1", body, { "content-type": type });
    assert.deepEqual(await refusal(response), [400, "MANIFEST_INVALID"], body);
  }
  const tooLong = ask(registry, "PUT", "/v2/x/manifests/v1", "x".repeat(4 * 1024 * 1024 + 1), { "content-type": OCI });
  assert.deepEqual(await refusal(tooLong), [413, "SIZE_INVALID"]);
});

Deno.test("tags are listed in order, and page by page", async () => {
  const registry = createRegistry();
  for (const tag of ["v2", "latest", "v10", "v1"]) await pushImage(registry, "team/app", tag);
  const page = async (query: string) => {
    const response = await ask(registry, "GET", `/v2/team/app/tags/list${query}`);
    return [(await response.json()).tags, response.headers.get("link")];
  };
  assert.deepEqual(await page(""), [["latest", "v1", "v10", "v2"], null]);
  assert.deepEqual(await page("?n=2"), [["latest", "v1"], `</v2/team/app/tags/list?n=2&last=v1>; rel="next"`]);
  assert.deepEqual(await page("?n=2&last=v1"), [["v10", "v2"], null]);
  assert.deepEqual(await page("?n=0"), [[], null]);
  assert.deepEqual(await page("?n=x&last=zzz"), [[], null]);
  assert.deepEqual(await refusal(ask(registry, "GET", "/v2/no/such/tags/list")), [404, "NAME_UNKNOWN"]);
});

Deno.test("memory is bounded: bytes, open uploads and tiny things", async (t) => {
  await t.step("a full registry still answers, and takes no more", async () => {
    const registry = createRegistry({ maxBytes: 20_000 });
    const digest = await pushBlob(registry, "x", "a".repeat(10_000));
    const more = "b".repeat(10_000);
    const response = ask(registry, "POST", `/v2/x/blobs/uploads/?digest=${sha256(more)}`, more);
    assert.deepEqual(await refusal(response), [413, "SIZE_INVALID"]);
    assert.equal((await ask(registry, "HEAD", `/v2/x/blobs/${digest}`)).status, 200);
    await pushBlob(registry, "x", "c".repeat(4000)); // what was refused does not count any more
  });
  await t.step("chunks count while the upload is open", async () => {
    const registry = createRegistry({ maxBytes: 20_000 });
    const location = (await ask(registry, "POST", "/v2/x/blobs/uploads/")).headers.get("location")!;
    assert.equal((await ask(registry, "PATCH", location, "a".repeat(15_000))).status, 202);
    assert.deepEqual(await refusal(ask(registry, "PATCH", location, "a".repeat(15_000))), [413, "SIZE_INVALID"]);
    assert.deepEqual(await refusal(ask(registry, "GET", location)), [404, "BLOB_UPLOAD_UNKNOWN"]);
    await pushBlob(registry, "x", "c".repeat(15_000));
  });
  await t.step("repositories without end", async () => {
    const registry = createRegistry({ maxBytes: 20_000 });
    const statuses = [];
    for (let i = 0; i < 30; i++) {
      statuses.push((await ask(registry, "POST", `/v2/r${i}/blobs/uploads/?digest=${sha256("")}`, "")).status);
    }
    assert.deepEqual([statuses[0], statuses.at(-1)], [201, 413]);
  });
  await t.step("the oldest of too many open uploads gives way", async () => {
    const registry = createRegistry();
    const first = (await ask(registry, "POST", "/v2/x/blobs/uploads/")).headers.get("location")!;
    for (let i = 0; i < 200; i++) await ask(registry, "POST", "/v2/x/blobs/uploads/");
    assert.deepEqual(await refusal(ask(registry, "GET", first)), [404, "BLOB_UPLOAD_UNKNOWN"]);
  });
});

Deno.test("an upload that breaks off leaves nothing", async () => {
  const registry = createRegistry();
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode("half"));
      controller.error(new Error("connection lost"));
    },
  });
  const response = ask(registry, "POST", `/v2/x/blobs/uploads/?digest=${sha256("half")}`, body);
  assert.deepEqual(await refusal(response), [400, "BLOB_UPLOAD_INVALID"]);
  assert.deepEqual(await refusal(ask(registry, "GET", `/v2/x/blobs/${sha256("half")}`)), [404, "BLOB_UNKNOWN"]);
});

Deno.test("authorize sees the scope of every request, and our own client gets in with a token", async () => {
  const scopes: string[] = [];
  const registry = createRegistry({
    authorize: (request, { repository, actions }) => {
      scopes.push(`${request.method} ${repository} ${actions}`);
      if (request.headers.get("authorization") === "Bearer tok") return Promise.resolve(undefined);
      const headers = { "www-authenticate": `Bearer realm="https://auth.example/token",service="local"` };
      return Promise.resolve(new Response(null, { status: 401, headers }));
    },
  });
  const base = await ask(registry, "GET", "/v2/");
  assert.deepEqual([base.status, base.headers.get("docker-distribution-api-version")], [401, "registry/2.0"]);
  await ask(registry, "POST", "/v2/x/blobs/uploads/");
  await ask(registry, "DELETE", "/v2/x/manifests/v1");
  assert.deepEqual(scopes, ["GET  pull", "POST x push,pull", "DELETE x push,pull"]);
  const service = authorize(
    (request) =>
      request.url.startsWith("https://auth.example/")
        ? Promise.resolve(Response.json({ token: "tok" }))
        : registry.handle(request),
    { service: "registry", allowHttp: false, remedy: "none" },
  );
  await assert.rejects(
    fetchManifest(
      openRepository({ service, url: new URL("https://127.0.0.1"), path: "x", access: "pull", sleep }),
      "v1",
    ),
    { code: "not-found" },
  );
});

/** One ustar header block and its padded content. */
function tarOf(name: string, content: string): Uint8Array {
  const block = new Uint8Array(512 * 4); // header, one content block, end of archive
  const put = (text: string, at: number) => new TextEncoder().encodeInto(text, block.subarray(at));
  put(name, 0);
  put("0000644\x000000000\x000000000\x00", 100);
  put(`${content.length.toString(8).padStart(11, "0")}\0${"0".repeat(11)}\0        0`, 124);
  put("ustar\x0000", 257);
  put(`${block.subarray(0, 512).reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0 `, 148);
  put(content, 512);
  return block;
}

/** Writes an OCI layout with one image under the name "v1"; returns the manifest's digest. */
async function writeLayout(folder: string): Promise<string> {
  await Deno.mkdir(`${folder}/blobs/sha256`, { recursive: true });
  const store = async (data: Uint8Array, mediaType: string) => {
    await Deno.writeFile(`${folder}/blobs/sha256/${sha256(data).slice(7)}`, data);
    return { mediaType, digest: sha256(data), size: data.length };
  };
  const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const tar = tarOf("hello.txt", "hello");
  const layer = await store(new Uint8Array(gzipSync(tar)), "application/vnd.oci.image.layer.v1.tar+gzip");
  const config = await store(
    json({ architecture: "amd64", os: "linux", config: {}, rootfs: { type: "layers", diff_ids: [sha256(tar)] } }),
    "application/vnd.oci.image.config.v1+json",
  );
  const manifest = await store(json({ schemaVersion: 2, mediaType: OCI, config, layers: [layer] }), OCI);
  const named = { ...manifest, annotations: { "org.opencontainers.image.ref.name": "v1" } };
  await Deno.writeFile(`${folder}/index.json`, json({ schemaVersion: 2, manifests: [named] }));
  await Deno.writeTextFile(`${folder}/oci-layout`, `{"imageLayoutVersion":"1.0.0"}`);
  return manifest.digest;
}

async function skopeo(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("skopeo", { args: ["--insecure-policy", ...args] })
    .output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

async function installed(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"], stdout: "null" }).output()).success;
  } catch {
    return false;
  }
}

const hasSkopeo = await installed("skopeo");

Deno.test({
  name: `skopeo copies an image there, on, and back${hasSkopeo ? "" : " (skipped: install skopeo)"}`,
  ignore: !hasSkopeo,
  async fn() {
    const registry = createRegistry();
    const served: string[] = [];
    const handler = async (request: Request) => {
      const response = await registry.handle(request);
      served.push(
        `${request.method} ${new URL(request.url).pathname.replace(/[0-9a-f-]{36,}/, "…")} ${response.status}`,
      );
      return response;
    };
    const folder = await Deno.makeTempDir();
    await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, handler);
    try {
      const digest = await writeLayout(`${folder}/in`);
      const origin = `127.0.0.1:${server.addr.port}`;
      await skopeo("copy", "--dest-tls-verify=false", `oci:${folder}/in:v1`, `docker://${origin}/x/y:v1`);
      // Once more into another repository: this one finds or mounts the blobs.
      await skopeo(
        "copy",
        "--src-tls-verify=false",
        "--dest-tls-verify=false",
        `docker://${origin}/x/y:v1`,
        `docker://${origin}/x/z:v2`,
      );
      await skopeo("copy", "--src-tls-verify=false", `docker://${origin}/x/z:v2`, `oci:${folder}/out:v1`);
      const inspected = JSON.parse(await skopeo("inspect", "--tls-verify=false", `docker://${origin}/x/y:v1`));
      assert.deepEqual([inspected.Digest, inspected.RepoTags], [digest, ["v1"]]);
      const out = JSON.parse(await Deno.readTextFile(`${folder}/out/index.json`));
      assert.equal(out.manifests[0].digest, digest);
      for await (const { name } of Deno.readDir(`${folder}/in/blobs/sha256`)) {
        const [before, after] = await Promise.all(
          ["in", "out"].map((f) => Deno.readFile(`${folder}/${f}/blobs/sha256/${name}`)),
        );
        assert.deepEqual(after, before);
      }
      assert.ok(served.some((line) => line.startsWith("PATCH /v2/x/y/blobs/uploads/… 202")), served.join("\n"));
      await skopeo("delete", "--tls-verify=false", `docker://${origin}/x/y:v1`);
      const { tags } = await (await ask(registry, "GET", "/v2/x/y/tags/list")).json();
      assert.deepEqual(tags, []);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
