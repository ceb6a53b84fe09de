/** From flags to work: which tags are looked up, what is expected of them, and who is asked. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { createHost, type Host } from "../../lib/cli/host.ts";
import type { SchemeValues } from "../../lib/cli/schemes.ts";
import { openSession } from "../../lib/cli/session.ts";
import { openSigning, openWork, readWork, type WorkValues } from "../../lib/cli/work.ts";
import type { KeyHolder } from "../../lib/signing/payload_signer.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import type { Send } from "../../lib/http/send.ts";
import { parseImageName } from "../../lib/registry/image_ref.ts";
import { failsWith } from "../support/failures.ts";

const [A, B] = ["a", "b"].map((digit) => `sha256:${digit.repeat(64)}`) as [string, string];
const GUN = "registry.test/acme/app";

const VALUES: WorkValues & SchemeValues = {
  scheme: ["dct"],
  cosignBundle: "auto",
  certificateChain: undefined,
  repository: undefined,
  from: undefined,
  tags: [],
  expectDigest: new Map(),
  buildxMetadata: undefined,
  renewRole: [],
  again: () => "tagseal sign",
  delegation: undefined,
  delegationCertificate: undefined,
  notaryUrl: undefined,
  notaryUsername: undefined,
  notaryPassword: undefined,
  trustDir: "/nowhere",
  rootPin: [],
  requirePin: false,
  registryUrl: undefined,
  registryUsername: undefined,
  registryPassword: undefined,
  ca: undefined,
  allowHttp: false,
};

function hostWith(files: Readonly<Record<string, string>> = {}): { host: Host; warnings: string[] } {
  const warnings: string[] = [];
  const real = createHost({ quiet: true, noInput: true }, {
    out() {},
    err: (text) => void warnings.push(text),
    env: () => undefined,
    signal: new AbortController().signal,
  });
  return { host: { ...real, readFile: (path) => Promise.resolve(utf8(files[path]!)) }, warnings };
}

const read = (values: Partial<WorkValues>, files: Readonly<Record<string, string>> = {}) =>
  readWork({ ...VALUES, ...values }, hostWith(files).host);

Deno.test("work: the tags of one repository, each once, with what they are expected to be", async () => {
  const [one, ...others] = await read({
    repository: GUN,
    tags: ["v1", "v2", "v1"],
    expectDigest: new Map([["v2", A]]),
  });
  assert.deepEqual([others, one!.name.gun, one!.tags, [...one!.expected]], [[], GUN, ["v1", "v2"], [["v2", A]]]);
  assert.equal(one!.known, undefined);
});

Deno.test("work: a file tells what is known, what is expected, and what is neither", async () => {
  const text = `${GUN}:v1\n${GUN}:v2@${A}\n${GUN}:v3@${B} 528\nregistry.test/acme/other:v1@${A} 7\n`;
  const [app, other] = await read({ from: "tags.txt" }, { "tags.txt": text });
  assert.deepEqual(app!.tags, ["v1", "v2", "v3"]);
  assert.deepEqual([...app!.expected], [["v2", A]]);
  assert.deepEqual([...app!.known!], [["v3", { tag: "v3", digest: B, length: 528 }]]);
  assert.deepEqual([other!.name.gun, [...other!.known!.keys()], other!.expected.size], [
    "registry.test/acme/other",
    ["v1"],
    0,
  ]);
});

Deno.test("work: a file and flags that name tags exclude each other", async (t) => {
  const cases: [string, Partial<WorkValues>][] = [
    ["--repository", { repository: GUN }],
    ["--tags", { tags: ["v1"] }],
    ["--expect-digest", { expectDigest: new Map([["v1", A]]) }],
    ["--buildx-metadata", { buildxMetadata: "built.json" }],
  ];
  for (const [name, values] of cases) {
    await t.step(name, async () => {
      const files = { "tags.txt": `${GUN}:v1\n`, "built.json": "{}" };
      await failsWith(read({ from: "tags.txt", ...values }, files), "usage", "exclude each other");
    });
  }
});

Deno.test("work: what is missing is named", async () => {
  await failsWith(read({ tags: ["v1"] }), "usage", "--repository is missing");
  await failsWith(read({ repository: GUN }), "usage", "--tags is missing");
  await failsWith(read({ repository: GUN, tags: ["a b"] }), "usage", '"a b" is not a tag');
});

/** A command over a network of one `send`. */
const session = (host: Host, send: Send) => openSession(VALUES, { ...host, connect: () => send });

/** A registry that has `v1`, and counts what it is asked. */
function registry(): { send: Send; asked: string[]; digest: string } {
  const manifest = utf8('{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"}');
  const digest = `sha256:${sha256Hex(manifest)}`;
  const asked: string[] = [];
  const send: Send = (request) => {
    const { pathname } = new URL(request.url);
    asked.push(pathname);
    if (!pathname.endsWith("/manifests/v1")) return Promise.resolve(new Response(null, { status: 404 }));
    const headers = { "content-type": "application/vnd.oci.image.manifest.v1+json", "docker-content-digest": digest };
    return Promise.resolve(new Response(manifest, { headers }));
  };
  return { send, asked, digest };
}

Deno.test("work: a tag whose digest and length are known is not looked up; others are", async () => {
  const { send, asked, digest } = registry();
  const text = `${GUN}:v1\n${GUN}:v3@${B} 528\n`;
  const { host } = hostWith({ "tags.txt": text });
  const wanted = await readWork({ ...VALUES, from: "tags.txt" }, host);
  const { tags: [task] } = await openWork(wanted, VALUES, session(host, send), host, "pull");
  assert.deepEqual(await task!.sign!.lookUp("v3"), { tag: "v3", digest: B, length: 528 });
  assert.deepEqual(asked, []);
  assert.equal((await task!.sign!.lookUp("v1")).digest, digest);
  assert.deepEqual(asked, ["/v2/acme/app/manifests/v1"]);
});

Deno.test("work: a digest without a length is what the registry must say", async () => {
  const { send, digest } = registry();
  for (const [expected, good] of [[digest, true], [A, false]] as const) {
    const { host } = hostWith({ "tags.txt": `${GUN}:v1@${expected}\n` });
    const { tags: [task] } = await openWork(
      await readWork({ ...VALUES, from: "tags.txt" }, host),
      VALUES,
      session(host, send),
      host,
      "pull",
    );
    if (good) assert.equal((await task!.sign!.lookUp("v1")).digest, digest);
    else await failsWith(task!.sign!.lookUp("v1"), "trust-invalid", digest, A);
  }
});

Deno.test("work: a digest expected of a tag that is not signed is a mistake", async () => {
  const { send } = registry();
  const { host } = hostWith();
  const values = { ...VALUES, repository: GUN, tags: ["v1"], expectDigest: new Map([["v2", A]]) };
  await failsWith(
    openWork(await readWork(values, host), values, session(host, send), host, "pull"),
    "usage",
    '"v2"',
    "not in --tags",
  );
});

Deno.test("work: the keys at hand are asked for once for all repositories, and not without a key signer", async () => {
  const { send } = registry();
  const { host } = hostWith();
  let listed = 0;
  const holder: KeyHolder = { kind: "keys", atHand: () => Promise.resolve(new Set([String(++listed)])) };
  const wanted = await readWork(
    { ...VALUES, from: "tags.txt" },
    hostWith({ "tags.txt": `${GUN}:v1\nx.test/y:v1\n` }).host,
  );
  const { tags: work } = await openWork(wanted, VALUES, session(host, send), host, "pull", holder);
  assert.equal(listed, 0, "not before it is needed");
  await Promise.all(work.map(({ holder }) => holder?.kind === "keys" && holder.atHand()));
  assert.equal(listed, 1);
  const { tags: [plain] } = await openWork(wanted, VALUES, session(host, send), host, "pull");
  assert.equal(plain!.holder, undefined);
});

Deno.test("work: whose delegation it is, and what is said of a role that is signed anew", async () => {
  const { send } = registry();
  const { host, warnings } = hostWith();
  const name = parseImageName(GUN);
  const standard = await (await openSigning(VALUES, session(host, send), host, "pull"))(name);
  assert.deepEqual([standard.signer, standard.keyId, standard.renew], ["signpath", undefined, []]);
  const other = await (await openSigning(
    { ...VALUES, delegation: "team", renewRole: ["targets/team"] },
    session(host, send),
    host,
    "pull",
  ))(name);
  assert.deepEqual([other.signer, other.renew], ["team", ["targets/team"]]);
  other.onRenewed!("targets/team", "it expired", true);
  other.onRenewed!("targets/team", "its key was replaced", false);
  assert.match(
    warnings[0]!,
    /"targets\/team" of "registry\.test\/acme\/app".*it expired\. Its tags are signed anew\n$/,
  );
  assert.match(warnings[1]!, /its key was replaced\. It starts anew: its other tags are gone/);
});

Deno.test("work: a role that is not signed here cannot be renewed; a mistyped one would be passed over", async () => {
  const { send } = registry();
  const { host } = hostWith();
  const values = { ...VALUES, delegation: "team", renewRole: ["targets/releases", "targets/taem"] };
  await failsWith(openSigning(values, session(host, send), host, "pull"), "usage", '"targets/taem"');
});
