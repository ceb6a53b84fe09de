import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { isTagsealError } from "../../lib/errors.ts";
import type { AuthorizedService, Scope } from "../../lib/http/auth.ts";
import type { Call } from "../../lib/http/send.ts";
import { fetchManifest } from "../../lib/registry/manifest.ts";

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

Deno.test("fetchManifest computes digest and length from the bytes as they came", async () => {
  const body = ` {"schemaVersion": 2,\n "mediaType": "${OCI}", "name": "ü"}\n`;
  const { service, calls } = registry(body, { "content-type": OCI, "docker-content-digest": sha256(body) });
  const stop = new AbortController();
  assert.deepEqual(await fetchManifest(service, URL_, "team/app", "v1", stop.signal), {
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
    assert.equal((await fetchManifest(service, URL_, "x", "v1")).mediaType, want);
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
      await assert.rejects(fetchManifest(service, URL_, "x", "v1"), (error) => {
        assert.ok(isTagsealError(error));
        assert.equal(error.code, code);
        assert.match(error.message, words);
        assert.equal(error.details["tag"], "v1");
        return true;
      });
    });
  }
  await assert.rejects(fetchManifest(registry("{}", {}, 404).service, URL_, "x", "v1"), {
    remedy: /^Push the image first/,
  });
});

Deno.test("a digest header of another algorithm says nothing about ours", async () => {
  const body = "{}";
  const { service } = registry(body, { "content-type": OCI, "docker-content-digest": `sha512:${"0".repeat(128)}` });
  assert.equal((await fetchManifest(service, URL_, "x", "v1")).digest, sha256(body));
});

Deno.test("what is no tag is never asked for", async () => {
  const { service, calls } = registry("{}");
  await assert.rejects(fetchManifest(service, URL_, "x", "../../_catalog"), { code: "usage" });
  assert.equal(calls.length, 0);
});
