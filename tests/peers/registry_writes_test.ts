/** Writing to docker's real registry, which keeps no lists of referrers and knows no conditions: nobody loses anything. */
import assert from "node:assert/strict";
import { type Bytes, text, utf8 } from "../../lib/bytes/bytes.ts";
import { authorize } from "../../lib/http/auth.ts";
import { createSend } from "../../lib/http/network.ts";
import { sleep } from "../../lib/http/retry.ts";
import { digestOf, pushBlob, readBlob } from "../../lib/registry/blob.ts";
import { findImage } from "../../lib/registry/image_entries.ts";
import { findManifest, tagManifest } from "../../lib/registry/manifest.ts";
import { OCI_MANIFEST } from "../../lib/registry/manifest_type.ts";
import { addReferrer, listReferrers, referrersTag } from "../../lib/registry/referrers.ts";
import { openRepository, type RegistryRepository } from "../../lib/registry/repository.ts";
import { addToTagged } from "../../lib/registry/tagged.ts";
import { startEmbeddedPeers } from "../support/embedded_peers.ts";
import { oras, pushIndex } from "../support/clients.ts";
import { failsWith } from "../support/failures.ts";
import { peerTest } from "../support/peer_case.ts";
import { type Peers, startPeers } from "../support/peers.ts";
import { attachment, type Between, signatureOf, signaturesIn } from "../support/registries.ts";

const PATH = "team/app";
const WRITERS = ["a", "b", "c", "d", "e", "f"];

/** One writer, with connections, tokens and a log of its own. */
interface Writer extends Disposable {
  readonly repository: RegistryRepository;
  readonly asked: string[];
}

function writer(peers: Peers, between: Between = () => undefined): Writer {
  const { send, close } = createSend({ caCerts: [peers.caPem] });
  const asked: string[] = [];
  const service = authorize(async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    const answer = await between(request, send) ?? await send(request);
    const what = pathname === "/token" ? searchParams.get("scope") : pathname.replace(/^.*\/(\w+)\/[^/]*$/, "$1");
    asked.push(`${request.method} ${what} ${answer.status}`);
    return answer;
  }, {
    service: "registry",
    credentials: () => Promise.resolve({ username: peers.username, password: peers.password }),
    allowHttp: false,
    remedy: "none",
    retryReads: { budgetMs: 10_000, maxTries: 3, sleep, now: () => new Date() },
  });
  const url = new URL(`https://${peers.registryHost}`);
  const repository = openRepository({ service, url, path: PATH, access: "push,pull", sleep });
  return { repository, asked, [Symbol.dispose]: close };
}

peerTest("docker's registry: writers at once", ["notary-server", "docker-registry"], async (t) => {
  await using peers = await startPeers({ auth: true });
  await pushIndex(peers, PATH, "v1", "an image");
  using reader = writer(peers);
  const { image, entries } = (await findImage(reader.repository, "v1"))!;

  await t.step("an index and its entries are found by one call behind the token", () => {
    assert.deepEqual(entries.map(({ platform }) => platform), ["linux/amd64", "linux/arm64"]);
    const scope = `GET repository:${PATH}:push,pull 200`;
    assert.deepEqual(reader.asked, ["GET manifests 401", scope, "GET manifests 200"]);
  });

  await t.step("the cost of adding one thing: one token for all, and no call that is not needed", async () => {
    using one = writer(peers);
    const addition = await signatureOf(one.repository, "cost.sig", "ours");
    assert.deepEqual(one.asked.filter((line) => line.includes("repository:")), [
      `GET repository:${PATH}:push,pull 200`,
    ]);
    const blob = ["HEAD blobs 404", "POST uploads 202", "PUT uploads 201"];
    assert.deepEqual(one.asked.slice(2), [...blob, ...blob]);
    one.asked.length = 0;
    assert.equal(await addToTagged(one.repository, addition), "added");
    assert.deepEqual(one.asked, ["GET manifests 404", "PUT manifests 201", "GET manifests 200"]);
    one.asked.length = 0;
    assert.equal(await addToTagged(one.repository, addition), "there");
    assert.deepEqual(one.asked, ["GET manifests 200"]);
  });

  await t.step("six add a signature to one tag, and all six are there, beside a stranger's", async () => {
    const tag = `${referrersTag(image.digest)}.sig`;
    const stranger = await signatureOf(reader.repository, tag, "stranger");
    const theirs = text(await stranger.add(undefined) as Bytes).replace('"layers":[', '"x" : 1.0,"layers":[\n ');
    await tagManifest(reader.repository, { mediaType: OCI_MANIFEST, bytes: utf8(theirs) }, tag);
    await atOnce(peers, async ({ repository }, name) => {
      assert.equal(await addToTagged(repository, await signatureOf(repository, tag, name)), "added");
    });
    const signers = await signaturesIn(reader.repository, tag);
    assert.equal(signers[0], "stranger");
    assert.deepEqual(signers.toSorted(), [...WRITERS, "stranger"]);
    const now = text((await findManifest(reader.repository, tag))!.bytes);
    assert.ok(now.startsWith(theirs.slice(0, -2)), "what the stranger wrote stays byte for byte");
  });

  await t.step("six attach to one image, and all six are listed", async () => {
    await atOnce(peers, async ({ repository }, name) => {
      assert.equal(await addReferrer(repository, await attachment(repository, image, name)), "added");
    });
    const listed = await listReferrers(reader.repository, image.digest, "application/vnd.example.signature");
    assert.deepEqual(listed.map(({ annotations }) => annotations["org.example.of"]).toSorted(), WRITERS);
  });

  await t.step("six write through a registry that answers 500 now and then: nothing is erased", async () => {
    const tag = "flaky.sig";
    await addToTagged(reader.repository, await signatureOf(reader.repository, tag, "stranger"));
    let failed = 0;
    await atOnce(peers, async ({ repository }, name) => {
      await addToTagged(repository, await signatureOf(repository, tag, name));
    }, () => {
      let calls = 0;
      return async (request, send) => {
        if (!request.url.endsWith(tag) || ++calls % 3 !== 1) return undefined;
        failed++;
        if (request.method === "PUT" && calls % 2 === 0) await (await send(request)).body?.cancel(); // and yet it was written
        return Response.json({ errors: [{ code: "UNKNOWN" }] }, { status: 500 });
      };
    });
    assert.ok(failed >= WRITERS.length);
    assert.deepEqual((await signaturesIn(reader.repository, tag)).toSorted(), [...WRITERS, "stranger"]);
  });

  await t.step("a registry that answers 500 to every read gets no write", async () => {
    const tag = "flaky.sig";
    const before = await findManifest(reader.repository, tag);
    using out = writer(
      peers,
      (request) =>
        request.method === "GET" && request.url.endsWith(tag) ? new Response("{}", { status: 500 }) : undefined,
    );
    const addition = await signatureOf(out.repository, tag, "late");
    await failsWith(
      addToTagged(out.repository, addition),
      "unavailable",
      "cannot be read: the registry gave status 500",
    );
    assert.ok(!out.asked.some((line) => line.startsWith("PUT manifests")));
    assert.deepEqual(await findManifest(reader.repository, tag), before);
  });
});

peerTest("docker's registry: answers that were changed on the way", ["notary-server", "docker-registry"], async (t) => {
  await using peers = await startPeers({ auth: true });
  const bytes = utf8("a payload");
  const tokens = new Map<string, string | null>(); // by host
  let change: (request: Request, answer: Response) => Response = (_, answer) => answer;
  using hostile = writer(peers, async (request, send) => {
    const { host, pathname } = new URL(request.url);
    if (pathname !== "/token") tokens.set(host, request.headers.get("authorization"));
    const answer = await send(request);
    const changed = change(request, answer);
    if (changed !== answer) await answer.body?.cancel();
    return changed;
  });
  await t.step("an upload that goes on elsewhere", async () => {
    const location = "https://localhost:1/v2/x/blobs/uploads/1?_state=x";
    change = (request, answer) =>
      request.method === "POST" ? new Response(null, { status: 202, headers: { location } }) : answer;
    await failsWith(pushBlob(hostile.repository, bytes), "unavailable", "names no place of its own");
    assert.deepEqual([...tokens.keys()], [peers.registryHost]);
  });
  await t.step("the query that its uploads need is kept", async () => {
    change = (_, answer) => answer;
    assert.equal(await pushBlob(hostile.repository, bytes), "added");
    assert.equal(text((await readBlob(hostile.repository, digestOf(bytes), 100))!), "a payload");
  });
  await t.step("other bytes, and too many", async () => {
    change = (request, answer) =>
      request.method === "GET" ? new Response("another one", { status: answer.status }) : answer;
    await failsWith(readBlob(hostile.repository, digestOf(bytes), 100), "trust-invalid", "have the digest");
    change = (request, answer) => request.method === "GET" ? new Response(new Uint8Array(101)) : answer;
    await failsWith(readBlob(hostile.repository, digestOf(bytes), 100), "unavailable", "at most 100 bytes");
    change = (request, answer) => request.method === "GET" ? new Response(new Uint8Array(4 * 2 ** 20 + 1)) : answer;
    await failsWith(findManifest(hostile.repository, "v1"), "unavailable", "at most 4194304 bytes");
  });
});

const REGISTRIES: readonly [string, () => Promise<Peers>, keepsLists: boolean][] = [
  ["docker's registry", () => startPeers({ auth: true }), false],
  ["the embedded registry", () => startEmbeddedPeers(), true],
];

for (const [name, start, keepsLists] of REGISTRIES) {
  const needs = ["notary-server", "docker-registry", "skopeo", "verifiers"] as const;
  peerTest(`${name}: oras and tagseal list what the other one attached`, needs, async () => {
    await using peers = await start();
    await pushIndex(peers, PATH, "v1", "an image");
    using ours = writer(peers);
    const { image } = (await findImage(ours.repository, "v1"))!;
    const type = ["--artifact-type", "application/x.theirs", "-a", "k=<v>"];
    const files = [`${peers.caPath}:text/plain`, "--disable-path-validation"];
    const attached = await oras(peers, ["attach", ...type], PATH, ":v1", ...files);
    assert.equal(attached.code, 0, attached.stderr);
    const indexed = async () =>
      text((await findManifest(ours.repository, referrersTag(image.digest)))?.bytes ?? utf8(""));
    const before = await indexed();
    await addReferrer(ours.repository, await attachment(ours.repository, image, "ours", "application/x.ours"));
    const after = await indexed();
    assert.equal(after === "", keepsLists);
    // What Go writes in another way than JavaScript stays as Go wrote it.
    assert.equal(before.includes('"k":"\\u003cv\\u003e"'), !keepsLists);
    assert.ok(after.startsWith(before.slice(0, Math.max(before.lastIndexOf("]"), 0))));
    const discovered = await oras(peers, ["discover", "--format", "json"], PATH, ":v1");
    assert.equal(discovered.code, 0, discovered.stderr);
    const types = [...discovered.stdout.matchAll(/"artifactType":\s*"application\/x\.(\w+)"/g)].map(([, name]) => name);
    assert.deepEqual(types.toSorted(), ["ours", "theirs"]);
    const listed = await listReferrers(ours.repository, image.digest, "application/x.theirs");
    assert.deepEqual(listed.map(({ annotations }) => annotations["k"]), ["<v>"]);
  });
}

/** Lets all writers do the same at once, each through somebody of its own between it and the registry. */
async function atOnce(
  peers: Peers,
  work: (writer: Writer, name: string) => Promise<void>,
  between: () => Between = () => () => undefined,
): Promise<void> {
  await Promise.all(WRITERS.map(async (name) => {
    using one = writer(peers, between());
    await work(one, name);
  }));
}
