/** `tagseal signing-data --print-artifact-configuration`: what the SignPath project needs, from nothing but the key. */
import assert from "node:assert/strict";
import { keyOfCertificate } from "../../lib/crypto/keys.ts";
import { readCertificate } from "../../lib/crypto/x509.ts";
import { startLocalStack } from "../../lib/local/stack.ts";
import { configurationFor } from "../../lib/cli/artifact_configuration.ts";
import { tagseal } from "../support/run.ts";

const PRINT = ["signing-data", "--print-artifact-configuration"];

Deno.test("--print-artifact-configuration fits the key, and needs neither network nor other flags", async () => {
  const cwd = await Deno.makeTempDir();
  const host = { connect: () => assert.fail("no network is needed") };
  try {
    const plain = await tagseal(PRINT, { cwd, host });
    assert.deepEqual([plain.code, plain.stdout, plain.stderr], [0, `${configurationFor(["dct"])}\n`, ""]);
    for (const algorithm of ["rsa-2048", "ecdsa-p256", "ecdsa-p384"] as const) {
      await using stack = await startLocalStack({ port: 0, now: () => new Date(), algorithm });
      await Deno.writeFile(`${cwd}/key.cer`, stack.certificate);
      const { shape } = keyOfCertificate(readCertificate(stack.certificate));
      const args = [...PRINT, "--delegation-certificate", "key.cer", "--json"];
      const all = await tagseal([...args, "--scheme", "notation,cosign,dct"], { cwd, host });
      assert.deepEqual(all.json(), { artifactConfiguration: configurationFor(["dct", "cosign", "notation"], shape) });
      const outcome = await tagseal(args, { cwd, host });
      assert.equal(outcome.code, 0, outcome.stderr);
      assert.deepEqual(outcome.json(), { artifactConfiguration: configurationFor(["dct"], shape) });
      assert.match(outcome.stderr, /^Delegation certificate: CN=Docker signing \(local\), /);
    }
    const unnamed = await tagseal([...PRINT, "--scheme", "notation"], { cwd, host });
    assert.deepEqual([unnamed.code, unnamed.stdout], [2, ""]);
    assert.match(
      unnamed.stderr,
      /^tagseal: error: How Notation signs depends on the key.*\n.*--delegation-certificate/,
    );
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
