/** `inspect --format docker` prints what docker prints, and `status` and `export` hold, on both stacks. */
import assert from "node:assert/strict";
import { docker, pushImage } from "../support/clients.ts";
import { newKey, NotaryOwner } from "../support/notary_owner.ts";
import type { Need } from "../support/peer_case.ts";
import { type Person, type SigningStack, startSigningStack } from "../support/signing_stack.ts";
import { REAL, stackTest } from "../support/stacks.ts";

const CLIENTS: readonly Need[] = ["notary", "skopeo", "docker"];

interface DockerRepository {
  readonly SignedTags: readonly { SignedTag: string; Digest: string; Signers: string[] }[];
}

interface Status {
  readonly managedBy: { readonly snapshot: string };
  readonly keysHere: readonly { readonly signsFor: readonly string[] }[];
  readonly problems: readonly { readonly severity: string; readonly code: string }[];
}

stackTest(REAL, "inspect: as docker prints it", CLIENTS, async (t) => {
  await using stack = await startSigningStack({ algorithm: "ecdsa-p256", stack: REAL });
  const { peers } = stack;
  const auditor = await stack.agent("auditor");
  const gun = `${peers.registryHost}/notary/app`;
  const owner = new NotaryOwner(peers, `${peers.dir}/owner`, gun);
  const image = (tag: string, byte: string) => ({ tag, sha256: byte.repeat(32), length: 528 });
  const status = async (name: string, person: Person = auditor) =>
    (await person.run("status", "-r", name, "--json")).json<unknown>() as Status;

  await t.step("the notary client's repository, without signers", async () => {
    await owner.init();
    await same(stack, auditor, gun);
    for (const tag of ["v1", "v10", "v2", "latest", "1.10", "1.9"]) await owner.sign(image(tag, "a1"), ["targets"]);
    await same(stack, auditor, gun);
    await same(stack, auditor, gun, "v10");
    await same(stack, auditor, gun, "nothing");
    const { managedBy, problems } = await status(gun);
    assert.equal(managedBy.snapshot, "elsewhere");
    const codes = ["not-pinned", "no-delegation", "snapshot-not-at-server"];
    assert.deepEqual(problems.map(({ code }) => code).sort(), codes.sort());
  });
  await t.step("with signers, one below the other, and tags of some of them", async () => {
    await owner.rotate("snapshot", "-r");
    for (const name of ["releases", "bob", "alice", "alice/ci"]) {
      await owner.delegate(`targets/${name}`, await newKey(owner.home, name.replace("/", "-")));
    }
    await same(stack, auditor, gun);
    await owner.sign(image("v3", "b3"), ["targets/releases", "targets/bob", "targets/alice", "targets/alice/ci"]);
    await owner.sign(image("v4", "b4"), ["targets/releases"]);
    await owner.sign(image("v4", "c4"), ["targets/bob"]);
    await owner.sign(image("v5", "b5"), ["targets/alice"]);
    await same(stack, auditor, gun);
    for (const tag of ["v3", "v4", "v5"]) await same(stack, auditor, gun, tag);
    assert.equal((await status(gun)).managedBy.snapshot, "server");
  });
  await t.step("a repository of ours", async () => {
    const ours = `${peers.registryHost}/ours/app`;
    await pushImage(peers, "ours/app", "v1", "one");
    const admin = await stack.admin("admin");
    await admin.succeeds("init", "-r", ours);
    await same(stack, auditor, ours);
    await admin.succeeds("add-delegation", "-r", ours, "--delegation-certificate", stack.certificatePath);
    await same(stack, auditor, ours);
    await auditor.succeeds("sign", "-r", ours, "-t", "v1", "--project-slug", "app");
    await same(stack, auditor, ours);
    await same(stack, auditor, ours, "v1");
    const { managedBy, keysHere, problems } = await status(ours, admin);
    assert.equal(managedBy.snapshot, "server");
    assert.deepEqual(keysHere.flatMap(({ signsFor }) => signsFor).sort(), ["root", "targets"]);
    assert.deepEqual(problems.map(({ severity, code }) => `${severity} ${code}`), [
      "advice root-key-here",
      "advice targets-key-here",
      "advice not-pinned",
    ]);
  });
  await t.step("a tag that targets and targets/releases hold differently has two rows", async () => {
    await owner.sign(image("v2", "d2"), ["targets/releases"]);
    const [theirs, ours] = await Promise.all([inspectedByDocker(stack, gun), inspectedByUs(auditor, gun)]);
    const rows = (text: string) =>
      (JSON.parse(text) as [DockerRepository])[0].SignedTags.map((row) => JSON.stringify(row)).sort();
    assert.deepEqual(rows(ours), rows(theirs)); // docker shows the two in any order
    assert.equal(rows(ours).filter((row) => row.includes('"v2"')).length, 2);
  });
  await t.step("root was rotated: the export leads from its first root to the last, offline", async () => {
    await owner.rotate("root");
    await owner.rotate("root");
    const file = ["--output-artifact-path", `${auditor.home}/trust.zip`, "--force"];
    const { repositories } = (await auditor.succeeds("export", "-r", gun, ...file, "--json")).json<
      { repositories: { verified: { rootsFrom: number; rootKeyIds: string[] } }[] }
    >();
    const { rootsFrom, rootKeyIds } = repositories[0]!.verified;
    assert.equal(rootsFrom, 1);
    const from = ["-r", gun, "--from", `${auditor.home}/trust.zip`, "--root-pin", rootKeyIds[0]!];
    assert.equal(
      (await auditor.succeeds("verify", ...from, "-t", "v4")).stdout,
      `v4 sha256:${"b4".repeat(32)}\n`,
    );
    assert.equal(
      (await auditor.succeeds("inspect", ...from, "--format", "docker", "-t", "v3")).stdout,
      await inspectedByDocker(stack, gun, "v3"),
    );
  });
});

/** Asserts that we print what docker prints, to the byte. */
async function same(stack: SigningStack, auditor: Person, gun: string, tag?: string): Promise<void> {
  assert.equal(await inspectedByUs(auditor, gun, tag), await inspectedByDocker(stack, gun, tag));
}

async function inspectedByDocker({ peers }: SigningStack, gun: string, tag?: string): Promise<string> {
  const name = tag === undefined ? gun : `${gun}:${tag}`;
  const { code, stdout, stderr } = await docker(peers, `${peers.dir}/consumer`, ["trust", "inspect", name]);
  assert.equal(code, 0, stderr);
  return stdout;
}

async function inspectedByUs(auditor: Person, gun: string, tag?: string): Promise<string> {
  const tags = tag === undefined ? [] : ["-t", tag];
  return (await auditor.succeeds("inspect", "-r", gun, "--format", "docker", ...tags)).stdout;
}
