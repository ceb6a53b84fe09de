/** `tagseal signing-data --print-artifact-configuration`: what the SignPath project needs, from nothing but the key. */
import assert from "node:assert/strict";
import { startLocalStack } from "../../lib/local/stack.ts";
import { artifactConfiguration } from "../../lib/signpath/artifact_configuration.ts";
import { tagseal } from "../support/run.ts";

const PRINT = ["signing-data", "--print-artifact-configuration"];

Deno.test("--print-artifact-configuration fits the key, and needs neither network nor other flags", async () => {
  const cwd = await Deno.makeTempDir();
  const host = { connect: () => assert.fail("no network is needed") };
  try {
    const plain = await tagseal(PRINT, { cwd, host });
    assert.deepEqual([plain.code, plain.stdout, plain.stderr], [0, `${artifactConfiguration("rsa")}\n`, ""]);
    for (const [algorithm, family] of [["rsa-2048", "rsa"], ["ecdsa-p256", "ecdsa"]] as const) {
      await using stack = await startLocalStack({ port: 0, now: () => new Date(), algorithm });
      await Deno.writeFile(`${cwd}/key.cer`, stack.certificate);
      const args = [...PRINT, "--delegation-certificate", "key.cer", "--json"];
      const outcome = await tagseal(args, { cwd, host });
      assert.equal(outcome.code, 0, outcome.stderr);
      assert.deepEqual(outcome.json(), { artifactConfiguration: artifactConfiguration(family) });
      assert.match(outcome.stderr, /^Delegation certificate: CN=Docker signing \(local\), /);
    }
    await Deno.writeTextFile(`${cwd}/key.cer`, "no certificate");
    const wrong = await tagseal([...PRINT, "--delegation-certificate", "key.cer"], { cwd, host });
    assert.deepEqual([wrong.code, wrong.stdout], [2, ""]);
    assert.match(wrong.stderr, /"key\.cer" cannot be used as a delegation certificate/);
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

Deno.test("signing-data without an output path says so", async () => {
  const { code, stderr } = await tagseal(["signing-data", "-r", "localhost:1/a", "-t", "v1"]);
  assert.equal(code, 2);
  assert.match(stderr, /^tagseal: error: --output-artifact-path is missing\n/);
});
