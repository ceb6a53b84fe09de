/** The life of keys, on the real Notary server, side by side with the notary client and the docker CLI. */
import assert from "node:assert/strict";
import { certificatePem, readCertificate } from "../../lib/crypto/x509.ts";
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import { docker, notary, NOTARY_PASSPHRASES, type PushedManifest, pushImage, type Result } from "../support/clients.ts";
import { notaryList, NotaryOwner } from "../support/notary_owner.ts";
import type { Need } from "../support/peer_case.ts";
import { tagseal } from "../support/run.ts";
import { type Person, type SigningStack, startSigningStack } from "../support/signing_stack.ts";
import { REAL, REAL_WITH_TOKENS, stackTest } from "../support/stacks.ts";

const CLIENTS: readonly Need[] = ["notary", "skopeo", "docker"];
/** Where the notary client of the same person is told to have it, too. */
const TRUST = ["--trust-dir", "trust"];
const ROLES = ["targets", "snapshot", "timestamp", "root"] as const;

for (const servers of [REAL, REAL_WITH_TOKENS]) {
  stackTest(servers, "key life", CLIENTS, async (t) => {
    await using stack = await startSigningStack({ algorithm: "ecdsa-p256", stack: servers });
    await t.step("what init and add-delegation made is seen by all clients alike", () => agrees(stack));
    await t.step("rotations with our keys, and every client that knew the first root follows", () => rotates(stack));
    await t.step("delegations and keys are taken away, as all clients see", () => removes(stack));
    if (servers.auth) return; // whose keys they are, and who comes first, is no matter of tokens
    await t.step("we go on with the keys of the notary client", () => takesOver(stack));
    await t.step("the notary client goes on with our keys", () => handsOver(stack));
    await t.step("six admins add six delegations at the same moment", () => addsAtOnce(stack));
    await t.step("the guide's last step: the targets key goes, signing goes on", () => deletes(stack));
  });
}

async function agrees(stack: SigningStack): Promise<void> {
  const { peers } = stack;
  const { gun, admin, image } = await repository(stack, "agree/app");
  const made = (await tagseal(["keys", "--json", ...TRUST], { env: admin.env, cwd: admin.home })).json<
    { keys: { keyId: string; role: string }[] }
  >().keys;
  const run = (...args: string[]) => completes(notary(peers, admin.home, args, NOTARY_PASSPHRASES));
  const keyList = (await run("key", "list")).stdout;
  const rows = keyList.split("\n").flatMap((line) =>
    /\b(root|targets)\b.*\b([0-9a-f]{64})\b/.exec(line)?.slice(1) ?? []
  );
  assert.deepEqual(rows, made.flatMap(({ role, keyId }) => [role, keyId]));

  const { signers, rootKeyIds, targetsKeyIds } = (await admin.succeeds("inspect", "-r", gun, "--json", ...TRUST))
    .json<{ signers: { name: string; keyIds: string[] }[]; rootKeyIds: string[]; targetsKeyIds: string[] }>();
  assert.deepEqual([...rootKeyIds, ...targetsKeyIds], made.map(({ keyId }) => keyId));
  const listed = (await run("delegation", "list", gun)).stdout;
  for (const words of ["targets/releases", "targets/signpath", ...signers[0]!.keyIds]) {
    assert.ok(listed.includes(words));
  }
  assert.deepEqual(
    (await notaryList(peers, `${peers.dir}/agree-reader`, gun)).map(({ tag, sha256 }) => [tag, sha256]),
    [
      ["v1", image.digest.slice(7)],
    ],
  );
  const inspected = await dockerInspect(stack, gun, "agree-docker");
  assert.deepEqual(inspected.SignedTags, [{ SignedTag: "v1", Digest: image.digest.slice(7), Signers: ["signpath"] }]);
  assert.deepEqual(inspected.Signers.map(({ Name, Keys }) => [Name, Keys.map(({ ID }) => ID)]), [
    ["signpath", signers[0]!.keyIds],
  ]);
  const administrative = Object.fromEntries(
    inspected.AdministrativeKeys.map(({ Name, Keys }) => [Name, Keys.map(({ ID }) => ID)]),
  );
  assert.deepEqual(administrative["Repository"], targetsKeyIds);
}

async function rotates(stack: SigningStack): Promise<void> {
  const { peers } = stack;
  const { gun, admin, image } = await repository(stack, "rotated/app");
  const readers = ["one", "two"].map((name) => `${peers.dir}/rotated-${name}`);
  const sees = async (home: string) =>
    assert.equal((await notaryList(peers, home, gun))[0]!.sha256, image.digest.slice(7));
  const ours = await stack.agent("rotated-consumer");
  const verifies = () => ours.succeeds("verify", "-r", gun, "-t", "v1");
  await Promise.all([...readers.map(sees), verifies()]);
  let version = 1;
  for (const role of ROLES) {
    const result = (await admin.succeeds("rotate-key", "-r", gun, "--role", role, "--force", "--json", ...TRUST))
      .json<{ newKeyId: string; oldKeyIds: string[]; rootVersion: number }>();
    assert.equal(result.rootVersion, ++version);
    const root = JSON.parse((await stack.served(gun))["root"]!).signed;
    if (role !== "root") assert.deepEqual(root.roles[role].keyids, [result.newKeyId]);
    assert.equal(Object.keys(root.keys).length, 4, "keys that are not used any more are gone");
    await sees(readers[0]!); // step by step
  }
  await admin.succeeds("rotate-key", "-r", gun, "--role", "root", "--force", ...TRUST);
  await sees(readers[0]!);
  await sees(readers[1]!); // from version 1 to 6 in one go
  await verifies();
  await sees(`${peers.dir}/rotated-new`);
  assert.equal((await dockerInspect(stack, gun, "rotated-docker")).SignedTags.length, 1);
  await pushImage(peers, "rotated/app", "v2", "two");
  await ours.succeeds("sign", "-r", gun, "-t", "v2");
  assert.deepEqual((await notaryList(peers, readers[1]!, gun)).map(({ tag }) => tag).sort(), ["v1", "v2"]);
}

async function takesOver(stack: SigningStack): Promise<void> {
  const { peers } = stack;
  const gun = `${peers.registryHost}/theirs/app`;
  const admin = await stack.admin("theirs-admin");
  const owner = new NotaryOwner(peers, admin.home, gun);
  await owner.init();
  const image = await pushImage(peers, "theirs/app", "v1", "one");
  const agent = await stack.agent("theirs-agent");
  await refusesToFile(stack, owner, admin, agent);
  // The notary client keeps the snapshot key; from here on the server has it.
  await admin.succeeds("rotate-key", "-r", gun, "--role", "snapshot", ...TRUST);
  await admin.succeeds("add-delegation", "-r", gun, "--delegation-certificate", stack.certificatePath, ...TRUST);
  for (const role of ROLES) await admin.succeeds("rotate-key", "-r", gun, "--role", role, ...TRUST);
  await agent.succeeds("sign", "-r", gun, "-t", "v1");
  // Its own copy is of version 1.
  assert.equal((await notaryList(peers, admin.home, gun))[0]!.sha256, image.digest.slice(7));
}

/** While the notary client holds the snapshot key nobody else can publish: that is told before anything is filed. */
async function refusesToFile(stack: SigningStack, owner: NotaryOwner, admin: Person, agent: Person): Promise<void> {
  const { gun } = owner;
  const certificate = `${admin.home}/delegation.pem`;
  const pem = certificatePem(readCertificate(await Deno.readFile(stack.certificatePath)));
  await Deno.writeTextFile(certificate, pem);
  const before = stack.signPath.requests().length;
  const refused = async (attempt: Promise<{ readonly code: number; readonly stderr: string }>) => {
    const { code, stderr } = await attempt;
    assert.equal(code, 2, stderr);
    assert.match(stderr, /^tagseal: error: The snapshot key of ".*" is not the Notary server's, /m);
    assert.ok(stderr.includes(`tagseal rotate-key -r ${gun} --role snapshot`), stderr);
  };
  await refused(admin.run("add-delegation", "-r", gun, "--delegation-certificate", certificate, ...TRUST));
  for (const role of ["targets/releases", "targets/signpath"]) {
    await owner.run(["delegation", "add", gun, role, certificate, "--all-paths", "-p"]);
  }
  await refused(agent.run("sign", "-r", gun, "-t", "v1"));
  assert.equal(stack.signPath.requests().length, before, "nothing was filed");
}

async function handsOver(stack: SigningStack): Promise<void> {
  const { peers } = stack;
  const { gun, admin, image } = await repository(stack, "ours/app");
  const owner = new NotaryOwner(peers, admin.home, gun);
  const agent = await stack.agent("ours-agent");
  await agent.succeeds("verify", "-r", gun, "-t", "v1");
  const rotations = { targets: [], snapshot: ["-r"], timestamp: ["-r"], root: [] } as const;
  for (const role of ROLES) {
    await owner.rotate(role, ...rotations[role]);
    await agent.succeeds("verify", "-r", gun, "-t", "v1");
    await admin.succeeds("rotate-key", "-r", gun, "--role", role, "--force", ...TRUST);
    assert.equal((await notaryList(peers, admin.home, gun))[0]!.sha256, image.digest.slice(7));
  }
  const tag = { tag: "by-notary", sha256: "ab".repeat(32), length: 500 };
  await owner.sign(tag, ["targets"]);
  assert.ok((await agent.succeeds("list", "-r", gun)).stdout.includes(`by-notary sha256:${tag.sha256}`));
  await agent.succeeds("verify", "-r", gun, "-t", "v1");
}

async function addsAtOnce(stack: SigningStack): Promise<void> {
  const { peers } = stack;
  const { gun, admin } = await repository(stack, "many/app");
  const names = ["a", "b", "c", "d", "e", "f"];
  const keyIds = await Promise.all(names.map(async (name) => {
    const path = await certificate(stack, `many-${name}`);
    const args = ["-r", gun, "--delegation", name, "--delegation-certificate", path, "--json", ...TRUST];
    return (await admin.succeeds("add-delegation", ...args)).json<{ keyId: string }>().keyId;
  }));
  const { stdout } = await completes(notary(peers, `${peers.dir}/many-reader`, ["delegation", "list", gun]));
  for (const [i, name] of names.entries()) {
    assert.match(stdout, new RegExp(`targets/${name} .*${keyIds[i]}`));
    assert.equal(stdout.split(keyIds[i]!).length, 3, "in targets/releases as well");
  }
}

async function removes(stack: SigningStack): Promise<void> {
  const { peers } = stack;
  const { gun, admin, image } = await repository(stack, "removed/app");
  const add = async (name: string) => {
    const args = ["--delegation", name, "--delegation-certificate", await certificate(stack, `removed-${name}`)];
    return (await admin.succeeds("add-delegation", "-r", gun, ...args, "--json", ...TRUST)).json<{ keyId: string }>()
      .keyId;
  };
  const [b, c, d] = [await add("b"), await add("c"), await add("d")];
  const home = `${peers.dir}/removed-reader`;
  const listed = async () => (await completes(notary(peers, home, ["delegation", "list", gun]))).stdout;
  assert.ok([b, c, d].every((id) => id));
  const before = await listed();
  assert.ok([b, c, d].every((id) => before.includes(id)), before);
  await admin.succeeds("remove-delegation", "-r", gun, "--delegation", "b", ...TRUST);
  await admin.succeeds("remove-delegation", "-r", gun, "--key", c, ...TRUST);
  let now = await listed();
  assert.ok(!now.includes(b) && !now.includes(c) && now.includes(d), now);
  await admin.succeeds("remove-delegation", "-r", gun, "--delegation", "signpath", "--all-other", ...TRUST);
  now = await listed();
  assert.ok(!now.includes(d) && now.includes("targets/signpath"), now);
  const { Signers, SignedTags } = await dockerInspect(stack, gun, "removed-docker");
  assert.deepEqual(Signers.map(({ Name }) => Name), ["signpath"]);
  assert.deepEqual(SignedTags.map(({ Digest }) => Digest), [image.digest.slice(7)]);

  const refused = await admin.run("remove-delegation", "-r", gun, "--delegation", "signpath", ...TRUST);
  assert.equal(refused.code, 2, refused.stderr);
  assert.match(refused.stderr, /these tags .* stop being trusted.*: v1\./);
  await admin.succeeds("remove-delegation", "-r", gun, "--delegation", "signpath", "--yes", ...TRUST);
  assert.match(await listed(), /No delegations present/);
  assert.deepEqual((await dockerInspect(stack, gun, "removed-docker")).SignedTags, []);
}

async function deletes(stack: SigningStack): Promise<void> {
  const { peers } = stack;
  const { gun, admin } = await repository(stack, "deleted/app");
  const { stderr } = await admin.succeeds("delete-key", "--role", "targets", "-r", gun, "--yes", ...TRUST);
  assert.match(stderr, /v1 sha256:[0-9a-f]{64} verifies without it/);
  const keys = await completes(notary(peers, admin.home, ["key", "list"], NOTARY_PASSPHRASES));
  assert.doesNotMatch(keys.stdout, /targets/);
  await pushImage(peers, "deleted/app", "v2", "two");
  await (await stack.agent("deleted-agent")).succeeds("sign", "-r", gun, "-t", "v2");
  await admin.succeeds("rotate-key", "-r", gun, "--role", "targets", ...TRUST);
  const tags = await notaryList(peers, `${peers.dir}/deleted-reader`, gun);
  assert.deepEqual(tags.map(({ tag }) => tag).sort(), ["v1", "v2"]);
}

interface Keyed {
  readonly Name: string;
  readonly Keys: { readonly ID: string }[];
}

async function dockerInspect(stack: SigningStack, gun: string, home: string) {
  const { stdout } = await completes(docker(stack.peers, `${stack.peers.dir}/${home}`, ["trust", "inspect", gun]));
  return JSON.parse(stdout)[0] as {
    SignedTags: { SignedTag: string; Digest: string; Signers: string[] }[];
    Signers: Keyed[];
    AdministrativeKeys: Keyed[];
  };
}

/** A repository of ours with one signed tag, and its admin, who shares the trust directory with the notary client. */
async function repository(
  stack: SigningStack,
  path: string,
): Promise<{ gun: string; admin: Person; image: PushedManifest }> {
  const gun = `${stack.peers.registryHost}/${path}`;
  const name = path.replace("/", "-");
  const admin = await stack.admin(`${name}-owner`);
  await admin.succeeds("init", "-r", gun, ...TRUST);
  await admin.succeeds("add-delegation", "-r", gun, "--delegation-certificate", stack.certificatePath, ...TRUST);
  const image = await pushImage(stack.peers, path, "v1", path);
  await (await stack.agent(`${name}-signer`)).succeeds("sign", "-r", gun, "-t", "v1");
  return { gun, admin, image };
}

/** A new certificate as a file; its path. */
async function certificate(stack: SigningStack, commonName: string): Promise<string> {
  const made = await createSigningCertificate({ commonName, algorithm: "ecdsa-p256", now: new Date(), days: 365 });
  const path = `${stack.peers.dir}/${commonName}.cer`;
  await Deno.writeFile(path, made.certificateDer);
  return path;
}

async function completes(run: Promise<Result>): Promise<Result> {
  const result = await run;
  assert.equal(result.code, 0, result.stderr + result.stdout);
  return result;
}
