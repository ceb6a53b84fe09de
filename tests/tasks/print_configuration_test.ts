/** `tagseal signing-data --print-artifact-configuration`: what users paste into SignPath. */
import assert from "node:assert/strict";
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import { given, Story } from "../support/local_story.ts";

const GUIDE = new URL("../../GUIDE.md", import.meta.url);

Deno.test("signing-data prints the artifact configuration, needs nothing for it and asks nobody", async () => {
  await using story = await Story.begin();
  const { stdout, stderr } = await story.succeed(["signing-data", "--print-artifact-configuration"], {
    env: { HOME: "", SIGNPATH_API_TOKEN: "", SIGNPATH_PROJECT_SLUG: "" },
  });
  assert.match(
    stdout,
    /^(?:<\?xml [^\n]*\?>\n)?<artifact-configuration xmlns="http:\/\/signpath\.io\/artifact-configuration\/v1">\n/,
  );
  for (
    const line of [
      '<file path="payload/*.json" max-matches="unbounded">',
      '<create-raw-signature output-file-name="${file.name}.sig" hash-algorithm="sha256" rsa-padding="pkcs1" />',
    ]
  ) assert.ok(stdout.includes(line), `${line} is not in\n${stdout}`);
  assert.match(stdout, /<\/artifact-configuration>\n$/);
  assert.match(stderr, /^$|rsa-padding/, "nothing, or how it is for ECDSA keys");
  assert.deepEqual(story.calls, []);
  const lines = stdout.trim().split("\n").map((line) => line.trim()).filter((line) => !line.startsWith("<?xml"));
  const guide = (await Deno.readTextFile(GUIDE)).split("\n").map((line) => line.trim()).join("\n");
  assert.ok(guide.includes(lines.join("\n")), "the guide shows the same");
});

Deno.test("the artifact configuration as JSON", async () => {
  await using story = await Story.begin();
  const plain = (await story.succeed(["signing-data", "--print-artifact-configuration"])).stdout;
  const json = (await story.succeed(["signing-data", "--print-artifact-configuration", "--json"])).json();
  assert.deepEqual(json, { artifactConfiguration: plain.trimEnd() });
});

Deno.test("the artifact configuration fits the key of a certificate", async () => {
  await using story = await Story.begin();
  const print = ["signing-data", "--print-artifact-configuration"];
  const standard = (await story.succeed(print)).stdout;
  for (const algorithm of ["rsa-2048", "ecdsa-p256"] as const) {
    const made = await createSigningCertificate({ commonName: "x", algorithm, now: new Date(), days: 365 });
    await given(story, "key.cer", made.certificateDer);
    const { stdout } = await story.succeed([...print, "--delegation-certificate", "key.cer"]);
    assert.equal(stdout, algorithm === "rsa-2048" ? standard : standard.replace(' rsa-padding="pkcs1"', ""));
  }
  await given(story, "key.cer", "no certificate");
  await story.fail(2, [...print, "--delegation-certificate", "key.cer"], ['"key.cer" cannot be used']);
});

Deno.test("without it, signing-data still wants to know where to write", async () => {
  await using story = await Story.begin();
  await story.fail(2, ["signing-data", "-r", story.gun, "-t", "v1"], ["--output-artifact-path is missing"]);
});
