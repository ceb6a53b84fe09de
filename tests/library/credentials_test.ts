/** Whose access the library uses: what it is given, asked for once a server wants to know, and nobody's else. */
import assert from "node:assert/strict";
import { basic } from "../../lib/http/access.ts";
import type { Send } from "../../lib/http/mod.ts";
import { pushTinyImage } from "../../lib/local/mod.ts";
import { connect, type ConnectOptions, dockerCredentials, keyFiles, signPathSigner } from "../../mod.ts";
import { failsWith } from "../support/failures.ts";
import { peersInMemory } from "../support/local_story.ts";

const NOTARY = { username: "reader", password: "of the notary server" };
const REGISTRY = { username: "reader", password: "of the registry" };

/** Servers that want to know who asks, in memory; and every authorization that they were sent. */
async function world(users: { readonly notary: typeof NOTARY; readonly registry: typeof NOTARY }) {
  const seen: string[] = [];
  const guard = (user: typeof NOTARY) => (request: Request) => {
    const authorization = request.headers.get("authorization");
    if (authorization !== null) seen.push(authorization);
    if (authorization === basic(user)) return undefined;
    return new Response(null, { status: 401, headers: { "www-authenticate": 'Basic realm="test"' } });
  };
  const registry = guard(users.registry);
  const peers = await peersInMemory({ notary: guard(users.notary), registry: (r) => Promise.resolve(registry(r)) });
  const { send } = peers.connect({});
  const pushing: Send = (request) => {
    const headers = new Headers(request.headers);
    headers.set("authorization", basic(users.registry));
    return send(new Request(request, { headers }));
  };
  const digest = await pushTinyImage(pushing, new URL(`https://${peers.host}`), "team/app", "v1", "hello");
  seen.length = 0;
  const open = (options: Partial<ConnectOptions>) =>
    connect({ repository: `${peers.host}/team/app`, rootPin: "first-use", fetch: send, ...options });
  const { apiUrl, organizationId, apiToken: token } = peers;
  const project = { project: "demo-images", policy: "release-signing", method: "zip" } as const;
  const signer = signPathSigner({ apiUrl, organizationId, token, ...project, fetch: send });
  return { open, signer, digest, seen, certificate: peers.certificate, host: peers.host };
}

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "tagseal-library-" });
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("library: each server gets the credentials that are meant for it, and no other", async () => {
  await inFolder(async (trustDir) => {
    const { open, signer, digest: v1, seen, certificate } = await world({ notary: NOTARY, registry: REGISTRY });
    const keys = keyFiles({ trustDir, passphrase: "correct horse battery" });
    using admin = open({ credentials: NOTARY, registryCredentials: () => Promise.resolve(REGISTRY) });
    await admin.init({ keys, delegate: { certificate } });
    assert.deepEqual(new Set(seen), new Set([basic(NOTARY)]));
    await admin.sign({ tags: { v1 }, signer });
    assert.deepEqual(new Set(seen), new Set([basic(NOTARY), basic(REGISTRY)]));

    using nobody = open({});
    const refusal = await failsWith(() => nobody.verify({ v1 }), "unauthenticated", "Notary server");
    assert.equal(refusal.remedy, "Give credentials of a user who may do this at the Notary server");
    using other = open({ credentials: REGISTRY });
    await failsWith(() => other.verify({ v1 }), "unauthenticated", "reader");
  });
});

Deno.test("library: what docker login has left is used where it is asked for", async () => {
  await inFolder(async (folder) => {
    const { open, seen, host, certificate } = await world({ notary: NOTARY, registry: NOTARY });
    const keys = keyFiles({ trustDir: folder, passphrase: "correct horse battery" });
    const config = (content: unknown) => Deno.writeTextFile(`${folder}/config.json`, JSON.stringify(content));
    const auth = basic(NOTARY).slice("Basic ".length);

    await config({ auths: { [host]: { auth } } });
    using stored = open({ credentials: dockerCredentials(folder) });
    await stored.init({ keys, delegate: { certificate } });
    assert.deepEqual(new Set(seen), new Set([basic(NOTARY)]));

    const name = "tagseal-library-test";
    const answer = JSON.stringify({ ServerURL: host, Username: NOTARY.username, Secret: NOTARY.password });
    const program = `#!/bin/sh\nread server\n[ "$server" = "${host}" ] && echo '${answer}'\n`;
    await Deno.writeTextFile(`${folder}/docker-credential-${name}`, program, { mode: 0o755 });
    await config({ credHelpers: { [host]: name } });
    const notices: string[] = [];
    const onNotice = (line: string) => void notices.push(line);
    using without = open({ credentials: dockerCredentials(folder, { onNotice }) });
    await failsWith(() => without.list(), "unauthenticated", "Notary server");
    assert.match(notices.join(), /docker-credential-tagseal-library-test/);
    using helped = open({ credentials: dockerCredentials(folder, { helperVariables: { PATH: `${folder}:/bin` } }) });
    assert.deepEqual((await helped.list()).tags, []);
  });
});
