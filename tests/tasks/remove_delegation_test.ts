/** `tagseal remove-delegation`: what goes, what stays, and what is said before tags break. */
import assert from "node:assert/strict";
import { documentIn } from "../support/run.ts";
import { createSigningCertificate } from "../../lib/local/certificates.ts";
import { given, Story } from "../support/local_story.ts";

type Delegations = { readonly role: string; readonly keyIds: readonly string[] }[];

const own = (...more: string[]) => ["remove-delegation", ...more];

/** Adds delegations with a new certificate each; their key ids by name. */
async function delegate(story: Story, ...names: string[]): Promise<Record<string, string>> {
  const ids: Record<string, string> = {};
  for (const name of names) {
    const now = new Date();
    const { certificateDer } = await createSigningCertificate({
      commonName: name,
      algorithm: "ecdsa-p256",
      now,
      days: 9,
    });
    await given(story, `${name}.cer`, certificateDer);
    ids[name] = await add(story, name, name);
  }
  return ids;
}

async function add(story: Story, name: string, certificate: string): Promise<string> {
  const file = ["--delegation-certificate", `${certificate}.cer`];
  const added = await story.succeed(["add-delegation", "-r", story.gun, "--delegation", name, ...file, "--json"]);
  return added.json<{ keyId: string }>().keyId;
}

/** What the server shows, read by somebody who has never seen the repository. */
async function delegations(story: Story): Promise<Record<string, string[]>> {
  await using other = await Story.begin(story.peers);
  const { roles } = (await other.succeed(["inspect", "-r", story.gun, "--json"]))
    .json<{ roles: { role: string; keyIds: string[] }[] }>();
  return Object.fromEntries(
    roles.filter(({ role }) => role.startsWith("targets/")).map(({ role, keyIds }) => [role, [...keyIds].sort()]),
  );
}

const sign = (story: Story, tags: string) =>
  story.succeed(["sign", "-r", story.gun, "-t", tags, "--delegation-certificate", "signpath.cer"]);

Deno.test("remove-delegation takes a role away, and its key from targets/releases", async () => {
  await using story = await Story.readyToSign();
  const { b, c } = await delegate(story, "b", "c");
  await add(story, "b-again", "b"); // a second delegation that holds the key of b
  const [signpath] = (await delegations(story))["targets/signpath"]!;
  await sign(story, "v1");

  const { stdout } = await story.succeed(own("-r", story.gun, "--delegation", "c", "--json"));
  const { removed, outcome, lost, targetsVersion } = documentIn(stdout);
  assert.deepEqual([outcome, lost, targetsVersion], ["published", [], 5]);
  assert.deepEqual(removed, [{ role: "targets/releases", keyIds: [c] }, { role: "targets/c", keyIds: [c] }]);
  await story.succeed(own("-r", story.gun, "--delegation", "b"));
  assert.deepEqual(await delegations(story), {
    "targets/releases": [b!, signpath!].sort(),
    "targets/signpath": [signpath],
    "targets/b-again": [b],
  }, "a key that another delegation holds stays in targets/releases");
  await story.succeed(["verify", "-r", story.gun, "-t", "v1"]);
  const words = ['There is no delegation "targets/b"', story.gun, "Nothing was changed"];
  await story.fail(2, own("-r", story.gun, "--delegation", "b"), words);
});

Deno.test("remove-delegation takes a key away, wherever it is", async (t) => {
  await using story = await Story.readyToSign();
  const { b, c } = await delegate(story, "b", "c");
  await add(story, "both", "b");
  await add(story, "both", "c");
  const [signpath] = (await delegations(story))["targets/signpath"]!;
  await t.step("one key of one delegation", async () => {
    const { stdout } = await story.succeed(own("-r", story.gun, "--delegation", "both", "--key", c!.slice(0, 7)));
    assert.equal(stdout, `${story.gun} targets/both ${c} removed\n`);
  });
  await t.step("a key that is not in that delegation", async () => {
    const words = [`The key ${c!.slice(0, 7)}… is not in "targets/both"`];
    await story.fail(2, own("-r", story.gun, "--delegation", "both", "--key", c!), words);
  });
  await t.step("by its certificate, which may have run out", async () => {
    const host = { now: () => new Date(Date.now() + 10 * 86_400_000) }; // nine days are over; the repository is not
    await story.succeed(own("-r", story.gun, "--delegation-certificate", "b.cer"), { host });
    assert.deepEqual(await delegations(story), {
      "targets/releases": [c!, signpath!].sort(),
      "targets/signpath": [signpath],
      "targets/c": [c],
    });
  });
  await t.step("a key that is nowhere", async () => {
    for (const id of [b!, "0000000"]) {
      await story.fail(2, own("-r", story.gun, "--key", id), [`The key "${id}" is in no delegation of "${story.gun}"`]);
    }
    await story.fail(2, own("-r", story.gun, "--key", c!.slice(0, 6)), ["is in no delegation", "at least 7 digits"]);
  });
  await t.step("nothing named, or one thing twice", async () => {
    await story.fail(2, own("-r", story.gun), ["Neither a delegation nor a key is named"]);
    await story.fail(2, own("-r", story.gun, "--key", c!, "--delegation-certificate", "c.cer"), ["exclude each other"]);
  });
});

Deno.test("remove-delegation --all-other keeps what is named alone", async (t) => {
  for (
    const [what, args] of [["name", ["--delegation", "signpath"]], ["key", [
      "--delegation-certificate",
      "signpath.cer",
    ]]] as const
  ) {
    await t.step(`by ${what}`, async () => {
      await using story = await Story.readyToSign();
      await delegate(story, "b", "c");
      await sign(story, "v1");
      const [signpath] = (await delegations(story))["targets/signpath"]!;
      const { removed } = (await story.succeed(own("-r", story.gun, ...args, "--all-other", "--json")))
        .json<{ removed: Delegations }>();
      assert.deepEqual(removed.map(({ role }) => role).sort(), ["targets/b", "targets/c", "targets/releases"]);
      assert.deepEqual(await delegations(story), { "targets/releases": [signpath], "targets/signpath": [signpath] });
      const posts = story.posts;
      const again = await story.succeed(own("-r", story.gun, ...args, "--all-other", "--json"));
      assert.equal(again.json()["outcome"], "unchanged");
      assert.equal(story.posts, posts);
      await story.succeed(["verify", "-r", story.gun, "-t", "v1"]);
    });
  }
  await t.step("what is to be kept must be there", async () => {
    await using story = await Story.readyToSign();
    const words = ['There is no delegation "targets/other"'];
    await story.fail(2, own("-r", story.gun, "--delegation", "other", "--all-other", "--yes"), words);
    assert.equal(story.posts, 0);
  });
});

Deno.test("remove-delegation names the tags that break, and asks first", async (t) => {
  await using story = await Story.readyToSign();
  await delegate(story, "b");
  await sign(story, "v1,v2");
  const args = own("-r", story.gun, "--delegation", "signpath");
  const tags = ["stop being trusted", ": v1, v2.", "sign a tag with a key that stays"];
  const posts = story.posts;
  await t.step(
    "nobody to ask",
    () => story.fail(2, args, [...tags, "nobody to ask", "--yes"]).then(() => assert.equal(story.posts, posts)),
  );
  await t.step("the answer is no", async () => {
    await story.fail(130, args, [...tags, "Not confirmed"], { host: { confirm: () => Promise.resolve(false) } });
    assert.equal(story.posts, posts);
  });
  await t.step("the answer is yes: as was said, they are not trusted any more", async () => {
    const { stderr } = await story.succeed(args, { host: { confirm: () => Promise.resolve(true) } });
    assert.ok(tags.every((words) => stderr.includes(words)), stderr);
    await story.fail(3, ["verify", "-r", story.gun, "-t", "v1"], ["targets/releases"]);
  });
  await t.step("the last key of all", async () => {
    const words = ["no key is left in targets/releases", "nobody can sign", "tagseal add-delegation"];
    await story.fail(2, own("-r", story.gun, "--delegation", "b"), words);
    await story.succeed(own("-r", story.gun, "--delegation", "b", "--yes"));
    assert.deepEqual(await delegations(story), {});
  });
});

Deno.test("remove-delegation needs the targets key, and does not believe a server that only says yes", async (t) => {
  await using story = await Story.readyToSign();
  await delegate(story, "b");
  const args = own("-r", story.gun, "--delegation", "b");
  await t.step("another machine", async () => {
    await using other = await Story.begin(story.peers);
    await other.fail(2, own("-r", story.gun, "--delegation", "b"), ["The targets key of", "tagseal rotate-key"]);
  });
  await t.step("200, and nothing happens", async () => {
    story.between = (request, send) => request.method === "POST" ? Promise.resolve(new Response()) : send(request);
    await story.fail(5, args, ["took the change", "does not show it"]);
    story.between = (request, send) => send(request);
  });
  await t.step("somebody else adds one at the same moment: both are done", async () => {
    let others = 1;
    const { certificateDer } = await createSigningCertificate({
      commonName: "c",
      algorithm: "ecdsa-p256",
      now: new Date(),
      days: 9,
    });
    await given(story, "c.cer", certificateDer);
    story.between = async (request, send) => {
      if (request.method === "POST" && others-- > 0) await add(story, "c", "c");
      return await send(request);
    };
    await story.succeed(args);
    assert.deepEqual(Object.keys(await delegations(story)).sort(), [
      "targets/c",
      "targets/releases",
      "targets/signpath",
    ]);
  });
});
