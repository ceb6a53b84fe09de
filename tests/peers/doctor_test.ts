/** `tagseal doctor` at servers of all kinds: what they say of themselves, and each fault made real. */
import assert from "node:assert/strict";
import { pushIndex } from "../support/clients.ts";
import { tagseal } from "../support/run.ts";
import { startSigningStack } from "../support/signing_stack.ts";
import { EMBEDDED, REAL_WITH_TOKENS, stackTest } from "../support/stacks.ts";

interface Check {
  readonly name: string;
  readonly state: string;
  readonly found: string;
  readonly code?: string;
  readonly remedy?: string;
}

for (const stack of [REAL_WITH_TOKENS, EMBEDDED]) {
  stackTest(stack, "doctor: all is well, and what is not", [], async (t) => {
    await using running = await startSigningStack({ stack, algorithm: "ecdsa-p256" });
    const { peers, signPath } = running;
    const gun = `${peers.registryHost}/team/app`;
    await pushIndex(peers, "team/app", "v1", "doctor");
    const admin = await running.admin("admin");
    await admin.succeeds("init", "-r", gun, "--delegation-certificate", running.certificatePath);
    const agent = await running.agent("agent");
    const checksOf = ({ stdout }: { stdout: string }) => JSON.parse(stdout).checks as Check[];
    const wrong = (checks: Check[]) =>
      checks.filter(({ state }) => state === "error").map(({ name, code }) => `${name} ${code}`);
    const find = (checks: Check[], name: string) => checks.find((check) => check.name === name)!;
    const doctor = ["-r", gun, "--scheme", "dct,cosign,notation", "--json"];

    await t.step("all is well, in less than 5 s", async () => {
      const started = performance.now();
      const checks = checksOf(await agent.succeeds("doctor", ...doctor));
      assert.ok(performance.now() - started < 5000);
      assert.deepEqual(checks.filter(({ state }) => !["ok", "skipped"].includes(state)).map(({ name }) => name), [
        "pin",
      ]);
      assert.match(find(checks, "clock").found, /^Agrees with https:\/\/localhost/);
      const says = stack.auth ? /tokens come from https:\/\/localhost:\d+\/token$/ : /asks nobody who they are$/;
      for (const name of ["notary", "registry"]) assert.match(find(checks, name).found, says);
      assert.equal(signPath.requests().length, 0);
    });
    await t.step("without the CA: said for each server, with what helps", async () => {
      const { stdout, code } = await tagseal(["doctor", ...doctor, "--notary-url", peers.notaryUrl], {
        env: agent.env,
        cwd: agent.home,
      });
      assert.equal(code, 5, stdout);
      const checks = checksOf({ stdout });
      assert.match(find(checks, "notary").found, /shows a TLS certificate that is not trusted: no known CA/);
      assert.match(find(checks, "notary").remedy!, /--ca <pem>/);
      // Where one port serves both, one of them says it.
      const servers = stack === EMBEDDED ? ["notary", "signpath"] : ["notary", "registry", "signpath"];
      assert.deepEqual(wrong(checks), servers.map((name) => `${name} unavailable`));
    });
    if (stack.auth) {
      await t.step("nobody's credentials, and wrong ones", async () => {
        const stranger = await running.agent("stranger", { NOTARY_AUTH: "", REGISTRY_AUTH: "" });
        const { stdout, code } = await stranger.run("doctor", ...doctor);
        assert.equal(code, 4, stdout);
        assert.deepEqual(wrong(checksOf({ stdout })).filter((one) => /access/.test(one)), [
          "notary-access unauthenticated",
          "registry-access unauthenticated",
        ]);
      });
    }
    await t.step("the servers are down: soon said, and SignPath is looked at", async () => {
      await peers.stop();
      const started = performance.now();
      const { stdout, code } = await tagseal(
        ["doctor", "-r", gun, "--json", "--notary-url", peers.notaryUrl],
        { env: agent.env, cwd: "/tmp" },
      );
      assert.ok(performance.now() - started < 5000);
      assert.equal(code, 5, stdout);
      const checks = checksOf({ stdout });
      assert.match(find(checks, "notary").found, /nobody answers on that port/);
      assert.equal(find(checks, "trust-data").state, "skipped");
      assert.match(find(checks, "signpath").found, /TLS certificate that is not trusted/);
    });
  });
}
