/** The main job on the real servers and on the embedded ones, signed by the embedded SignPath service over TLS. */
import assert from "node:assert/strict";
import type { RawSignatureFormat } from "../../lib/local/signpath_signing.ts";
import type { SigningAlgorithm } from "../../lib/local/certificates.ts";
import {
  docker,
  type Env,
  notary,
  NOTARY_PASSPHRASES,
  type PushedManifest,
  pushImage,
  pushIndex,
  type Result,
} from "../support/clients.ts";
import { FOREIGN_SHA256, FOREIGN_TARGET, forge, type Forgery, keyIdOf, otherKey } from "../support/forgery.ts";
import type { Need } from "../support/peer_case.ts";
import type { Outcome } from "../support/run.ts";
import {
  filesBelow,
  type Person,
  POLICIES,
  type SigningStack,
  startSigningStack,
  WRONG_PASSWORD,
} from "../support/signing_stack.ts";
import { EMBEDDED, REAL, REAL_WITH_TOKENS, stackTest } from "../support/stacks.ts";

const CLIENTS: readonly Need[] = ["notary", "skopeo", "docker"];

interface KeyKind extends RawSignatureFormat {
  readonly name: string;
  readonly algorithm: SigningAlgorithm;
}

const RSA: KeyKind = { name: "RSA key", algorithm: "rsa-2048" };
const EC: KeyKind = { name: "EC key", algorithm: "ecdsa-p256" };
const RSA_PSS: KeyKind = { name: "RSA key (PSS)", algorithm: "rsa-2048", rsaPadding: "pss" };
const EC_ASN1: KeyKind = { name: "EC key (ASN.1)", algorithm: "ecdsa-p256", ecdsaFormat: "asn1" };

stackTest(REAL, `signing: ${RSA.name}`, CLIENTS, async (t) => {
  await using stack = await startSigningStack({ ...RSA, stack: REAL });
  await t.step("one command, on a machine without keys", () => signsOnAgent(stack));
  await t.step("four steps on two machines, with an approval", () => signsInSteps(stack));
  await t.step("data is stale once somebody else has published", () => refusesStaleData(stack));
  await t.step("changed data is refused", () => refusesForgeries(stack, RSA));
  await t.step("a multi-platform image is signed as its index", () => signsIndex(stack));
  await t.step("repositories and keys go back and forth with the notary client", () => sharesWithNotary(stack));
});

stackTest(REAL_WITH_TOKENS, `signing: ${EC.name}`, CLIENTS, async (t) => {
  await using stack = await startSigningStack({ ...EC, stack: REAL_WITH_TOKENS });
  await t.step("one command, on a machine without keys", () => signsOnAgent(stack));
  await t.step("changed data is refused", () => refusesForgeries(stack, EC));
  await t.step("many sign at once, and nothing is lost", () => signsAtOnce(stack));
  await t.step("who waited in vain goes on with the signing request", () => resumes(stack));
  await t.step("wrong credentials are refused by name", () => refusesStrangers(stack));
});

stackTest(EMBEDDED, `signing: ${EC.name}`, CLIENTS, async (t) => {
  await using stack = await startSigningStack({ ...EC, stack: EMBEDDED });
  await t.step("one command, on a machine without keys", () => signsOnAgent(stack));
  await t.step("four steps on two machines, with an approval", () => signsInSteps(stack));
});

for (const servers of [REAL, EMBEDDED]) {
  stackTest(servers, "signing: docker pulls what was signed", [...CLIENTS, "dockerd"], async () => {
    await using stack = await startSigningStack({ ...(servers === REAL ? RSA : EC), stack: servers, engine: true });
    const { gun, images } = await signedRepository(stack, "team/app", "v1", "unsigned");
    await signs(await stack.agent("agent"), gun, "v1");
    const home = `${stack.peers.dir}/consumer`;
    const pull = (tag: string) => docker(stack.peers, home, ["pull", `${gun}:${tag}`], { DOCKER_CONTENT_TRUST: "1" });
    assert.ok((await completes(pull("v1"))).stdout.includes(images["v1"]!.digest));
    const refused = await pull("unsigned");
    assert.notEqual(refused.code, 0, refused.stdout);
    assert.match(refused.stderr + refused.stdout, /No valid trust data for unsigned/);
  });
}

for (const kind of [RSA_PSS, EC_ASN1]) {
  stackTest(REAL, `signing: ${kind.name}`, CLIENTS, async () => {
    await using stack = await startSigningStack({ ...kind, stack: REAL });
    await signsOnAgent(stack);
  });
}

async function signsOnAgent(stack: SigningStack): Promise<void> {
  const { peers } = stack;
  const gun = `${peers.registryHost}/main/app`;
  const image = await pushImage(peers, "main/app", "v1", "one");
  await pushImage(peers, "main/app", "unsigned", "two");
  const admin = await stack.admin("main-admin");
  const made = (await admin.succeeds("init", "-r", gun, "--json")).json<Record<string, string>>();
  assert.match(await Deno.readTextFile(made["rootCertificatePath"]!), /^-----BEGIN CERTIFICATE-----/);
  const certificate = ["--delegation-certificate", stack.certificatePath];
  const added = await admin.succeeds("add-delegation", "-r", gun, ...certificate);
  assert.match(added.stdout, /targets\/releases [0-9a-f]{64} published\n.*targets\/signpath [0-9a-f]{64} published\n$/);

  const agent = await stack.agent("main-agent");
  const { repositories, signingRequestId } = (await signs(agent, gun, "v1", "--json")).json();
  assert.deepEqual(repositories, [{
    repository: gun,
    outcome: "published",
    tags: [{ tag: "v1", digest: image.digest, previousDigest: null }],
    roles: [{ role: "targets/releases", version: 1 }, { role: "targets/signpath", version: 1 }],
  }]);
  assert.ok(stack.signPath.requests().some(({ id }) => id === signingRequestId));
  await assertHasNoKeys(agent);

  assert.deepEqual(await signedTags(stack, gun), { v1: image });
  const inspected = JSON.parse(
    (await completes(docker(peers, `${peers.dir}/main-consumer`, ["trust", "inspect", gun]))).stdout,
  )[0];
  const [, hex] = image.digest.split(":");
  assert.deepEqual(inspected.SignedTags, [{ SignedTag: "v1", Digest: hex, Signers: ["signpath"] }]);
  assert.deepEqual(inspected.Signers.map((signer: { Name: string }) => signer.Name), ["signpath"]);

  const again = await signs(agent, gun, "v1", "--json");
  assert.equal(again.json<{ signingRequestId: unknown }>().signingRequestId, null, "nothing had to be signed");
  assert.match((await agent.succeeds("verify", "-r", gun, "-t", "v1")).stdout, new RegExp(`^v1 ${image.digest}\n$`));
  says(await agent.run("verify", "-r", gun, "-t", "v1,unsigned"), 3, "unsigned");
}

async function signsInSteps(stack: SigningStack): Promise<void> {
  const { gun, images } = await signedRepository(stack, "steps/app", "v1");
  const before = await stack.served(gun);
  const [first, second] = [await stack.agent("steps-first"), await stack.agent("steps-second")];
  await first.succeeds("signing-data", "-r", gun, "-t", "v1", "--output-artifact-path", "data.zip");
  const submission = ["--input-artifact-path", `${first.home}/data.zip`, "--signing-policy-slug", POLICIES.manual];
  const id = (await first.succeeds("submit", ...submission)).stdout.trimEnd();
  assert.match(id, /^[0-9a-f-]{36}$/);

  const output = ["--output-artifact-path", "signed.zip"];
  const early = await second.run("download", id, ...output, "--wait-for-completion-timeout", "1");
  says(early, 8, id, `tagseal download ${id}`, "WaitingForApproval");
  assert.equal(early.stdout, "");
  await assert.rejects(Deno.stat(`${second.home}/signed.zip`), Deno.errors.NotFound);

  await stack.signPath.approve(id);
  await second.succeeds("download", id, ...output);
  assert.deepEqual(await stack.served(gun), before, "only push publishes");
  const push = () => second.succeeds("push", "-r", gun, "--input-artifact-path", "signed.zip");
  assert.equal((await push()).stdout, `${gun}:v1 ${images["v1"]!.digest} published\n`);
  const after = await stack.served(gun);
  assert.equal((await push()).stdout, `${gun}:v1 ${images["v1"]!.digest} unchanged\n`);
  assert.deepEqual(await stack.served(gun), after);
  assert.deepEqual(await signedTags(stack, gun), images);
  for (const agent of [first, second]) await assertHasNoKeys(agent);
}

async function resumes(stack: SigningStack): Promise<void> {
  const { gun, images } = await signedRepository(stack, "resumed/app", "v1");
  const agent = await stack.agent("resumed-agent");
  const policy = ["--signing-policy-slug", POLICIES.manual, "--wait-for-completion-timeout", "1"];
  const early = await agent.run("sign", "-r", gun, "-t", "v1", ...policy, "--json");
  const id = early.json<{ error: { details: { signingRequestId: string } } }>().error.details.signingRequestId;
  says(early, 8, id, `tagseal resume ${id}`);
  await stack.signPath.approve(id);
  await agent.succeeds("resume", id);
  assert.deepEqual(await signedTags(stack, gun), images);
}

async function refusesStaleData(stack: SigningStack): Promise<void> {
  const { gun, images } = await signedRepository(stack, "stale/app", "quiet", "moving", "mine", "theirs");
  const [slow, fast] = [await stack.agent("stale-slow"), await stack.agent("stale-fast")];
  const pushAgain = async (tag: string) => images[tag] = await pushImage(stack.peers, "stale/app", tag, `other ${tag}`);
  await signs(fast, gun, "quiet,moving,mine");
  await pushAgain("mine");
  images["new"] = await pushImage(stack.peers, "stale/app", "new", "new");
  const signed = await signedFile(slow, gun, "mine,new");
  await pushAgain("moving");
  await signs(fast, gun, "theirs,moving");
  const before = await stack.served(gun);

  const refused = await slow.run("push", "--input-artifact-path", signed);
  says(refused, 6, `"targets/releases" of "${gun}"`, "at version 2", "made from 1", "(tags: moving, theirs)");
  assert.match(refused.stderr, /tagseal: next: Nothing was published\. Make new signing data/);
  assert.deepEqual(await stack.served(gun), before);
  const { quiet, moving, theirs } = images;
  const mine = (await signedTags(stack, gun))["mine"]!;
  assert.deepEqual(await signedTags(stack, gun), { quiet, moving, theirs, mine });
  assert.notDeepEqual(mine, images["mine"], "the one before");

  await signs(slow, gun, "mine,new");
  assert.deepEqual(await signedTags(stack, gun), images);
}

async function refusesForgeries(stack: SigningStack, format: RawSignatureFormat): Promise<void> {
  const { gun, images } = await signedRepository(stack, "forged/app", "v0", "v1");
  const agent = await stack.agent("forged-agent");
  await signs(agent, gun, "v0");
  const signed = await signedFile(agent, gun, "v1");
  const before = await stack.served(gun);
  const { privateKey } = stack;
  const stranger = otherKey(privateKey);
  const changed = (payload: Forgery["payload"] & object) => ({ payload, consistent: true });
  const toForeign: Forgery = {
    ...changed(({ targets }) => targets["v1"] = FOREIGN_TARGET),
    manifest: ({ repositories: [one] }) => {
      one!.tags[0]!.digest = `sha256:${FOREIGN_SHA256}`;
      one!.tags[0]!.length = FOREIGN_TARGET.length;
    },
  };
  const else_ = "changes something else than the tags that the manifest names";
  const forgeries: Record<string, readonly [Forgery, string]> = {
    "payload": [{ payload: ({ targets }) => targets["v1"] = FOREIGN_TARGET }, "not the one that the manifest names"],
    "payload and manifest": [toForeign, "signature is not good"],
    "payload and manifest, signed by another key": [{ ...toForeign, signWith: stranger }, "signature is not good"],
    "signature of another key": [{ signWith: stranger }, "signature is not good"],
    "key": [
      { manifest: ({ repositories: [one] }) => one!.delegationKeyId = keyIdOf(stranger), signWith: stranger },
      "may not sign for it",
    ],
    "a tag slipped in": [
      { ...changed(({ targets }) => targets["evil"] = FOREIGN_TARGET), signWith: privateKey },
      else_,
    ],
    "a tag moved": [{ ...changed(({ targets }) => targets["v0"] = FOREIGN_TARGET), signWith: privateKey }, else_],
    "a tag taken away": [{ ...changed(({ targets }) => delete targets["v0"]), signWith: privateKey }, else_],
    "no tag named": [{ manifest: ({ repositories: [one] }) => one!.tags.splice(0), signWith: privateKey }, else_],
    "expiry": [
      { ...changed((payload) => payload.expires = "2099-01-01T00:00:00Z"), signWith: privateKey },
      "does not expire within three years",
    ],
    "role": [
      { manifest: ({ repositories: [one] }) => one!.roles[0]!.role = "targets" },
      "it is not for a delegation",
    ],
  };
  const file = await Deno.readFile(signed);
  for (const [what, [forgery, words]] of Object.entries(forgeries)) {
    const path = `${agent.home}/${what}.zip`;
    await Deno.writeFile(path, await forge(file, forgery, format));
    const outcome = await agent.run("push", "--input-artifact-path", path);
    assert.equal(outcome.code, 3, `${what}: ${outcome.stderr}`);
    assert.ok(outcome.stderr.includes(words), `${what}: ${outcome.stderr}`);
    assert.equal(outcome.stdout, "");
    assert.deepEqual(await stack.served(gun), before, what);
  }
  // What all of them were made from is good.
  await agent.succeeds("push", "--input-artifact-path", signed);
  assert.deepEqual(await signedTags(stack, gun), images);
}

async function signsAtOnce(stack: SigningStack): Promise<void> {
  const { gun, images } = await signedRepository(stack, "many/app", "a", "b", "c");
  await Promise.all(
    Object.keys(images).map(async (tag) => await signs(await stack.agent(`many-${tag}`), gun, tag)),
  );
  assert.deepEqual(await signedTags(stack, gun), images);
}

async function signsIndex(stack: SigningStack): Promise<void> {
  const { gun } = await signedRepository(stack, "index/app");
  const index = await pushIndex(stack.peers, "index/app", "v1", "many platforms");
  await signs(await stack.agent("index-agent"), gun, "v1");
  assert.deepEqual(await signedTags(stack, gun), { v1: index });
}

async function sharesWithNotary(stack: SigningStack): Promise<void> {
  const { peers, certificatePath } = stack;
  const certificate = ["--delegation-certificate", certificatePath];
  const admin = await stack.admin("shared-admin");
  const agent = await stack.agent("shared-agent");
  const trustDir = ["--trust-dir", "trust"]; // where the notary client is told to have it, too
  const run = (...args: string[]) => completes(notary(peers, admin.home, args, NOTARY_PASSPHRASES));

  // A repository that the notary client has made: nothing is set up twice, and its keys open.
  const theirs = `${peers.registryHost}/shared/theirs`;
  const v1 = await pushImage(peers, "shared/theirs", "v1", "one");
  await run("init", theirs, "-p");
  await run("key", "rotate", theirs, "snapshot", "-r");
  const before = await stack.served(theirs);
  const other = await stack.admin("shared-other");
  says(await other.run("init", "-r", theirs), 6, `The repository "${theirs}" has trust data`);
  assert.deepEqual(await stack.served(theirs), before);
  assert.deepEqual([...(await filesBelow(other.home)).keys()], []);
  const keyFiles = async () => [...(await filesBelow(`${admin.home}/trust/private`)).keys()].sort();
  const keys = await keyFiles();
  await admin.succeeds("add-delegation", "-r", theirs, ...certificate, ...trustDir);
  assert.deepEqual(await keyFiles(), keys);
  await signs(agent, theirs, "v1");
  assert.deepEqual(await signedTags(stack, theirs), { v1 });

  // A repository of ours: the notary client lists it, signs with our targets key, and rotates with our root key.
  const ours = `${peers.registryHost}/shared/ours`;
  const { rootKeyId, targetsKeyId } = (await admin.succeeds("init", "-r", ours, ...trustDir, "--json"))
    .json<Record<string, string>>();
  const { stdout: delegation } = await admin.succeeds("add-delegation", "-r", ours, ...certificate, ...trustDir);
  const listed = (await run("delegation", "list", ours)).stdout;
  const [, keyId] = /targets\/signpath ([0-9a-f]{64}) /.exec(delegation)!;
  for (const words of ["targets/releases", "targets/signpath", keyId!]) assert.ok(listed.includes(words), listed);
  const keyList = (await run("key", "list")).stdout;
  for (const id of [rootKeyId!, targetsKeyId!]) assert.ok(keyList.includes(id), keyList);
  const v2 = await pushImage(peers, "shared/ours", "v2", "two");
  await signs(agent, ours, "v2");
  await run("addhash", ours, "by-notary", "528", "--sha256", FOREIGN_SHA256);
  await run("publish", ours);
  const byNotary = { digest: `sha256:${FOREIGN_SHA256}`, length: 528 };
  assert.deepEqual(await signedTags(stack, ours, "targets"), { "by-notary": byNotary });
  await run("key", "rotate", ours, "targets");
  const v3 = await pushImage(peers, "shared/ours", "v3", "three");
  await signs(agent, ours, "v3");
  assert.deepEqual(await signedTags(stack, ours), { v2, v3 });
  const seen = (await agent.succeeds("list", "-r", ours, "--json"))
    .json<{ tags: (PushedManifest & { tag: string })[] }>().tags;
  const all = Object.fromEntries(seen.map(({ tag, digest, length }) => [tag, { digest, length }]));
  assert.deepEqual(all, { "by-notary": byNotary, v2, v3 });
}

async function refusesStrangers(stack: SigningStack): Promise<void> {
  const { peers } = stack;
  const { gun } = await signedRepository(stack, "strange/app", "v1");
  const before = await stack.served(gun);
  const wrong = btoa(`${peers.username}:${WRONG_PASSWORD}`);
  const path = gun.slice(gun.indexOf("/") + 1);
  const cases: Record<string, readonly [Env, ...string[]]> = {
    "notary": [{ NOTARY_AUTH: wrong }, `repository:${gun}:push,pull`, `as user "${peers.username}"`, "NOTARY_AUTH"],
    "registry": [{ REGISTRY_AUTH: wrong }, `repository:${path}:pull`, `as user "${peers.username}"`, "REGISTRY_AUTH"],
    "nobody": [{ NOTARY_AUTH: "" }, `repository:${gun}:push,pull`, "tried anonymously", "NOTARY_AUTH"],
  };
  for (const [name, [env, ...words]] of Object.entries(cases)) {
    const agent = await stack.agent(`strange-${name}`, env);
    for (const more of [[], ["--json", "--verbose"]]) {
      const refused = await agent.run("sign", "-r", gun, "-t", "v1", ...more);
      says(refused, 4, ...words, 'realm "https://localhost:');
    }
  }
  const agent = await stack.agent("strange-signpath", { SIGNPATH_API_TOKEN: WRONG_PASSWORD });
  for (const more of [[], ["--json", "--verbose"]]) {
    says(await agent.run("sign", "-r", gun, "-t", "v1", ...more), 4, "SignPath", "SIGNPATH_API_TOKEN");
  }
  assert.deepEqual(await stack.served(gun), before);
}

/** A repository that is set up in one step, with an image for each tag. */
async function signedRepository(
  stack: SigningStack,
  path: string,
  ...tags: string[]
): Promise<{ gun: string; images: Record<string, PushedManifest> }> {
  const gun = `${stack.peers.registryHost}/${path}`;
  const admin = await stack.admin(path.replace("/", "-admin-"));
  const pushed = tags.map(async (tag) => [tag, await pushImage(stack.peers, path, tag, tag)] as const);
  await admin.succeeds("init", "-r", gun, "--delegation-certificate", stack.certificatePath);
  return { gun, images: Object.fromEntries(await Promise.all(pushed)) };
}

function signs(person: Person, gun: string, tags: string, ...more: string[]): Promise<Outcome> {
  return person.succeeds("sign", "-r", gun, "-t", tags, ...more);
}

/** The path of a signed file that was not pushed yet. */
async function signedFile(person: Person, gun: string, tags: string): Promise<string> {
  await person.succeeds("signing-data", "-r", gun, "-t", tags, "--output-artifact-path", "data.zip");
  await person.succeeds("submit", "--input-artifact-path", "data.zip", "--wait-for-completion");
  return `${person.home}/data.signed.zip`;
}

/** What the notary client, which trusts what it sees first, shows of a role. */
async function signedTags(
  stack: SigningStack,
  gun: string,
  role = "targets/releases",
): Promise<Record<string, PushedManifest>> {
  const home = await Deno.makeTempDir({ dir: stack.peers.dir, prefix: "reader-" });
  const { stdout } = await completes(notary(stack.peers, home, ["list", gun, "-r", role]));
  const rows = stdout.split("\n").map((line) => line.trim().split(/\s+/)).filter((row) => row[3] === role);
  return Object.fromEntries(rows.map(([tag, hex, length]) => [tag, { digest: `sha256:${hex}`, length: +length! }]));
}

async function assertHasNoKeys(person: Person): Promise<void> {
  const files = await filesBelow(person.home);
  assert.ok([...files.keys()].some((path) => path.endsWith("/metadata/root.json")), "this is where trust data is kept");
  for (const [path, bytes] of files) {
    assert.doesNotMatch(path, /\.key$|\/private\//);
    assert.ok(!new TextDecoder().decode(bytes).includes("PRIVATE KEY"), path);
  }
}

function says({ code, stderr }: Outcome, expected: number, ...words: string[]): void {
  assert.equal(code, expected, stderr);
  for (const part of words) assert.ok(stderr.includes(part), `"${part}" is not in: ${stderr}`);
}

async function completes(run: Promise<Result>): Promise<Result> {
  const result = await run;
  assert.equal(result.code, 0, result.stderr + result.stdout);
  return result;
}
