/** The library is used by its public names alone, on the embedded stack, over TLS on loopback. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { createSigningCertificate } from "../lib/local/certificates.ts";
import { removeDelegation } from "../lib/flows/mod.ts";
import { listTags } from "../lib/schemes/mod.ts";
import { createSend } from "../lib/http/mod.ts";
import { type LocalStack, pushTinyImage, startLocalStack } from "../lib/local/mod.ts";
import {
  connect,
  type ConnectOptions,
  keyFiles,
  keyFileSigner,
  openExport,
  type Repository,
  type RepositoryResult,
  type SignPathSigner,
  signPathSigner,
  signTogether,
} from "../mod.ts";
import { failsWith } from "./support/failures.ts";
import { namesFile, publicNames } from "../tasks/public_names.ts";
import { putKey } from "./support/story_keys.ts";

const PASSPHRASE = "correct horse battery";

/** What keeps its meaning. A new name is a promise: it is written here by hand. */
const NAMES = [
  "AddDelegationResult",
  "CallOptions",
  "ConnectOptions",
  "Credentials",
  "CredentialsOption",
  "DelegationOptions",
  "ExportedTrust",
  "InitOptions",
  "KeyInfo",
  "KeyStore",
  "ListOptions",
  "NetworkOptions",
  "NewRepository",
  "Passphrase",
  "Pin",
  "Problem",
  "Published",
  "PushedTag",
  "Repository",
  "RepositoryFacts",
  "RepositoryResult",
  "RepositoryStatus",
  "RequestInQuestion",
  "RootPins",
  "SchemeChoice",
  "SchemeName",
  "SignOptions",
  "SignPathSigner",
  "SignPathSignerOptions",
  "SignResult",
  "SignerChoice",
  "SigningWork",
  "TagChanges",
  "TagFacts",
  "TagListFacts",
  "TagSelection",
  "TagSigner",
  "TagsealError",
  "TagsealErrorCode",
  "TrustReader",
  "connect",
  "dockerCredentials",
  "isTagsealError",
  "keyFileSigner",
  "keyFiles",
  "keyStoreSigner",
  "openExport",
  "signPathSigner",
  "signTogether",
];

Deno.test("library: its public names are those that were promised, and the inside is listed", async () => {
  const read = (name: string) => Deno.readTextFile(new URL(`../${name}`, import.meta.url));
  const names = await publicNames(JSON.parse(await read("deno.json")).exports);
  assert.deepEqual(names.get("."), NAMES);
  assert.ok(NAMES.length <= 50);
  assert.equal(await read("tests/public_names.txt"), namesFile(names), "deno task sync writes what is public now");
});

/** A stack, images on it, and a folder for keys and what is remembered. */
class World implements AsyncDisposable {
  readonly trustDir: string;
  readonly notices: string[] = [];

  private constructor(readonly stack: LocalStack, readonly folder: string) {
    this.trustDir = `${folder}/trust`;
  }

  static async begin(): Promise<World> {
    const stack = await startLocalStack({ port: 0, now: () => new Date() });
    return new World(stack, await Deno.makeTempDir({ prefix: "tagseal-library-" }));
  }

  connect(options: Partial<ConnectOptions> = {}, path = "demo/app"): Repository {
    const onNotice = (line: string) => this.notices.push(line);
    const { host, caPem } = this.stack;
    return connect({ repository: `${host}/${path}`, rootPin: "known", caCerts: [caPem], onNotice, ...options });
  }

  signPath(method: "zip" | "hash", policy = this.stack.policies.automatic): SignPathSigner {
    const { apiUrl, apiToken: token, organizationId, caPem, projectSlug, hashProjectSlug } = this.stack;
    const project = method === "zip" ? projectSlug : hashProjectSlug;
    return signPathSigner({ apiUrl, organizationId, token, project, policy, method, caCerts: [caPem] });
  }

  async push(tag: string, path = "demo/app"): Promise<string> {
    const { send, close } = createSend({ caCerts: [this.stack.caPem] });
    try {
      return await pushTinyImage(send, new URL(`https://${this.stack.host}`), path, tag, `${path}:${tag}`);
    } finally {
      close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.stop();
    await Deno.remove(this.folder, { recursive: true });
  }
}

Deno.test("library: a repository lives from its first key to its export", async () => {
  await using world = await World.begin();
  const { trustDir } = world;
  const keys = keyFiles({ trustDir, passphrase: ({ role }) => `${PASSPHRASE} ${role}` });
  const [v1, v2, v3] = [await world.push("v1"), await world.push("v2"), await world.push("v3")];
  using byZip = world.signPath("zip");
  using byHash = world.signPath("hash");

  // Set up, with SignPath's key from SignPath itself; then the certificate that init gives is the pin for others.
  using admin = world.connect({ trustDir });
  const certificate = await byZip.certificate();
  const made = await admin.init({ keys, delegate: { certificate } });
  await failsWith(() => admin.init({ keys }), "exists", "has trust data");
  assert.equal(await admin.rootCertificate(), made.rootCertificate);
  assert.deepEqual((await keys.list()).map(({ id }) => id).sort(), [made.rootKeyId, made.targetsKeyId].sort());

  // A key of their own for the night build.
  const night = await createSigningCertificate({
    commonName: "night",
    algorithm: "ecdsa-p256",
    now: new Date(),
    days: 365,
  });
  const nightDir = `${world.folder}/night`;
  await putKey(nightDir, night.privateKey, "night", PASSPHRASE);
  const delegation = { keys, certificate: night.certificateDer, delegation: "night" };
  assert.equal((await admin.addDelegation(delegation)).outcome, "published");
  assert.equal((await admin.addDelegation(delegation)).outcome, "unchanged");

  // Signed by a file, by hashes, and by a key at hand: on machines that know nothing but the pin.
  using ci = world.connect({ rootPin: made.rootCertificate });
  const progress: string[] = [];
  const signed = await ci.sign({ tags: { v1 }, signer: byZip, onProgress: (line) => progress.push(line) });
  assert.deepEqual(signed.tags, [{ tag: "v1", digest: v1, previousDigest: null }]);
  assert.match(progress.join("\n"), /^Signing request [0-9a-f-]+ submitted/);
  assert.equal((await ci.sign({ tags: { v1 }, signer: byZip })).outcome, "unchanged");
  const moved = () => ci.sign({ tags: { v2: v1 }, signer: byZip });
  await failsWith(moved, "trust-invalid", `The tag "v2" stands for "${v2}", not "${v1}"`);
  await ci.sign({ tags: ["v2"], signer: byHash });
  await ci.sign({ tags: { v3 }, signer: keyFileSigner(nightDir, PASSPHRASE), delegation: "night" });

  using consumer = world.connect({ rootPin: made.rootKeyId });
  const list = await consumer.list();
  assert.deepEqual(list.tags.map(({ tag, digest, signers }) => [tag, digest, signers]), [
    ["v1", v1, ["signpath"]],
    ["v2", v2, ["signpath"]],
    ["v3", v3, ["night"]],
  ]);
  assert.equal((await consumer.verify({ v1, v3 })).tags.length, 2);
  await failsWith(() => consumer.verify({ v1: v2 }), "trust-invalid", `signed as "${v1}", not "${v2}"`);
  await failsWith(() => consumer.verify(["v1", "v9"]), "not-signed", "v9");
  assert.deepEqual((await consumer.inspect()).signers.map(({ name }) => name), ["night", "signpath"]);
  const { trusted, problems } = await consumer.status({ keys });
  assert.equal(trusted, true);
  assert.ok(problems.some(({ code }) => code === "targets-key-here"));

  // An export stays as it was.
  const file = await consumer.export();
  const { removedTags } = await ci.withdraw({ tags: ["v2"], signer: byZip });
  assert.deepEqual(removedTags, ["v2"]);
  await failsWith(() => consumer.verify(["v2"]), "not-signed", "v2");
  const exported = await openExport(file, { rootPin: made.rootCertificate });
  assert.deepEqual(exported.repositories, [consumer.name]);
  assert.equal((await exported.repository(consumer.name).verify({ v2 })).tags.length, 1);
  await failsWith(() => exported.repository(consumer.name).verify(["v9"]), "not-signed", "v9");
  await failsWith(() => exported.repository("example.com/other"), "not-found", "example.com/other");
  const stranger = await openExport(file, { rootPin: "0".repeat(64) });
  await failsWith(() => stranger.repository(consumer.name).list(), "trust-invalid", "pin");

  // What is not here is in the subpaths, and takes what this gives it.
  const removal = { gun: admin.name, name: "night", allOther: false };
  const { removed } = await removeDelegation(admin.trust("push,pull"), keys, removal, () => Promise.resolve());
  assert.deepEqual(removed.map(({ role }) => role).sort(), ["targets/night", "targets/releases"]);
  assert.deepEqual((await consumer.inspect()).signers.map(({ name }) => name), ["signpath"]);
  assert.deepEqual(world.notices, []);
});

Deno.test("library: many repositories are signed with one signing request, and each stands alone", async () => {
  await using world = await World.begin();
  const keys = keyFiles({ trustDir: world.trustDir, passphrase: PASSPHRASE });
  using signer = world.signPath("zip");
  const certificate = await signer.certificate();
  using one = world.connect({}, "demo/one");
  using two = world.connect({}, "demo/two");
  using absent = world.connect({}, "demo/absent");
  for (const repository of [one, two]) await repository.init({ keys, delegate: { certificate } });
  const digest = await world.push("v1", "demo/one");
  await world.push("v1", "demo/two");
  const requests: string[] = [];
  const work = [one, two, absent].map((repository) => repository.changes({ sign: ["v1"] }));
  const onProgress = (line: string) => void (line.includes("submitted") && requests.push(line));
  const { repositories, failed } = await signTogether(work, { signer, onProgress });
  assert.deepEqual(repositories.map(({ repository, outcome }) => [repository, outcome]), [
    [one.name, "published"],
    [two.name, "published"],
  ]);
  assert.deepEqual(failed.map(({ repository }) => repository), [absent.name]);
  assert.equal(requests.length, 1);
  assert.equal((await one.verify({ v1: digest })).tags.length, 1);
});

Deno.test("library: one request signs a tag in several schemes, and a second run asks nobody", async () => {
  await using world = await World.begin();
  const keys = keyFiles({ trustDir: world.trustDir, passphrase: PASSPHRASE });
  using signer = world.signPath("zip");
  const certificate = await signer.certificate();
  using repository = world.connect();
  await repository.init({ keys, delegate: { certificate } });
  const v1 = await world.push("v1");
  const requests: string[] = [];
  const onProgress = (line: string) => void (line.includes("submitted") && requests.push(line));
  const sign = () =>
    repository.sign({ tags: { v1 }, schemes: ["dct", "notation", "cosign"], certificate, signer, onProgress });
  const outcomes = ({ outcome, tags, signatures = [] }: RepositoryResult) => [
    outcome,
    tags.map(({ digest }) => digest),
    signatures.map(({ scheme, digest, outcome }) => [scheme, digest, outcome]),
  ];
  assert.deepEqual(outcomes(await sign()), [
    "published",
    [v1],
    [["cosign", v1, "published"], ["notation", v1, "published"]],
  ]);
  assert.deepEqual(outcomes(await sign()), [
    "unchanged",
    [v1],
    [["cosign", v1, "unchanged"], ["notation", v1, "unchanged"]],
  ]);
  assert.equal(requests.length, 1);

  // Beside the image they need no Notary server.
  using bare = world.connect({ notaryUrl: "https://localhost:9" }, "demo/bare");
  await world.push("v1", "demo/bare");
  const { signatures } = await bare.sign({ tags: ["v1"], schemes: ["cosign"], certificate, signer });
  assert.deepEqual(signatures!.map(({ scheme, outcome }) => [scheme, outcome]), [["cosign", "published"]]);

  const tags = ["v1"];
  await failsWith(() => bare.sign({ tags, schemes: ["cosign"], signer }), "usage", "certificate of the signing key");
  await failsWith(() => bare.sign({ tags, schemes: [], signer }), "usage", "No scheme is named");
  await failsWith(() => bare.sign({ tags, schemes: ["pgp" as "dct"], signer }), "usage", '"pgp" is no scheme');
  await failsWith(() => bare.changes({ withdraw: tags, schemes: ["cosign"], certificate }), "usage", "Only signatures");
  assert.deepEqual(world.notices, []);
});

Deno.test("library: whoever calls can end every call, and is told what goes on", async () => {
  await using world = await World.begin();
  const keys = keyFiles({ trustDir: world.trustDir, passphrase: PASSPHRASE });
  using signer = world.signPath("zip", world.stack.policies.manual);
  using repository = world.connect();
  await repository.init({ keys, delegate: { certificate: await signer.certificate() } });
  await world.push("v1");

  const over = AbortSignal.abort(new Error("no more"));
  const [tags, signal] = [["v1"], over];
  for (
    const call of [
      () => repository.verify(tags, { signal }),
      () => repository.list({ signal }),
      () => repository.inspect({ signal }),
      () => repository.status({ signal }),
      () => repository.export({ signal }),
      () => repository.rootCertificate({ signal }),
      () => repository.init({ keys, signal }),
      () => repository.sign({ tags, signer, signal }),
      () => repository.withdraw({ tags, signer, signal }),
      () => signTogether([repository.changes({ sign: tags })], { signer, signal }),
      () => signer.certificate({ signal }),
    ]
  ) assert.equal((await failsWith(call, "interrupted", "ended by its caller")).cause, over.reason);

  // While somebody has to approve: the request goes on, and the error names it.
  const waiting = new AbortController();
  const onProgress = (line: string) => void (line.includes("WaitingForApproval") && waiting.abort());
  const { request } = await failsWith(
    () => repository.sign({ tags, signer, signal: waiting.signal, onProgress }),
    "interrupted",
    "Interrupted while waiting for signing request",
  );
  assert.equal(request?.goesOn, true);
  await failsWith(() => repository.verify(tags), "not-signed", "v1");

  const trust = repository.trust("pull");
  repository.close();
  repository.close();
  await failsWith(() => listTags(trust, repository.name), "interrupted", "ended by its caller");
  await failsWith(() => repository.verify(tags), "interrupted", "ended by its caller");
});

Deno.test("library: nothing is trusted on first use, unless somebody says so", async () => {
  await using world = await World.begin();
  using signer = world.signPath("zip");
  const keys = keyFiles({ trustDir: world.trustDir, passphrase: PASSPHRASE });
  using admin = world.connect();
  const { rootKeyId } = await admin.init({ keys, delegate: { certificate: await signer.certificate() } });

  using strict = world.connect();
  await failsWith(() => strict.list(), "trust-invalid", "root");
  using pinned = world.connect({ rootPin: ["0".repeat(64), rootKeyId] });
  assert.deepEqual((await pinned.list()).tags, []);
  using wrong = world.connect({ rootPin: "0".repeat(64) });
  await failsWith(() => wrong.list(), "trust-invalid", "pin");
  assert.deepEqual(world.notices, []);
  using first = world.connect({ rootPin: "first-use" });
  await first.list();
  assert.match(world.notices.join(), new RegExp(`not pinned: its key is ${rootKeyId}`));

  await failsWith(() => world.connect({ rootPin: [] }), "usage", "The list of root pins is empty");
  await failsWith(() => world.connect({ rootPin: "" }), "bad-input", "neither a key id nor a certificate");
  await failsWith(() => world.connect({ repository: "https://example.com" }), "usage", "is a URL");
});

Deno.test("library: what a script gets wrong is said before anything is asked or done", async () => {
  await using world = await World.begin();
  using signer = world.signPath("zip");
  using repository = world.connect();
  await failsWith(() => repository.verify([]), "usage", "No tag is named");
  await failsWith(() => repository.verify({ v1: "latest" }), "usage", '"latest" is not a digest');
  await failsWith(() => repository.sign({ tags: ["a b"], signer }), "usage", '"a b" is not a tag');
  const short = keyFiles({ trustDir: world.trustDir, passphrase: "short" });
  await failsWith(() => repository.init({ keys: short }), "bad-input", "is too short");
  const keys = keyFiles({ trustDir: world.trustDir, passphrase: PASSPHRASE });
  await repository.init({ keys });
  const wrong = keyFiles({ trustDir: world.trustDir, passphrase: `not ${PASSPHRASE}` });
  const certificate = await signer.certificate();
  await failsWith(() => repository.addDelegation({ keys: wrong, certificate }), "bad-input", "does not open the key");
  await failsWith(() => repository.addDelegation({ keys, certificate: "none" }), "bad-input", "no certificate");
});

Deno.test("library: a project of its own uses it, with the permissions that its documentation names", async () => {
  await using world = await World.begin();
  const { stack, folder, trustDir } = world;
  using signer = world.signPath("zip");
  using admin = world.connect();
  const keys = keyFiles({ trustDir, passphrase: PASSPHRASE });
  const { rootCertificate } = await admin.init({ keys, delegate: { certificate: await signer.certificate() } });
  const v1 = await world.push("v1");
  await admin.sign({ tags: { v1 }, signer });
  const exported = await admin.export();

  const project = `${folder}/project`;
  await Deno.mkdir(project);
  const write = (name: string, text: string) => Deno.writeTextFile(`${project}/${name}`, text);
  const tagseal = fileURLToPath(new URL("../", import.meta.url));
  const imports = { "@signpath/tagseal": "jsr:@signpath/tagseal@^0.1.0" };
  await write("deno.json", JSON.stringify({ links: [tagseal], imports }));
  const given = { repository: admin.name, rootPin: rootCertificate, caCerts: [stack.caPem] };
  await write(
    "online.ts",
    `import { connect } from "@signpath/tagseal";
import { parseImageName } from "@signpath/tagseal/registry";
using repository = connect({ ...${JSON.stringify(given)}, trustDir: Deno.args[0] });
const { tags } = await repository.verify(["v1"]);
console.log(tags[0]!.digest, parseImageName(repository.name).path);
`,
  );
  await write(
    "offline.ts",
    `import { openExport } from "@signpath/tagseal";
const file = Uint8Array.fromBase64(${JSON.stringify(exported.toBase64())});
const { repositories, repository } = await openExport(file, { rootPin: ${JSON.stringify(rootCertificate)} });
console.log((await repository(repositories[0]!).verify(["v1"])).tags[0]!.digest);
`,
  );
  const deno = async (...args: string[]) => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, cwd: project }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  };
  const run = (...args: string[]) => deno("run", "-q", "--no-prompt", ...args);
  await deno("check", "-q", "online.ts", "offline.ts"); // types take the longest, and are looked at once
  const memory = `${folder}/memory`;
  assert.equal(await run(`--allow-net=${stack.host}`, "online.ts"), `${v1} demo/app\n`);
  const dir = [`--allow-read=${memory}`, `--allow-write=${memory}`];
  assert.equal(await run(`--allow-net=${stack.host}`, ...dir, "online.ts", memory), `${v1} demo/app\n`);
  assert.ok((await Deno.stat(`${memory}/tuf`)).isDirectory);
  assert.equal(await run("offline.ts"), `${v1}\n`);
});
