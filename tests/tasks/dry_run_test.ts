/** `--dry-run` of `tagseal sign` and `remove-tag`: the exact change, and nothing else happens. */
import assert from "node:assert/strict";
import { given, Story } from "../support/local_story.ts";
import { givenSigner } from "../support/story_keys.ts";

/** A machine with `v1` and `v2` signed; then `v1` was moved and `v3` pushed. */
async function moved(): Promise<{ story: Story; was: string; now: string; v2: string; v3: string; key: string }> {
  const story = await Story.readyToSign();
  const [was, v2] = [await story.push("v1"), await story.push("v2")];
  await story.succeed(["sign", "-r", story.gun, "-t", "v1,v2"]);
  const [now, v3] = [await story.push("v1", "moved"), await story.push("v3")];
  const { signers } = (await story.succeed(["inspect", "-r", story.gun, "--json"])).json<
    { signers: { name: string; keyIds: string[] }[] }
  >();
  story.calls.length = 0;
  return { story, was, now, v2, v3, key: signers[0]!.keyIds[0]! };
}

Deno.test("sign --dry-run prints digests before and after, versions and key", async () => {
  const { story, was, now, v2, v3, key } = await moved();
  await using _ = story;
  const { stdout, stderr } = await story.succeed(["sign", "-r", story.gun, "-t", "v1,v2,v3", "--dry-run"]);
  assert.equal(
    stdout,
    [
      `${story.gun}:v1 ${was} -> ${now}`,
      `${story.gun}:v2 ${v2} (unchanged)`,
      `${story.gun}:v3 not signed -> ${v3}`,
      `${story.gun} targets/releases version 1 -> 2`,
      `${story.gun} targets/signpath version 1 -> 2`,
      `${story.gun} key ${key}`,
      "",
    ].join("\n"),
  );
  assert.match(stderr, /^Dry run: nothing was signed, nothing was published\.$/m);
  assert.deepEqual([story.signingRequests, story.posts], [1, 0]);
  assert.ok(story.calls.every((call) => /^(GET|HEAD) /.test(call)), story.calls.join("\n"));
  assert.ok(story.calls.every((call) => !call.includes("/API/")), "SignPath is not asked");
  assert.doesNotMatch((await story.succeed(["list", "-r", story.gun])).stdout, /^v3/m);
  // It promises what then happens.
  await story.succeed(["sign", "-r", story.gun, "-t", "v1,v2,v3"]);
  const { roles } = (await story.succeed(["inspect", "-r", story.gun, "--json"])).json<
    { roles: { role: string; version: number }[] }
  >();
  assert.equal(roles.find(({ role }) => role === "targets/releases")!.version, 2);
});

Deno.test("sign --dry-run as JSON", async () => {
  const { story, was, now, v2, key } = await moved();
  await using _ = story;
  const json = (await story.succeed(["sign", "-r", story.gun, "-t", "v1", "--dry-run", "--json"])).json<
    { repositories: { tags: Record<string, unknown>[] }[] }
  >();
  const [{ length, mediaType }] = json.repositories[0]!.tags as [Record<string, unknown>];
  assert.ok(typeof length === "number" && length > 0);
  assert.equal(mediaType, "application/vnd.oci.image.manifest.v1+json");
  assert.deepEqual(json, {
    dryRun: true,
    repositories: [{
      repository: story.gun,
      delegationKeyId: key,
      tags: [{ tag: "v1", digest: now, length, mediaType, previousDigest: was }],
      removedTags: [],
      roles: [
        { role: "targets/releases", baseVersion: 1, version: 2 },
        { role: "targets/signpath", baseVersion: 1, version: 2 },
      ],
    }],
    unchanged: [],
  });
  const same = ["sign", "-r", story.gun, "-t", "v2", "--dry-run"];
  assert.deepEqual((await story.succeed([...same, "--json"])).json(), {
    dryRun: true,
    repositories: [],
    unchanged: [{ repository: story.gun, tags: [{ tag: "v2", digest: v2 }] }],
  });
  assert.equal((await story.succeed(same)).stdout, `${story.gun}:v2 ${v2} (unchanged)\n`);
});

Deno.test("sign --dry-run into roles that were never published", async () => {
  await using story = await Story.readyToSign();
  const v1 = await story.push("v1");
  const { stdout } = await story.succeed(["sign", "-r", story.gun, "-t", "v1", "--dry-run"]);
  assert.match(stdout, new RegExp(`^\\S+:v1 not signed -> ${v1}\n\\S+ targets/releases version 0 -> 1\n`));
});

Deno.test("sign --from --dry-run: all repositories", async () => {
  const { story, was, now } = await moved();
  await using _ = story;
  const second = await story.another("demo/second");
  const third = await story.another("demo/third");
  await story.succeed(["sign", "-r", third, "-t", "v1"]);
  story.calls.length = 0;
  await given(story, "tags.txt", `${story.gun}:v1\n${second}:v1\n${third}:v1\n`);
  const { stdout } = await story.succeed(["sign", "--from", "tags.txt", "--dry-run"]);
  assert.deepEqual(stdout.split("\n").filter((line) => line.includes(":v1 ")), [
    `${story.gun}:v1 ${was} -> ${now}`,
    `${second}:v1 not signed -> ${was}`,
    `${third}:v1 ${was} (unchanged)`,
  ]);
  assert.deepEqual([story.signingRequests, story.posts], [2, 0]);
});

Deno.test("remove-tag --dry-run", async () => {
  const { story, was, key } = await moved();
  await using _ = story;
  const remove = ["remove-tag", "-r", story.gun, "-t", "v1", "--dry-run"];
  assert.equal(
    (await story.succeed(remove)).stdout,
    [
      `${story.gun}:v1 ${was} -> not signed`,
      `${story.gun} targets/releases version 1 -> 2`,
      `${story.gun} targets/signpath version 1 -> 2`,
      `${story.gun} key ${key}`,
      "",
    ].join("\n"),
  );
  const { repositories } = (await story.succeed([...remove, "--json"])).json<{ repositories: unknown[] }>();
  assert.deepEqual(repositories, [{
    repository: story.gun,
    delegationKeyId: key,
    tags: [],
    removedTags: [{ tag: "v1", previousDigest: was }],
    roles: [
      { role: "targets/releases", baseVersion: 1, version: 2 },
      { role: "targets/signpath", baseVersion: 1, version: 2 },
    ],
  }]);
  assert.deepEqual([story.signingRequests, story.posts], [1, 0]);
  await story.succeed(["verify", "-r", story.gun, "-t", "v1"]);
});

Deno.test("--dry-run with a key: no passphrase is asked for", async () => {
  await using story = await Story.begin();
  await story.push("v1");
  const id = await givenSigner(story, "alice", "words of the signer");
  await story.succeed(["init", "-r", story.gun, "--delegation-certificate", "alice.cer", "--delegation", "alice"]);
  const asked: string[] = [];
  const askSecret = (question: string) => {
    asked.push(question);
    return Promise.resolve(undefined);
  };
  const sign = ["sign", "-r", story.gun, "-t", "v1", "--signing-method", "key", "--delegation", "alice"];
  const { stdout } = await story.succeed([...sign, "--dry-run"], { host: { askSecret } });
  assert.match(stdout, new RegExp(`^${story.gun} key ${id}$`, "m"));
  assert.deepEqual(asked, []);
  await story.fail(2, sign, ["The passphrase of the alice key is needed"], { host: { askSecret } });
  assert.equal(asked.length, 1, "without --dry-run it is");
});

Deno.test("--dry-run fails as the real thing would", async (t) => {
  const { story, was, now } = await moved();
  await using _ = story;
  const sign = (...more: string[]) => ["sign", "-r", story.gun, "--dry-run", ...more];
  const cases: [name: string, code: number, args: string[], words: string[]][] = [
    ["a tag that is not pushed", 2, sign("-t", "v9"), ['The tag "v9"', "does not exist"]],
    ["another digest", 3, sign("-t", "v1", "--expect-digest", `v1=${was}`), [was, now]],
    ["no delegation", 2, sign("-t", "v1", "--delegation", "team"), ['no delegation "targets/team"']],
    ["no repository", 2, ["sign", "-r", "localhost:5000/demo/new", "-t", "v1", "--dry-run"], ["no trust data"]],
    ["no key here", 2, sign("-t", "v1", "--signing-method", "key"), ["No key that may sign", "is here"]],
    ["nothing to remove", 2, ["remove-tag", "-r", story.gun, "-t", "v9", "--dry-run"], ['do not hold "v9"']],
    ["no tags", 2, sign(), ["--tags is missing"]],
  ];
  for (const [name, code, args, words] of cases) {
    await t.step(name, async () => {
      await story.fail(code, args, words);
    });
  }
  await t.step("a server that is out of order", async () => {
    story.between = (request, send) =>
      request.url.includes("/_trust/") ? Promise.resolve(new Response("", { status: 500 })) : send(request);
    await story.fail(5, sign("-t", "v1"), ["500"]);
  });
  assert.deepEqual([story.signingRequests, story.posts], [1, 0]);
});
