/** `verify --scheme`: cosign and Notation signatures of what the registry, or a folder, has under a tag now. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { signatureTag } from "../../lib/schemes/cosign/classic.ts";
import type { Digest } from "../../lib/registry/image_ref.ts";
import { DOCUMENTS } from "../../tasks/documents.ts";
import { given, Story } from "../support/local_story.ts";
import { copyToLayout } from "../support/oci_layout.ts";
import { documentIn } from "../support/run.ts";
import { differences } from "../support/shapes.ts";

const COSIGN = ["--scheme", "cosign", "--key", "signpath.cer"];
const NOTATION = ["--scheme", "notation", "--certificate", "signpath.cer"];
const BOTH = ["--scheme", "cosign,notation", "--key", "signpath.cer", "--certificate", "signpath.cer"];

interface Verified {
  readonly tags: readonly {
    readonly tag?: string;
    readonly digest: string;
    readonly signatures: readonly Record<string, unknown>[];
    readonly skipped?: readonly { readonly scheme: string; readonly reason: string }[];
  }[];
}

/** A repository without a Notary server's trust data, whose tag v1 is signed in both schemes, and v2 in none. */
async function signedStory(...more: string[]): Promise<{ story: Story; digest: Digest }> {
  const story = await Story.begin();
  const digest = await story.push("v1") as Digest;
  await story.push("v2");
  const sign = ["-t", "v1", "--scheme", "cosign,notation", "--delegation-certificate", "signpath.cer", ...more];
  await story.succeed(["sign", "-r", story.gun, ...sign]);
  await given(story, "other.cer", story.peers.otherCertificate!);
  story.calls.length = 0;
  return { story, digest };
}

const verified = async (story: Story, ...args: string[]): Promise<Verified> =>
  documentIn((await story.succeed(["verify", ...args, "--json"])).stdout) as unknown as Verified;
const reasonsOf = async (story: Story, args: readonly string[]): Promise<string[]> =>
  documentIn((await story.run(["verify", ...args, "--json"])).stdout).error.details.reasons;

Deno.test("verify --scheme proves tags and digests, and asks no Notary server", async (t) => {
  const { story, digest } = await signedStory();
  await using _ = story;
  const files = await story.files();
  for (const [name, scheme] of [["cosign", COSIGN], ["notation", NOTATION], ["both", BOTH]] as const) {
    await t.step(name, async () => {
      const { stdout } = await story.succeed(["verify", "-r", story.gun, "-t", "v1", ...scheme]);
      assert.equal(stdout, `v1 ${digest}\n`);
      const byDigest = await story.succeed(["verify", "-r", `${story.gun}@${digest}`, ...scheme]);
      assert.equal(byDigest.stdout, `${digest}\n`);
      const expecting = ["--expect-digest", `v1=${digest}`];
      assert.equal((await story.succeed(["verify", "-r", story.gun, ...expecting, ...scheme])).stdout, stdout);
    });
  }
  await t.step("--json names who signed, in the words of the reference", async () => {
    const document = await verified(story, "-r", story.gun, "-t", "v1", ...BOTH);
    assert.deepEqual([...differences(document, DOCUMENTS["verify"]!["--scheme"]!, "")], []);
    const [cosign, notation] = document.tags[0]!.signatures;
    assert.deepEqual([cosign!["scheme"], cosign!["tag"], cosign!["readers"]], [
      "cosign",
      "v1",
      ["cosign-2", "containers-image", "cosign-3"],
    ]);
    assert.deepEqual([notation!["scheme"], notation!["tag"]], ["notation", "v1"]);
    assert.equal(notation!["keyId"], cosign!["keyId"]);
  });
  await t.step("the schemes may be named by the variable", async () => {
    const env = { TAGSEAL_SCHEME: "cosign" };
    await story.succeed(["verify", "-r", story.gun, "-t", "v1", "--key", "signpath.cer"], { env });
    await story.fail(2, ["verify", "-r", story.gun, "-t", "v1"], ["--key is missing"], { env });
  });
  assert.ok(story.calls.length > 0 && !story.calls.some((call) => call.includes("/_trust/")));
  assert.deepEqual(await story.files(), files, "nothing is written");
});

Deno.test("verify --scheme refuses what is not signed as it is now", async (t) => {
  const { story, digest } = await signedStory();
  await using _ = story;
  await story.push("v3", "v1"); // the same image under a tag that nobody signed
  const other = `sha256:${"f".repeat(64)}`;
  const r = ["-r", story.gun];
  const otherKey = BOTH.map((word) => word.replace("signpath.cer", "other.cer"));
  const cases: [string, string[], string[], string[]][] = [
    ["a tag that nobody signed", [...r, "-t", "v2", ...BOTH], ["cosign: no-signatures", "notation: no-signatures"], [
      '"v2" (sha256:',
      "has no cosign signature",
      "has no notation signature",
    ]],
    ["another key", [...r, "-t", "v1", ...otherKey], ["cosign: other-key", "notation: untrusted"], [
      `"v1" (${digest} now) has no good cosign signature: it was made with another key`,
      "is not trusted",
    ]],
    ["another tag", [...r, "-t", "v3", ...BOTH], ["cosign: other-tag", "notation: other-tag"], [
      "it is of another tag",
    ]],
    ["one of two tags", [...r, "-t", "v1,v2", ...COSIGN], ["cosign: no-signatures"], ['Not signed in "', '"v2"']],
  ];
  for (const [name, args, reasons, words] of cases) {
    await t.step(name, async () => {
      await story.fail(3, ["verify", ...args], [...words, "Do not use these images"]);
      assert.deepEqual(await reasonsOf(story, args), reasons);
    });
  }
  await t.step("another digest than expected", async () => {
    const args = [...r, "--expect-digest", `v1=${other}`, ...COSIGN];
    await story.fail(3, ["verify", ...args], [`stands for "${digest}", not "${other}"`, "Do not use this image"]);
  });
  await t.step("one of two schemes", async () => {
    await story.succeed(["sign", ...r, "-t", "v2", "--scheme", "cosign", "--delegation-certificate", "signpath.cer"]);
    await story.succeed(["verify", ...r, "-t", "v2", ...COSIGN]);
    assert.deepEqual(await reasonsOf(story, [...r, "-t", "v2", ...BOTH]), ["notation: no-signatures"]);
  });
  await t.step("a tag that was moved", async () => {
    const moved = await story.push("v1", "somebody else's");
    await story.fail(3, ["verify", ...r, "-t", "v1", ...COSIGN], [`"v1" (${moved} now) has no cosign signature`]);
    await story.fail(3, ["verify", ...r, "-t", "v1", ...NOTATION], [`"v1" (${moved} now) has no notation signature`]);
    assert.equal((await story.succeed(["verify", "-r", `${story.gun}@${digest}`, ...BOTH])).stdout, `${digest}\n`);
  });
  await t.step("what is not there", async () => {
    await story.fail(2, ["verify", ...r, "-t", "v9", ...COSIGN], ['There is no tag "v9"']);
    await story.fail(2, ["verify", "-r", `${story.gun}@${other}`, ...COSIGN], [`There is no manifest "${other}"`]);
    await story.fail(2, ["verify", "-r", "localhost:5000/demo/none", "-t", "v1", ...COSIGN], ["There is no tag"]);
  });
  await t.step("a registry that does not answer, or hides signatures only", async () => {
    const down = () => Promise.resolve(new Response(null, { status: 503 }));
    for (const hidden of [/^\/v2\//, /\.sig$/, /\/referrers\//]) {
      story.between = (request, send) => hidden.test(new URL(request.url).pathname) ? down() : send(request);
      await story.fail(5, ["verify", "-r", `${story.gun}@${digest}`, ...BOTH], ["503"]);
    }
  });
});

Deno.test("verify --scheme: flags that do not belong together are told, and nothing is asked", async (t) => {
  await using story = await Story.begin();
  const digest = `sha256:${"a".repeat(64)}`;
  await given(story, "private.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
  await given(story, "no.pem", "nothing");
  const tag = ["-r", story.gun, "-t", "v1"];
  const cases: [string, string[], string[]][] = [
    ["no key", [...tag, "--scheme", "cosign"], ["--key is missing", "public key or certificate"]],
    ["no certificate", [...tag, "--scheme", "notation"], ["--certificate is missing"]],
    ["a key alone", [...tag, "--key", "signpath.cer"], ["--key is of no use", "Give --scheme cosign"]],
    ["a certificate alone", [...tag, "--certificate", "signpath.cer"], ["Give --scheme notation"]],
    ["a layout alone", [...tag, "--oci-layout", "."], ["--oci-layout is of no use"]],
    ["an export", [...tag, ...COSIGN, "--from", "trust.zip"], ["--from is of no use"]],
    ["a private key", [...tag, "--scheme", "cosign", "--key", "private.pem"], ["it holds a private key"]],
    ["no key in the file", [...tag, "--scheme", "cosign", "--key", "no.pem"], ['"no.pem" cannot be used']],
    ["no certificate in it", [...tag, "--scheme", "notation", "--certificate", "no.pem"], ["there is no certificate"]],
    ["no such file", [...tag, "--scheme", "cosign", "--key", "none.pem"], ["There is no file"]],
    ["a digest and a tag", ["-r", `${story.gun}@${digest}`, "-t", "v1", ...COSIGN], [`--expect-digest v1=${digest}`]],
    ["a tag in the name", ["-r", `${story.gun}:v1@${digest}`, ...COSIGN], ["Name the repository alone"]],
    ["another hash", ["-r", `${story.gun}@sha512:${"a".repeat(128)}`, ...COSIGN], ["only sha256"]],
    ["no tag", ["-r", story.gun, ...COSIGN], ["--tags is missing"]],
    ["another scheme", [...tag, "--scheme", "gpg"], ['does not know "gpg"']],
  ];
  for (const [name, args, words] of cases) {
    await t.step(name, async () => void await story.fail(2, ["verify", ...args], words));
  }
  assert.deepEqual(story.calls, []);
});

Deno.test("verify --scheme dct,cosign: both must hold for what the registry has", async (t) => {
  await using story = await Story.readyToSign();
  const ALL = ["--scheme", "dct,cosign", "--key", "signpath.cer"];
  const sign = (tag: string, scheme: string) =>
    story.succeed(["sign", "-r", story.gun, "-t", tag, "--scheme", scheme, "--delegation-certificate", "signpath.cer"]);
  const verify = ["verify", "-r", story.gun, "-t"];
  await sign("v1", "dct,cosign");
  await sign("v2", "dct");
  await t.step("good", async () => {
    const document = await verified(story, "-r", story.gun, "-t", "v1", ...ALL);
    assert.deepEqual([...differences(document, DOCUMENTS["verify"]!["--scheme"]!, "")], []);
    assert.deepEqual(document.tags[0]!.signatures.map(({ scheme }) => scheme), ["dct", "cosign"]);
  });
  await t.step("no cosign signature", async () => {
    await story.fail(3, [...verify, "v2", ...ALL], ["has no cosign signature"]);
    await story.succeed([...verify, "v2"]);
  });
  await t.step("moved, and signed with cosign alone since", async () => {
    const moved = await story.push("v1", "newer");
    await sign("v1", "cosign");
    await story.succeed([...verify, "v1", ...COSIGN]);
    await story.fail(3, [...verify, "v1", ...ALL], [`not "${moved}"`]);
  });
  await t.step("not signed with content trust", async () => {
    await story.push("v3");
    await sign("v3", "cosign");
    await story.fail(3, [...verify, "v3", ...ALL], ["Not signed", "v3"]);
  });
});

Deno.test("verify --oci-layout proves a copy without any network", async (t) => {
  const { story, digest } = await signedStory();
  await using _ = story;
  const layout = async (name: string, ...references: string[]) => {
    const { send, close } = story.peers.connect({});
    const repository = new URL(`https://${story.peers.host}/v2/demo/app`);
    await copyToLayout(send, repository, references, story.path(name));
    close();
    story.calls.length = 0;
    return ["-r", story.gun, "--oci-layout", name];
  };
  const sigTag = signatureTag(digest);
  const whole = await layout("whole", "v1", sigTag);
  const edited = async (name: string, edit: (index: { manifests: Record<string, unknown>[] }) => unknown) => {
    const args = await layout(name, "v1", "v2", sigTag);
    const path = story.path(`${name}/index.json`);
    const index = JSON.parse(await Deno.readTextFile(path));
    const made = edit(index) ?? index;
    await Deno.writeFile(path, utf8(typeof made === "string" ? made : JSON.stringify(made)));
    return args;
  };
  await t.step("good, by tag and by digest", async () => {
    const { stdout, stderr } = await story.succeed(["verify", ...whole, "-t", "v1", ...BOTH]);
    assert.equal(stdout, `v1 ${digest}\n`);
    assert.match(stderr, /from "whole", offline/);
    const byDigest = ["-r", `${story.gun}@${digest}`, "--oci-layout", "whole"];
    const document = await verified(story, ...byDigest, ...BOTH);
    assert.deepEqual([...differences(document, DOCUMENTS["verify"]!["--scheme"]!, "")], []);
    assert.equal(document.tags[0]!.digest, digest);
  });
  await t.step("the repository may stand before the tag", async () => {
    const args = await edited("named", ({ manifests }) => {
      manifests[0]!["annotations"] = { "org.opencontainers.image.ref.name": `${story.gun}:v1` };
    });
    await story.succeed(["verify", ...args, "-t", "v1", ...BOTH]);
  });
  await t.step("signatures that were not copied", async () => {
    const args = await layout("bare", "v2");
    await story.fail(3, ["verify", ...args, "-t", "v2", ...BOTH], ["no cosign signature", "no notation signature"]);
  });
  await t.step("another key", async () => {
    const other = BOTH.map((word) => word.replace("signpath.cer", "other.cer"));
    await story.fail(3, ["verify", ...whole, "-t", "v1", ...other], ["another key", "is not trusted"]);
  });
  await t.step("a tag of another image", async () => {
    const args = await edited("moved", ({ manifests }) => {
      const [one, two] = ["v1", "v2"].map((tag) =>
        manifests.find(({ annotations }) => Object.values(annotations ?? {})[0] === tag)!
      );
      [one!["annotations"], two!["annotations"]] = [two!["annotations"], one!["annotations"]];
    });
    await story.fail(3, ["verify", ...args, "-t", "v1", ...BOTH], ["has no cosign signature"]);
    await story.fail(3, ["verify", ...args, "-t", "v2", ...BOTH], ["it is of another tag"]);
  });
  await t.step("one tag, two images", async () => {
    const args = await edited("double", ({ manifests }) => {
      const tag = { "org.opencontainers.image.ref.name": "v1" };
      manifests.push(
        ...manifests.filter(({ annotations }) => Object.values(annotations ?? {})[0] === "v2").map((two) => ({
          ...two,
          annotations: tag,
        })),
      );
    });
    await story.fail(3, ["verify", ...args, "-t", "v1", ...BOTH], ["stands for several images"]);
  });
  await t.step("bytes that do not have their digest", async () => {
    const args = await layout("changed", "v1", sigTag);
    const path = story.path(`changed/blobs/${digest.replace(":", "/")}`);
    await Deno.writeTextFile(path, `${await Deno.readTextFile(path)} `);
    await story.fail(3, ["verify", ...args, "-t", "v1", ...BOTH], [`The file of "${digest}" has the digest`]);
  });
  await t.step("what is missing", async () => {
    await story.fail(2, ["verify", ...whole, "-t", "v9", ...COSIGN], ['There is no tag "v9"']);
    const none = ["-r", story.gun, "-t", "v1", "--oci-layout", "none"];
    await story.fail(2, ["verify", ...none, ...COSIGN], ["There is no file", "none/index.json"]);
    const args = await layout("hollow", "v1");
    await Deno.remove(story.path(`hollow/blobs/${digest.replace(":", "/")}`));
    await story.fail(2, ["verify", ...args, "-t", "v1", ...COSIGN], ["is missing"]);
  });
  await t.step("an index that is none", async () => {
    const entry = { mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size: 1 };
    const indexes: [string, string][] = [
      ["no JSON", "is no index"],
      ["[]", "no list of manifests"],
      ['{"manifests":{}}', "no list of manifests"],
      [JSON.stringify({ manifests: Array(2001).fill(entry) }), "more than 2000 manifests"],
    ];
    for (const [i, [index, words]] of indexes.entries()) {
      const args = await edited(`index${i}`, () => index);
      await story.fail(2, ["verify", ...args, "-t", "v1", ...COSIGN], [words]);
    }
  });
  await t.step("entries that are none, and referrers of another size, count for nothing", async () => {
    const args = await edited("odd", ({ manifests }) => {
      for (const one of manifests) if (!one["annotations"]) one["size"] = 2 ** 40;
      manifests.push(null as never, { digest: "../../etc/passwd" }, { mediaType: "x", digest, size: 1e9 });
    });
    await story.succeed(["verify", ...args, "-t", "v1", ...COSIGN]);
    await story.fail(3, ["verify", ...args, "-t", "v1", ...NOTATION], ["has no notation signature"]);
  });
  assert.deepEqual(story.calls, []);
});
