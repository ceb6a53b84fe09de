/** The look-up of tags at a real registry: every kind of image, a private one, and one that speaks plain http only. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { openSession } from "../../lib/cli/session.ts";
import { fetchManifest } from "../../lib/registry/manifest.ts";
import { createHost } from "../../lib/cli/host.ts";
import { pushTinyImage } from "../../lib/local/image.ts";
import { digestOf, pushBlob, readBlob } from "../../lib/registry/blob.ts";
import { parseImageName } from "../../lib/registry/image_ref.ts";
import { readManifest } from "../../lib/registry/manifest_type.ts";
import { pushImage, pushIndex, skopeo } from "../support/clients.ts";
import { failsWith } from "../support/failures.ts";
import { peerTest } from "../support/peer_case.ts";
import { startPeers } from "../support/peers.ts";

const DOCKER = "application/vnd.docker.distribution.manifest.v2+json";
const LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
const OCI = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";

/** One command's way to registries. */
function machine(env: Record<string, string>) {
  let stderr = "";
  const streams = { out() {}, err: (text: string) => void (stderr += text) };
  const signal = new AbortController().signal;
  const host = createHost({ quiet: false, noInput: true }, { ...streams, env: (name) => env[name], signal });
  const values = {
    ca: env["CA"],
    allowHttp: false,
    registryUrl: undefined,
    registryUsername: undefined,
    registryPassword: undefined,
  };
  const session = openSession(values, host);
  return {
    async open(name: string, registryUrl?: string) {
      const opened = registryUrl === undefined ? session : openSession({ ...values, registryUrl }, host);
      const repository = await opened.registry(parseImageName(name));
      return (tag: string) => fetchManifest(repository, tag);
    },
    openToWrite: (name: string) => session.registry(parseImageName(name), "push,pull"),
    stderr: () => stderr,
    [Symbol.dispose]: () => host[Symbol.dispose](),
  };
}

peerTest(
  "a real registry: images and indexes of Docker and OCI, behind token authentication",
  ["notary-server", "docker-registry", "skopeo"],
  async (t) => {
    await using peers = await startPeers({ auth: true });
    const repository = `${peers.registryHost}/team/app`;
    const copy = async (from: string, to: string, ...flags: string[]) => {
      const ends = [from, to].map((tag) => `docker://${repository}:${tag}`);
      const { code, stderr } = await skopeo(peers, ["copy", ...flags, ...ends]);
      assert.equal(code, 0, stderr);
    };
    await pushImage(peers, "team/app", "oci", "an image");
    await pushIndex(peers, "team/app", "index", "an index");
    await copy("oci", "docker", "--format", "v2s2");
    await copy("index", "list", "--all", "--format", "v2s2");
    const env = { CA: peers.caPath, HOME: peers.dir };
    const REGISTRY_AUTH = utf8(`${peers.username}:${peers.password}`).toBase64();
    const kinds = { oci: OCI, index: INDEX, docker: DOCKER, list: LIST };
    for (const [tag, mediaType] of Object.entries(kinds)) {
      await t.step(tag, async () => {
        using agent = machine({ ...env, REGISTRY_AUTH });
        const raw = await skopeo(peers, ["inspect", "--raw", `docker://${repository}:${tag}`]);
        assert.equal(raw.code, 0, raw.stderr);
        const bytes = utf8(raw.stdout);
        assert.deepEqual(await (await agent.open(repository))(tag), {
          tag,
          digest: `sha256:${createHash("sha256").update(bytes).digest("hex")}`,
          length: bytes.length,
          mediaType,
        });
        assert.equal(agent.stderr(), "");
      });
    }
    await t.step("no access", async () => {
      const wrong = utf8(`${peers.username}:wrong`).toBase64();
      for (const variables of [{}, { REGISTRY_AUTH: wrong }]) {
        using agent = machine({ ...env, ...variables });
        const error = await failsWith((await agent.open(repository))("oci"), "unauthenticated", "refuses access");
        assert.match(error.remedy, /^Check REGISTRY_AUTH .* --registry-username and --registry-password;/);
        assert.ok(!error.message.includes("wrong"));
      }
    });
  },
);

peerTest("a real registry that speaks plain http only", ["docker-registry"], async (t) => {
  await using registry = await startPlainRegistry();
  const { host, user, password } = registry;
  const index = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [] });
  const digest = `sha256:${createHash("sha256").update(index).digest("hex")}`;
  const REGISTRY_AUTH = utf8(`${user}:${password}`).toBase64();
  const tags = ["v1", "v2", "v3"];
  for (const [repository, tag] of ["team/app", "team/tool"].flatMap((name) => tags.map((tag) => [name, tag]))) {
    const response = await fetch(`http://${host}/v2/${repository}/manifests/${tag}`, {
      method: "PUT",
      headers: { "content-type": INDEX, authorization: `Basic ${REGISTRY_AUTH}` },
      body: index,
    });
    assert.equal(response.status, 201, await response.text());
  }
  await t.step("all tags of two repositories at once: one warning", async () => {
    using agent = machine({ REGISTRY_AUTH });
    const lookUps = await Promise.all(["team/app", "team/tool"].map((name) => agent.open(`${host}/${name}`)));
    const found = await Promise.all(lookUps.flatMap((lookUp) => tags.map(lookUp)));
    assert.deepEqual(
      found,
      [...tags, ...tags].map((tag) => ({ tag, digest, length: index.length, mediaType: INDEX })),
    );
    assert.equal(
      agent.stderr(),
      `tagseal: warning: the registry "${host}" does not speak TLS; plain http is used\n`,
    );
    await failsWith(lookUps[0]!("v4"), "not-found", `the registry "http://${host}" does not exist`);
  });
  await t.step("a blob is written there as well", async () => {
    using agent = machine({ REGISTRY_AUTH });
    const repository = await agent.openToWrite(`${host}/team/app`);
    assert.equal(await pushBlob(repository, utf8("a payload")), "added");
    assert.deepEqual(await readBlob(repository, digestOf(utf8("a payload")), 9), utf8("a payload"));
    assert.match(agent.stderr(), /does not speak TLS; plain http is used\n$/);
    using stranger = machine({});
    const attempt = pushBlob(await stranger.openToWrite(`${host}/team/app`), utf8("another"));
    const error = await failsWith(attempt, "unauthenticated", `"http://${host}" refuses access`);
    assert.match(error.remedy, /the user needs the right to push to the repository$/);
  });
  await t.step("what the registry itself refuses as ambiguous is refused here", async () => {
    for (const more of [{}, { layers: [] }, { config: {} }]) {
      const body = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [], ...more });
      const headers = { "content-type": INDEX, authorization: `Basic ${REGISTRY_AUTH}` };
      const response = await fetch(`http://${host}/v2/team/odd/manifests/v1`, { method: "PUT", headers, body });
      await response.body?.cancel();
      assert.equal("mediaType" in readManifest(INDEX, utf8(body)), response.status === 201, body);
    }
  });
  await t.step("no access", async () => {
    using agent = machine({});
    const attempt = (await agent.open(`${host}/team/app`))("v1");
    const error = await failsWith(attempt, "unauthenticated", `"http://${host}" refuses access`);
    assert.match(error.remedy, /^Check REGISTRY_AUTH/);
  });
  await t.step("an address that was given is taken as it is", async () => {
    using agent = machine({ REGISTRY_AUTH });
    const explicit = await agent.open("r.example/team/app", `http://${host}`);
    assert.equal((await explicit("v1")).digest, digest);
    const https = await agent.open("r.example/team/app", `https://${host}`);
    await failsWith(https("v1"), "unavailable", `"https://${host}" cannot be used: it does not speak TLS`);
    assert.equal(agent.stderr(), "");
  });
});

peerTest("a real registry takes the tiny image, and skopeo gets all of it", ["docker-registry", "skopeo"], async () => {
  await using registry = await startPlainRegistry();
  const { host, user, password } = registry;
  const authorization = `Basic ${utf8(`${user}:${password}`).toBase64()}`;
  const send = (request: Request) => {
    request.headers.set("authorization", authorization);
    return fetch(request);
  };
  const digest = await pushTinyImage(send, new URL(`http://${host}`), "team/app", "v1", "hello from v1");
  const folder = await Deno.makeTempDir({ prefix: "tagseal-image-" });
  try {
    const flags = ["--insecure-policy", "copy", "--src-tls-verify=false", `--src-creds=${user}:${password}`];
    const args = [...flags, `docker://${host}/team/app:v1`, `dir:${folder}`];
    const { success, stderr } = await new Deno.Command("skopeo", { args }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    const manifest = await Deno.readFile(`${folder}/manifest.json`);
    assert.equal(`sha256:${createHash("sha256").update(manifest).digest("hex")}`, digest);
    const [layer] = JSON.parse(new TextDecoder().decode(manifest)).layers;
    const tar = gunzipSync(await Deno.readFile(`${folder}/${layer.digest.slice("sha256:".length)}`)).toString();
    assert.ok(tar.startsWith("hello.txt\0"));
    assert.equal(tar.slice(512, 525), "hello from v1");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** docker-registry on a port that it chooses, with one user whom it makes up. */
async function startPlainRegistry(): Promise<{ host: string; user: string; password: string } & AsyncDisposable> {
  await using cleanUp = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ prefix: "tagseal-registry-" });
  cleanUp.defer(() => Deno.remove(dir, { recursive: true }));
  await Deno.writeTextFile(
    `${dir}/registry.yml`, // JSON is YAML
    JSON.stringify({
      version: 0.1,
      log: { level: "info" },
      storage: { filesystem: { rootdirectory: `${dir}/data` } },
      http: { addr: "127.0.0.1:0" },
      auth: { htpasswd: { realm: "tests", path: `${dir}/htpasswd` } },
    }),
  );
  // setpriv ends the process with the thread that runs the tests, should these be killed.
  const child = new Deno.Command("setpriv", {
    args: ["--pdeathsig", "TERM", "docker-registry", "serve", `${dir}/registry.yml`],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let log = "";
  const up = Promise.withResolvers<void>();
  const reading = (async () => {
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
      log += text;
      if (/listening on 127\.0\.0\.1:\d+"/.test(log)) up.resolve();
    }
    up.reject(new Error(`docker-registry ended; its log:\n${log}`));
  })();
  cleanUp.defer(async () => {
    child.kill("SIGTERM");
    await child.status;
    await reading;
  });
  await up.promise;
  const [, port] = /listening on 127\.0\.0\.1:(\d+)"/.exec(log)!;
  const [, password, user] = /password=(\S+) user=(\S+)/.exec(log)!;
  const running = cleanUp.move();
  return {
    host: `127.0.0.1:${port}`,
    user: user!,
    password: password!,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
