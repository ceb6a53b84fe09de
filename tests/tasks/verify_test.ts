/** `tagseal list` and `verify`: what a consumer is told, and what they are kept from using. */
import assert from "node:assert/strict";
import { documentIn } from "../support/run.ts";
import { given, peersInMemory, Story } from "../support/local_story.ts";
import { tagseal } from "../support/run.ts";

async function signedStory(): Promise<{ story: Story; digest: string; rootKeyId: string }> {
  const story = await Story.readyToSign();
  const digest = await story.push("v1");
  await story.succeed(["sign", "-r", story.gun, "-t", "v1"]);
  const root = await story.succeed([
    "root-certificate",
    "-r",
    story.gun,
    "--output-artifact-path",
    "root.pem",
    "--json",
  ]);
  return { story, digest, rootKeyId: root.json()["rootKeyId"] as string };
}

Deno.test("verify proves tags, and fails closed", async (t) => {
  const { story, digest } = await signedStory();
  await using _ = story;
  const verify = ["verify", "-r", story.gun];
  const other = `sha256:${"f".repeat(64)}`;
  await t.step("good", async () => {
    assert.equal((await story.succeed([...verify, "-t", "v1"])).stdout, `v1 ${digest}\n`);
    assert.equal((await story.succeed([...verify, "--expect-digest", `v1=${digest}`])).stdout, `v1 ${digest}\n`);
    const json = (await story.succeed([...verify, "-t", "v1", "--json"])).json<{ tags: Record<string, unknown>[] }>();
    assert.deepEqual(Object.keys(json), ["repository", "tags", "expires"]);
    assert.deepEqual(Object.keys(json.tags[0]!), ["tag", "digest", "length", "role", "signers"]);
  });
  await t.step("not signed: every one is named, and nothing is printed of the others", async () => {
    const { stdout } = await story.run([...verify, "-t", "v1,v2,v3", "--json"]);
    const { code, details } = documentIn(stdout).error;
    assert.deepEqual([code, details.tags], ["not-signed", ["v2", "v3"]]);
    await story.fail(3, [...verify, "-t", "v1,v2,v3"], ["Not signed", "v2, v3", "Do not use these tags"]);
  });
  await t.step("signed as something else", async () => {
    const args = [...verify, "-t", "v1", "--expect-digest", `v1=${other}`];
    await story.fail(3, args, [`is signed as "${digest}", not "${other}"`, "Do not use this image"]);
  });
  await t.step("no tag", async () => {
    await story.fail(2, verify, ["--tags is missing"], { cacheStays: true });
  });
  await t.step("no repository", async () => {
    await story.fail(2, ["verify", "-t", "v1"], ["--repository is missing", "Give --repository"]);
    await story.fail(2, ["verify", "-r", "localhost:5000/demo/none", "-t", "v1"], ["has no trust data"].slice(1));
  });
});

Deno.test("verify and the pin of the root", async (t) => {
  const { story, rootKeyId } = await signedStory();
  await using _ = story;
  const certificate = await Deno.readFile(story.path("root.pem"));
  /** On a machine that has never met the repository. */
  const afresh = async (pin: string | undefined, use: (consumer: Story, args: string[]) => Promise<void>) => {
    await using consumer = await Story.begin(story.peers);
    await given(consumer, "root.pem", certificate);
    await use(consumer, ["verify", "-r", story.gun, "-t", "v1", ...(pin === undefined ? [] : ["--root-pin", pin])]);
  };
  await t.step("none: a warning names the key", async () => {
    await afresh(undefined, async (consumer, args) => {
      const { stderr } = await consumer.succeed([...args, "--quiet"]);
      assert.match(stderr, /^tagseal: warning: the root of .* met for the first time and not pinned/);
      assert.ok(stderr.includes(rootKeyId) && stderr.includes("--root-pin"));
      assert.equal((await consumer.succeed(args)).stderr, "", "it is known now");
    });
  });
  for (const [name, pin] of [["id", rootKeyId], ["file", "root.pem"]] as const) {
    await t.step(`right, by ${name}`, async () => {
      await afresh(pin, async (consumer, args) => {
        assert.equal((await consumer.succeed(args)).stderr, "");
      });
    });
  }
  for (const [name, pin] of [["id", "a".repeat(64)], ["file", "signpath.cer"]] as const) {
    await t.step(`wrong, by ${name}`, async () => {
      await afresh(pin, async (consumer, args) => {
        await consumer.fail(3, args, [story.gun], { cacheStays: true });
        assert.equal((await consumer.files()).size, 2, "nothing was trusted");
        const known = args.slice(0, -2);
        await consumer.succeed(known);
        await consumer.fail(3, args, [story.gun]);
      });
    });
  }
  await t.step("neither", async () => {
    await afresh("abc1234", async (consumer, args) => {
      await consumer.fail(2, args, [
        `There is no file "${consumer.path("abc1234")}", and "abc1234" is no key id`,
        "64 hex digits",
      ]);
      await given(consumer, "odd.pem", "no certificate");
      await consumer.fail(2, args.with(-1, "odd.pem"), ['"odd.pem" of the pin holds no certificate'], {
        cacheStays: true,
      });
    });
  });
});

Deno.test("a server that shows something else is not believed, and nothing of it is kept", async (t) => {
  const { story } = await signedStory();
  await using _ = story;
  await using foreign = await Story.readyToSign(await peersInMemory());
  const list = ["list", "-r", story.gun];
  await t.step("another root under the same name", async () => {
    story.between = (request) => foreign.peers.connect({}).send(request);
    await story.fail(3, list, [story.gun], { cacheStays: true });
  });
  await t.step("garbage", async () => {
    for (const body of ["", "{}", "<html>", '{"signed":{"_type":"Root\u001b[2J"},"signatures":[]}']) {
      story.between = () => Promise.resolve(new Response(body));
      await story.fail(3, list, ["root"], { cacheStays: true });
    }
  });
  await t.step("an error page", async () => {
    story.between = () => Promise.resolve(new Response("\u001b]0;x\u0007".repeat(9), { status: 500 }));
    await story.fail(5, ["verify", "-r", story.gun, "-t", "v1"], ["status 500"], { cacheStays: true });
  });
  await t.step("gone", async () => {
    story.between = () => Promise.resolve(new Response("", { status: 404 }));
    await story.fail(2, list, ["There is no Notary server"], { cacheStays: true });
  });
});

Deno.test("list says so where nothing is signed, on stderr", async () => {
  await using story = await Story.readyToSign();
  const { stdout, stderr } = await story.succeed(["list", "-r", story.gun]);
  assert.equal(stdout, "");
  assert.match(stderr, new RegExp(`No tag of "${story.gun}" is signed\\.\n`));
});

Deno.test("where nothing can be remembered, reading and publishing go on and say so; no key is made", async () => {
  const { story, digest } = await signedStory();
  await using _ = story;
  await Deno.mkdir(story.path("blocked"));
  await given(story, "blocked/tuf", "a file where a folder belongs");
  const blocked = ["--trust-dir", "blocked"];
  const { stdout, stderr } = await story.succeed(["verify", "-r", story.gun, "-t", "v1", ...blocked]);
  assert.equal(stdout, `v1 ${digest}\n`);
  assert.match(stderr, /warning: .*blocked\/tuf\/.* What was verified is not remembered/);
  await story.push("v2");
  const chain = [["signing-data", "--output-artifact-path", "data.zip"], ["sign"], [
    "sign",
    "--renew-role",
    "targets/releases",
  ]];
  for (const [command, ...more] of chain as [string, ...string[]][]) {
    const told = await story.succeed([command, "-r", story.gun, "-t", "v2", ...more, ...blocked]);
    assert.equal(told.stderr.match(/is not remembered/g)?.length, 1, told.stderr);
  }
});

Deno.test("verify --help speaks of verifying, not of signing", async () => {
  const { stdout } = await tagseal(["verify", "--help"]);
  assert.match(
    stdout.replaceAll(/\s+/g, " "),
    /--expect-digest <tag=digest> the tag must be signed as exactly this digest/,
  );
  assert.doesNotMatch(stdout, /sign the tag/);
});
