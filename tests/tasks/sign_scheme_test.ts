/** `sign --scheme`: one request for Docker Content Trust, cosign and Notation, and nothing pushed that is not good. */
import assert from "node:assert/strict";
import { text, utf8 } from "../../lib/bytes/bytes.ts";
import { readZip, writeZip } from "../../lib/bytes/zip.ts";
import { readCertificate } from "../../lib/crypto/x509.ts";
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import { documentIn } from "../support/run.ts";
import { peersInMemory, Story } from "../support/local_story.ts";

interface Signed {
  readonly signingRequestId: string | null;
  readonly repositories: readonly {
    readonly outcome: string;
    readonly tags: readonly { readonly tag: string }[];
    readonly signatures?: readonly {
      readonly scheme: string;
      readonly tag: string;
      readonly digest: string;
      readonly reference: string;
      readonly outcome: string;
    }[];
  }[];
}

const ALL = ["--scheme", "dct,cosign,notation"];

async function sign(story: Story, ...more: string[]): Promise<Signed> {
  return documentIn((await story.succeed(["sign", "-r", story.gun, ...more, "--json"])).stdout) as unknown as Signed;
}

Deno.test("one request signs all tags in all schemes, and a second run files none", async () => {
  await using story = await Story.readyToSign();
  const { repositories: [first] } = await sign(story, "-t", "v1,v2", ...ALL);
  assert.equal(story.peers.signPath.requests().length, 1);
  assert.deepEqual(first!.signatures!.map(({ scheme, tag, outcome }) => [scheme, tag, outcome]), [
    ["cosign", "v1", "published"],
    ["cosign", "v2", "published"],
    ["notation", "v1", "published"],
    ["notation", "v2", "published"],
  ]);
  for (const { scheme, digest, reference } of first!.signatures!) {
    assert.equal(reference, scheme === "cosign" ? `${digest.replace(":", "-")}.sig` : digest);
  }
  assert.deepEqual(first!.tags.map(({ tag }) => tag), ["v1", "v2"]);
  story.calls.length = 0;
  const again = await sign(story, "-t", "v1,v2", ...ALL);
  assert.equal(story.peers.signPath.requests().length, 1, "nothing was filed");
  assert.deepEqual([...new Set(again.repositories[0]!.signatures!.map(({ outcome }) => outcome))], ["unchanged"]);
  assert.deepEqual(again.repositories[0]!.outcome, "unchanged");
  assert.deepEqual(story.writes(), []);
});

Deno.test("cosign and Notation need no Notary server, and no repository that was set up", async () => {
  await using story = await Story.begin();
  await story.push("v1");
  const { repositories: [first] } = await sign(story, "-t", "v1", "--scheme", "cosign,notation");
  assert.deepEqual(first!.signatures!.length, 2);
  assert.ok(!story.calls.some((call) => call.includes("/_trust/")));
});

Deno.test("signatures of others stay, and a second tag of the same digest is added beside the first", async () => {
  await using story = await Story.readyToSign();
  await story.push("v1", "same");
  await story.push("v2", "same");
  await sign(story, "-t", "v1", "--scheme", "cosign");
  const { repositories: [second] } = await sign(story, "-t", "v1,v2", "--scheme", "cosign");
  assert.deepEqual(second!.signatures!.map(({ tag, outcome }) => [tag, outcome]), [["v1", "unchanged"], [
    "v2",
    "published",
  ]]);
  assert.equal(second!.signatures![0]!.reference, second!.signatures![1]!.reference);
});

Deno.test("the four steps carry all schemes, and what was changed on the way is not pushed", async (t) => {
  await using story = await Story.readyToSign();
  await story.succeed([
    "signing-data",
    "-r",
    story.gun,
    "-t",
    "v1",
    ...ALL,
    "--delegation-certificate",
    "signpath.cer",
    "--output-artifact-path",
    "data.zip",
  ]);
  await story.succeed(["submit", "--input-artifact-path", "data.zip", "--wait-for-completion"]);
  await t.step("nothing is published by that", () => assert.deepEqual(story.writes(), []));
  const entries = await readZip(await Deno.readFile(story.path("data.signed.zip")), {
    entries: 100,
    entryBytes: 2 ** 20,
    totalBytes: 2 ** 22,
  });
  const signatures = [...entries.keys()].filter((name) => name.endsWith(".sig"));
  assert.equal(signatures.length >= 3, true);
  for (const bad of signatures) {
    await t.step(`nothing is published where ${bad} is not good`, async () => {
      const changed = [...entries].map(([name, bytes]) => ({ name, bytes: name === bad ? bytes.toReversed() : bytes }));
      await Deno.writeFile(story.path("bad.zip"), await writeZip(changed));
      await story.fail(3, ["push", "--input-artifact-path", "bad.zip"], ["not good under", "Nothing was published"]);
      assert.deepEqual(story.writes(), []);
    });
  }
  const other =
    (await createSigningCertificate({ commonName: "Other", algorithm: "ecdsa-p256", now: new Date(), days: 9 }))
      .certificatePem;
  // deno-lint-ignore no-explicit-any -- a manifest, changed in every way
  const changes: [string, number, (cosign: any, notation: any) => void][] = [
    ["another tag", 3, ({ signatures: [one] }) => one.tag = "v2"],
    ["another digest", 3, ({ signatures: [one] }) => one.digest = `sha256:${"0".repeat(64)}`],
    ["the other form", 3, ({ signatures: [one] }) => one.form = "bundle"],
    ["a form of another scheme", 2, ({ signatures: [one] }) => one.form = "jws"],
    ["a scheme that is not known", 2, (cosign) => cosign.scheme = "gpg"],
    ["another certificate", 3, (cosign) => cosign.certificates = [readCertificate(other).der.toBase64()]],
    ["another size", 3, (_, { signatures: [one] }) => one.size++],
    ["a size that is none", 2, ({ signatures: [one] }) => one.size += 0.5],
    ["another media type", 3, (_, { signatures: [one] }) => one.mediaType = one.mediaType.replace("manifest", "index")],
    ["a payload that two use", 2, ({ signatures: [one] }, { signatures: [two] }) => {
      [two.payload, two.sha256] = [one.payload, one.sha256];
    }],
  ];
  for (const [name, code, change] of changes) {
    await t.step(`nothing is published where the manifest names ${name}`, async () => {
      const manifest = JSON.parse(text(entries.get("docker-signing-data.json")!));
      change(manifest.images[0], manifest.images[1]);
      story.calls.length = 0;
      const changed = new Map(entries).set("docker-signing-data.json", utf8(JSON.stringify(manifest)));
      await Deno.writeFile(
        story.path("bad.zip"),
        await writeZip([...changed].map(([name, bytes]) => ({ name, bytes }))),
      );
      await story.fail(code, ["push", "--input-artifact-path", "bad.zip"], [""]);
      assert.deepEqual(story.writes(), []);
    });
  }
  await t.step("nothing is published that another key has signed than the one that the user names", async () => {
    await Deno.writeFile(story.path("other.pem"), utf8(other));
    const push = ["push", "--input-artifact-path", "data.signed.zip", "--delegation-certificate"];
    await story.fail(3, [...push, "other.pem"], ["are by the key", "Nothing was published"]);
    await story.fail(3, [...push, "0123456"], ["not by 0123456"]);
    assert.deepEqual(story.writes(), []);
  });
  const { stdout } = await story.succeed([
    ...["push", "--input-artifact-path", "data.signed.zip", "--json"],
    ...["--delegation-certificate", "signpath.cer"],
  ]);
  const { repositories: [first] } = documentIn(stdout) as unknown as Signed;
  assert.deepEqual(first!.signatures!.map(({ scheme, outcome }) => [scheme, outcome]), [
    ["cosign", "published"],
    ["notation", "published"],
  ]);
  story.calls.length = 0;
  await story.succeed(["push", "--input-artifact-path", "data.signed.zip"]);
  assert.deepEqual((await sign(story, "-t", "v1", ...ALL)).repositories[0]!.outcome, "unchanged");
});

Deno.test("what cannot be signed is told before anything is filed", async (t) => {
  await using story = await Story.readyToSign();
  const filed = story.peers.signPath.requests().length;
  const cases: [string, number, string[], string[]][] = [
    ["a scheme that is not known", 2, ["-t", "v1", "--scheme", "gpg"], ['--scheme does not know "gpg"']],
    ["a tag that is not there", 2, ["-t", "v9", "--scheme", "cosign"], ["v9"]],
    ["a file that is no certificate", 2, ["-t", "v1", "--scheme", "cosign", "--delegation-certificate", "no.cer"], [
      "no certificate",
    ]],
    ["another policy's certificate", 2, ["-t", "v1", "--scheme", "cosign", "--delegation-certificate", "other.cer"], [
      "signs with the key",
      "Nothing was filed",
    ]],
  ];
  await Deno.writeFile(story.path("no.cer"), utf8("no certificate"));
  await Deno.writeFile(story.path("other.cer"), story.peers.otherCertificate!);
  for (const [name, code, more, words] of cases) {
    await t.step(name, async () => {
      await story.fail(code, ["sign", "-r", story.gun, ...more], words);
    });
  }
  assert.equal(story.peers.signPath.requests().length, filed);
  assert.deepEqual(story.writes(), []);
});

Deno.test("who may pull and not push is told before anything is filed; a dry run asks for no more than pulling", async (t) => {
  await using story = await Story.readyToSign();
  const refusals: [string, number, () => Response, string][] = [
    ["a user without the right", 4, () => new Response(null, { status: 403 }), "403"],
    ["a registry that is read-only", 5, () => new Response(null, { status: 405 }), "would not be taken"],
    ["a repository that is full", 5, () => new Response(null, { status: 507 }), "would not be taken"],
  ];
  for (const [name, code, refusal, words] of refusals) {
    await t.step(name, async () => {
      story.between = (request, send) =>
        request.method !== "GET" && request.method !== "HEAD" && request.url.includes("/blobs/")
          ? Promise.resolve(refusal())
          : send(request);
      for (const scheme of ["cosign", "dct,cosign,notation"]) {
        await story.fail(code, ["sign", "-r", story.gun, "-t", "v1", "--scheme", scheme], [words]);
      }
      story.calls.length = 0;
      await story.succeed(["sign", "-r", story.gun, "-t", "v1", "--scheme", "cosign", "--dry-run"]);
      assert.deepEqual(story.writes(), []);
    });
  }
  assert.equal(story.peers.signPath.requests().length, 0);
  await t.step("who may push is asked for it once, and leaves nothing begun", async () => {
    story.between = (request, send) => send(request);
    story.calls.length = 0;
    await story.succeed(["sign", "-r", story.gun, "-t", "v1", ...ALL]);
    const filing = story.calls.findIndex((call) => call.includes("SigningRequests"));
    const before = story.calls.slice(0, filing).filter((call) => call.includes("/blobs/uploads/"));
    assert.deepEqual(before.map((call) => call.split(" ")[0]), ["POST", "DELETE"]);
  });
});

Deno.test("what is signed and cannot be written any more is published later, and not signed again", async (t) => {
  for (const scheme of ["cosign", "notation"]) {
    await t.step(scheme, async () => {
      await using story = await Story.readyToSign();
      story.between = (request, send) =>
        request.method === "PUT" ? Promise.resolve(new Response(null, { status: 404 })) : send(request);
      const sign = ["sign", "-r", story.gun, "-t", "v1", "--scheme", scheme];
      await story.fail(2, sign, ["Signed, but perhaps not published", "Do not sign again", "tagseal resume"]);
      story.between = (request, send) => send(request);
      const requests = story.peers.signPath.requests();
      assert.equal(requests.length, 1);
      await story.succeed(["resume", requests[0]!.id, "-r", story.gun]);
      const again = await story.succeed([...sign, "--json"]);
      assert.equal(again.json<{ signingRequestId: string | null }>().signingRequestId, null, "nothing is left to sign");
    });
  }
});

Deno.test("a signature by another key is refused in all schemes, and nothing of the repository is published", async (t) => {
  await using story = await Story.readyToSign();
  // SignPath does not tell its certificate, and signs with another key.
  story.between = (request, send) =>
    request.url.includes("/Cryptoki/") ? Promise.resolve(new Response(null, { status: 403 })) : send(request);
  for (const scheme of ["cosign", "notation", "dct,cosign"]) {
    await t.step(scheme, async () => {
      story.calls.length = 0;
      await story.fail(3, [
        "sign",
        "-r",
        story.gun,
        "-t",
        "v1",
        "--scheme",
        scheme,
        "--delegation-certificate",
        "signpath.cer",
        "--signing-policy-slug",
        "other-signing",
      ], ["not good under"]);
      assert.deepEqual(story.writes(), []);
    });
  }
});

Deno.test("a dry run tells what would be signed, and changes nothing", async () => {
  await using story = await Story.readyToSign();
  const { stdout } = await story.succeed([
    "sign",
    "-r",
    story.gun,
    "-t",
    "v1",
    ...ALL,
    "--dry-run",
    "--json",
    "--delegation-certificate",
    "signpath.cer",
  ]);
  const { images } = documentIn(stdout) as unknown as { images: { scheme: string; signatures: unknown[] }[] };
  assert.deepEqual(images.map(({ scheme, signatures }) => [scheme, signatures.length]), [["cosign", 1], [
    "notation",
    1,
  ]]);
  assert.deepEqual([story.writes(), story.peers.signPath.requests().length], [[], 0]);
});

Deno.test("a project with the artifact configuration of before is told what it lacks, and nothing is pushed", async () => {
  await using story = await Story.readyToSign(await peersInMemory({ algorithm: "ecdsa-p384", signs: ["json"] }));
  await story.fail(7, ["sign", "-r", story.gun, "-t", "v1", ...ALL], [
    "unsigned in part (1 of 4 payloads): the project's artifact configuration does not sign payload/*.jws",
    '    <file path="payload/*.jws" min-matches="0" max-matches="unbounded">\n' +
    '      <create-raw-signature output-file-name="${file.name}.sig" hash-algorithm="sha384" />\n',
    "signing-data --print-artifact-configuration --scheme cosign,notation,dct --delegation-certificate <file>",
  ]);
  assert.deepEqual(story.writes(), []);
  await story.succeed(["sign", "-r", story.gun, "-t", "v1", "--scheme", "dct,cosign"]);
});
