/** The embedded servers answer as the real ones do, request by request, in all that a client may depend on. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type Bytes, utf8 } from "../../lib/bytes/bytes.ts";
import { NotaryOwner } from "../support/notary_owner.ts";
import { peerTest } from "../support/peer_case.ts";
import type { Peers } from "../support/peers.ts";
import { pushPlainly } from "../support/plain_push.ts";
import { EMBEDDED, REAL } from "../support/stacks.ts";

/** A request to both stacks; in its path `{gun}` is a repository of the notary client, `{digest}` an image in `a/b`. */
type Case = readonly [method: string, path: string, more?: { headers?: Record<string, string>; body?: () => BodyInit }];

const OCI = "application/vnd.oci.image.manifest.v1+json";
const DOCKER = "application/vnd.docker.distribution.manifest.v2+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
const NOTHING = `sha256:${"0".repeat(64)}`;
const BLOB = utf8("{}");
const digestOf = (bytes: Bytes) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const BLOB_DIGEST = digestOf(BLOB);
const IMAGE = "/v2/a/b/manifests";

const manifest = (config = BLOB_DIGEST, mediaType = OCI): Bytes =>
  utf8(
    JSON.stringify({ schemaVersion: 2, mediaType, config: { mediaType: OCI, digest: config, size: 2 }, layers: [] }),
  );
const index = (...digests: string[]) => {
  const manifests = digests.map((digest) => ({ mediaType: OCI, digest, size: 2 }));
  return utf8(JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests }));
};
const type = (value: string) => ({ "content-type": value });
const oci = { headers: { accept: OCI } };
const put = (tag: string, contentType: string, body: Bytes = manifest()): Case => [
  "PUT",
  `${IMAGE}/${tag}`,
  { headers: contentType === "" ? {} : type(contentType), body: () => body },
];

const REGISTRY: Record<string, Case> = {
  "the base": ["GET", "/v2/"],
  "tags": ["GET", "/v2/a/b/tags/list"],
  "tags of nothing": ["GET", "/v2/no/such/tags/list"],
  "a manifest by tag": ["GET", `${IMAGE}/v1`, oci],
  "a manifest by digest": ["GET", `${IMAGE}/{digest}`, oci],
  "the head of a manifest": ["HEAD", `${IMAGE}/v1`, oci],
  "a manifest, of types that it is not of": ["GET", `${IMAGE}/v1`, { headers: { accept: DOCKER } }],
  "a manifest, of any type": ["GET", `${IMAGE}/v1`],
  "a manifest that is known already": ["GET", `${IMAGE}/{digest}`, {
    headers: { accept: OCI, "if-none-match": '"{digest}"' },
  }],
  "a tag that is known already": ["HEAD", `${IMAGE}/v1`, { headers: { "if-none-match": "{digest}" } }],
  "the head of a manifest, of any type": ["HEAD", `${IMAGE}/{digest}`, { headers: { accept: "*/*" } }],
  "no such tag": ["GET", `${IMAGE}/nothing`, oci],
  "no such digest": ["HEAD", `${IMAGE}/${NOTHING}`, oci],
  "no such repository": ["GET", "/v2/no/such/manifests/v1", oci],
  "a blob": ["GET", `/v2/a/b/blobs/${BLOB_DIGEST}`],
  "the head of a blob": ["HEAD", `/v2/a/b/blobs/${BLOB_DIGEST}`],
  "a part of a blob": ["GET", `/v2/a/b/blobs/${BLOB_DIGEST}`, { headers: { range: "bytes=1-" } }],
  "a blob of another repository": ["HEAD", `/v2/c/d/blobs/${BLOB_DIGEST}`],
  "no such blob": ["GET", `/v2/a/b/blobs/${NOTHING}`],
  "a blob by what is no digest": ["GET", "/v2/a/b/blobs/sha256:abc"],
  "an upload begins": ["POST", "/v2/a/b/blobs/uploads/"],
  "mounting what is not there": ["POST", `/v2/c/d/blobs/uploads/?mount=${NOTHING}&from=a/b`],
  "mounting": ["POST", `/v2/c/d/blobs/uploads/?mount=${BLOB_DIGEST}&from=a/b`],
  "a manifest without its blobs": put("new", OCI, manifest(NOTHING)),
  "an index without its images": put("new", INDEX, index(NOTHING)),
  "a manifest with another digest": put(NOTHING, OCI),
  "a manifest of another type than it says": put("new", DOCKER),
  "a manifest that is none": put("new", OCI, utf8("{")),
  "a manifest of an odd type": put("new", "text/plain"),
  "a manifest of no type": put("untyped", ""),
  "a manifest": put("new", OCI),
  "the same again": put("new", OCI),
  "a manifest, its type with a parameter": put("parameter", `${OCI}; charset=utf-8`),
  "an index": put("index", INDEX, index()),
  "an index, of types that it is not of": ["GET", `${IMAGE}/index`, oci],
  "a Docker manifest": put("docker", DOCKER, manifest(BLOB_DIGEST, DOCKER)),
  "a Docker manifest, of any type": ["GET", `${IMAGE}/${digestOf(manifest(BLOB_DIGEST, DOCKER))}`],
  "deleting a manifest that is not there": ["DELETE", `${IMAGE}/${NOTHING}`],
  "deleting a manifest": ["DELETE", `${IMAGE}/{digest}`],
  "a tag whose manifest was deleted": ["GET", `${IMAGE}/v1`, oci],
};

const upload = (...files: [name: string, content: string][]) => ({
  body: () => {
    const form = new FormData();
    for (const [name, content] of files) form.append("files", new Blob([content]), name);
    return form;
  },
});
const TUF = "/v2/{gun}/_trust/tuf/";
const FILES = [
  "root.json",
  "1.root.json",
  "2.root.json",
  "3.root.json",
  "9.root.json",
  "targets.json",
  "snapshot.json",
];
const ODD = [
  "targets/releases.json",
  "nothing.json",
  "root",
  `root.${"0".repeat(64)}.json`,
  "targets.key",
  "root.key",
  "",
];
const NOTARY: Record<string, Case> = {
  "its health": ["GET", "/_notary_server/health"],
  ...Object.fromEntries(
    [...FILES, "timestamp.json", "snapshot.key", "timestamp.key", ...ODD].map((name) => [
      `"${name}"`,
      ["GET", `${TUF}${name}`] as Case,
    ]),
  ),
  "the head of a file": ["HEAD", `${TUF}root.json`],
  "a new key of a role that the server does not sign": ["POST", `${TUF}targets.key`],
  "a repository that is not there": ["GET", "/v2/no/such/_trust/tuf/root.json"],
  "putting a file": ["PUT", `${TUF}root.json`],
  "an update that is no form": ["POST", TUF, { body: () => "text" }],
  "an update of a role that is none": ["POST", TUF, upload(["nothing", "{}"])],
  "an update that is no JSON": ["POST", TUF, upload(["targets", "{"])],
  "an update without signatures": ["POST", TUF, upload(["targets", "{}"])],
  "a root that its keys did not sign": ["POST", TUF, upload(["root", '{"signed":{},"signatures":[]}'])],
  "a first update without a root": ["POST", "/v2/no/such/_trust/tuf/", upload(["targets", "{}"])],
  "deleting what is not there": ["DELETE", "/v2/no/such/_trust/tuf/"],
  "deleting": ["DELETE", TUF],
  "what was deleted": ["GET", `${TUF}root.json`],
};

peerTest("same answers from embedded servers and real servers", [...REAL.needs, "notary"], async (t) => {
  await using real = await prepared(await REAL.start());
  await using embedded = await prepared(await EMBEDDED.start());
  for (const [server, cases] of [["registry", REGISTRY], ["Notary server", NOTARY]] as const) {
    for (const [name, one] of Object.entries(cases)) {
      await t.step(`${server}: ${name}`, async () => {
        const [theirs, ours] = await Promise.all([real, embedded].map((side) => answer(side, server, one)));
        assert.deepEqual(ours, theirs);
      });
    }
  }
});

interface Side extends AsyncDisposable {
  readonly peers: Peers;
  readonly client: Deno.HttpClient;
  readonly gun: string;
  readonly digest: string;
}

/** Peers with an image and a blob in `a/b`, and a repository whose root has version 2. */
async function prepared(peers: Peers): Promise<Side> {
  await using cleanUp = new AsyncDisposableStack();
  cleanUp.use(peers);
  const client = cleanUp.use(Deno.createHttpClient({ caCerts: [peers.caPem] }));
  const gun = `${peers.registryHost}/a/b`;
  const owner = new NotaryOwner(peers, `${peers.dir}/owner`, gun);
  await owner.init();
  await owner.rotate("snapshot", "-r");
  const digest = (await pushPlainly(peers, "a/b", "v1"))["v1"]!;
  const begun = await fetch(`https://${peers.registryHost}/v2/a/b/blobs/uploads/`, { client, method: "POST" });
  await begun.body?.cancel();
  const place = new URL(begun.headers.get("location")!, begun.url);
  place.searchParams.set("digest", BLOB_DIGEST);
  const taken = await fetch(place, { client, method: "PUT", body: BLOB });
  assert.equal(taken.status, 201, await taken.text());
  const running = cleanUp.move();
  return { peers, client, gun, digest, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

/** What a client may depend on: status, codes of errors, and some headers. */
async function answer(
  { peers, client, gun, digest }: Side,
  server: "registry" | "Notary server",
  [method, path, { headers = {}, body } = {}]: Case,
) {
  const fill = (text: string) => text.replaceAll("{gun}", gun).replaceAll("{digest}", digest);
  const base = server === "registry" ? `https://${peers.registryHost}` : peers.notaryUrl;
  const response = await fetch(base + fill(path), {
    client,
    method,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, fill(value)])),
    ...(body ? { body: body() } : {}),
  });
  const content = await response.text();
  const { errors } = content.startsWith('{"errors"') ? JSON.parse(content) : { errors: [] };
  const told = ["docker-content-digest", "range", "content-range", "etag", ...response.ok ? ["content-type"] : []];
  return {
    status: response.status,
    errors: errors.map(({ code, detail }: { code: string; detail?: { Name?: string } }) => [code, detail?.Name]),
    headers: told.map((name) => [name, response.headers.get(name)?.replace(/; charset=utf-8$/, "")]),
    location: response.headers.get("location")?.replace(base, "").replace(/\/uploads\/.*/, "/uploads/…"),
  };
}
