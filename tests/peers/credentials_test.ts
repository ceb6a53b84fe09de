/** What skopeo and notary send for the same credentials, and whom they follow: tagseal does the same. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { openSession } from "../../lib/cli/session.ts";
import { fetchManifest } from "../../lib/registry/manifest.ts";
import { createHost } from "../../lib/cli/host.ts";
import { basic, type Password } from "../../lib/http/access.ts";
import { resolveCredentials } from "../../lib/registry/credentials.ts";
import { parseImageName } from "../../lib/registry/image_ref.ts";
import { peerTest } from "../support/peer_case.ts";

const MANIFEST = JSON.stringify({
  schemaVersion: 2,
  mediaType: "application/vnd.oci.image.index.v1+json",
  manifests: [],
});
const JSON_KEY = '_json_key:{\n  "type": "service_account",\n\t"private_key": "-----BEGIN\\n"\r\n}\n';

/** A server on loopback that speaks plain http, and all that it was sent as authorization. */
function server(handle: (url: URL, authorization: string | null) => Response) {
  const seen: string[] = [];
  const http = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const authorization = request.headers.get("authorization");
    if (authorization) seen.push(authorization);
    return handle(new URL(request.url), authorization);
  });
  return { host: `127.0.0.1:${http.addr.port}`, seen, [Symbol.asyncDispose]: () => http.shutdown() };
}

function manifest(url: URL): Response {
  const headers = { "content-type": "application/vnd.oci.image.index.v1+json" };
  return url.pathname.includes("/manifests/") ? new Response(MANIFEST, { headers }) : new Response("{}");
}

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-credentials-" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Whether skopeo gets a manifest with the logins of `folder`. */
async function asksSkopeo(folder: string, host: string): Promise<boolean> {
  const flags = ["--insecure-policy", "inspect", "--raw", "--tls-verify=false", "--authfile", `${folder}/config.json`];
  const args = [...flags, `docker://${host}/team/app:v1`];
  const { success } = await new Deno.Command("skopeo", { args, clearEnv: true, env: { PATH: "/usr/bin:/bin" } })
    .output();
  return success;
}

/** Has notary ask a server for something that wants a login. */
async function asksNotary(folder: string, host: string, NOTARY_AUTH: string = btoa("anna:pw")): Promise<void> {
  const args = ["-s", `http://${host}`, "-d", `${folder}/trust`, "key", "rotate", "r.example/app", "snapshot", "-r"];
  const env = { PATH: "/usr/bin:/bin", NOTARY_AUTH };
  await new Deno.Command("notary", { args, clearEnv: true, env, stdin: "null" }).output();
}

/** Whether tagseal gets it. */
async function asksTagseal(folder: string, host: string): Promise<boolean> {
  const env: Record<string, string> = { DOCKER_CONFIG: folder };
  const signal = new AbortController().signal;
  using machine = createHost({ quiet: true, noInput: true }, { out() {}, err() {}, env: (name) => env[name], signal });
  const connection = { ca: undefined, allowHttp: false };
  const registry = { registryUrl: undefined, registryUsername: undefined, registryPassword: undefined };
  const session = openSession({ ...connection, ...registry }, machine);
  const repository = await session.registry(parseImageName(`${host}/team/app`));
  return await fetchManifest(repository, "v1").then(() => true, () => false);
}

peerTest("skopeo and tagseal send the same for what Docker's config holds", ["skopeo"], async (t) => {
  const challenge = { "www-authenticate": 'Basic realm="r"' };
  await using registry = server((url, authorization) =>
    authorization ? manifest(url) : new Response("{}", { status: 401, headers: challenge })
  );
  for (const plain of ["anna:pw", JSON_KEY, "anna: p\tw ", "anna:p:w\x7f", "jürgen:ßé"]) {
    await t.step(JSON.stringify(plain), () =>
      inFolder(async (folder) => {
        const auths = { [registry.host]: { auth: utf8(plain).toBase64() } };
        await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify({ auths }));
        const sent: string[][] = [];
        for (const ask of [asksSkopeo, asksTagseal]) {
          registry.seen.length = 0;
          assert.ok(await ask(folder, registry.host), ask.name);
          sent.push([...new Set(registry.seen)]);
        }
        assert.deepEqual(sent[1], sent[0]);
        assert.deepEqual(sent[1], [`Basic ${utf8(plain).toBase64()}`]);
      }));
  }
});

peerTest("skopeo, notary and tagseal follow the same token servers", ["skopeo", "notary"], async (t) => {
  const clients = { skopeo: asksSkopeo, notary: asksNotary, tagseal: asksTagseal };
  for (const status of [200, 201, 301, 302, 303, 307, 308, 401, 404, 500]) {
    await t.step(`status ${status}`, () =>
      inFolder(async (folder) => {
        let host = "";
        await using registry = server((url, authorization) => {
          const token = { token: `of-${authorization}`.replaceAll(/\W/g, "-") };
          if (url.pathname === "/moved") return Response.json(token);
          if (url.pathname === "/token") {
            const headers = { location: `/moved${url.search}` };
            return status < 300 ? Response.json(token, { status }) : new Response(null, { status, headers });
          }
          const headers = { "www-authenticate": `Bearer realm="http://${host}/token",service="s"` };
          return authorization ? manifest(url) : new Response("{}", { status: 401, headers });
        });
        host = registry.host;
        const auths = { [host]: { auth: btoa("anna:pw") } };
        await Deno.writeTextFile(`${folder}/config.json`, JSON.stringify({ auths }));
        for (const [name, ask] of Object.entries(clients)) {
          if (name === "skopeo" && status === 201) continue; // some versions take it, some do not
          registry.seen.length = 0;
          await ask(folder, host);
          const bearer = status < 400 ? [`Bearer of-Basic-${btoa("anna:pw").replaceAll(/\W/g, "-")}`] : [];
          assert.deepEqual([...new Set(registry.seen)], [`Basic ${btoa("anna:pw")}`, ...bearer], name);
        }
      }));
  }
});

peerTest("notary and tagseal read NOTARY_AUTH alike", ["notary"], async (t) => {
  const challenge = { "www-authenticate": 'Basic realm="r"' };
  await using trust = server((url, authorization) =>
    new Response("{}", authorization || url.pathname !== "/v2/" ? { status: 404 } : { status: 401, headers: challenge })
  );
  const pw = utf8("anna:pw").toBase64();
  const rows: [name: string, value: string][] = [
    ["as it should be", pw],
    ["a line break behind the password", utf8("anna:pw\n").toBase64()],
    ["blanks around the password", utf8("anna: p w \r\n").toBase64()],
    ["a key of many lines", utf8(JSON_KEY).toBase64()],
    ["a line break behind it all", `${pw}\r\n`],
    ["broken lines", `${pw.slice(0, 4)}\n${pw.slice(4)}\n`],
  ];
  for (const [name, value] of rows) {
    await t.step(name, () =>
      inFolder(async (folder) => {
        trust.seen.length = 0;
        await asksNotary(folder, trust.host, value);
        const variable = { name: "NOTARY_AUTH" as const, value };
        const sources = { flags: {}, variable, host: "r.example", warn: (line: string) => assert.fail(line) };
        const found = await resolveCredentials(sources, () => assert.fail("no helper"))();
        assert.deepEqual([...new Set(trust.seen)], [basic(found as Password)]);
      }));
  }
});
