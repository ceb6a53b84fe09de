import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { isTagsealError } from "../../lib/errors.ts";
import type { AuthorizedService, Scope } from "../../lib/http/auth.ts";
import type { Call } from "../../lib/http/send.ts";
import { fetchManifest } from "../../lib/registry/manifest.ts";
import { openRepository } from "../../lib/registry/repository.ts";

const URL_ = new URL("https://reg.example");
const DOCKER = "application/vnd.docker.distribution.manifest.v2+json";
const LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
const OCI = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
const sha256 = (text: string) => `sha256:${createHash("sha256").update(text).digest("hex")}`;

function registry(body: string, headers: Record<string, string> = {}, status = 200) {
  const calls: { call: Call; scope: Scope }[] = [];
  const service: AuthorizedService = {
    request(call, scope) {
      calls.push({ call, scope });
      return Promise.resolve({ status, headers: new Headers(headers), bytes: new TextEncoder().encode(body) });
    },
  };
  return { service, calls };
}

function repositoryOf(service: AuthorizedService, path = "x", signal?: AbortSignal) {
  return openRepository({ service, url: URL_, path, access: "pull", sleep: () => Promise.resolve(), signal });
}

Deno.test("fetchManifest computes digest and length from the bytes as they came", async () => {
  const body = ` {"schemaVersion": 2,\n "mediaType": "${OCI}", "name": "ü"}\n`;
  const { service, calls } = registry(body, { "content-type": OCI, "docker-content-digest": sha256(body) });
  const stop = new AbortController();
  assert.deepEqual(await fetchManifest(repositoryOf(service, "team/app", stop.signal), "v1"), {
    tag: "v1",
    digest: sha256(body),
    length: new TextEncoder().encode(body).length,
    mediaType: OCI,
  });
  const { call, scope } = calls[0]!;
  assert.equal(call.url.href, "https://reg.example/v2/team/app/manifests/v1");
  assert.deepEqual(scope, { repository: "team/app", actions: "pull" });
  assert.equal(call.maxBytes, 4 * 1024 * 1024);
  assert.equal(call.signal, stop.signal);
  for (const type of [DOCKER, LIST, OCI, INDEX]) assert.ok(call.headers?.["accept"]?.includes(type));
});

Deno.test("the media type comes from the header, else from the manifest", async () => {
  const rows: [string | undefined, string | undefined, string][] = [
    [DOCKER, undefined, DOCKER],
    [`${LIST}; charset=utf-8`, LIST, LIST],
    [INDEX.toUpperCase(), undefined, INDEX],
    ["application/json", OCI, OCI],
    [undefined, INDEX, INDEX],
  ];
  for (const [header, mediaType, want] of rows) {
    const { service } = registry(JSON.stringify({ mediaType }), header ? { "content-type": header } : {});
    assert.equal((await fetchManifest(repositoryOf(service), "v1")).mediaType, want);
  }
});

Deno.test("fetchManifest refuses what cannot be signed", async (t) => {
  const fine = JSON.stringify({ schemaVersion: 2 });
  const typed = { "content-type": DOCKER };
  const rows: [string, ReturnType<typeof registry>, string, RegExp][] = [
    [
      "missing",
      registry("{}", {}, 404),
      "not-found",
      /^The tag "v1" of the repository "x" at the registry "https:\/\/reg.example" does not exist$/,
    ],
    ["server error", registry("{}", {}, 500), "unavailable", /the registry gave status 500$/],
    ["too many requests", registry("{}", {}, 429), "unavailable", /the registry gave status 429$/],
    [
      "kept back by a policy",
      registry(
        JSON.stringify({ errors: [{ code: "PROJECTPOLICYVIOLATION", message: "scan severity: High" }] }),
        {},
        412,
      ),
      "forbidden",
      /is kept back by a policy of the registry: "scan severity: High"$/,
    ],
    [
      "out of order, with words",
      registry(JSON.stringify({ errors: [{ message: "no disk" }] }), {}, 500),
      "unavailable",
      /the registry gave status 500: "no disk"$/,
    ],
    ["not JSON", registry("<html>", typed), "unavailable", /a body that is not a JSON object$/],
    ["an array", registry("[]", typed), "unavailable", /a body that is not a JSON object$/],
    ["null", registry("null", typed), "unavailable", /a body that is not a JSON object$/],
    ["not UTF-8 JSON", registry("", typed), "unavailable", /a body that is not a JSON object$/],
    [
      "another digest",
      registry(fine, { ...typed, "docker-content-digest": sha256("x") }),
      "trust-invalid",
      /but the registry claims/,
    ],
    [
      "two media types",
      registry(JSON.stringify({ mediaType: INDEX }), { "content-type": OCI }),
      "trust-invalid",
      /is ambiguous/,
    ],
    [
      "schema 1",
      registry(fine, { "content-type": "application/vnd.docker.distribution.manifest.v1+json" }),
      "bad-input",
      /schema 1/,
    ],
    [
      "signed schema 1",
      registry(fine, { "content-type": "application/vnd.docker.distribution.manifest.v1+prettyjws" }),
      "bad-input",
      /schema 1/,
    ],
    ["schema 1 in disguise", registry(JSON.stringify({ schemaVersion: 1 }), typed), "bad-input", /schema 1/],
    [
      "no manifest at all",
      registry(fine, { "content-type": "application/json" }),
      "unavailable",
      /is not an image manifest or index$/,
    ],
  ];
  for (const [name, { service }, code, words] of rows) {
    await t.step(name, async () => {
      await assert.rejects(fetchManifest(repositoryOf(service), "v1"), (error) => {
        assert.ok(isTagsealError(error));
        assert.equal(error.code, code);
        assert.match(error.message, words);
        assert.equal(error.details["tag"], "v1");
        return true;
      });
    });
  }
  await assert.rejects(fetchManifest(repositoryOf(registry("{}", {}, 404).service), "v1"), {
    remedy: /^Push the image first/,
  });
});

Deno.test("a manifest that two clients may read as two things is not signed", async (t) => {
  const image = { schemaVersion: 2, mediaType: OCI, config: { digest: "x" }, layers: [] };
  const index = { schemaVersion: 2, mediaType: INDEX, manifests: [] };
  const raw = (text: string) => text;
  const rows: [name: string, body: string | object, type: string, words: RegExp][] = [
    ["an image with manifests", { ...image, manifests: [] }, OCI, /image.manifest.v1\+json" and holds "manifests"$/],
    ["an index with layers", { ...index, layers: [] }, INDEX, /is of type .* and holds "layers"$/],
    ["an index with a config", { ...index, config: {} }, INDEX, /and holds "config"$/],
    ["a list with layers in capitals", { ...index, mediaType: LIST, LAYERS: [] }, LIST, /and holds "layers"$/],
    ["an image with layers of schema 1", { ...image, fsLayers: [] }, OCI, /and holds "fslayers"$/],
    ["a schema version as text", { ...image, schemaVersion: "1" }, OCI, /its schema version is not 2$/],
    ["another schema version", { ...image, schemaVersion: 3 }, OCI, /its schema version is not 2$/],
    ["no schema version to speak of", { ...image, schemaVersion: null }, OCI, /its schema version is not 2$/],
    ["a doubled member", raw('{"layers":[],"layers":[1]}'), OCI, /the member 'layers' stands there twice/],
    ["a doubled digest", raw('{"config":{"digest":"a","digest":"b"}}'), OCI, /the member 'digest' stands there twice/],
    ["doubled but for case", raw('{"layers":[],"Layers":[1]}'), OCI, /the member "Layers" stands there twice/],
    ["doubled deep down", raw('{"layers":[{"digest":"a","DIGEST":"b"}]}'), OCI, /member "DIGEST" stands there twice/],
    ["bytes that are no text", raw('{"a":"\ud800"}'.replace("\ud800", "\\ud800")), OCI, /half of a surrogate pair/],
    ["another type inside", { ...image, mediaType: DOCKER }, OCI, /the registry says .*, the manifest ".*docker/],
    ["an unknown type inside", { ...image, mediaType: "x" }, OCI, /the registry says .*, the manifest "x"$/],
    ["another type outside", image, "application/vnd.oci.artifact.manifest.v1+json", /the registry says .*artifact/],
    ["a type in capitals inside", raw(`{"MEDIATYPE":"${INDEX}"}`), OCI, /the registry says/],
    ["a type that is no text", { ...image, mediaType: [OCI] }, OCI, /its media type is not a text$/],
  ];
  for (const [name, body, type, words] of rows) {
    await t.step(name, async () => {
      const { service } = registry(typeof body === "string" ? body : JSON.stringify(body), { "content-type": type });
      await assert.rejects(fetchManifest(repositoryOf(service), "v1"), (error) => {
        assert.ok(isTagsealError(error, "trust-invalid"), String(error));
        assert.match(error.message, /^The tag "v1" of .* is ambiguous: /);
        assert.match(error.message, words);
        return true;
      });
    });
  }
});

Deno.test("what is unusual and leaves no doubt is signed", async (t) => {
  const artifact = {
    schemaVersion: 2,
    mediaType: OCI,
    artifactType: "application/vnd.example+type",
    config: { mediaType: "application/vnd.oci.empty.v1+json", digest: "x", size: 2, data: "e30=" },
    layers: [{ mediaType: "text/plain", digest: "y", size: 1 }],
    subject: { mediaType: OCI, digest: "z", size: 7 },
    annotations: { "a": "1", "A": "2" },
    vendor: { score: 0.75, big: 1e300 },
  };
  const rows: [name: string, body: object, type: string, want: string][] = [
    ["an artifact", artifact, OCI, OCI],
    ["an artifact that a simple server gives", artifact, "text/plain", OCI],
    ["an index of nothing", { schemaVersion: 2, manifests: [], subject: artifact.subject }, INDEX, INDEX],
    ["a list of Docker's", { schemaVersion: 2, mediaType: LIST, manifests: [{ platform: {} }] }, LIST, LIST],
    ["neither type nor version inside", { config: {}, layers: [] }, DOCKER, DOCKER],
    ["an empty type inside", { mediaType: "", layers: [] }, OCI, OCI],
  ];
  for (const [name, body, type, want] of rows) {
    await t.step(name, async () => {
      const { service } = registry(JSON.stringify(body), { "content-type": type });
      assert.equal((await fetchManifest(repositoryOf(service), "v1")).mediaType, want);
    });
  }
});

Deno.test("a digest header of another algorithm says nothing about ours", async () => {
  const body = "{}";
  const { service } = registry(body, { "content-type": OCI, "docker-content-digest": `sha512:${"0".repeat(128)}` });
  assert.equal((await fetchManifest(repositoryOf(service), "v1")).digest, sha256(body));
});

Deno.test("what is no tag is never asked for", async () => {
  const { service, calls } = registry("{}");
  await assert.rejects(fetchManifest(repositoryOf(service), "../../_catalog"), { code: "usage" });
  assert.equal(calls.length, 0);
});
