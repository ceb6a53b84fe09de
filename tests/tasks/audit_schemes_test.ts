/** `audit --scheme` and `report --scheme`: cosign and Notation signatures beside content trust. */
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { Story } from "../support/local_story.ts";

interface Audited {
  readonly repositories: readonly { readonly findings: readonly { readonly rule: string; readonly tag?: string }[] }[];
}

Deno.test("audit: cosign and Notation, by whom they must be, of tags that are signed and of those that are not", async (t) => {
  await using story = await Story.readyToSign();
  const { gun } = story;
  await story.push("v1");
  await story.push("dct-only");
  await story.succeed(["sign", "-r", gun, "-t", "v1", "--scheme", "dct,cosign,notation"]);
  await story.succeed(["sign", "-r", gun, "-t", "dct-only"]);
  const schemes = ["--scheme", "dct,cosign,notation", "--certificate", "signpath.cer"];
  const told = async (key: string) => {
    const outcome = await story.run(["audit", "-r", gun, "--json", ...schemes, "--key", key]);
    const [audited] = (JSON.parse(outcome.stdout) as Audited).repositories;
    return audited!.findings.flatMap(({ rule, tag }) => tag === undefined ? [] : `${rule} ${tag}`);
  };

  await t.step("each scheme is told by itself", async () => {
    assert.deepEqual(await told("signpath.cer"), [
      "missing-cosign dct-only",
      "missing-notation dct-only",
      "unsigned-tag v2",
      "missing-cosign v2",
      "missing-notation v2",
    ]);
  });
  await t.step("somebody else's signature is none, and is told of", async () => {
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    await Deno.writeTextFile(story.path("other.pem"), publicKey.export({ type: "spki", format: "pem" }).toString());
    const found = await told("other.pem");
    assert.ok(found.includes("missing-cosign v1"), found.join("\n"));
    assert.ok(found.includes("foreign-signature v1"), found.join("\n"));
    assert.ok(!found.includes("missing-notation v1"), found.join("\n"));
  });
  await t.step("the page has a bar for each, and who signed", async () => {
    await story.succeed([
      "report",
      "-r",
      gun,
      "--output-artifact-path",
      "page.html",
      ...schemes,
      "--key",
      "signpath.cer",
    ]);
    const page = await Deno.readTextFile(story.path("page.html"));
    for (
      const part of [
        /<h4>cosign<\/h4>/,
        /<h4>Notation<\/h4>/,
        /1 signed by whom it must be \(33 %\)/,
        /, key [0-9a-f]{64}/,
      ]
    ) {
      assert.match(page, part);
    }
  });
  await t.step("whose they must be is asked for", async () => {
    await story.fail(2, ["audit", "-r", gun, "--scheme", "dct,cosign"], ["--key is missing"]);
    await story.fail(2, ["audit", "-r", gun, "--key", "signpath.cer"], ["--key is of no use here"]);
    await story.fail(2, ["audit", "-r", gun, ...schemes, "--key", "signpath.cer", "--no-registry"], [
      "leaves nothing to look at",
    ]);
  });
});
