/**
 * The life of a repository with our commands alone, on the real servers and on the embedded ones. For the embedded ones
 * no program has to be installed: on any machine, at least that is tried.
 */
import assert from "node:assert/strict";
import { pushPlainly } from "../support/plain_push.ts";
import type { Outcome } from "../support/run.ts";
import { filesBelow, type Person, startSigningStack } from "../support/signing_stack.ts";
import { EMBEDDED, REAL, stackTest } from "../support/stacks.ts";

for (const servers of [REAL, EMBEDDED]) {
  stackTest(servers, "our commands: from init to the last delegation", [], async (t) => {
    await using stack = await startSigningStack({ stack: servers, algorithm: "ecdsa-p256" });
    const gun = `${stack.peers.registryHost}/ours/app`;
    const admin = await stack.admin("admin");
    const agent = await stack.agent("agent");
    const auditor = await stack.agent("auditor");
    const verifies = async (images: Record<string, string>) => {
      const { stdout } = await auditor.succeeds("verify", "-r", gun, "-t", Object.keys(images).join(","));
      assert.equal(stdout, Object.entries(images).map(([tag, digest]) => `${tag} ${digest}\n`).join(""));
    };
    const images = await pushPlainly(stack.peers, "ours/app", "v1", "v2", "v3");
    const v1 = images["v1"]!;

    await t.step("an admin sets it up, and an agent without keys signs", async () => {
      await admin.succeeds("init", "-r", gun);
      await admin.succeeds("add-delegation", "-r", gun, "--delegation-certificate", stack.certificatePath);
      const { stdout } = await agent.succeeds("sign", "-r", gun, "-t", "v1");
      assert.equal(stdout, `${gun}:v1 ${v1} published\n`);
      for (const [path, bytes] of await filesBelow(agent.home)) {
        assert.ok(!path.includes("/private/") && !new TextDecoder().decode(bytes).includes("PRIVATE KEY"), path);
      }
    });
    await t.step("an auditor lists, verifies and inspects", async () => {
      assert.equal((await auditor.succeeds("list", "-r", gun)).stdout, `v1 ${v1} signpath\n`);
      await verifies({ v1 });
      says(await auditor.run("verify", "-r", gun, "-t", "v1,v2"), 3, `Not signed in "${gun}": v2`);
      const { signers } = (await auditor.succeeds("inspect", "-r", gun, "--json")).json<
        { signers: { name: string; keyIds: string[] }[] }
      >();
      assert.deepEqual(signers.map(({ name, keyIds }) => [name, keyIds.length]), [["signpath", 1]]);
    });
    await t.step("who comes late with signing data is refused, and nothing is lost", async () => {
      await agent.succeeds("signing-data", "-r", gun, "-t", "v2", "--output-artifact-path", "data.zip");
      await agent.succeeds("submit", "--input-artifact-path", "data.zip", "--wait-for-completion");
      await (await stack.agent("faster")).succeeds("sign", "-r", gun, "-t", "v3");
      const before = await stack.served(gun);
      const refused = await agent.run("push", "--input-artifact-path", "data.signed.zip");
      says(refused, 6, `"targets/releases" of "${gun}"`, "at version 2", "made from 1", "(tags: v3)");
      assert.deepEqual(await stack.served(gun), before);
      await agent.succeeds("sign", "-r", gun, "-t", "v2");
      await verifies(images);
    });
    await t.step("every role gets a new key, and who knew the first root follows", async () => {
      for (const role of ["targets", "snapshot", "timestamp", "root"]) {
        await admin.succeeds("rotate-key", "-r", gun, "--role", role, "--force");
      }
      await verifies(images);
      Object.assign(images, await pushPlainly(stack.peers, "ours/app", "v4"));
      await agent.succeeds("sign", "-r", gun, "-t", "v4");
      await verifies(images);
    });
    await t.step("the delegation goes, and the trust in its tags", async () => {
      await admin.succeeds("remove-delegation", "-r", gun, "--delegation", "signpath", "--yes");
      says(await auditor.run("verify", "-r", gun, "-t", "v1"), 3, `Not signed in "${gun}": v1`);
      const refused = await agent.run("sign", "-r", gun, "-t", "v1");
      says(refused, 2, `"${gun}" has no delegation "targets/releases", "targets/signpath"`);
    });
  });
}

// More of them, and real servers, are in crowd_test.ts and signing_test.ts.
stackTest(EMBEDDED, "our commands: three agents sign three tags of one repository at once", [], async () => {
  await using stack = await startSigningStack({ stack: EMBEDDED, algorithm: "ecdsa-p256" });
  const gun = `${stack.peers.registryHost}/many/app`;
  const images = await pushPlainly(stack.peers, "many/app", "a", "b", "c");
  const admin = await stack.admin("admin");
  await admin.succeeds("init", "-r", gun, "--delegation-certificate", stack.certificatePath);
  const agents = await Promise.all(Object.keys(images).map((tag) => stack.agent(`agent-${tag}`)));
  const sign = (agent: Person, tag: string) => agent.succeeds("sign", "-r", gun, "-t", tag);
  await Promise.all(Object.keys(images).map((tag, i) => sign(agents[i]!, tag)));
  const { stdout } = await (await stack.agent("auditor")).succeeds("list", "-r", gun);
  assert.equal(stdout, Object.entries(images).map(([tag, digest]) => `${tag} ${digest} signpath\n`).join(""));
  const files = await stack.served(gun);
  for (const role of ["targets/releases", "targets/signpath"]) {
    const { targets } = JSON.parse(files[role]!).signed;
    assert.deepEqual(Object.keys(targets).sort(), Object.keys(images), role);
  }
});

function says({ code, stderr }: Outcome, expected: number, ...words: string[]): void {
  assert.equal(code, expected, stderr);
  for (const part of words) assert.ok(stderr.includes(part), `"${part}" is not in: ${stderr}`);
}
