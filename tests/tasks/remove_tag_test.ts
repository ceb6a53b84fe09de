/** `tagseal remove-tag`: a signature is withdrawn, as it was given. */
import assert from "node:assert/strict";
import { utf8 } from "../../lib/bytes/bytes.ts";
import { canonicalJson } from "../../lib/bytes/canonical_json.ts";
import { parseJson } from "../../lib/bytes/json.ts";
import { readZip, writeZip } from "../../lib/bytes/zip.ts";
import { sha256Hex } from "../../lib/crypto/hash.ts";
import { readSigningData } from "../../lib/schemes/signing_data.ts";
import { given, Story } from "../support/local_story.ts";
import { givenSigner, signInTargets } from "../support/story_keys.ts";

const LIMITS = { entries: 100, entryBytes: 2 ** 24, totalBytes: 2 ** 24 };
const MANIFEST = "docker-signing-data.json";
const isDownload = (request: Request) => request.url.endsWith("/SignedArtifact");

const remove = (story: Story, tags: string, ...more: string[]) => ["remove-tag", "-r", story.gun, "-t", tags, ...more];

/** A machine with `v1` and `v2` signed. */
async function signed(): Promise<Story> {
  const story = await Story.readyToSign();
  await story.succeed(["sign", "-r", story.gun, "-t", "v1,v2"]);
  story.calls.length = 0;
  return story;
}

/** Changes the entries of a ZIP in the work folder; the name of the changed one. */
async function edited(
  story: Story,
  from: string,
  to: string,
  change: (all: Map<string, Uint8Array>) => void,
): Promise<string> {
  const entries = new Map(await readZip(await Deno.readFile(story.path(from)), LIMITS));
  change(entries);
  return await given(story, to, await writeZip([...entries].map(([name, bytes]) => ({ name, bytes }))));
}

/** What the manifest says of the only repository, to be changed. */
interface Draft {
  tags: unknown[];
  removedTags?: { tag: string; previousDigest: string | null }[];
  newerMember?: unknown;
  roles: { payload: string; sha256: string }[];
}

function editManifest(all: Map<string, Uint8Array>, change: (repository: Draft) => void): void {
  const manifest = JSON.parse(new TextDecoder().decode(all.get(MANIFEST)));
  change(manifest.repositories[0]);
  all.set(MANIFEST, utf8(JSON.stringify(manifest)));
}

/** Has the removal of a tag signed with an approval in between, and downloads it. */
async function approvedRemoval(story: Story, tags: string, name: string): Promise<string> {
  const manual = ["--signing-policy-slug", "release-signing-with-approval", "--wait-for-completion-timeout", "1"];
  const { stderr } = await story.fail(8, remove(story, tags, ...manual), [
    "did not end within 1 s",
    "tagseal resume",
  ]);
  const id = story.peers.signPath.requests().at(-1)!.id;
  assert.ok(stderr.includes(`tagseal resume ${id} -r ${story.gun}`));
  await story.peers.signPath.approve(id);
  await story.succeed(["download", id, "--output-artifact-path", name]);
  return name;
}

Deno.test("remove-tag takes the tag out of both roles: it is gone for list and verify", async () => {
  await using story = await signed();
  const { stdout } = await story.succeed(remove(story, "v1"));
  assert.equal(stdout, `${story.gun}:v1 removed\n`);
  assert.match((await story.succeed(["list", "-r", story.gun])).stdout, /^v2 \S+ signpath\n$/);
  assert.match((await story.succeed(["list", "-r", story.gun, "--all"])).stdout, /^(v2 .*\n)+$/);
  await story.fail(3, ["verify", "-r", story.gun, "-t", "v1"], ["v1"]);
  await story.succeed(["verify", "-r", story.gun, "-t", "v2"]);
  assert.deepEqual([story.signingRequests, story.posts], [2, 1]);
  assert.ok(story.calls.every((call) => !/\/v2\/.*\/(manifests|blobs)\//.test(call)), "the registry is left alone");
  assert.match((await story.succeed(["sign", "-r", story.gun, "-t", "v1"])).stdout, / published\n$/, "and back again");
});

Deno.test("remove-tag as JSON, of several tags, by its second name", async () => {
  await using story = await signed();
  const json = (await story.succeed(["revoke", ...remove(story, "v1,v2", "--json").slice(1)])).json();
  assert.deepEqual(json, {
    repositories: [{
      repository: story.gun,
      outcome: "published",
      tags: [],
      removedTags: ["v1", "v2"],
      roles: [{ role: "targets/releases", version: 2 }, { role: "targets/signpath", version: 2 }],
    }],
    signingRequestId: story.peers.signPath.requests().at(-1)!.id,
  });
  assert.equal((await story.succeed(["list", "-r", story.gun])).stdout, "");
});

Deno.test("remove-tag with hash signing and with a key", async () => {
  await using story = await Story.begin();
  await story.push("v1");
  await story.push("v2");
  const passphrase = "words of the signer";
  await givenSigner(story, "alice", passphrase);
  await story.succeed(["init", "-r", story.gun, "--delegation-certificate", "alice.cer", "--delegation", "alice"]);
  const env = { NOTARY_DELEGATION_PASSPHRASE: passphrase, SIGNPATH_API_TOKEN: "" };
  const key = ["--signing-method", "key", "--delegation", "alice"];
  await story.succeed(["sign", "-r", story.gun, "-t", "v1,v2", ...key], { env });
  assert.equal((await story.succeed(remove(story, "v1", ...key), { env })).stdout, `${story.gun}:v1 removed\n`);
  assert.match((await story.succeed(["list", "-r", story.gun])).stdout, /^v2 \S+ alice\n$/);
  assert.equal(story.signingRequests, 0);

  await using other = await signed();
  const lines: string[] = [];
  other.between = async (request, send) => {
    if (request.url.endsWith("/SignHash")) {
      lines.push((await request.clone().json()).hashSigningData.metadata.sourceProcess.commandLine);
    }
    return await send(request);
  };
  const hash = remove(other, "v1", "--signing-method", "hash", "--project-slug", "demo-hashes");
  assert.equal((await other.succeed(hash)).stdout, `${other.gun}:v1 removed\n`);
  // What releases and the signer hold is the same to the key: it is asked once.
  assert.deepEqual(lines.map((line) => / version 2; remove 1: v1\)$/.test(line)), [true]);
});

Deno.test("remove-tag refuses before anything is submitted", async (t) => {
  await using story = await signed();
  const cases: [name: string, args: string[], words: string[]][] = [
    ["a tag that is not there", remove(story, "v9"), ['do not hold "v9"', "Nothing was changed", "tagseal list"]],
    ["one of two is not there", remove(story, "v1,v9"), ['do not hold "v9"']],
    ["a tag that is none", remove(story, ".x"), ['".x" is not a tag']],
    ["no tag", ["remove-tag", "-r", story.gun], ["--tags is missing"]],
    ["no repository", ["remove-tag", "-t", "v1"], ["--repository is missing"]],
    ["a repository that is not set up", ["remove-tag", "-r", "localhost:5000/demo/new", "-t", "v1"], ["no trust data"]],
    ["a delegation that is not there", remove(story, "v1", "--delegation", "team"), ['"targets/team"']],
    ["a file of tags", ["remove-tag", "--from", "tags.txt"], ["--from"]],
  ];
  for (const [name, args, words] of cases) {
    await t.step(name, async () => {
      await story.fail(2, args, words);
    });
  }
  assert.deepEqual([story.signingRequests, story.posts], [1, 0]);
  await t.step("removed already: nothing is there to remove", async () => {
    await story.succeed(remove(story, "v1"));
    await story.fail(2, remove(story, "v1"), ['do not hold "v1"']);
    assert.deepEqual([story.signingRequests, story.posts], [2, 1]);
  });
});

Deno.test("remove-tag: a tag in one of the roles alone", async () => {
  await using story = await signed();
  await using other = await Story.begin(story.peers);
  const passphrase = "words of the other signer";
  await givenSigner(story, "bob", passphrase);
  await story.succeed([
    "add-delegation",
    "-r",
    story.gun,
    "--delegation-certificate",
    "bob.cer",
    "--delegation",
    "bob",
  ]);
  // bob's removal leaves targets/signpath alone, so that v1 is there in one role only.
  const env = { NOTARY_DELEGATION_PASSPHRASE: passphrase };
  await story.succeed(remove(story, "v1", "--signing-method", "key", "--delegation", "bob"), { env });
  await story.fail(3, ["verify", "-r", story.gun, "-t", "v1"], ["v1"]);
  assert.match((await other.succeed(["list", "-r", story.gun, "--all"])).stdout, /^v1 .*targets\/signpath/m);
  const posts = story.posts;
  assert.equal((await story.succeed(remove(story, "v1"))).stdout, `${story.gun}:v1 removed\n`);
  assert.equal(story.posts, posts + 1);
  assert.doesNotMatch((await story.succeed(["list", "-r", story.gun, "--all"])).stdout, /^v1 /m);
});

Deno.test("remove-tag: a tag that targets holds as well goes on being taken, and that is said", async (t) => {
  await using story = await signed();
  const sha256 = "ab".repeat(32);
  await signInTargets(story, new Map([["v1", { sha256, length: 528 }], ["only", { sha256, length: 528 }]]));
  const warning = (tag: string) => `"targets" of "${story.gun}" holds "${tag}" as well`;
  await t.step("in targets, too", async () => {
    const { stdout, stderr } = await story.succeed(remove(story, "v1,v2"));
    assert.equal(stdout, `${story.gun}:v1 removed\n${story.gun}:v2 removed\n`);
    assert.equal(stderr.split(warning("v1")).length, 2, `once:\n${stderr}`);
    assert.ok(!stderr.includes(warning("v2")));
    assert.match(
      (await story.succeed(["verify", "-r", story.gun, "-t", "v1"])).stdout,
      new RegExp(`^v1 sha256:${sha256}`),
    );
  });
  await t.step("in targets alone: nothing that the signer could withdraw", async () => {
    const { stderr } = await story.fail(2, remove(story, "only"), ['do not hold "only"']);
    assert.ok(stderr.includes(`"targets" of "${story.gun}" holds "only"`), stderr);
    assert.equal(story.signingRequests, 2);
  });
});

/** Lets others do something in the moment that the signed file has come back for the first time. */
function atFirstDownload(story: Story, others: () => Promise<void>): void {
  let slipped = false;
  story.between = async (request, send) => {
    const response = await send(request);
    if (isDownload(request) && !slipped) {
      slipped = true;
      await others();
    }
    return response;
  };
}

Deno.test("remove-tag: somebody publishes meanwhile, and it starts over; their tag stays", async () => {
  await using story = await signed();
  await using other = await Story.begin(story.peers);
  await story.push("v3");
  atFirstDownload(story, async () => {
    await other.succeed(["sign", "-r", other.gun, "-t", "v3"]);
  });
  const { stdout, stderr } = await story.succeed(remove(story, "v1"));
  assert.equal(stdout, `${story.gun}:v1 removed\n`);
  assert.match(stderr, /Starting over on top of it\.$/m);
  assert.match((await story.succeed(["list", "-r", story.gun])).stdout, /^v2 .*\nv3 .*\n$/);
});

Deno.test("remove-tag: somebody else removes the same tag meanwhile: it is gone, and that is no failure", async () => {
  await using story = await signed();
  await using other = await Story.begin(story.peers);
  atFirstDownload(story, async () => {
    await other.succeed(remove(other, "v1"));
  });
  await story.succeed(remove(story, "v1"));
  assert.equal(story.posts, 0);
  assert.match((await story.succeed(["list", "-r", story.gun])).stdout, /^v2 .*\n$/);
});

Deno.test("remove-tag: somebody else removes the same tag and signs another one meanwhile", async () => {
  await using story = await signed();
  await using other = await Story.begin(story.peers);
  await story.push("v3");
  atFirstDownload(story, async () => {
    await other.succeed(["sign", "-r", other.gun, "-t", "v3"]);
    await other.succeed(remove(other, "v1"));
  });
  await story.succeed(remove(story, "v1"));
  assert.match((await story.succeed(["list", "-r", story.gun])).stdout, /^v2 .*\nv3 .*\n$/);
});

Deno.test("remove-tag: a post that the runtime sends again, as its answer was lost, is no other's", async () => {
  for (const flags of [[], ["--json"]]) {
    await using story = await signed();
    let posts = 0;
    story.between = async (request, send) => {
      if (!(request.method === "POST" && request.url.endsWith("/_trust/tuf/")) || posts++ > 0) {
        return await send(request);
      }
      await (await send(request.clone())).body?.cancel();
      return await send(request);
    };
    const { stdout } = await story.succeed([...remove(story, "v1"), ...flags]);
    if (flags.length === 0) assert.equal(stdout, `${story.gun}:v1 removed\n`);
    else assert.deepEqual(JSON.parse(stdout).repositories[0].removedTags, ["v1"]);
    assert.equal(story.signingRequests, 2, "one to sign, one to withdraw");
    assert.match((await story.succeed(["list", "-r", story.gun])).stdout, /^v2 .*\n$/);
  }
});

Deno.test("remove-tag: a tag that is moved while it is withdrawn is gone, or the removal is stale", async () => {
  await using story = await signed();
  const file = await approvedRemoval(story, "v1", "signed.zip");
  await story.push("v1", "moved");
  await story.succeed(["sign", "-r", story.gun, "-t", "v1"]);
  const posts = story.posts;
  await story.fail(6, ["push", "--input-artifact-path", file], ["Somebody else has published", "(tags: v1)"]);
  assert.equal(story.posts, posts);
  await story.succeed(["verify", "-r", story.gun, "-t", "v1"]);
});

Deno.test("remove-tag through an approval: pushed once, and a second push changes nothing", async () => {
  await using story = await signed();
  const file = await approvedRemoval(story, "v1", "signed.zip");
  const { repositories: [change] } = await readSigningData(await Deno.readFile(story.path(file)));
  assert.deepEqual([change!.tags, change!.removedTags.map(({ tag }) => tag)], [[], ["v1"]]);
  assert.match(change!.removedTags[0]!.previousDigest!, /^sha256:[0-9a-f]{64}$/);
  const push = ["push", "--input-artifact-path", file, "--json"];
  for (const outcome of ["published", "unchanged"]) {
    const { repositories } = (await story.succeed(push)).json<{ repositories: Record<string, unknown>[] }>();
    assert.deepEqual(repositories.map((one) => [one["outcome"], one["tags"], one["removedTags"]]), [
      [outcome, [], ["v1"]],
    ]);
  }
  assert.deepEqual([story.signingRequests, story.posts], [2, 1]);
  assert.match((await story.succeed(["list", "-r", story.gun])).stdout, /^v2 \S+ signpath\n$/);
});

Deno.test("a signed removal that was changed on its way is refused", async (t) => {
  await using story = await signed();
  await approvedRemoval(story, "v1", "signed.zip");
  const other = "something else than the tags";
  const cases: [name: string, change: (repository: Draft) => void, words: string[]][] = [
    ["the manifest no longer says what is removed", (all) => void delete all.removedTags, [other]],
    ["the manifest removes nothing", (all) => void (all.removedTags = []), [other]],
    ["a reader that does not know the member", (all) => {
      all.newerMember = all.removedTags;
      delete all.removedTags;
    }, [other]],
    ["the manifest names another tag", (all) => void (all.removedTags![0]!.tag = "v2"), [other]],
    ["the manifest names one more", (all) => void all.removedTags!.push({ tag: "v2", previousDigest: null }), [other]],
  ];
  for (const [name, change, words] of cases) {
    await t.step(name, async () => {
      await edited(story, "signed.zip", "odd.zip", (all) => editManifest(all, change));
      await story.fail(3, ["push", "--input-artifact-path", "odd.zip"], words);
    });
  }
  await t.step("the manifest says nothing usable", async () => {
    const odd: ((repository: Draft) => void)[] = [
      (all) => void (all.removedTags = "v1" as never),
      (all) => void (all.removedTags![0]!.tag = 7 as never),
      (all) => void (all.removedTags![0]!.previousDigest = "sha256:x"),
    ];
    for (const change of odd) {
      await edited(story, "signed.zip", "odd.zip", (all) => editManifest(all, change));
      await story.fail(2, ["push", "--input-artifact-path", "odd.zip"], ['"odd.zip" is not a signing data file'], {
        cacheStays: true,
      });
    }
  });
  assert.equal(story.posts, 0);
  await story.succeed(["push", "--input-artifact-path", "signed.zip"]);
});

Deno.test("a service that removes a tag which nobody asked to remove gets nothing published", async () => {
  await using story = await signed();
  await story.push("v3");
  await story.succeed(["signing-data", "-r", story.gun, "-t", "v3", "--output-artifact-path", "data.zip"]);
  // Changed before it is signed: the payloads and the manifest's hashes agree, the signatures are good.
  await edited(story, "data.zip", "odd.zip", (all) =>
    editManifest(all, ({ roles }) => {
      for (const role of roles) {
        const payload = JSON.parse(new TextDecoder().decode(all.get(role.payload)));
        delete payload.targets.v1;
        const bytes = canonicalJson(parseJson(utf8(JSON.stringify(payload))));
        all.set(role.payload, bytes);
        role.sha256 = sha256Hex(bytes);
      }
    }));
  await story.succeed(["submit", "--input-artifact-path", "odd.zip", "--wait-for-completion"]);
  await story.fail(3, ["push", "--input-artifact-path", "odd.signed.zip"], ["something else than the tags"]);
  assert.equal(story.posts, 0);
  assert.match((await story.succeed(["list", "-r", story.gun])).stdout, /^v1 .*\nv2 .*\n$/);
});

Deno.test("remove-tag: a file that was made for signing can be judged by whoever approves", async () => {
  await using story = await signed();
  await story.push("v3");
  await story.succeed(["signing-data", "-r", story.gun, "-t", "v3", "--output-artifact-path", "plain.zip"]);
  const entries = await readZip(await Deno.readFile(story.path("plain.zip")), LIMITS);
  const manifest = JSON.parse(new TextDecoder().decode(entries.get(MANIFEST)));
  assert.equal("removedTags" in manifest.repositories[0], false, "files without removals are as before");
});

Deno.test("remove-tag waits, is denied: the tag stays", async () => {
  await using story = await signed();
  const { signPath } = story.peers;
  const sleep = () => Promise.resolve(signPath.deny(signPath.requests().at(-1)!.id));
  const manual = ["--signing-policy-slug", "release-signing-with-approval"];
  await story.fail(7, remove(story, "v1", ...manual), ['ended as "Denied"'], { host: { sleep } });
  await story.succeed(["verify", "-r", story.gun, "-t", "v1"]);
});
